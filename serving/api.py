"""Ranked lists, and whether this server can make them."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import EMBEDDABLE
from accounts.limits.stores import prove_writable
from accounts.selectors import caller, check_use_case, person_named, use_case_for
from catalog.serializers import ItemSerializer, item_json
from core.api import ERRORS, WRITE_ERRORS, ApiView, validated
from core.client_address import client_address, was_passed_on_by_a_stranger
from core.domain import DEFAULT_USE_CASE, USE_CASES, ItemKind
from core.domain.roles import use_cases_of_kind
from core.errors import NotFound
from serving.answers import ListAnswer, SlotSerializer, list_json, with_slots_written
from serving.carousels import MAX_CAROUSELS, SimilarItem, because_you_watched, similar_items
from serving.list_request import BestQuery, ListBody, ListQuery, ListRequest
from serving.live import get_state
from serving.pipeline import (
    MAX_LIMIT,
    recommend,
)

DEFAULT_ROW = 12
_OWN_ADDRESSES = ("127.0.0.1", "::")


class BestAnswer(serializers.Serializer[Any]):
    """The single best item now."""

    recommendation_session_id = serializers.UUIDField()
    use_case = serializers.CharField()
    method_used = serializers.CharField()
    model_version = serializers.CharField(allow_blank=True)
    recommendation = SlotSerializer()


class PersonalizedListView(ApiView):
    """A list for the caller, best first. It is recorded, so that actions can name it.

    Without `use_case` it is for the first that the roles of the caller open. Where they open none, or not the
    one that is named, the answer is 403.
    """

    limited_as = "lists"

    queries = {"get": ListQuery}

    authentication_classes = EMBEDDABLE

    @extend_schema(
        operation_id="personalized_list", parameters=[ListQuery], responses={200: ListAnswer, **ERRORS}
    )
    def get(self, request: Request, kind: ItemKind) -> Response:
        return self._serve(request, kind, ListRequest.of_query(request, caller(request).pk))

    @extend_schema(
        operation_id="personalized_list_by_body",
        request=ListBody,
        responses={200: ListAnswer, **WRITE_ERRORS},
    )
    def post(self, request: Request, kind: ItemKind) -> Response:
        return self._serve(request, kind, ListRequest.of_body(request, caller(request).pk))

    @staticmethod
    def _serve(request: Request, kind: ItemKind, asked: ListRequest) -> Response:
        person = caller(request)
        use_case = use_case_for(person, kind.name, asked.use_case)
        served = recommend(user_id=person.pk, use_case=use_case, limit=asked.limit, wishes=asked.wishes)
        answer = list_json(served, with_features=True) if asked.with_features else with_slots_written(served)
        return Response({**answer, "next": asked.cursor_after(served, person.pk)})


class BestItemView(ApiView):
    """The single best item now, for the caller; staff with the permission may ask for others."""

    limited_as = "lists"

    queries = {"get": BestQuery}

    @extend_schema(operation_id="best_item", parameters=[BestQuery], responses={200: BestAnswer, **ERRORS})
    def get(self, request: Request, user_id: str) -> Response:
        query = validated(BestQuery, request.query_params)
        use_case = USE_CASES[query.get("use_case", DEFAULT_USE_CASE)]
        person = person_named(request, user_id, "recommendations.recommend_for_others")
        check_use_case(person, use_case)
        served = recommend(user_id=person.pk, use_case=use_case, limit=1)
        if not served.slots:
            raise NotFound("There is nothing left to recommend.")
        answer = list_json(served)
        answer["recommendation"] = answer.pop("recommendations")[0]
        for name in ("personalization", "scores", f"{use_case.kind}_ids"):
            del answer[name]
        return Response(answer)


class SimilarQuery(serializers.Serializer[Any]):
    """The query string of what is like an item."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_ROW)


class SimilarItemSerializer(serializers.Serializer[Any]):
    """An item with how near it is, 0 to 1."""

    item = ItemSerializer()
    rank = serializers.IntegerField()
    score = serializers.FloatField()


