"""Dislikes for staff: reviewed, excluded from training, exported; with what each of them set in motion."""

import csv
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import structlog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.models import Item
from core.admin import RecordAdmin, choice_filter, table
from core.domain import FACETS, REASONS
from core.errors import NotFound
from core.text import inert_cell, percent_change
from feedback.models import Dislike, DislikePattern, FeatureAdjustment, NegativeTrainingExample
from feedback.patterns import refresh_patterns
from feedback.services import undo_dislike

logger = structlog.stdlib.get_logger(__name__)

OFFERED = 50
NO_VERSION = "none"
_REASONS = {reason.name: reason.label for reason in REASONS.values()}
_FACET_KINDS = {facet.name: facet.label for facet in FACETS.values()}

# What a key does, and the state that each action leaves, for the script of the review.
_REVIEW_WORDS = {
    "keys": {"r": "mark_reviewed", "x": "exclude_from_training"},
    "labels": {
        "mark_reviewed": Dislike.ReviewState.REVIEWED.label,
        "exclude_from_training": Dislike.ReviewState.EXCLUDED.label,
        "mark_new": Dislike.ReviewState.NEW.label,
    },
}

Choices = list[tuple[str, str]]


class StandsFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", "stands"), ("no", "undone")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> QuerySet[Dislike]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(interaction__withdrawn_at__isnull=self.value() == "yes")


