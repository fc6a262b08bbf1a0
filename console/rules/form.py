"""The form of a rule of staff, checked into a rule that is not saved yet."""

from hashlib import blake2b
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import User
from catalog.models import Item
from console.selectors.people import LONGEST, items_meant
from core.domain import FACETS, USE_CASES
from core.filters import ATTRIBUTE, BOOST_FACTORS, BURY_FACTORS, MAX_TEXT, BadFilter, check_cost, parse_filter
from core.text import UNSTORABLE
from core.values import FACET_NAMES, BadValue, Number, Text, Whole, named
from core.values import Rule as ValueRule
from curation.models import MAX_NOTE, Rule
from ranking.evaluation_report import PEOPLE_SEGMENTS
from serving.pipeline import MAX_LIMIT
from serving.rule_sets import FACET_WORDS

Kind, About = Rule.Kind, Rule.About
NUMBERS: dict[str, tuple[str, ValueRule[Any]]] = {
    Kind.PIN: ("The place", Whole(1, MAX_LIMIT)),
    Kind.BOOST: ("The factor", Number(*BOOST_FACTORS)),
    Kind.BURY: ("The factor", Number(*BURY_FACTORS)),
    Kind.QUOTA: ("The number", Whole(1, MAX_LIMIT)),
}
YEARS = (2000, 2199)
MOMENT = "%Y-%m-%dT%H:%M:%S"
_DIGESTED = 16


