"""Runs of commands for staff: what ran, who or what started it and what came of it; started and canceled."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from accounts.selectors import caller
from console.models import Alert, Run, ScheduledJob
from console.rules import pages as rule_pages  # noqa: F401  registers the pages of rules
from console.runs.figures import figure_rows
from console.runs.services import cancel_run, is_scheduled, settle_lost_runs, start_retraining
from core.admin import RecordAdmin, choice_filter, pretty_json, table
from core.domain import USE_CASES
from core.errors import HeedError
from core.progress import duration

_LIST = "admin:console_run_changelist"
_TONES: dict[str, str] = {
    Run.Status.WAITING: "info",
    Run.Status.RUNNING: "info",
    Run.Status.DONE: "success",
    Run.Status.REJECTED: "warning",
    Run.Status.CANCELED: "warning",
    Run.Status.FAILED: "danger",
    Run.Status.LOST: "danger",
    Run.Status.IDLE: "default",
    Run.Status.LOCKED: "default",
}
# Seconds after which the page of a run that is on is read again.
_AGAIN = "5"


class IsOn(admin.SimpleListFilter):
    """Alerts that are on, or over."""

    title = "state"
    parameter_name = "on"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "On"), ("no", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(ended_at__isnull=self.value() == "yes")


@admin.register(Run)
class RunAdmin(RecordAdmin):
    list_display = ("run", "state", "begun", "started_how", "asked_at", "took", "came_of_it")
    list_filter = (
        choice_filter("status", "state", dict(Run.Status.choices)),
        choice_filter("kind", "kind", dict(Run.Kind.choices)),
        choice_filter("use_case", "use case", {name: use_case.label for name, use_case in USE_CASES.items()}),
        choice_filter("source", "started by", dict(Run.Source.choices)),
    )
    list_select_related = ("started_by",)
    list_display_links = ("run",)
    search_fields = ("command", "why", "log")
    date_hierarchy = "asked_at"
    list_before_template = "admin/runs_start.html"
    change_form_outer_before_template = "admin/run.html"
    fields = (
        "run",
        "arguments_readable",
        "started_how",
        "asked_at",
        "started_at",
        "ended_at",
        "heard_at",
        "figures_readable",
        "log_readable",
    )

    @display(description="state", label=_TONES, ordering="status")  # type: ignore[untyped-decorator]
    def state(self, run: Run) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @admin.display(description="run", ordering="command")
    def run(self, run: Run) -> str:
        return str(run)

    @admin.display(description="progress")
    def begun(self, run: Run) -> str:
        if run.share is None or run.is_over:
            return "" if run.is_over else run.done
        return f"{run.done} ({run.share:.0%})"

    @admin.display(description="started by", ordering="source")
    def started_how(self, run: Run) -> str:
        who = run.started_by or run.started_as
        return f"{who}, {run.get_source_display()}" if who else run.get_source_display()

    @admin.display(description="took")
    def took(self, run: Run) -> str:
        return took(run)

    @admin.display(description="what came of it")
    def came_of_it(self, run: Run) -> str:
        return run.why if len(run.why) <= 140 else f"{run.why[:139]}…"

    @admin.display(description="arguments")
    def arguments_readable(self, run: Run) -> str | SafeString:
        return table(["argument", "value"], [*map(list, run.arguments.items())]) if run.arguments else "none"

    @admin.display(description="figures")
    def figures_readable(self, run: Run) -> str | SafeString:
        if not run.figures:
            return "none"
        rows, left_out = figure_rows(run.figures)
        found = table(["figure", "value"], [list(row) for row in rows])
        if not left_out:
            return found
        whole = pretty_json(run.figures)
        return format_html("{}<details><summary>{} more</summary>{}</details>", found, left_out, whole)

    @admin.display(description="last lines of the log")
    def log_readable(self, run: Run) -> str | SafeString:
        if not run.log:
            return "nothing was logged"
        return format_html('<pre class="heed-log" tabindex="0">{}</pre>', run.log)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        queryset: QuerySet[Run] = super().get_queryset(request)
        # The list is about many: their logs stay where they are.
        is_list = request.resolver_match is not None and request.resolver_match.view_name == _LIST
        return queryset.defer("log", "figures") if is_list else queryset

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        settle_lost_runs()
        more = {
            "may_start": request.user.has_perm("console.start_run"),
            "use_cases": [(name, use_case.label) for name, use_case in USE_CASES.items()],
        }
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **more})
        return answer

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        settle_lost_runs()
        run = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if run is not None and self.has_view_permission(request, run):
            may_cancel = request.user.has_perm("console.cancel_run") and run.can_be_canceled
            more = {
                "kept_run": run,
                "may_cancel": may_cancel,
                "took": took(run),
                "tone": _TONES[run.status],
            }
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **more}
        )
        if run is not None and not run.is_over:
            answer.headers["Refresh"] = _AGAIN
        return answer

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("start/", self.admin_site.admin_view(self.start), name="console_run_start"),
            path("<int:pk>/cancel/", self.admin_site.admin_view(self.cancel), name="console_run_cancel"),
        ]
        return [*own, *super().get_urls()]

    def start(self, request: HttpRequest) -> HttpResponse:
        """Starts a retraining, asked for by a form."""
        _check(request, "console.start_run")
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        use_case = request.POST.get("use_case", "")
        if use_case not in USE_CASES:
            messages.error(request, f"There is no use case {use_case!r}.")
            return HttpResponseRedirect(reverse(_LIST))
        try:
            run = start_retraining(
                use_case=use_case, if_needed="if_needed" in request.POST, by=caller(request)
            )
        except HeedError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse(_LIST))
        self.log_addition(request, run, "Started it.")
        return HttpResponseRedirect(reverse("admin:console_run_change", args=[run.pk]))

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancels a run, asked for by a form."""
        _check(request, "console.cancel_run")
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        run = get_object_or_404(Run, pk=pk)
        try:
            cancel_run(run, by=caller(request))
        except HeedError as error:
            messages.error(request, error.message)
        else:
            self.log_change(request, run, "Canceled it.")
            messages.success(request, "It ends within seconds and leaves nothing half.")
        return HttpResponseRedirect(reverse("admin:console_run_change", args=[run.pk]))


