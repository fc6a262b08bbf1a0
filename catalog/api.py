"""`GET /api/<kind>s`: the catalog in pages."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.selectors import active_items, get_cards, search_by_title
from catalog.serializers import ItemSerializer, item_json
from core.api import ERRORS, ApiView, validated
from core.domain import CATEGORIES, ItemKind

MAX_PAGE = 10_000


class ItemListQuery(serializers.Serializer[Any]):
    """The query string of the catalog."""

    page = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=20)
    q = serializers.CharField(max_length=200, default="", allow_blank=True, help_text="part of the title")
    genre = serializers.CharField(max_length=200, default="", allow_blank=True)


class ItemPageSerializer(serializers.Serializer[Any]):
    """One page of the catalog."""

    count = serializers.IntegerField(help_text="items on all pages")
    page = serializers.IntegerField()
    results = ItemSerializer(many=True)


class ItemListView(ApiView):
    """The active items of one kind, newest first, or those whose title holds `q`."""

    queries = {"get": ItemListQuery}

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="items_list",
        parameters=[ItemListQuery],
        responses={200: ItemPageSerializer, **ERRORS},
    )
    def get(self, request: Request, kind: ItemKind) -> Response:
        query = validated(ItemListQuery, request.query_params)
        items = search_by_title(query["q"], kind=kind.name) if query["q"] else active_items(kind.name)
        if query["genre"]:
            items = items.filter(facets__kind__in=CATEGORIES, facets__name=query["genre"])
        start = (query["page"] - 1) * query["page_size"]
        ids = list(items.values_list("pk", flat=True)[start : start + query["page_size"]])
        cards = get_cards(ids)
        return Response(
            {
                "count": items.count(),
                "page": query["page"],
                "results": [item_json(cards[item_id]) for item_id in ids if item_id in cards],
            }
        )
