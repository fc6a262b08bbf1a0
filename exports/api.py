"""Exports for an app that runs no command: items, interactions and dislikes, page by page."""

from collections.abc import Collection
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import caller, check_keeps, is_app
from core.api import ERRORS, ApiView, validated
from core.domain import KINDS
from core.values import MAX_ID
from exports.tables import DISLIKES, INTERACTIONS, ITEMS, SAID, Table

MAX_ROWS = 5_000


class ExportQuery(serializers.Serializer[Any]):
    """The query string of an export."""

    kind = serializers.ChoiceField(choices=list(KINDS), required=False)
    cursor = serializers.IntegerField(
        min_value=0, max_value=MAX_ID, default=0, help_text="`next` of the page before"
    )
    limit = serializers.IntegerField(min_value=1, max_value=MAX_ROWS, default=1_000)


class ExportAnswer(serializers.Serializer[Any]):
    """A page of rows, and the cursor of the next page; null at the end."""

    rows = serializers.ListField(child=serializers.DictField())
    next = serializers.IntegerField(allow_null=True)


class _ExportView(ApiView):
    """A page of a table, for the token of an app and for staff with the permission to see it."""

    queries = {"get": ExportQuery}
    table: ClassVar[Table]
    permission: ClassVar[str]

    def _page(self, request: Request) -> Response:
        check_keeps(request, self.permission)
        query = validated(ExportQuery, request.query_params)
        rows, after = self.table.page(query.get("kind"), query["cursor"], query["limit"])
        hidden = self._hidden(request)
        shown = [{name: row[name] for name in row if name not in hidden} for row in rows] if hidden else rows
        return Response({"rows": shown, "next": after})

    def _hidden(self, request: Request) -> Collection[str]:
        """The columns that the caller may not see, though they may see the table."""
        return ()


class ExportItemsView(_ExportView):
    """The catalog, as `import_items` reads it."""

    table, permission = ITEMS, "catalog.view_item"

    @extend_schema(
        operation_id="export_items", parameters=[ExportQuery], responses={200: ExportAnswer, **ERRORS}
    )
    def get(self, request: Request) -> Response:
        return self._page(request)


class ExportInteractionsView(_ExportView):
    """The log of what people did, as `import_interactions` reads it.

    What people said with a no is left out for staff who may not see dislikes.
    """

    table, permission = INTERACTIONS, "interactions.view_userinteraction"

    def _hidden(self, request: Request) -> Collection[str]:
        may_see = is_app(request) or caller(request).has_perm(ExportDislikesView.permission)
        return () if may_see else SAID

    @extend_schema(
        operation_id="export_interactions", parameters=[ExportQuery], responses={200: ExportAnswer, **ERRORS}
    )
    def get(self, request: Request) -> Response:
        return self._page(request)


class ExportDislikesView(_ExportView):
    """The dislikes, with their reasons."""

    table, permission = DISLIKES, "feedback.view_dislike"

    @extend_schema(
        operation_id="export_dislikes", parameters=[ExportQuery], responses={200: ExportAnswer, **ERRORS}
    )
    def get(self, request: Request) -> Response:
        return self._page(request)
