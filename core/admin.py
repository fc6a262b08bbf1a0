"""Shared parts of the admin pages of our apps."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin


class RecordAdmin(ModelAdmin):  # type: ignore[misc]
    """A record of what happened: it is read, and never added, changed or deleted by hand.

    What was done is taken back, a person is erased and an item is hidden, each by one door. A row that is
    deleted by itself would leave the others behind.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def log_look(staff_id: int, person: Model, what: str) -> None:
    """Notes in the admin's log, and in the history of a person, that staff looked at something of theirs."""
    message = f"Looked at {what}."
    LogEntry.objects.log_actions(staff_id, [person], CHANGE, change_message=message, single_object=True)


def choice_filter(field: str, title: str, choices: Mapping[str, str]) -> type[admin.SimpleListFilter]:
    """A filter by the values of a column that heed.toml lists, so that no table is read to know them."""

    class ChoiceFilter(admin.SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return list(choices.items())

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() in choices else queryset

    ChoiceFilter.title = title
    return ChoiceFilter


def table(headings: list[str], rows: list[list[Any]]) -> SafeString:
    """An HTML table of plain values, each escaped."""
    head = format_html_join("", '<th class="px-2 py-1 text-left">{}</th>', ([name] for name in headings))
    body = format_html_join(
        "",
        "<tr>{}</tr>",
        ([format_html_join("", '<td class="px-2 py-1">{}</td>', ([cell] for cell in row))] for row in rows),
    )
    return format_html(
        '<table class="text-sm"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body
    )


def pretty_json(value: Any) -> SafeString:
    """JSON laid out for reading."""
    return format_html('<pre class="whitespace-pre-wrap text-sm">{}</pre>', json.dumps(value, indent=2))
