"""A person's history from another service by the API: what its titles are here. Nothing is recorded."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.selectors import get_cards
from core.api import WRITE_ERRORS, ApiView, TextField, only_known, validated
from core.domain import ACTIONS
from core.values import Name, Text
from search.histories import FoundHistory, find_history

FILE_NAME = Name(200)
FILE_TEXT = Text(2_000_000, many_lines=True)


class HistoryFileBody(serializers.Serializer[Any]):
    """A file that another service gave a person, as text."""

    name = TextField(FILE_NAME, help_text="of the file, such as `ratings.csv`")
    text = TextField(FILE_TEXT, help_text="all that the file holds")


class HistoryTitle(serializers.Serializer[Any]):
    """One title of the file: the row that `POST /api/interactions` takes, and what it is here."""

    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    type = serializers.CharField()
    rating = serializers.FloatField(allow_null=True, help_text="0 to 10")
    occurred_at = serializers.DateTimeField(allow_null=True)
    item_id = serializers.IntegerField(allow_null=True, help_text="null where nothing here is like it")
    item_title = serializers.CharField(allow_blank=True)
    item_year = serializers.IntegerField(allow_null=True)
    doubt = serializers.CharField(
        allow_blank=True, help_text="why it may be another one; blank where it is sure"
    )


class HistoryFileAnswer(serializers.Serializer[Any]):
    """The titles of a file. Nothing is recorded yet."""

    success = serializers.BooleanField()
    format = serializers.CharField()
    bad_rows = serializers.IntegerField()
    titles = HistoryTitle(many=True)


class ReadHistoryView(ApiView):
    """Tells what the titles of a file from another service are here, and records nothing."""

    limited_as = "imports"

    @extend_schema(
        operation_id="history_read",
        request=HistoryFileBody,
        responses={200: HistoryFileAnswer, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        body = validated(HistoryFileBody, only_known(HistoryFileBody, request.data))
        history = find_history(str(body["text"]).encode(), str(body["name"]))
        return Response(
            {
                "success": True,
                "format": history.what,
                "bad_rows": history.bad_rows,
                "titles": _rows(history),
            }
        )


def _rows(history: FoundHistory) -> list[dict[str, Any]]:
    cards = get_cards(title.item_id for title in history.titles if title.item_id is not None)
    rows = []
    for title in history.titles:
        card, entry = cards.get(title.item_id or 0), title.entry
        rows.append(
            {
                "title": entry.title,
                "year": entry.year,
                "type": ACTIONS[history.action].name,
                "rating": entry.rating,
                "occurred_at": entry.occurred_at,
                "item_id": card and card.id,
                "item_title": card.title if card else "",
                "item_year": card and card.year,
                "doubt": title.doubt if card else "",
            }
        )
    return rows
