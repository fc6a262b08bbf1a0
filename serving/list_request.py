"""A request for a personalized list, as a query string or as a body says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Self
from uuid import UUID

from django.core import signing
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from core.api import ChoiceField, FlagField, IdField, UuidField, WholeNumberField, only_known, validated
from core.domain import SCENARIOS, USE_CASES
from core.errors import InvalidInput
from core.filters import MAX_TEXT
from core.values import USE_CASE, Choice, Whole, shown
from serving.pipeline import DEFAULT_LIMIT, MAX_LIMIT, ServedList
from serving.wishes import MAX_BEFORE, MAX_EXAMPLES, SORTS, Wishes

FEATURES, WHY = "features", "why"
_INCLUDE = (FEATURES, WHY)
_REPEATED = ("filter", "exclude", "boost", "bury", "include")
# What may be said with a cursor; the rest is in it.
_BESIDE_CURSOR = frozenset({"cursor", "limit", "include"})
_SALT = "cursor of a list"
# Of a cursor in an address, and of any. A list that was asked for with more than that has none.
MAX_CURSOR_IN_ADDRESS = 3_000
MAX_CURSOR = 20_000
# An app asks by few query strings, again and again: so many are kept as they were read.
_KEPT = 500


class FilterText(serializers.CharField):
    """A filter in a query string. The parameter may be repeated."""

    def __init__(self, help_text: str) -> None:
        super().__init__(required=False, max_length=MAX_TEXT, help_text=help_text)


class ListQuery(serializers.Serializer[Any]):
    """The query string of a personalized list.

    repeated  the parameters that may stand several times, each of which counts
    """

    repeated = _REPEATED

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    use_case = serializers.ChoiceField(choices=list(USE_CASES), required=False)
    scenario = serializers.CharField(
        required=False, max_length=50, help_text="one of heed.toml: what it asks for where this does not"
    )
    filter = FilterText("what every item must be, such as `genre:Horror,year:1990..1999`")
    exclude = FilterText("what no item may be")
    boost = FilterText("what stands higher, such as `2*genre:Horror`: a factor from 1 to 3, 1.5 if left out")
    bury = FilterText("what stands lower: a factor from 0.01 to 1, 0.5 if left out")
    unseen = serializers.BooleanField(
        required=False,
        help_text="true: without what the caller's last lists showed and what they did anything with",
    )
    sort = serializers.ChoiceField(
        choices=list(SORTS), required=False, help_text="by year; the best first where it is left out"
    )
    after = UuidField(
        required=False, help_text="the list before: what it and those before it showed is left out"
    )
    offset = serializers.IntegerField(
        min_value=0,
        max_value=MAX_BEFORE,
        required=False,
        help_text="so many places at the front are left out, as the list asked for alike before showed them",
    )
    cursor = serializers.CharField(
        required=False,
        max_length=MAX_CURSOR_IN_ADDRESS,
        help_text="`next` of the list before: goes on with all that it was asked for",
    )
    include = serializers.CharField(
        required=False, max_length=50, help_text="`features`, `why`; `why` always is"
    )


class BestQuery(serializers.Serializer[Any]):
    """The query string of the single best item."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    use_case = serializers.ChoiceField(choices=list(USE_CASES), required=False)


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object"}]})
class FilterField(serializers.JSONField):
    """A filter in a body: a text as in a query string, or an object."""


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object"}, {"type": "array", "items": {}}]})
class FactorsField(serializers.JSONField):
    """Filters with factors in a body: one, or a list of them."""


class ContextBody(serializers.Serializer[Any]):
    """Items that count as liked and disliked for this one list; nothing of them is recorded as an act."""

    positives = serializers.ListField(child=IdField(), required=False, max_length=MAX_EXAMPLES)
    negatives = serializers.ListField(child=IdField(), required=False, max_length=MAX_EXAMPLES)
    alone = FlagField(required=False, help_text="true: the person's own history and taste say nothing here")


