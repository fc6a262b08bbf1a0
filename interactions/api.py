"""An item's page as JSON, which records a view, the actions on it, and interactions in bulk."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import EMBEDDABLE
from accounts.idempotency import IDEMPOTENCY_PARAMETER, respond_once
from accounts.selectors import caller, check_speaks_for_many, is_app
from catalog.models import Item
from catalog.selectors import get_card
from catalog.serializers import AttributesField, ItemSerializer, item_json
from core.api import (
    ERRORS,
    WRITE_ERRORS,
    ApiView,
    ByKindsId,
    ChoiceField,
    ErrorSerializer,
    EventField,
    FlagField,
    IdField,
    NumberField,
    RowErrorSerializer,
    TextField,
    UuidField,
    only_known,
    validated,
)
from core.domain import ACTIONS, DISLIKE, KINDS, VIEW, ItemKind
from core.errors import InvalidInput, NotFound
from core.values import EXTERNAL_ID, KIND, PERSON, RATING, TAKEN, TYPE, BadValue, named
from interactions.batch import MAX_BATCH, Batch, record_batch
from interactions.selectors import check_may_speak, get_states, kinds_to_speak_of
from interactions.services import (
    Recorded,
    Wanted,
    record_interaction,
    record_interactions,
    withdraw_state,
)

MAX_BULK = 1000
APPLY = "apply"
ACTION_PARAMETER = OpenApiParameter(
    "action",
    str,
    OpenApiParameter.PATH,
    # A dislike asks for a reason and has an address of its own.
    enum=sorted(frozenset().union(*(kind.actions for kind in KINDS.values())) - {DISLIKE}),
    description="which of them a kind takes is told by the 404 of one that it does not take",
)


class ContextQuery(serializers.Serializer[Any]):
    """The list and the slot in which an item was met."""

    recommendation_session_id = UuidField(
        required=False, allow_null=True, default=None, help_text="the list from which the person came"
    )


class ActionBody(ContextQuery):
    """The body of an action: all of it may be left out. Only the session id says where the item was met."""

    rating = NumberField(RATING, required=False, allow_null=True, default=None)


class InteractionBody(ByKindsId, ActionBody):
    """One interaction in bulk."""

    other_names = {"interaction_type": "type"}

    item_id = IdField()
    type = ChoiceField(TYPE)
    occurred_at = EventField(required=False, allow_null=True, default=None)


class BulkBody(serializers.Serializer[Any]):
    """Many interactions."""

    interactions = serializers.ListField(child=InteractionBody(), allow_empty=False, max_length=MAX_BULK)


class PersonsInteraction(serializers.Serializer[Any]):
    """One interaction of one of many people. Used to describe: a bad row is reported by itself."""

    user = TextField(PERSON, help_text="the person by user name")
    item_id = IdField(required=False, help_text="the item by id; or")
    kind = ChoiceField(KIND, required=False, help_text="its kind, and")
    external_id = TextField(EXTERNAL_ID, required=False, help_text="the id that the app gives it")
    type = ChoiceField(TYPE)
    occurred_at = EventField(required=False, allow_null=True)
    rating = NumberField(RATING, required=False, allow_null=True)
    recommendation_session_id = UuidField(required=False, allow_null=True)


class PeoplesBody(serializers.Serializer[Any]):
    """Interactions of many people. Used to describe."""

    interactions = serializers.ListField(child=PersonsInteraction(), allow_empty=False, max_length=MAX_BATCH)
    create_users = FlagField(required=False, help_text="creates the people that are not known yet")


class RecordedSerializer(serializers.Serializer[Any]):
    """The interaction on record now. The recommendation fields are the server's own."""

    interaction_id = serializers.IntegerField()
    item_id = serializers.IntegerField()
    type = serializers.CharField()
    interaction_type = serializers.CharField(help_text="the same as `type`")
    created = serializers.BooleanField(help_text="false where it was on record before")
    occurred_at = serializers.DateTimeField()
    rating = serializers.FloatField(allow_null=True)
    recommendation_session_id = serializers.UUIDField(allow_null=True)
    recommendation_rank = serializers.IntegerField(allow_null=True)
    recommendation_score = serializers.FloatField(allow_null=True)
    recommendation_method = serializers.CharField()
    recommendation_source = serializers.CharField()


class ActionAnswer(RecordedSerializer):
    """The answer to an action."""

    success = serializers.BooleanField()


class BulkAnswer(serializers.Serializer[Any]):
    """The answer to interactions in bulk, in the order in which they were sent."""

    success = serializers.BooleanField()
    recorded = serializers.IntegerField(help_text="how many are new")
    interactions = RecordedSerializer(many=True, help_text="empty where rows name their people")
    unchanged = serializers.IntegerField(
        required=False, help_text="where rows name their people: how many were on record before"
    )
    created_users = serializers.IntegerField(required=False, help_text="as above: how many people are new")
    errors = RowErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # a property of DRF


