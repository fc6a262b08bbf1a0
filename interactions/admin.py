"""Acts of people for staff, to read."""

from django.contrib import admin

from core.admin import RecordAdmin, choice_filter
from core.domain import TYPES
from interactions.models import UserInteraction


@admin.register(UserInteraction)
class UserInteractionAdmin(RecordAdmin):
    list_display = (
        "occurred_at",
        "user",
        "type",
        "item",
        "rating",
        "recommendation_rank",
        "recommendation_score",
        "recommendation_method",
        "withdrawn_at",
    )
    list_filter = (
        choice_filter("type", "type", {name: name for name in TYPES}),
        "item__kind",
        "recommendation_source",
        "user__is_synthetic",
    )
    list_select_related = ("user", "item")
    search_fields = ("user__username", "item__title")
    date_hierarchy = "occurred_at"
