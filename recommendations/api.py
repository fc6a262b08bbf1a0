"""Lists made elsewhere, and how far down a list a person looked."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import EMBEDDABLE
from accounts.selectors import caller, check_use_case
from catalog.models import Item
from core.api import (
    WRITE_ERRORS,
    ApiView,
    ByKindsId,
    ChoiceField,
    ErrorSerializer,
    IdField,
    NumberField,
    TextField,
    UuidField,
    WholeNumberField,
    validated,
)
from core.domain import USE_CASES
from core.errors import NotFound
from core.values import MAX_SLOTS, METHOD, RANK, SCORE, USE_CASE, VERSION
from recommendations.services import ShownSlot, record_external_session, report_seen


class ExternalSlotSerializer(ByKindsId):
    """One position of a list that was made elsewhere."""

    item_id = IdField()
    rank = WholeNumberField(RANK)
    score = NumberField(SCORE)
    method = TextField(METHOD)


class ExternalSessionSerializer(serializers.Serializer[Any]):
    """A list that was made elsewhere, as it was shown."""

    recommendation_session_id = UuidField()
    use_case = ChoiceField(USE_CASE)
    method = TextField(METHOD)
    model_version = TextField(VERSION, default="")
    recommendations = serializers.ListField(
        child=ExternalSlotSerializer(), allow_empty=False, max_length=MAX_SLOTS
    )

    def validate_recommendations(self, slots: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ranks must be 1 to n without a gap and no item may stand twice."""
        ordered = sorted(slots, key=lambda slot: slot["rank"])
        if [slot["rank"] for slot in ordered] != list(range(1, len(ordered) + 1)):
            raise serializers.ValidationError("The ranks must run from 1 without a gap.")
        if len({slot["item_id"] for slot in ordered}) != len(ordered):
            raise serializers.ValidationError("The same item stands in the list twice.")
        return ordered


class SessionAnswerSerializer(serializers.Serializer[Any]):
    """That a list is on record."""

    success = serializers.BooleanField()
    recommendation_session_id = serializers.UUIDField()


class SeenSerializer(serializers.Serializer[Any]):
    """The deepest rank that a person saw."""

    rank = WholeNumberField(RANK)


class SeenAnswerSerializer(serializers.Serializer[Any]):
    """The deepest rank on record."""

    success = serializers.BooleanField()
    seen_rank = serializers.IntegerField()


class ExternalSessionView(ApiView):
    """Records a list that another system made and showed, so that actions can name it."""

    @extend_schema(
        operation_id="record_session",
        request=ExternalSessionSerializer,
        responses={
            200: SessionAnswerSerializer,
            201: SessionAnswerSerializer,
            409: ErrorSerializer,
            **WRITE_ERRORS,
        },
    )
    def post(self, request: Request) -> Response:
        body = validated(ExternalSessionSerializer, request.data)
        use_case = USE_CASES[body["use_case"]]
        check_use_case(caller(request), use_case)
        slots = [_shown(slot) for slot in body["recommendations"]]
        wanted = {slot.item_id for slot in slots}
        known = set(Item.objects.filter(pk__in=wanted, kind=use_case.kind).values_list("pk", flat=True))
        if unknown := sorted(wanted - known):
            raise NotFound(f"There is no {use_case.kind} with the id {unknown[0]}.")
        is_new = record_external_session(
            session_id=body["recommendation_session_id"],
            user_id=caller(request).pk,
            use_case=use_case.name,
            method=body["method"],
            model_version=body["model_version"],
            slots=slots,
            now=timezone.now(),
        )
        answer = {"success": True, "recommendation_session_id": body["recommendation_session_id"]}
        return Response(answer, status=201 if is_new else 200)


class SeenView(ApiView):
    """Notes how far down a list its person looked."""

    authentication_classes = EMBEDDABLE

    @extend_schema(
        operation_id="report_seen",
        request=SeenSerializer,
        responses={200: SeenAnswerSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        body = validated(SeenSerializer, request.data)
        seen = report_seen(user_id=caller(request).pk, session_id=session_id, rank=body["rank"])
        return Response({"success": True, "seen_rank": seen})


def _shown(slot: dict[str, Any]) -> ShownSlot:
    return ShownSlot(
        item_id=slot["item_id"],
        rank=slot["rank"],
        score=slot["score"],
        base_score=slot["score"],
        method=slot["method"],
        source="external",
        source_rank=slot["rank"],
        source_score=slot["score"],
        propensity=None,
    )