class ListBody(serializers.Serializer[Any]):
    """The body of a request for a personalized list; all of it may be left out."""

    limit = WholeNumberField(Whole(1, MAX_LIMIT), required=False)
    use_case = ChoiceField(USE_CASE, required=False)
    scenario = serializers.CharField(required=False, max_length=50)
    filter = FilterField(required=False)
    exclude = FilterField(required=False)
    boost = FactorsField(required=False)
    bury = FactorsField(required=False)
    unseen = FlagField(required=False)
    sort = ChoiceField(Choice(SORTS), required=False)
    after = UuidField(required=False)
    offset = WholeNumberField(Whole(0, MAX_BEFORE), required=False)
    cursor = serializers.CharField(required=False, max_length=MAX_CURSOR)
    include = serializers.ListField(
        child=serializers.ChoiceField(choices=list(_INCLUDE)), required=False, max_length=len(_INCLUDE)
    )
    context = ContextBody(required=False)  # type: ignore[assignment]  # the name of a property of DRF


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A request for a personalized list. `use_case` is the person's first where it is None.

    given  all that it says, as JSON, for the cursor of the next page
    """

    limit: int
    use_case: str | None
    wishes: Wishes
    with_features: bool
    given: Mapping[str, Any]

    @classmethod
    def of_query(cls, request: Request, user_id: int) -> Self:
        """The request in a query string of a person. Raises InvalidInput and ValidationError."""
        return cls._of(_given_by(request.META["QUERY_STRING"]), user_id)

    @classmethod
    def of_body(cls, request: Request, user_id: int) -> Self:
        """The request in a body of a person. Raises InvalidInput and ValidationError."""
        body = only_known(ListBody, request.data)
        if isinstance(body, dict):
            only_known(ContextBody, body.get("context"))
        return cls._of(validated(ListBody, body), user_id)

    @classmethod
    def of_page(cls, given: Mapping[str, Any], user_id: int) -> Self:
        """The request of a page, which checked what it says. Raises InvalidInput."""
        return cls._of(given, user_id)

    @classmethod
    def _of(cls, given: Mapping[str, Any], user_id: int) -> Self:
        if "cursor" in given:
            given = _continued(given, user_id)
        if "scenario" in given:
            given = {**_scenario(given["scenario"]), **given}
        include = given.get("include", [])
        if unknown := [word for word in include if word not in _INCLUDE]:
            raise InvalidInput(f"include: there is no {shown(unknown[0])}; there are {', '.join(_INCLUDE)}.")
        return cls(
            limit=given.get("limit", DEFAULT_LIMIT),
            use_case=given.get("use_case"),
            wishes=Wishes.of(given),
            with_features=FEATURES in include,
            given=given,
        )

    def cursor_after(self, served: ServedList, user_id: int) -> str | None:
        """The cursor of the page behind a list; None at the end, and where it would be too long."""
        if len(served.slots) < self.limit:
            return None
        asked = {**self.given, "use_case": served.use_case, "limit": self.limit}
        asked["after"] = str(served.session_id)
        asked.pop("offset", None)
        cursor = signing.dumps([user_id, asked], salt=_SALT, compress=True)
        return cursor if len(cursor) <= MAX_CURSOR else None


@lru_cache(maxsize=_KEPT)
def _given_by(query_string: str) -> Mapping[str, Any]:
    """The parameters of a query string, checked. Raises InvalidInput and ValidationError."""
    query = QueryDict(query_string)
    for name in _REPEATED:
        if "" in query.getlist(name):
            raise InvalidInput(f"{name} is empty.")
    checked = validated(ListQuery, query)
    given: dict[str, Any] = {name: value for name, value in checked.items() if name in query}
    several = {name: query.getlist(name) for name in _REPEATED if name in given}
    given |= {name: ",".join(several[name]) for name in ("filter", "exclude", "include") if name in several}
    given |= {name: several[name] for name in ("boost", "bury") if name in several}
    if "include" in given:
        given["include"] = [word.strip() for word in given["include"].split(",")]
    return MappingProxyType(given)


def _scenario(name: str) -> Mapping[str, Any]:
    """The wishes of a scenario. Raises InvalidInput, which names those that there are."""
    if name not in SCENARIOS:
        there_are = f"there are {', '.join(SCENARIOS)}" if SCENARIOS else "heed.toml has none"
        raise InvalidInput(f"scenario: there is no {shown(name)}; {there_are}.")
    return SCENARIOS[name].wishes()


def _continued(given: Mapping[str, Any], user_id: int) -> Mapping[str, Any]:
    """The wishes of a request with a cursor. Raises InvalidInput for one that this person was not given."""
    if others := [name for name in given if name not in _BESIDE_CURSOR]:
        raise InvalidInput(f"cursor: {others[0]} is in it already; only limit and include may be said anew.")
    try:
        owner, asked = signing.loads(given["cursor"], salt=_SALT)
    except signing.BadSignature:
        owner, asked = None, {}
    if owner != user_id:
        raise InvalidInput("cursor is not the `next` of a list of yours.")
    anew = {name: given[name] for name in ("limit", "include") if name in given}
    return {**asked, "after": UUID(asked["after"]), **anew}
