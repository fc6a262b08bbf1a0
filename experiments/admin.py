"""Experiments for staff: drafted, started, watched and stopped, with a line in the history for each."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminSelectWidget

from core.admin import RecordAdmin
from core.domain import DEFAULT_USE_CASE, USE_CASES
from core.errors import HeedError, InvalidInput
from experiments.models import ResponsivenessReport
from experiments.page import describe
from experiments.report import make_report
from experiments.responsiveness.report import from_json
from experiments.responsiveness_page import describe_responsiveness, percent, plain_effect
from experiments.services import MAX_ARMS, start_experiment, stop_experiment, switch_off_arm
from ranking.arms import policy_of
from ranking.models import Arm, Experiment, ModelVersion
from ranking.policy import Policy

Status = Experiment.Status
_NOT_OF_USE_CASE = (
    "Select a valid choice: %(value)s is not one of the available choices. It is of another use case or was "
    "rejected. Those of the use case above are listed once the draft is saved."
)
_LONGEST_ID = 18


class ExperimentForm(forms.ModelForm):  # type: ignore[type-arg]  # Django cannot be subscripted
    """A draft; the use case is one of ours."""

    use_case = forms.ChoiceField(
        choices=[(name, use_case.label) for name, use_case in USE_CASES.items()],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Experiment
        fields = ("name", "description", "use_case", "share", "outcome_days")


class ArmForm(forms.ModelForm):  # type: ignore[type-arg]  # Django cannot be subscripted
    """An arm whose policy there is."""

    class Meta:
        model = Arm
        fields = ("name", "weight", "feedback", "boosts", "exploration_share", "policy", "versions")

    def clean_policy(self) -> Any:
        overrides = self.cleaned_data["policy"] or {}
        try:
            policy_of(Arm(name="the arm", policy=overrides), Policy.of(USE_CASES[DEFAULT_USE_CASE]))
        except InvalidInput as error:
            raise forms.ValidationError(error.message) from error
        return overrides


class VersionsWidget(UnfoldAdminSelectMultipleWidget):  # type: ignore[misc]
    """Versions, each with its use case, for the script that offers those of one alone."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        # Not a version: the empty choice.
        if (version := getattr(option["value"], "instance", None)) is not None:
            option["attrs"]["data-use-case"] = version.use_case
        return option


def _use_case_of(request: HttpRequest) -> str | None:
    """The use case of the form: as it was sent, else that of the draft; None for a new one."""
    if request.method == "POST":
        return next((name for name in USE_CASES if name == request.POST.get("use_case")), "")
    match = request.resolver_match
    draft = None if match is None else match.kwargs.get("object_id")
    if draft is None or not (draft.isascii() and draft.isdecimal() and len(draft) <= _LONGEST_ID):
        return None
    return Experiment.objects.filter(pk=draft).values_list("use_case", flat=True).first()


