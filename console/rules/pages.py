"""Rules of staff in the admin: made and changed with a preview, ended, and each with its history."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import User
from accounts.selectors import caller
from console.rules.form import RuleForm
from console.rules.preview import Preview, preview_of
from core.admin import RecordAdmin, choice_filter, log_look, pretty_json
from core.domain import USE_CASES
from core.errors import HeedError
from curation.models import Rule, RuleChange
from curation.selectors import RuleRow
from curation.services import end_rule, save_rule
from ranking.evaluation_report import PEOPLE_SEGMENTS
from serving.live import refresh_now

VIEW_AS_PERSON = "recommendations.view_as_person"
_STATES = {"acts": "Acts", "waits": "Waits", "over": "Over"}
_TONES = {"Acts": "success", "Waits": "info", "Over": "default"}


class StateFilter(admin.SimpleListFilter):
    """Rules that act now, later, or no more."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(_STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> QuerySet[Rule]:
        now = timezone.now()
        stands = Q(ends_at=None) | Q(ends_at__gt=now)
        of_state = {
            "acts": stands & Q(begins_at__lte=now),
            "waits": stands & Q(begins_at__gt=now),
            "over": ~stands,
        }
        return queryset.filter(of_state[self.value() or ""]) if self.value() in of_state else queryset


