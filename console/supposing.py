"""Suppositions of staff about a list: with other models, without a rule, or without an act of the person."""

from dataclasses import dataclass

from django.http import Http404, QueryDict
from django.utils import timezone

from core.domain import UseCase
from core.domain.words import listed
from core.errors import HeedError
from curation.models import Rule
from curation.selectors import acting_rules
from interactions.history import find_act
from interactions.models import UserInteraction
from ranking.arms import light_versions
from ranking.models import ModelVersion
from serving.pipeline import DEFAULT_LIMIT
from serving.what_if import Comparison, Supposition, acts_to_leave_out, what_if

# In place of an id: no model, no rule.
NONE = "none"
_MOST_VERSIONS = 50
# Longer than any id.
_LONGEST = 18


@dataclass(slots=True)
class Asked:
    """The form of "what if" as it was sent, and what it may be sent with.

    version  the id of the version to try, "none" for no models, "" for those that serve
    rules    those of staff that act in this use case, on whose lists it may be
    rule     the id of the rule that is left out, "none" for all of them, "" for none
    act      what is left out; None for nothing
    error    the reason why it cannot be supposed
    """

    supposition: Supposition
    versions: list[ModelVersion]
    acts: list[tuple[str, list[UserInteraction]]]
    rules: list[Rule]
    version: int | str = ""
    rule: int | str = ""
    act: UserInteraction | None = None
    error: str = ""

    @property
    def says(self) -> str:
        """The supposition in words."""
        parts = []
        if self.supposition.no_models:
            parts.append("without any model")
        elif self.supposition.version is not None:
            parts.append(f"with {self.supposition.version.label}")
        if self.supposition.no_rules:
            parts.append("without rules of staff")
        elif self.rule:
            parts.append(f"without rule {self.rule}")
        if self.act is not None:
            parts.append(f"without the {self.act.type.replace('_', ' ')} of {self.act.item.title}")
        said = listed(parts)
        return said[:1].upper() + said[1:]


def asks_what_if(query: QueryDict) -> bool:
    """True where a query supposes anything."""
    return bool(query.get("version") or query.get("without") or query.get("rule"))


def read_supposition(query: QueryDict, user_id: int, use_case: UseCase) -> Asked:
    """The supposition in a query, with what else could be supposed. Raises Http404 for what there is not."""
    of_use_case = light_versions().filter(use_case=use_case.name)
    named = query.get("version", "")
    version = None if named in ("", NONE) else of_use_case.filter(pk=_id(named)).first()
    if version is None and named not in ("", NONE):
        raise Http404
    rules = list(acting_rules(use_case.name, timezone.now()))
    off = query.get("rule", "")
    rule_id = None if off in ("", NONE) else _id(off)
    if rule_id is not None and all(one.pk != rule_id for one in rules):
        raise Http404
    without = query.get("without", "")
    act = find_act(user_id=user_id, act_id=_id(without)) if without else None
    if act is None and without:
        raise Http404
    return Asked(
        supposition=Supposition(
            without=act,
            version=version,
            no_models=named == NONE,
            no_rules=off == NONE,
            rule_id=rule_id,
        ),
        versions=list(of_use_case.order_by("-created_at", "-pk")[:_MOST_VERSIONS]),
        acts=acts_to_leave_out(user_id),
        rules=rules,
        version=named if version is None else version.pk,
        rule=off if rule_id is None else rule_id,
        act=act,
    )


def suppose(asked: Asked, user_id: int, use_case: UseCase) -> Comparison | None:
    """Both lists; None where nothing is supposed, or cannot be: then `asked` has the reason."""
    if asked.supposition == Supposition():
        return None
    try:
        return what_if(user_id=user_id, use_case=use_case, limit=DEFAULT_LIMIT, supposed=asked.supposition)
    except HeedError as error:
        asked.error = error.message
        return None


def _id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST):
        raise Http404
    return int(text)