class ArmInline(TabularInline):  # type: ignore[misc]
    model = Arm
    form = ArmForm
    fields = ("name", "weight", "feedback", "boosts", "exploration_share", "policy", "versions")
    extra = 0
    min_num = 2
    max_num = MAX_ARMS
    verbose_name_plural = "arms, the control first"

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        usable = ModelVersion.objects.exclude(status=ModelVersion.Status.REJECTED)
        if (use_case := _use_case_of(request)) is not None:
            usable = usable.filter(use_case=use_case)
        kwargs["queryset"] = usable.order_by("use_case", "kind", "-version")
        kwargs["widget"] = VersionsWidget()
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        field.error_messages["invalid_choice"] = _NOT_OF_USE_CASE
        field.widget.attrs["style"] = "min-width: 16rem"
        return field

    # A draft's arms belong to its form: who may change the one may change the others.
    def has_view_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return request.user.has_perm("ranking.view_experiment") or _may_write(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return _may_write(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return _may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return _may_write(request, obj)


@admin.register(Experiment)
class ExperimentAdmin(ModelAdmin):  # type: ignore[misc]
    form = ExperimentForm
    inlines = (ArmInline,)
    list_display = ("name", "use_case", "status", "share", "arm_names", "started_at", "stopped_at")
    list_filter = ("use_case", "status")
    search_fields = ("name", "description")
    change_form_outer_before_template = "admin/experiment.html"

    @admin.display(description="arms")
    def arm_names(self, experiment: Experiment) -> str:
        return ", ".join(
            arm.name if arm.switched_off_at is None else f"{arm.name} (off)" for arm in experiment.arms.all()
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Experiment]:
        queryset: QuerySet[Experiment] = super().get_queryset(request)
        return queryset.prefetch_related("arms")

    def has_change_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        # An arm that was tried on people is part of the record of their lists.
        return super().has_delete_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ranking.run_experiment")

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<int:pk>/start/", self.admin_site.admin_view(self.start), name="experiment_start"),
            path("<int:pk>/stop/", self.admin_site.admin_view(self.stop), name="experiment_stop"),
            path(
                "<int:pk>/switch-off/<int:arm_id>/",
                self.admin_site.admin_view(self.switch_off),
                name="experiment_switch_off",
            ),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        experiment = self.get_object(request, object_id)
        more: dict[str, Any] = {"experiment": experiment, "may_run": self.has_run_permission(request)}
        may_see = self.has_view_permission(request, experiment)
        if may_see and experiment is not None and experiment.status != Status.DRAFT:
            more["page"] = describe(make_report(experiment))
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **more}
        )
        return answer

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        context["is_draft"] = obj is None or self.has_change_permission(request, obj)
        answer: HttpResponse = super().render_change_form(request, context, **kwargs)
        return answer

    def save_model(self, request: HttpRequest, obj: Experiment, form: Any, change: Any) -> None:
        # Somebody may have started it since this request read it, and saving would make it a draft again.
        if change and Experiment.objects.select_for_update().get(pk=obj.pk).status != Status.DRAFT:
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Draws people from now on."""
        return self._act(request, pk, lambda experiment: start_experiment(experiment=experiment), "Started.")

    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Gives everybody the usual lists again."""
        return self._act(request, pk, lambda experiment: stop_experiment(experiment=experiment), "Stopped.")

    def switch_off(self, request: HttpRequest, pk: int, arm_id: int) -> HttpResponse:
        """Gives the people of one arm the usual lists."""
        arm = get_object_or_404(Arm.objects.filter(experiment_id=pk), pk=arm_id)
        return self._act(request, pk, lambda _: switch_off_arm(arm=arm), f"Switched off: {arm.name}.")

    def _act(
        self, request: HttpRequest, pk: int, act: Callable[[Experiment], object], done: str
    ) -> HttpResponse:
        """Does it for who may, notes it in the history, and goes back to the page with a sentence."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_run_permission(request):
            raise PermissionDenied
        experiment = get_object_or_404(Experiment, pk=pk)
        try:
            act(experiment)
        except HeedError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.log_change(request, experiment, done)
            self.message_user(request, f"{experiment.name}: {done}", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:ranking_experiment_change", args=[pk]))


@admin.register(ResponsivenessReport)
class ResponsivenessReportAdmin(RecordAdmin):
    list_display = ("use_case", "made_at", "kept_out")
    list_filter = ("use_case",)
    fields = ("use_case", "made_at")
    change_form_outer_before_template = "admin/responsiveness.html"

    @admin.display(description="kept out by a plain no")
    def kept_out(self, row: ResponsivenessReport) -> str:
        report = from_json(row.report)
        effect = None if report is None else plain_effect(report)
        return percent(None if effect is None else effect.prevented)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if row is not None and self.has_view_permission(request, row):
            report = from_json(row.report)
            more = {"page": report and describe_responsiveness(report), "is_unreadable": report is None}
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **more}
        )
        return answer


def _may_write(request: HttpRequest, experiment: Experiment | None) -> bool:
    wanted = "ranking.add_experiment" if experiment is None else "ranking.change_experiment"
    return request.user.has_perm(wanted) and (experiment is None or experiment.status == Status.DRAFT)