@admin.register(Rule)
class RuleAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("number_of", "says", "state", "lists_of", "people", "begins_at", "ends_at", "note")
    list_display_links = ("number_of", "says")
    list_filter = (
        StateFilter,
        choice_filter("kind", "rule", dict(Rule.Kind.choices)),
        choice_filter("use_case", "use case", {name: one.label for name, one in USE_CASES.items()}),
    )
    list_select_related = ("item",)
    search_fields = ("item__title", "facet_name", "filter", "note")

    @admin.display(description="no.", ordering="pk")
    def number_of(self, rule: Rule) -> str:
        return str(rule.pk)

    @admin.display(description="rule", ordering="kind")
    def says(self, rule: Rule) -> str:
        return rule.sentence

    @display(description="state", label=_TONES)  # type: ignore[untyped-decorator]
    def state(self, rule: Rule) -> str:
        return state_of(rule)

    @admin.display(description="lists of", ordering="use_case")
    def lists_of(self, rule: Rule) -> str:
        return lists_of(rule)

    @admin.display(description="for", ordering="segment")
    def people(self, rule: Rule) -> str:
        return people_of(rule)

    def has_delete_permission(self, request: HttpRequest, obj: Rule | None = None) -> bool:
        # Lists name it.
        return False

    def get_urls(self) -> list[URLPattern]:
        end = path("<int:pk>/end/", self.admin_site.admin_view(self.end), name="curation_rule_end")
        return [end, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._page(request, None, may_save=True)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        rule = self.get_object(request, object_id)
        if rule is None:
            raise Http404
        if not self.has_view_or_change_permission(request, rule):
            raise PermissionDenied
        return self._page(request, rule, may_save=self._may_change(request, rule))

    def end(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ends a rule, asked for by a form."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rule = self.get_object(request, str(pk))
        if rule is None:
            raise Http404
        if not self.has_change_permission(request, rule):
            raise PermissionDenied
        try:
            end_rule(rule=rule, by=caller(request))
        except HeedError as error:
            messages.error(request, error.message)
        else:
            self.log_change(request, rule, "Ended it.")
            _take_up(rule)
            messages.success(request, f"Rule {rule.pk} is ended: it acts on no list from now on.")
        return HttpResponseRedirect(reverse("admin:curation_rule_change", args=[rule.pk]))

    def _may_change(self, request: HttpRequest, rule: Rule) -> bool:
        return self.has_change_permission(request, rule) and state_of(rule) != "Over"

    def _page(self, request: HttpRequest, rule: Rule | None, *, may_save: bool) -> HttpResponse:
        """The form, and what its rule does. It is saved once that was shown and is not refused."""
        is_posted = request.method == "POST"
        if is_posted and not may_save:
            raise PermissionDenied
        form = RuleForm(request.POST if is_posted else None, rule=rule)
        is_standing = rule is not None and state_of(rule) != "Over"
        preview = None
        if rule is not None and is_standing and not is_posted:
            preview = preview_of(RuleRow.of(rule), None)
        elif is_posted and form.is_valid():
            preview = self._preview(request, form, rule)
            is_as_shown = request.POST.get("shown") == form.digest
            if preview is not None and "_save" in request.POST and is_as_shown and not preview.is_refused:
                return self._save(request, form.rule)
            if "_save" in request.POST and not is_as_shown:
                messages.warning(request, "Nothing is saved yet: see first what it does, as it says now.")
        context = {
            **self.admin_site.each_context(request),
            "title": "New rule" if rule is None else f"Rule {rule.pk}",
            "opts": self.opts,
            "rule": rule,
            "state": None if rule is None else state_of(rule),
            "form": form,
            "preview": preview,
            "is_posted": is_posted,
            "may_save": may_save,
            "may_look": request.user.has_perm(VIEW_AS_PERSON),
            "changes": [] if rule is None else rule.changes.select_related("by"),
        }
        return render(request, "admin/rule.html", context)

    def _preview(self, request: HttpRequest, form: RuleForm, rule: Rule | None) -> Preview | None:
        person: User | None = form.cleaned_data["person"]
        if person is not None:
            if not request.user.has_perm(VIEW_AS_PERSON):
                form.add_error("person", "You may not see anybody's list. Leave it empty for a newcomer's.")
                return None
            log_look(caller(request).pk, person, "their list of now, without a rule of staff and with it")
        return preview_of(RuleRow.of(form.rule), person, None if rule is None else RuleRow.of(rule))

    def _save(self, request: HttpRequest, rule: Rule) -> HttpResponse:
        is_new = rule.pk is None
        try:
            change = save_rule(rule=rule, by=caller(request))
        except HeedError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:curation_rule_changelist"))
        if change is None:
            messages.info(request, "It says the same as before.")
        else:
            log = self.log_addition if is_new else self.log_change
            log(request, rule, f"{change.get_what_display()}: {rule.sentence}.")
            _take_up(rule)
            messages.success(request, f"Rule {rule.pk} is saved: {rule.sentence}.")
        return HttpResponseRedirect(reverse("admin:curation_rule_change", args=[rule.pk]))


@admin.register(RuleChange)
class RuleChangeAdmin(RecordAdmin):
    """The record of who made, changed and ended rules."""

    list_display = ("at", "rule", "what", "by")
    list_filter = (choice_filter("what", "what", dict(RuleChange.What.choices)),)
    list_select_related = ("rule__item", "by")
    search_fields = ("by__username", "rule__item__title", "rule__facet_name")
    date_hierarchy = "at"
    fields = ("at", "rule", "what", "by", "from_what", "to_what")

    @admin.display(description="from")
    def from_what(self, change: RuleChange) -> Any:
        return pretty_json(change.before)

    @admin.display(description="to")
    def to_what(self, change: RuleChange) -> Any:
        return pretty_json(change.after)


def state_of(rule: Rule) -> str:
    """Acts, Waits or Over."""
    now = timezone.now()
    if rule.ends_at is not None and rule.ends_at <= now:
        return "Over"
    return "Acts" if rule.begins_at <= now else "Waits"


def lists_of(rule: Rule) -> str:
    """The use case of a rule in words."""
    known = USE_CASES.get(rule.use_case)
    return known.label if known else rule.use_case or "every use case"


def people_of(rule: Rule) -> str:
    """The segment of a rule in words."""
    known = PEOPLE_SEGMENTS.get(rule.segment)
    return known.title if known else rule.segment or "everybody"


def _take_up(rule: Rule) -> None:
    """Makes it true for this process at once; others look every MODEL_CHECK_SECONDS."""
    for name in USE_CASES:
        if rule.use_case in ("", name):
            refresh_now(name)