class ItemDetailAnswer(ItemSerializer):
    """An item, its attributes, and what stands between it and the caller."""

    attributes = AttributesField()
    states = serializers.ListField(child=serializers.CharField())


class ItemDetailView(ApiView):
    """One item. Opening it records a view."""

    queries = {"get": ContextQuery}
    limited_as = "events"

    @extend_schema(
        operation_id="item_detail",
        parameters=[ContextQuery],
        responses={200: ItemDetailAnswer, **ERRORS},
    )
    def get(self, request: Request, kind: ItemKind, item_id: int) -> Response:
        query = validated(ContextQuery, request.query_params)
        card = get_card(kind=kind.name, item_id=item_id)
        record_interaction(
            user_id=caller(request).pk,
            item_id=item_id,
            type_name=VIEW,
            session_id=query["recommendation_session_id"],
        )
        states = get_states(user_id=caller(request).pk, item_ids=[item_id]).get(item_id, set())
        return Response({**item_json(card), "attributes": card.attributes, "states": sorted(states)})


class ItemActionView(ApiView):
    """Does something with an item (POST), or takes it back (DELETE)."""

    authentication_classes = EMBEDDABLE

    @extend_schema(
        operation_id="item_action",
        parameters=[ACTION_PARAMETER, IDEMPOTENCY_PARAMETER],
        request=ActionBody,
        responses={200: ActionAnswer, 201: ActionAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request, kind: ItemKind, item_id: int, action: str) -> Response:
        body = validated(ActionBody, request.data)
        _check_action(kind, action)
        person = caller(request)
        check_may_speak(
            user_id=person.pk,
            kind=kind.name,
            item_id=item_id,
            session_id=body["recommendation_session_id"],
        )

        def act() -> tuple[int, dict[str, Any]]:
            recorded = record_interaction(
                user_id=person.pk,
                item_id=item_id,
                type_name=ACTIONS[action].name,
                session_id=body["recommendation_session_id"],
                rating=body["rating"],
            )
            return (201 if recorded.created else 200), {"success": True, **recorded_json(recorded)}

        return respond_once(request, route=f"{kind.plural}/{item_id}/{action}", act=act)

    @extend_schema(
        operation_id="item_action_undo",
        parameters=[ACTION_PARAMETER],
        responses={200: ActionAnswer, **ERRORS},
    )
    def delete(self, request: Request, kind: ItemKind, item_id: int, action: str) -> Response:
        _check_action(kind, action)
        # An item that is hidden by now can still be taken off one's list.
        if not Item.objects.filter(pk=item_id, kind=kind.name).exists():
            raise NotFound("There is no such item.")
        withdrawn = withdraw_state(
            user_id=caller(request).pk, item_id=item_id, type_name=ACTIONS[action].name
        )
        return Response({"success": True, **recorded_json(Recorded(withdrawn, created=False))})


class CollaborationApplyView(ItemActionView):
    """Applies to an item of whichever kind takes applications: the action under its other name."""

    # Pages of other sites say the action under its own name.
    authentication_classes = [*APIView.authentication_classes]

    @extend_schema(
        operation_id="collaboration_apply",
        parameters=[IDEMPOTENCY_PARAMETER],
        request=ActionBody,
        responses={200: ActionAnswer, 201: ActionAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request, item_id: int) -> Response:  # type: ignore[override]  # a shorter address
        return super().post(request, _kind_applied_to(item_id), item_id, APPLY)

    @extend_schema(operation_id="collaboration_apply_undo", responses={200: ActionAnswer, **ERRORS})
    def delete(self, request: Request, item_id: int) -> Response:  # type: ignore[override]  # as above
        return super().delete(request, _kind_applied_to(item_id), item_id, APPLY)


class InteractionsView(ApiView):
    """Records one interaction or many, all or none; a repeated Idempotency-Key gets the first answer.

    Where rows name their `user`, an app says what many people did: good rows are recorded, bad ones reported.
    `record` and `record_many` write; the address names those that give each dislike its row too, which is not
    known here.
    """

    record: Callable[..., list[Recorded]] = staticmethod(record_interactions)
    record_many: Callable[..., Batch] = staticmethod(record_batch)

    @extend_schema(
        operation_id="record_interactions",
        request=PolymorphicProxySerializer(
            component_name="InteractionsBody",
            serializers=[BulkBody, PeoplesBody],
            resource_type_field_name=None,
        ),
        parameters=[IDEMPOTENCY_PARAMETER],
        responses={200: BulkAnswer, 201: BulkAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
        description="The body is `{interactions: [...]}`, or one interaction by itself.",
    )
    def post(self, request: Request) -> Response:
        if _names_people(request):
            return self._post_many(request)
        if isinstance(request.data, dict) and "interactions" in request.data:
            rows = validated(BulkBody, request.data)["interactions"]
        else:
            rows = [validated(InteractionBody, request.data)]
        person = caller(request)
        return respond_once(request, route="interactions", act=lambda: self._record_all(person.pk, rows))

    def _post_many(self, request: Request) -> Response:
        check_speaks_for_many(request)
        body = dict(request.data)
        if "interactions" not in body:
            create_alone = {name: body.pop(name) for name in ("create_users",) if name in body}
            body = {"interactions": [body], **create_alone}
        only_known(PeoplesBody, body)
        rows, create = body["interactions"], body.get("create_users", False)
        if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_BATCH:
            raise InvalidInput(f"interactions must be a list of 1 to {MAX_BATCH:,} of them.")
        if not isinstance(create, bool):
            raise InvalidInput("create_users must be true or false.")

        def act() -> tuple[int, dict[str, Any]]:
            done = self.record_many(rows=rows, create_users=create)
            answer = {
                "success": True,
                "recorded": done.recorded,
                "unchanged": done.unchanged,
                "created_users": done.created_users,
                "interactions": [],
                "errors": [{"row": one.row, "error": one.error} for one in done.errors],
            }
            return (201 if done.recorded else 200), answer

        return respond_once(request, route="interactions", act=act)

    def _record_all(self, user_id: int, rows: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        kinds = kinds_to_speak_of(
            user_id=user_id,
            item_ids={row["item_id"] for row in rows},
            as_of_then={
                row["item_id"] for row in rows if row["occurred_at"] or row["recommendation_session_id"]
            },
        )
        for row in rows:
            if row["item_id"] not in kinds:
                raise NotFound(f"There is no item with the id {row['item_id']}.")
            _check_type(KINDS[kinds[row["item_id"]]], row["type"])
        recorded = self.record(
            user_id=user_id,
            wanted=[
                Wanted(
                    item_id=row["item_id"],
                    type_name=row["type"],
                    session_id=row["recommendation_session_id"],
                    rating=row["rating"],
                    occurred_at=row["occurred_at"],
                )
                for row in rows
            ],
        )
        created = sum(one.created for one in recorded)
        told = [recorded_json(one) for one in recorded]
        answer = {"success": True, "recorded": created, "interactions": told}
        return (201 if created else 200), answer


@extend_schema_view(post=extend_schema(operation_id="analytics_interaction"))
class AnalyticsView(InteractionsView):
    """The same, by the name that the documents have for it."""


def _names_people(request: Request) -> bool:
    """True where a body says itself whose the interactions are; else they are the caller's."""
    body = request.data
    if not isinstance(body, dict):
        return False
    rows = body.get("interactions")
    if rows is None:
        return "create_users" in body or ("user" in body and is_app(request))
    named_in_rows = isinstance(rows, list) and any(isinstance(row, dict) and "user" in row for row in rows)
    return "create_users" in body or named_in_rows


def _kind_applied_to(item_id: int) -> ItemKind:
    """The kind of an item that can be applied to. Raises NotFound for any other item, and for none."""
    kinds = [kind.name for kind in KINDS.values() if APPLY in kind.actions]
    name = Item.objects.filter(pk=item_id, kind__in=kinds).values_list("kind", flat=True).first()
    if name is None:
        raise NotFound("There is no such item to apply to.")
    return KINDS[name]


def _check_action(kind: ItemKind, action: str) -> None:
    if action not in kind.actions:
        raise NotFound(f"{kind.label} take {', '.join(sorted(kind.actions))}; not {action}.")


def _check_type(kind: ItemKind, type_name: str) -> None:
    try:
        named("type", TAKEN[kind.name], type_name)
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error


def recorded_json(recorded: Recorded) -> dict[str, Any]:
    """`recorded` in the form that RecordedSerializer describes, of JSON's own types only: it is kept too."""
    row = recorded.interaction
    session_id = row.recommendation_session_id
    return {
        "interaction_id": row.pk,
        "item_id": row.item_id,
        "type": row.type,
        "interaction_type": row.type,
        "created": recorded.created,
        "occurred_at": row.occurred_at.isoformat(),
        "rating": row.rating,
        "recommendation_session_id": None if session_id is None else str(session_id),
        "recommendation_rank": row.recommendation_rank,
        "recommendation_score": row.recommendation_score,
        "recommendation_method": row.recommendation_method,
        "recommendation_source": row.recommendation_source,
    }