@admin.register(Alert)
class AlertAdmin(RecordAdmin):
    """Alerts that are on, and those that were."""

    list_display = ("state", "kind", "text", "began_at", "ended_at")
    list_display_links = ("text",)
    list_filter = (choice_filter("kind", "kind", dict(Alert.Kind.choices)), IsOn)
    search_fields = ("text", "subject")
    date_hierarchy = "began_at"
    fields = ("state", "kind", "subject", "text", "value", "began_at", "ended_at")

    @display(description="state", label={"On": "danger", "Over": "default"})  # type: ignore[untyped-decorator]
    def state(self, alert: Alert) -> str:
        return "Over" if alert.ended_at else "On"


@admin.register(ScheduledJob)
class ScheduledJobAdmin(RecordAdmin):
    list_display = ("name", "at", "what", "next_at", "started_at", "ended_at", "outcome")
    fields = list_display
    list_before_template = "admin/schedule.html"

    @admin.display(description="commands")
    def what(self, job: ScheduledJob) -> SafeString:
        return format_html_join(mark_safe("<br>"), "{}", ([line] for line in job.runs))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"is_scheduled": is_scheduled()}
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **more})
        return answer


def _check(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def took(run: Run, now: datetime | None = None) -> str:
    """The time that a run has taken so far, or took in all, in words."""
    if run.started_at is None:
        return "–"
    until = run.ended_at or now or timezone.now()
    seconds = (until - run.started_at).total_seconds()
    if run.status != Run.Status.LOST:
        return duration(seconds)
    # It was last heard when it began: how long it lasted nobody knows.
    return f"at least {duration(seconds)}" if seconds >= 1 else "not known"
