"""The suppositions of staff about a list of a person: other models, or without one of their acts."""

from dataclasses import dataclass

from django.http import Http404, QueryDict

from core.domain import UseCase
from core.errors import HeedError
from interactions.history import find_act
from interactions.models import UserInteraction
from ranking.arms import light_versions
from ranking.models import ModelVersion
from serving.pipeline import DEFAULT_LIMIT
from serving.what_if import Comparison, Supposition, acts_to_leave_out, what_if

NO_MODELS = "none"
_MOST_VERSIONS = 50
# Longer than any id.
_LONGEST = 18


@dataclass(slots=True)
class Asked:
    """The form of "what if" as it was sent, and what it may be sent with.

    version  the id of the version to try, "none" for no models, "" for those that serve
    act      what is left out; None for nothing
    error    the reason why it cannot be supposed
    """

    supposition: Supposition
    versions: list[ModelVersion]
    acts: list[tuple[str, list[UserInteraction]]]
    version: int | str = ""
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
        if self.act is not None:
            parts.append(f"without the {self.act.type.replace('_', ' ')} of {self.act.item.title}")
        said = " and ".join(parts)
        return said[:1].upper() + said[1:]


def asks_what_if(query: QueryDict) -> bool:
    """True where a query supposes anything."""
    return bool(query.get("version") or query.get("without"))


def read_supposition(query: QueryDict, user_id: int, use_case: UseCase) -> Asked:
    """The supposition in a query, with what else could be supposed. Raises Http404 for what there is not."""
    of_use_case = light_versions().filter(use_case=use_case.name)
    named = query.get("version", "")
    version = None if named in ("", NO_MODELS) else of_use_case.filter(pk=_id(named)).first()
    if version is None and named not in ("", NO_MODELS):
        raise Http404
    without = query.get("without", "")
    act = find_act(user_id=user_id, act_id=_id(without)) if without else None
    if act is None and without:
        raise Http404
    return Asked(
        supposition=Supposition(without=act, version=version, no_models=named == NO_MODELS),
        versions=list(of_use_case.order_by("-created_at", "-pk")[:_MOST_VERSIONS]),
        acts=acts_to_leave_out(user_id),
        version=named if version is None else version.pk,
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