class ItemFilter(admin.SimpleListFilter):
    """The items that were disliked most; any other is found by the search."""

    title = "item"
    parameter_name = "item"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        items = Dislike.objects.order_by().values_list("item_id", "item__title").annotate(times=Count("pk"))
        return [
            (str(item_id), title) for item_id, title, _ in items.order_by("-times", "item__title")[:OFFERED]
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> QuerySet[Dislike]:
        value = self.value() or ""
        # An id with more digits than a column holds must not reach the database.
        is_id = value.isascii() and value.isdigit() and len(value) <= 18
        return queryset.filter(item_id=int(value)) if is_id else queryset


class ModelVersionFilter(admin.SimpleListFilter):
    """The versions whose lists were disliked last; nightly training makes more than a page can offer."""

    title = "model version"
    parameter_name = "model_version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        versions = Dislike.objects.order_by().values_list("model_version").annotate(last=Max("created_at"))
        return [(name or NO_VERSION, name or "no model") for name, _ in versions.order_by("-last")[:OFFERED]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> QuerySet[Dislike]:
        if not self.value():
            return queryset
        return queryset.filter(model_version="" if self.value() == NO_VERSION else self.value())


@admin.register(Dislike)
class DislikeAdmin(RecordAdmin):
    list_display = (
        "when",
        "person",
        "title",
        "reason_in_words",
        "score",
        "score_from",
        "model_version",
        "rank",
        "review_state",
        "stands",
    )
    list_filter = (
        choice_filter("reason", "reason", _REASONS),
        "item__kind",
        ItemFilter,
        ModelVersionFilter,
        "review_state",
        StandsFilter,
        ("user__is_synthetic", admin.BooleanFieldListFilter),
    )
    list_select_related = ("user", "interaction")
    list_fullwidth = True
    list_per_page = 50
    search_fields = ("title", "user__username", "feedback_text", "item__title", "item__original_title")
    date_hierarchy = "created_at"
    list_before_template = "admin/review_keys.html"
    actions = ("mark_reviewed", "exclude_from_training", "mark_new", "hide_items", "export_csv")
    fields = (
        "created_at",
        "user",
        "item",
        "title",
        "reason",
        "feedback_text",
        "review_state",
        "stands",
        "undone_at",
        "predicted_score",
        "context_source",
        "use_case",
        "model_version",
        "shown_in",
        "slot",
        "training_example",
        "held_back",
    )

    @admin.display(description="when", ordering="created_at")
    def when(self, dislike: Dislike) -> SafeString:
        return _unbroken(f"{dislike.created_at:%Y-%m-%d %H:%M}")

    @admin.display(description="person", ordering="user__username")
    def person(self, dislike: Dislike) -> SafeString:
        return _unbroken(dislike.user.get_username())

    @admin.display(description="score from", ordering="context_source")
    def score_from(self, dislike: Dislike) -> str:
        return {"session": "our record", "client": "the client"}.get(dislike.context_source, "unknown")

    @admin.display(description="stands", boolean=True, ordering="interaction__withdrawn_at")
    def stands(self, dislike: Dislike) -> bool:
        return dislike.interaction.withdrawn_at is None

    @admin.display(description="undone at")
    def undone_at(self, dislike: Dislike) -> Any:
        return dislike.interaction.withdrawn_at

    @admin.display(description="predicted", ordering="predicted_score")
    def score(self, dislike: Dislike) -> str:
        return _number(dislike.predicted_score)

    @admin.display(description="list it was shown in")
    def shown_in(self, dislike: Dislike) -> SafeString | str:
        if dislike.session_id is None:
            return "no list is on record"
        address = reverse("admin:recommendations_recommendationsession_change", args=[dislike.session_id])
        return format_html('<a class="underline" href="{}">{}</a>', address, dislike.session_id)

    @admin.display(description="slot")
    def slot(self, dislike: Dislike) -> SafeString | str:
        if dislike.session is None or dislike.rank is None:
            return "–"
        shown = [row for row in dislike.session.recommendations_shown if row["rank"] == dislike.rank]
        return table(
            ["rank", "score", "base score", "method", "source", "place there", "deepest rank seen"],
            [
                [
                    row["rank"],
                    _number(row["score"]),
                    _number(row["base_score"]),
                    row["method"],
                    row["source"],
                    row["source_rank"] or "–",
                    dislike.session.seen_rank,
                ]
                for row in shown
            ],
        )

    @admin.display(description="training example")
    def training_example(self, dislike: Dislike) -> str:
        example = NegativeTrainingExample.objects.filter(dislike=dislike).first()
        if example is None:
            return "none: this reason says nothing about taste"
        used = "a model has used it" if example.used_in_training else "no model has used it yet"
        return f"predicted {_number(example.predicted)}, should be 0, weight {example.weight:.2f}; {used}"

    @admin.display(description="held back")
    def held_back(self, dislike: Dislike) -> SafeString | str:
        rows = dislike.adjustments.select_related("facet").order_by("facet__kind", "facet__name")
        cells: list[list[Any]] = [[row.facet.kind, row.facet.name, percent_change(row.delta)] for row in rows]
        return table(["kind", "name", "when new"], cells) if cells else "nothing"

    @admin.display(description="reason", ordering="reason")
    def reason_in_words(self, dislike: Dislike) -> str:
        return dislike.reason_label

    @admin.action(description="Mark as reviewed", permissions=["review"])
    def mark_reviewed(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> None:
        count = self._set_state(request, queryset, Dislike.ReviewState.REVIEWED)
        self.message_user(request, f"Marked as reviewed: {count}.", messages.SUCCESS)

    @admin.action(description="Put back to be reviewed", permissions=["review"])
    def mark_new(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> None:
        count = self._set_state(request, queryset, Dislike.ReviewState.NEW)
        self.message_user(request, f"To be reviewed again: {count}.", messages.SUCCESS)

    @admin.action(description="Exclude from training (abuse)", permissions=["review"])
    def exclude_from_training(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> None:
        count = self._set_state(request, queryset, Dislike.ReviewState.EXCLUDED)
        self.message_user(
            request,
            f"Excluded from training: {count}. No model learns from them, and the dashboard and the next "
            "count of popularity leave them out; the lists of those who made them stay as they are. Marking "
            "them as reviewed brings them back.",
            messages.SUCCESS,
        )

    @admin.action(description="Hide the items from everybody", permissions=["hide_items"])
    def hide_items(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> None:
        items = Item.objects.filter(pk__in=queryset.order_by().values("item_id"), is_active=True)
        hidden = list(items)
        Item.objects.filter(pk__in=[item.pk for item in hidden]).update(is_active=False)
        _note(request, hidden, "Hidden because of dislikes.")
        self.message_user(
            request,
            f"Hidden: {len(hidden)}. No list shows them any more; the items' own page brings them back.",
            messages.SUCCESS,
        )

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> HttpResponse:
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="dislikes.csv"'
        # Without the mark at the beginning Excel reads UTF-8 as Latin-1.
        response.write("\ufeff")
        write_csv(csv.writer(response, quoting=csv.QUOTE_ALL), queryset)
        return response

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("feedback.delete_dislike")

    def get_deleted_objects(
        self, objs: Iterable[Dislike], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        titles = [f"{one}, which is taken back as the person would take it back" for one in objs]
        return titles, {"dislikes": len(titles)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Dislike) -> None:
        self.delete_queryset(request, Dislike.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Dislike]) -> None:
        """Takes the dislikes back by the service that their people use; their record stays, as undone."""
        standing = queryset.filter(interaction__withdrawn_at=None)
        for user_id, dislike_id in list(standing.values_list("user_id", "pk")):
            # One that its own person takes back in this moment is taken back.
            with suppress(NotFound):
                undo_dislike(user_id=user_id, dislike_id=dislike_id)

    def has_review_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedback.change_dislike")

    def has_hide_items_permission(self, request: HttpRequest) -> bool:
        return self.has_review_permission(request) and request.user.has_perm("catalog.change_item")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        words = _REVIEW_WORDS if self.has_review_permission(request) else None
        answer: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "review_words": words}
        )
        return answer

    def _set_state(self, request: HttpRequest, queryset: QuerySet[Dislike], state: str) -> int:
        changing = list(Dislike.objects.filter(pk__in=queryset.values("pk")).exclude(review_state=state))
        Dislike.objects.filter(pk__in=[dislike.pk for dislike in changing]).update(review_state=state)
        _note(request, changing, f"Review state: {state}.")
        logger.info(
            "[FEEDBACK] dislikes reviewed",
            by=request.user.get_username(),
            review_state=state,
            dislike_ids=[dislike.pk for dislike in changing],
        )
        return len(changing)


@admin.register(NegativeTrainingExample)
class NegativeTrainingExampleAdmin(RecordAdmin):
    list_display = ("created_at", "title", "person", "predicted", "error", "weight", "used_in_training")
    list_filter = (
        "used_in_training",
        choice_filter("dislike__reason", "reason", _REASONS),
        "dislike__review_state",
    )
    list_select_related = ("dislike", "dislike__user")
    search_fields = ("dislike__title", "dislike__user__username")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")

    @admin.display(description="title", ordering="dislike__title")
    def title(self, example: NegativeTrainingExample) -> str:
        return example.dislike.title

    @admin.display(description="person", ordering="dislike__user__username")
    def person(self, example: NegativeTrainingExample) -> str:
        return example.dislike.user.get_username()


@admin.register(FeatureAdjustment)
class FeatureAdjustmentAdmin(RecordAdmin):
    list_display = ("when", "person", "facet", "when_new", "because_of")
    list_filter = (
        choice_filter("facet__kind", "kind", _FACET_KINDS),
        choice_filter("dislike__reason", "reason", _REASONS),
    )
    list_select_related = ("facet", "dislike", "dislike__user")
    search_fields = ("facet__name", "dislike__title", "dislike__user__username")
    ordering = ("-dislike__created_at", "-pk")

    @admin.display(description="when", ordering="dislike__created_at")
    def when(self, adjustment: FeatureAdjustment) -> Any:
        return adjustment.dislike.created_at

    @admin.display(description="person", ordering="dislike__user__username")
    def person(self, adjustment: FeatureAdjustment) -> str:
        return adjustment.dislike.user.get_username()

    @admin.display(description="held back when new", ordering="delta")
    def when_new(self, adjustment: FeatureAdjustment) -> str:
        return percent_change(adjustment.delta)

    @admin.display(description="because of", ordering="dislike__title")
    def because_of(self, adjustment: FeatureAdjustment) -> str:
        return adjustment.dislike.title


@admin.register(DislikePattern)
class DislikePatternAdmin(RecordAdmin):
    list_display = ("person", "facet", "dislikes", "since", "last_at")
    list_filter = (choice_filter("facet__kind", "kind", _FACET_KINDS),)
    list_select_related = ("facet", "user")
    search_fields = ("facet__name", "user__username")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        refresh_patterns()
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    @admin.display(description="person", ordering="user__username")
    def person(self, pattern: DislikePattern) -> str:
        return pattern.user.get_username()


def write_csv(writer: Any, dislikes: QuerySet[Dislike]) -> None:
    """Writes a heading and a row per dislike; no cell of text is left that a spreadsheet would run."""
    columns = {
        "id": "pk",
        "when": "created_at",
        "person": "user__username",
        "item_id": "item_id",
        "kind": "item__kind",
        "title": "title",
        "reason": "reason",
        "text": "feedback_text",
        "predicted_score": "predicted_score",
        "score_from": "context_source",
        "use_case": "use_case",
        "model_version": "model_version",
        "rank": "rank",
        "session_id": "session_id",
        "review_state": "review_state",
        "undone_at": "interaction__withdrawn_at",
    }
    writer.writerow(columns)
    for row in dislikes.values_list(*columns.values()).iterator():
        writer.writerow([inert_cell(cell) if isinstance(cell, str) else cell for cell in row])


def _note(request: HttpRequest, changed: list[Any], message: str) -> None:
    """Writes into the admin's own history who did this to what."""
    assert request.user.pk is not None  # noqa: S101  the admin lets nobody else in
    LogEntry.objects.log_actions(request.user.pk, changed, CHANGE, change_message=message)


def _unbroken(text: str) -> SafeString:
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
