"""Lists that were shown, slot by slot, for staff."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from accounts.selectors import caller
from catalog.models import Item
from core.admin import RecordAdmin, log_look, table
from recommendations.models import RecommendationSession

VIEW_AS_PERSON = "recommendations.view_as_person"


@admin.register(RecommendationSession)
class RecommendationSessionAdmin(RecordAdmin):
    """The lists that were shown, readable: each slot with its title, scores and source."""

    list_display = (
        "created_at",
        "user",
        "use_case",
        "method",
        "model_version",
        "experiment_arm",
        "slots",
        "seen_rank",
    )
    list_filter = (
        "use_case",
        "method",
        "model_version",
        "experiment_arm",
        "is_external",
        "user__is_synthetic",
    )
    list_select_related = ("user",)
    search_fields = ("id", "user__username")
    date_hierarchy = "created_at"
    change_form_outer_before_template = "admin/person_link.html"
    fields = (
        "id",
        "user",
        "created_at",
        "use_case",
        "method",
        "model_version",
        "experiment_arm",
        "is_external",
        "made_in_ms",
        "seen_rank",
    )

    def get_fields(self, request: HttpRequest, obj: RecommendationSession | None = None) -> list[str]:
        """The record of a list; what it showed is for those who may see the lists of people."""
        may_look = request.user.has_perm(VIEW_AS_PERSON)
        return [*self.fields, "what_was_shown" if may_look else "not_for_you"]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        session = self.get_object(request, object_id)
        may_look = self.has_view_permission(request, session) and request.user.has_perm(VIEW_AS_PERSON)
        if session is not None and may_look:
            log_look(caller(request).pk, session.user, f"their list {session.pk}")
        answer: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
        return answer

    @admin.display(description="what was shown")
    def not_for_you(self, session: RecommendationSession) -> str:
        return "Only who may look as this person sees it."

    @admin.display(description="slots")
    def slots(self, session: RecommendationSession) -> int:
        return len(session.recommendations_shown)

    @admin.display(description="what was shown")
    def what_was_shown(self, session: RecommendationSession) -> SafeString:
        shown = session.recommendations_shown
        titles = dict(
            Item.objects.filter(pk__in=[slot["item_id"] for slot in shown]).values_list("pk", "title")
        )
        return table(
            ["rank", "title", "score", "base score", "method", "source", "place there", "seen"],
            [
                [
                    slot["rank"],
                    titles.get(slot["item_id"], f"item {slot['item_id']}, deleted since"),
                    f"{slot['score']:.3f}",
                    f"{slot['base_score']:.3f}",
                    slot["method"],
                    slot["source"],
                    slot["source_rank"] or "–",
                    "yes" if slot["rank"] <= session.seen_rank else "no",
                ]
                for slot in shown
            ],
        )
