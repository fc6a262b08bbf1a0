"""An app keeps its catalog: items created, changed, hidden and deleted by the ids that the app gives them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import check_keeps
from catalog.models import Item
from catalog.selectors import get_cards
from catalog.serializers import AttributesField, ItemSerializer, item_json
from core.api import (
    ERRORS,
    WRITE_ERRORS,
    ApiView,
    ChoiceField,
    ErrorSerializer,
    RowErrorSerializer,
    TextField,
    validated,
)
from core.domain import FACETS, ItemKind
from core.errors import InvalidInput, NotFound
from core.values import EXTERNAL_ID, KIND, BadValue
from imports.app_items import (
    MAX_ITEMS,
    NO_SUCH_ITEM,
    delete_item,
    item_key,
    patch_item,
    put_item,
    upsert_items,
)
from imports.item_rows import ItemKey

CHANGE, DELETE = "catalog.change_item", "catalog.delete_item"


class ItemFields(serializers.Serializer[Any]):
    """The fields of an item as an app sends them, each of which may be left out. Used to describe."""

    title = serializers.CharField(required=False, help_text="needed by a new item")
    original_title = serializers.CharField(required=False, allow_blank=True)
    year = serializers.IntegerField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True)
    published_at = serializers.DateTimeField(required=False, allow_null=True)
    url = serializers.CharField(required=False, allow_blank=True)
    image_url = serializers.CharField(required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False, help_text="false hides it everywhere")
    is_synthetic = serializers.BooleanField(required=False)
    attributes = AttributesField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The fields with a list of names for each kind of facet, under the name of its column."""
        names = serializers.ListField
        facets = {
            facet.column: names(child=serializers.CharField(), required=False) for facet in FACETS.values()
        }
        return super().get_fields() | facets


class ItemUpsert(ItemFields):
    """An item with the names by which the app knows it. Used to describe."""

    kind = ChoiceField(KIND)
    external_id = TextField(EXTERNAL_ID)


class UpsertBody(serializers.Serializer[Any]):
    """Many items. Used to describe."""

    items = serializers.ListField(child=ItemUpsert(), max_length=MAX_ITEMS, allow_empty=False)


class UpsertAnswer(serializers.Serializer[Any]):
    """The outcome of many items: those that were taken, and the rows that were not."""

    success = serializers.BooleanField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]  # the name of a property of DRF


class KeptItemSerializer(ItemSerializer):
    """An item as the app that keeps it sees it."""

    attributes = AttributesField()
    is_active = serializers.BooleanField()


class KeptItemAnswer(serializers.Serializer[Any]):
    """The item as it is stored now."""

    success = serializers.BooleanField()
    created = serializers.BooleanField()
    item = KeptItemSerializer()


class DeleteQuery(serializers.Serializer[Any]):
    """The query string of a deletion."""

    history = serializers.ChoiceField(
        choices=["keep", "delete"],
        default="keep",
        help_text="`delete` takes what people did with it along; `keep` refuses where there is any",
    )


class ItemsView(ApiView):
    """Creates or changes many items. Good rows are taken, bad ones are reported."""

    @extend_schema(
        operation_id="items_upsert",
        request=UpsertBody,
        responses={200: UpsertAnswer, 201: UpsertAnswer, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        check_keeps(request, CHANGE)
        body = request.data
        rows = body.get("items") if isinstance(body, dict) and body.keys() == {"items"} else None
        if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_ITEMS:
            raise InvalidInput(f'The body must be {{"items": […]}} with 1 to {MAX_ITEMS:,} items.')
        done = upsert_items(rows)
        if len(done.errors) == len(rows):
            first = done.errors[0]
            raise InvalidInput(f"No item was taken. items[{first.row}]: {first.error}")
        counts = done.counts
        answer = {
            "success": True,
            "created": counts.created,
            "updated": counts.updated,
            "unchanged": counts.unchanged + counts.repeated,
            "errors": [{"row": one.row, "error": one.error} for one in done.errors],
        }
        return Response(answer, status=201 if counts.created else 200)


class ItemByExternalIdView(ApiView):
    """One item by the id that its app gives it."""

    queries = {"delete": DeleteQuery}

    @extend_schema(operation_id="kept_item", responses={200: KeptItemSerializer, **ERRORS})
    def get(self, request: Request, kind: ItemKind, external_id: str) -> Response:
        check_keeps(request, CHANGE)
        return Response(_kept(_key(kind, external_id)))

    @extend_schema(
        operation_id="item_put",
        request=ItemFields,
        responses={200: KeptItemAnswer, 201: KeptItemAnswer, **WRITE_ERRORS},
    )
    def put(self, request: Request, kind: ItemKind, external_id: str) -> Response:
        check_keeps(request, CHANGE)
        key = _key(kind, external_id)
        created = put_item(key, request.data)
        return _answer(key, created=created)

    @extend_schema(
        operation_id="item_patch", request=ItemFields, responses={200: KeptItemAnswer, **WRITE_ERRORS}
    )
    def patch(self, request: Request, kind: ItemKind, external_id: str) -> Response:
        check_keeps(request, CHANGE)
        key = _key(kind, external_id)
        patch_item(key, request.data)
        return _answer(key, created=False)

    @extend_schema(
        operation_id="item_delete",
        parameters=[DeleteQuery],
        responses={204: None, 409: ErrorSerializer, **ERRORS},
    )
    def delete(self, request: Request, kind: ItemKind, external_id: str) -> Response:
        check_keeps(request, DELETE)
        query = validated(DeleteQuery, request.query_params)
        delete_item(_key(kind, external_id), with_history=query["history"] == "delete")
        return Response(status=204)


def _key(kind: ItemKind, external_id: str) -> ItemKey:
    try:
        return item_key(kind.name, external_id)
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error


def _answer(key: ItemKey, *, created: bool) -> Response:
    answer = {"success": True, "created": created, "item": _kept(key)}
    return Response(answer, status=201 if created else 200)


def _kept(key: ItemKey) -> dict[str, Any]:
    """The item in the form that KeptItemSerializer describes. Raises NotFound."""
    found = Item.objects.filter(kind=key.kind, external_id=key.external_id)
    row = found.values_list("pk", "is_active").first()
    card = None if row is None else get_cards([row[0]], with_attributes=True, with_hidden=True).get(row[0])
    if row is None or card is None:
        raise NotFound(NO_SUCH_ITEM)
    return {**item_json(card), "attributes": card.attributes, "is_active": row[1]}