class RuleForm(forms.Form):
    """A rule as staff write it; `rule` once it is valid. What `about` does not speak of is ignored."""

    kind = forms.ChoiceField(label="Rule", choices=Kind.choices)
    use_case = forms.ChoiceField(
        label="In lists of",
        required=False,
        choices=[("", "every use case"), *((name, one.label) for name, one in USE_CASES.items())],
    )
    segment = forms.ChoiceField(
        label="For",
        required=False,
        choices=[("", "everybody"), *((name, one.title) for name, one in PEOPLE_SEGMENTS.items())],
    )
    about = forms.ChoiceField(label="About", choices=About.choices)
    item = forms.CharField(label="Item, by id or title", required=False, max_length=LONGEST)
    facet_kind = forms.ChoiceField(
        label="Kind of facet", required=False, choices=[(name, one.label) for name, one in FACETS.items()]
    )
    facet_name = forms.CharField(label="Its name", required=False, max_length=FACET_NAMES.max_length)
    filter = forms.CharField(
        label="Filter, such as genre:Horror,year:..1979", required=False, max_length=MAX_TEXT
    )
    each = forms.CharField(
        label="Each value of: a kind of facet, or attributes.publisher", required=False, max_length=80
    )
    number = forms.CharField(label="Number", required=False, max_length=40)
    begins_at = forms.DateTimeField(label="From (UTC)", required=False)
    ends_at = forms.DateTimeField(label="Until (UTC)", required=False)
    note = forms.CharField(label="Why", required=False, max_length=MAX_NOTE)
    person = forms.CharField(label="Preview for, by name or id", required=False, max_length=150)

    def __init__(self, data: Any = None, *, rule: Rule | None = None) -> None:
        self._stored = rule
        super().__init__(data, initial={} if rule is None else initial_of(rule), label_suffix="")
        for name in ("begins_at", "ends_at"):
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": 1}, format=MOMENT
            )

    @property
    def digest(self) -> str:
        """A name of all that the form says of the rule, so that what is saved is what was shown."""
        said = repr([(name, self[name].value()) for name in self.fields if name != "person"])
        return blake2b(said.encode(errors="replace"), digest_size=_DIGESTED).hexdigest()

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        for name, value in found.items():
            if isinstance(value, str):
                self._checked(name, str(self.fields[name].label), Text(MAX_TEXT), value)
        if not self.errors:
            self.rule = self._rule(found)
        return found

    def clean_person(self) -> User | None:
        text: str = self.cleaned_data["person"].strip()
        if not text or UNSTORABLE.search(text):
            return None
        found = User.objects.filter(username=text).first()
        if found is None and text.isascii() and text.isdecimal() and len(text) <= 18:
            found = User.objects.filter(pk=int(text)).first()
        if found is None:
            raise forms.ValidationError("There is nobody of this name or id.")
        return found

    def _rule(self, found: dict[str, Any]) -> Rule:
        about = found["about"]
        now = timezone.now()
        rule = Rule(
            pk=None if self._stored is None else self._stored.pk,
            kind=found["kind"],
            use_case=found["use_case"],
            segment=found["segment"],
            about=about,
            item=self._item(found["item"].strip()) if about == About.ITEM else None,
            number=self._number(found["kind"], found["number"].strip()),
            begins_at=found["begins_at"] or (now if self._stored is None else self._stored.begins_at),
            ends_at=found["ends_at"],
            note=found["note"].strip(),
        )
        if about == About.FACET:
            rule.facet_kind, rule.facet_name = found["facet_kind"], found["facet_name"].strip()
            self._needs("facet_kind", rule.facet_kind, "Choose the kind of the facet.")
            self._needs("facet_name", rule.facet_name, "Name the facet.")
        elif about == About.FILTER:
            rule.filter = found["filter"].strip()
            self._check_filter(rule.filter)
        elif about == About.EACH:
            rule.each = self._each(found["kind"], found["each"].strip())
        self._check_times(rule, found)
        return rule

    def _item(self, text: str) -> Item | None:
        self._needs("item", text, "Name the item by its id or title.")
        meant = items_meant(text)
        exact = [one for one in meant if str(one.pk) == text] or [
            one for one in meant if one.title.casefold() == text.casefold()
        ]
        if len(exact or meant) == 1:
            return (exact or meant)[0]
        if not meant:
            self.add_error("item", "There is no item with this id or these words.")
        elif text:
            several = "; ".join(f"{one.pk} is {one} ({one.kind})" for one in (exact or meant)[:5])
            self.add_error("item", f"Several may be meant. Give the id: {several}.")
        return None

    def _number(self, kind: str, text: str) -> float | None:
        if kind not in NUMBERS:
            return None
        label, rule = NUMBERS[kind]
        if not text:
            self.add_error("number", f"{label} is missing.")
            return None
        number = self._checked("number", label, rule, rule.read(text))
        return None if number is None else float(number)

    def _check_filter(self, text: str) -> None:
        self._needs("filter", text, "Say the filter.")
        try:
            check_cost([parse_filter(text, FACET_WORDS)])
        except BadFilter as error:
            self.add_error("filter", f"The filter {error}.")

    def _each(self, kind: str, text: str) -> str:
        if kind != Kind.QUOTA:
            self.add_error("about", "Only a quota is about each value of something.")
        name = FACET_WORDS.get(text, text)
        is_attribute = text.startswith(ATTRIBUTE) and len(text) > len(ATTRIBUTE)
        if name not in FACETS and not is_attribute:
            self.add_error("each", f"Name one of {', '.join(FACETS)}, or {ATTRIBUTE}<name>.")
        return name

    def _check_times(self, rule: Rule, found: dict[str, Any]) -> None:
        low, high = YEARS
        for name in ("begins_at", "ends_at"):
            moment = found[name]
            if moment is not None and not low <= moment.year <= high:
                self.add_error(name, f"The year must be from {low} to {high}.")
        if rule.ends_at is None or self.errors:
            return
        if rule.ends_at <= rule.begins_at:
            self.add_error("ends_at", "It must end after it begins.")
        elif rule.ends_at <= timezone.now():
            self.add_error("ends_at", "That is over already. Leave it empty for a rule without an end.")

    def _needs(self, name: str, text: str, sentence: str) -> None:
        if not text:
            self.add_error(name, sentence)

    def _checked(self, name: str, label: str, rule: ValueRule[Any], value: Any) -> Any:
        try:
            return named(label, rule, value)
        except BadValue as error:
            self.add_error(name, f"{error}.")
            return None


def initial_of(rule: Rule) -> dict[str, Any]:
    """The form's fields of a rule that there is."""
    names = ("kind", "use_case", "segment", "about", "facet_kind", "facet_name", "filter", "each", "note")
    number = "" if rule.number is None else f"{rule.number:g}"
    return {
        **{name: getattr(rule, name) for name in names},
        "item": "" if rule.item_id is None else str(rule.item_id),
        "number": number,
        "begins_at": rule.begins_at,
        "ends_at": rule.ends_at,
    }
