"""The forms of the pages."""

import re

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.services import PROFILE_PREFIX
from accounts.usernames import is_homograph
from core.domain import FACETS, MAX_RATING, REASONS
from core.values import COMMENT, ID
from feedback.rules import ABOUT, ALWAYS, DAYS, NEVER, TITLE, TONIGHT

LENGTHS = {
    ALWAYS: "From now on",
    **{name: f"{days} day{'s' if days > 1 else ''}" for name, days in DAYS.items()},
    NEVER: "Never again",
}
# Imported and simulated people and profiles go by these names; nobody may sign up as one of them.
RESERVED_PREFIXES = ("movielens-", "demo-person", PROFILE_PREFIX)
# By these the API knows people, too: `user_17` is whoever has the id 17.
_ID = re.compile(r"(?:user_)?[0-9]+", re.ASCII | re.IGNORECASE)


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    """A username, an address for mail that may be left out, and a password, twice."""

    class Meta:
        model = User
        fields = ("username", "email")
        labels = {"email": "E-mail (you can leave it out)"}
        help_texts = {"email": "Only for a new password when you forget yours."}

    def clean_username(self) -> str:
        # A name that is taken already comes as None, with the error noted.
        username: str = super().clean_username() or ""
        if username.lower().startswith(RESERVED_PREFIXES):
            raise ValidationError("Names that begin like this are kept for imported people. Choose another.")
        if _ID.fullmatch(username):
            raise ValidationError("This name is the number of somebody. Choose one with other letters.")
        if is_homograph(username):
            raise ValidationError("This name looks like one in other letters. Choose another.")
        return username


class SearchForm(forms.Form):
    """Any text, or one facet such as `actor=…`."""

    q = forms.CharField(
        max_length=200,
        required=False,
        error_messages={"max_length": "Search with at most 200 characters."},
    )
    page = forms.IntegerField(min_value=1, max_value=10_000, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for kind in FACETS:
            self.fields[kind] = forms.CharField(max_length=200, required=False)

    def facet(self) -> tuple[str, str] | None:
        """The kind and name of the facet that is asked for, if any. Only for a valid form."""
        for kind in FACETS:
            if name := self.cleaned_data.get(kind):
                return kind, name
        return None


class ActionForm(forms.Form):
    """The fields of an action form: `action` does, `undo` takes back."""

    action = forms.SlugField(required=False)
    undo = forms.SlugField(required=False)
    session = forms.UUIDField(required=False)
    rating = forms.FloatField(min_value=0.0, max_value=MAX_RATING, required=False)

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or {}
        if bool(cleaned.get("action")) == bool(cleaned.get("undo")):
            raise ValidationError("Say what to do with it, or what to take back.")
        return cleaned


class FindTitleForm(forms.Form):
    """A part of a title to rate."""

    title = forms.CharField(
        max_length=200,
        required=False,
        error_messages={"max_length": "Titles are shorter than this. Type at most 200 characters."},
    )


class RatingForm(forms.Form):
    """A title and what the person thinks of it."""

    item = forms.IntegerField(min_value=1, max_value=ID.high)
    rating = forms.FloatField(min_value=0.0, max_value=MAX_RATING)


class PlainTextField(forms.CharField):
    """A text of several lines. Browsers send line ends as two characters and count them as one."""

    def to_python(self, value: object) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class DislikeForm(forms.Form):
    """The reason of a dislike, if one is given, and the list in which the item was met."""

    reason = forms.ChoiceField(
        choices=[(row.name, row.label) for row in REASONS.values()],
        required=False,
        error_messages={"invalid_choice": "Choose one of the reasons, or none."},
    )
    feedback_text = PlainTextField(
        max_length=COMMENT.max_length,
        required=False,
        error_messages={"max_length": f"Shorten your comment to {COMMENT.max_length:,} characters."},
    )
    session = forms.UUIDField(required=False)
    about = forms.CharField(max_length=ABOUT.max_length, required=False)
    only = forms.ChoiceField(choices=[(one, one) for one in (TITLE, TONIGHT)], required=False)
    known = forms.ChoiceField(choices=[(row.name, row.label) for row in REASONS.values()], required=False)
    lasts = forms.ChoiceField(choices=[(one, one) for one in LENGTHS], required=False)

    def scope(self) -> str:
        """The reach of the no. Only for a valid form."""
        only, lasts = self.cleaned_data["only"], self.cleaned_data["lasts"]
        return str(only or lasts or ALWAYS)

    def said_reason(self) -> str | None:
        """The reason, None where none is given. Only for a valid form."""
        return self.cleaned_data["known"] or self.cleaned_data["reason"] or None


class HistoryForm(forms.Form):
    """The acts that a person looks for among theirs."""

    what = forms.ChoiceField(
        required=False, error_messages={"invalid_choice": "There is nothing of this kind."}
    )
    q = forms.CharField(
        max_length=200,
        required=False,
        error_messages={"max_length": "Search with at most 200 characters."},
    )
    after = forms.CharField(max_length=40, required=False)

    def __init__(self, *args: object, choices: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["what"].choices = choices  # type: ignore[attr-defined]