class SimilarAnswer(serializers.Serializer[Any]):
    """Items like a given one, nearest first."""

    similar = SimilarItemSerializer(many=True)


class SimilarView(ApiView):
    """Items most like a given one, without those that the caller refused."""

    limited_as = "lists"

    queries = {"get": SimilarQuery}

    authentication_classes = EMBEDDABLE

    @extend_schema(
        operation_id="similar_items", parameters=[SimilarQuery], responses={200: SimilarAnswer, **ERRORS}
    )
    def get(self, request: Request, kind: ItemKind, item_id: int) -> Response:
        query = validated(SimilarQuery, request.query_params)
        found = similar_items(
            item_id=item_id,
            use_case=use_cases_of_kind(kind.name)[0],
            limit=query["limit"],
            user_id=caller(request).pk if request.user.is_authenticated else None,
        )
        return Response({"similar": _row_json(found)})


class CarouselsQuery(serializers.Serializer[Any]):
    """The query string of the rows for what a person watched."""

    use_case = serializers.ChoiceField(choices=list(USE_CASES), default=DEFAULT_USE_CASE)
    rows = serializers.IntegerField(min_value=1, max_value=MAX_CAROUSELS, default=3)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_ROW)


class CarouselSerializer(serializers.Serializer[Any]):
    """One row of items similar to one that the person has done something with."""

    recommendation_session_id = serializers.UUIDField()
    because = ItemSerializer()
    did = serializers.CharField()
    recommendations = SimilarItemSerializer(many=True)


class CarouselsAnswer(serializers.Serializer[Any]):
    """The rows, newest reason first. Each is recorded, so that actions can name it."""

    use_case = serializers.CharField()
    carousels = CarouselSerializer(many=True)


class BecauseYouWatchedView(ApiView):
    """Rows of what is like the items that the caller liked, watched or kept last."""

    limited_as = "lists"

    queries = {"get": CarouselsQuery}

    authentication_classes = EMBEDDABLE

    @extend_schema(
        operation_id="because_you_watched",
        parameters=[CarouselsQuery],
        responses={200: CarouselsAnswer, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = validated(CarouselsQuery, request.query_params)
        person, use_case = caller(request), USE_CASES[query["use_case"]]
        check_use_case(person, use_case)
        carousels = because_you_watched(
            user_id=person.pk,
            use_case=use_case,
            carousels=query["rows"],
            limit=query["limit"],
        )
        rows = [
            {
                "recommendation_session_id": carousel.session_id,
                "because": item_json(carousel.because),
                "did": carousel.type_name,
                "recommendations": _row_json(carousel.items),
            }
            for carousel in carousels
        ]
        return Response({"use_case": query["use_case"], "carousels": rows})


def _row_json(items: Sequence[SimilarItem]) -> list[dict[str, Any]]:
    return [
        {"item": item_json(similar.item), "rank": rank, "score": similar.score}
        for rank, similar in enumerate(items, 1)
    ]


class HealthView(APIView):
    """Answers 200 while the process lives."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class ReadyView(APIView):
    """Readiness of this process: the database takes writes, and which model version serves each use case.

    A damaged model file is told here and does not make the server unready: an earlier version serves.
    Who asks from another machine is told whether it is ready, and nothing of what runs here.
    """

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        prove_writable()
        use_cases = {}
        for name in USE_CASES:
            state = get_state(name)
            use_cases[name] = {
                "items": len(state.usual.catalog.item_ids),
                "model_version": state.usual.models.label(),
                "problem": state.problem,
            }
        degraded = any(state["problem"] for state in use_cases.values())
        status = "degraded" if degraded else "ready"
        return Response(
            {"status": status, "use_cases": use_cases} if _is_of_this_machine(request) else {"status": status}
        )


def _is_of_this_machine(request: Request) -> bool:
    """True where no proxy passed the request on for a stranger."""
    return client_address(request) in _OWN_ADDRESSES and not was_passed_on_by_a_stranger(request)
