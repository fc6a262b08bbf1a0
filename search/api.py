"""Search over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import caller, open_use_case, person_named, use_case_for
from catalog.serializers import ItemSerializer, item_json
from core.api import ERRORS, ApiView, ChoiceField, PersonField, TextField, validated
from core.domain import DEFAULT_USE_CASE, FACETS, USE_CASES
from core.values import KIND, Name
from search.asking import Asked
from search.pipeline import DEFAULT_FOUND, MAX_FOUND, FoundItem, search_items
from search.query_analysis import MAX_QUERY_CHARACTERS, QueryAnalysis
from serving.answers import (
    BoostSerializer,
    PersonalizationSerializer,
    boost_json,
    personalization_json,
)

# The other kinds of facet that a query may name, and their keys in the answer.
_OTHERS = {
    facet.name: facet.name if facet.name.endswith("s") else f"{facet.name}s"
    for facet in FACETS.values()
    if facet.group in ("series", "other")
}


class SearchQuery(serializers.Serializer[Any]):
    """The query string of a search. Without `kind` and `use_case` the first kind is searched."""

    title = TextField(Name(MAX_QUERY_CHARACTERS, many_lines=True), help_text="a title, or any words")
    top_n = serializers.IntegerField(min_value=1, max_value=MAX_FOUND, default=DEFAULT_FOUND)
    kind = ChoiceField(KIND, required=False)
    use_case = serializers.ChoiceField(choices=list(USE_CASES), required=False)
    user_id = PersonField(required=False, help_text="a person by id or name; the caller if left out")


class YearsSerializer(serializers.Serializer[Any]):
    """Years from the first to the last, both included; null is open."""

    first = serializers.IntegerField(allow_null=True)
    last = serializers.IntegerField(allow_null=True)


class AnalysisSerializer(serializers.Serializer[Any]):
    """The analysis of a query. `text` names nothing; `is_title`: it is the whole title of an item."""

    years = YearsSerializer(allow_null=True)
    text = serializers.CharField(allow_blank=True)
    is_title = serializers.BooleanField()
    without = serializers.ListField(child=serializers.CharField(), help_text="what followed a `not`")
    like = serializers.CharField(allow_blank=True, help_text="the title that followed a `like`")
    children = serializers.BooleanField(help_text="it is to be for children")
    country = serializers.CharField(allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        names = ("genres", "themes", "people", *_OTHERS.values())
        listed = {name: serializers.ListField(child=serializers.CharField()) for name in names}
        return {**listed, **super().get_fields()}


class FoundSerializer(serializers.Serializer[Any]):
    """An item that was found. `boost_percent` is what taste adds to its relevance."""

    item = ItemSerializer()
    rank = serializers.IntegerField()
    score = serializers.FloatField()
    relevance = serializers.FloatField()
    base_score = serializers.FloatField(help_text="the relevance")
    personalized_score = serializers.FloatField(help_text="the score: the relevance, boosted by taste")
    boost_multiplier = serializers.FloatField()
    boost_percent = serializers.IntegerField()
    boost_details = BoostSerializer()
    why = serializers.CharField()


class SearchAnswer(serializers.Serializer[Any]):
    """The hits, best first. The session is null where there are none."""

    recommendation_session_id = serializers.UUIDField(allow_null=True)
    use_case = serializers.CharField()
    query = serializers.CharField(allow_blank=True)
    analysis = AnalysisSerializer()
    personalization = PersonalizationSerializer()
    recommendations = FoundSerializer(many=True)


class SearchView(ApiView):
    """Search by title or any words, boosted by the caller's taste. It is recorded like any list."""

    limited_as = "search"

    queries = {"get": SearchQuery}

    @extend_schema(operation_id="search", parameters=[SearchQuery], responses={200: SearchAnswer, **ERRORS})
    def get(self, request: Request) -> Response:
        query = validated(SearchQuery, request.query_params)
        person, named = caller(request), query.get("use_case")
        if "user_id" in query:
            person = person_named(request, query["user_id"], "recommendations.recommend_for_others")
        kind = query.get("kind", USE_CASES[named or DEFAULT_USE_CASE].kind)
        # To find something needs no role; only lists made for one do.
        use_case = open_use_case(person, kind) if named is None else use_case_for(person, kind, named)
        found = search_items(user_id=person.pk, use_case=use_case, query=query["title"], limit=query["top_n"])
        answer = {
            "recommendation_session_id": found.session_id,
            "use_case": found.use_case,
            "query": found.query,
            "analysis": _analysis_json(found.analysis, found.asked),
            "personalization": personalization_json(found.personalization),
            "recommendations": [_found_json(one) for one in found.items],
        }
        return Response(answer)


def _analysis_json(analysis: QueryAnalysis, asked: Asked) -> dict[str, Any]:
    years = analysis.years
    return {
        "genres": list(analysis.categories),
        "themes": list(analysis.themes),
        "people": list(analysis.people),
        **{key: list(analysis.names(kind)) for kind, key in _OTHERS.items()},
        "years": None if years is None else {"first": years.first, "last": years.last},
        "text": analysis.text,
        "is_title": analysis.is_title,
        "without": list(asked.without),
        "like": asked.like,
        "children": asked.children,
        "country": asked.country,
    }


def _found_json(found: FoundItem) -> dict[str, Any]:
    return {
        "item": item_json(found.item),
        "rank": found.rank,
        "score": found.score,
        "relevance": found.relevance,
        "base_score": found.relevance,
        "personalized_score": found.score,
        "boost_multiplier": found.boost.multiplier,
        "boost_percent": found.boost.percent,
        "boost_details": boost_json(found.boost),
        "why": found.why,
    }
