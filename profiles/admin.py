"""Taste profiles for staff, to read."""

from django.contrib import admin
from django.utils.safestring import SafeString

from core.admin import RecordAdmin, table
from profiles.models import Preference, TasteProfile

SHOWN = 20


@admin.register(TasteProfile)
class TasteProfileAdmin(RecordAdmin):
    """The taste profile of a person, as it was stored last; reading it here does not bring it up to date."""

    list_display = ("user", "rows", "evidence", "feedback", "reset_at", "updated_at")
    list_filter = ("user__is_synthetic",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = (
        "user",
        "rows",
        "reasons",
        "evidence",
        "feedback",
        "liked_best",
        "liked_least",
        "cursor",
        "cursor_at",
        "reset_id",
        "reset_at",
        "rules",
        "updated_at",
    )
    readonly_fields = ("liked_best", "liked_least")

    @admin.display(description="liked best")
    def liked_best(self, profile: TasteProfile) -> SafeString:
        return _preferences(profile, "-score")

    @admin.display(description="liked least")
    def liked_least(self, profile: TasteProfile) -> SafeString:
        return _preferences(profile, "score")


def _preferences(profile: TasteProfile, order: str) -> SafeString:
    rows = Preference.objects.filter(profile=profile).order_by(order, "pk")
    return table(
        ["Kind", "Name", "Score"],
        [
            [kind, name, f"{score:+.3f}"]
            for kind, name, score in rows.values_list("facet__kind", "facet__name", "score")[:SHOWN]
        ],
    )
