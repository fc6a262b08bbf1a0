"""Model versions: compared, activated and rolled back by staff who hold the permission for it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin import RecordAdmin, pretty_json, table
from core.charts import NOTHING, interval_text
from core.errors import HeedError
from ranking.drift import DAYS, get_drift
from ranking.evaluation.report import view_of
from ranking.evaluation_report import FIGURES, EvaluationReport, EvaluationResult
from ranking.models import ModelVersion, StoredReport
from ranking.recommenders.registry import ORDERING, RECOMMENDERS
from ranking.registry.versions import activate_version, rollback_version
from ranking.statistics.drift import SHIFTED, STABLE

# The figures of a table of several versions; those that none of them has are left out.
_COMPARED = ("ndcg", "list_ndcg", "recall", "hit_rate", "disliked_share", "order", "list_order", "coverage")


@admin.register(ModelVersion)
class ModelVersionAdmin(RecordAdmin):
    list_display = (
        "label",
        "status",
        "ndcg",
        "list_ndcg",
        "recall",
        "disliked",
        "liked_over_disliked",
        "above_baseline",
        "created_at",
    )
    list_filter = ("kind", "use_case", "status")
    ordering = ("-created_at",)
    actions = ("compare", "activate", "roll_back")
    fields = (
        "label",
        "status",
        "why",
        "created_at",
        "activated_at",
        "parent",
        "file",
        "sha256",
        "evaluation",
        "deciding_evaluation",
        "evaluation_in_place",
        "quality_when_trained",
        "drift",
        "quality",
        "weight",
        "refusal_share",
        "hyper_parameters_readable",
        "dataset_readable",
    )

    @admin.display(description=FIGURES["ndcg"].title)
    def ndcg(self, version: ModelVersion) -> str:
        return _figure(version, "ndcg")

    @admin.display(description=FIGURES["list_ndcg"].title)
    def list_ndcg(self, version: ModelVersion) -> str:
        return _figure(version, "list_ndcg")

    @admin.display(description=FIGURES["recall"].title)
    def recall(self, version: ModelVersion) -> str:
        return _figure(version, "recall")

    @admin.display(description=FIGURES["disliked_share"].title)
    def disliked(self, version: ModelVersion) -> str:
        return _figure(version, "disliked_share")

    @admin.display(description=FIGURES["list_order"].title)
    def liked_over_disliked(self, version: ModelVersion) -> str:
        return _figure(version, "list_order")

    @admin.display(description="NDCG@10 above its baseline when trained")
    def above_baseline(self, version: ModelVersion) -> str:
        report = version.evaluation(StoredReport.TRAINING)
        if not report or not report.own or not report.own.differences:
            return NOTHING
        first = report.own.differences[0]
        return f"{interval_text(first.interval, signed=True)} above {_name(first.baseline)}"

    @admin.display(description="evaluation")
    def evaluation(self, version: ModelVersion) -> SafeString | str:
        return _report(version.evaluation())

    @admin.display(description="evaluation that decided")
    def deciding_evaluation(self, version: ModelVersion) -> SafeString | str:
        return _report(version.evaluation(StoredReport.DECIDING))

    @admin.display(description="evaluation among all that serves")
    def evaluation_in_place(self, version: ModelVersion) -> SafeString | str:
        return _report(version.evaluation(StoredReport.IN_PLACE))

    @admin.display(description="quality when trained")
    def quality_when_trained(self, version: ModelVersion) -> SafeString:
        return _table(_rows(version, version.evaluation(StoredReport.TRAINING), with_others=True))

    @admin.display(description="drift since training")
    def drift(self, version: ModelVersion) -> SafeString | str:
        return _drift(version) if version.kind in ORDERING else NOTHING

    @admin.display(description="hyper-parameters")
    def hyper_parameters_readable(self, version: ModelVersion) -> SafeString:
        return pretty_json(version.hyper_parameters)

    @admin.display(description="dataset")
    def dataset_readable(self, version: ModelVersion) -> SafeString:
        # There may be thousands of ids; how many is what a person asks, and each example names its versions.
        manifest = version.dataset_manifest
        examples = len(manifest.get("negative_examples", []))
        return pretty_json({**manifest, "negative_examples": examples})

    @admin.action(description="Compare the metrics of the selected versions")
    def compare(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        versions = list(queryset.order_by("kind", "use_case", "version"))
        # Where there are no figures, the last evaluation says why.
        rows = [row for one in versions for row in _rows(one, one.measured() or one.evaluation())]
        self.message_user(request, _table(rows), messages.INFO)

    @admin.action(description="Put the selected version into service", permissions=["activate"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        if queryset.count() != 1:
            self.message_user(request, "Select exactly one version to activate.", messages.ERROR)
            return
        self._try(
            request, lambda: activate_version(version=queryset.get(), why=f"activated by {request.user}")
        )

    @admin.action(description="Roll back from the selected active version", permissions=["rollback"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        version = queryset.first()
        if queryset.count() != 1 or version is None or version.status != ModelVersion.Status.ACTIVE:
            self.message_user(request, "Select exactly one version, the active one.", messages.ERROR)
            return
        self._try(
            request,
            lambda: rollback_version(
                kind=version.kind, use_case=version.use_case, why=f"rolled back by {request.user}"
            ),
        )

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ranking.activate_modelversion")

    def has_rollback_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ranking.rollback_modelversion")

    def _try(self, request: HttpRequest, act: Any) -> None:
        try:
            active = act()
        except HeedError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, f"{active.label} is {active.status}: {active.why}.", messages.SUCCESS)


def _report(report: EvaluationReport | None) -> SafeString | str:
    """An evaluation with its plots, as in the report of `evaluate_models`."""
    if report is None:
        return NOTHING
    return render_to_string("evaluation/admin.html", {"report": view_of(report)})


def _drift(version: ModelVersion) -> SafeString | str:
    """The features that moved most and the score, with the number of lists on both sides."""
    found = get_drift(version, now=timezone.now())
    if found.why_not:
        return found.why_not
    beside = (
        "lists" if found.of_shown else "lists made up from the log, which hold other items than those shown"
    )
    said = (
        f"{found.lists:,} lists of the last {DAYS} days ({found.slots:,} slots) beside "
        f"{found.trained_on:,} {beside}. "
        f"PSI below {STABLE} is stable, above {SHIFTED} another population."
    )
    rows = [
        [
            one.name,
            f"{one.index:.3f}",
            one.says,
            *(NOTHING if median is None else f"{median:.3f}" for median in (one.median_then, one.median_now)),
            f"{one.unknown_then:.0%}",
            f"{one.unknown_now:.0%}",
        ]
        for one in found.shifts
    ]
    heads = ["", "PSI", "", "median in training", "as served", "unknown in training", "as served"]
    return format_html("<p>{}</p>{}", said, table(heads, rows))


def _figure(version: ModelVersion, name: str) -> str:
    """A figure of the version, a dash where it has none."""
    result = version.result()
    if result is None or name not in result.figures:
        return NOTHING
    return interval_text(result.figures[name]) + (" (may have seen it)" if result.leaked else "")


@dataclass(frozen=True, slots=True)
class _Row:
    """A contender in a table, since when it was evaluated, and its result; None where it was not measured."""

    name: str
    since: str
    result: EvaluationResult | None


def _rows(version: ModelVersion, report: EvaluationReport | None, *, with_others: bool = False) -> list[_Row]:
    """The version in a report, and beside it the baseline, or all the other contenders."""
    label = f"{version.label} ({version.status})"
    if report is None or report.own is None:
        return [_Row(label, (report.why_empty if report else "") or "not measured", None)]
    since = f"{report.start:%Y-%m-%d %H:%M}" if report.start else NOTHING
    if version.label in report.own.name.split("+") and report.own.name != version.label:
        label = f"{label}, as {report.own.name}"
    others = [one for one in report.results[1:] if with_others or one.name == report.baseline]
    return [
        _Row(label, since, report.own),
        *(_Row(f"beside it: {_name(one.name)}", since, one) for one in others),
    ]


def _table(rows: list[_Row]) -> SafeString:
    """A row per contender, a column per figure that any of them has."""
    results = [row.result for row in rows if row.result]
    names = [name for name in _COMPARED if any(name in one.figures for one in results)]
    cells: list[list[Any]] = [
        [
            row.name,
            row.since,
            "" if row.result is None or row.result.people is None else row.result.people,
            *(interval_text(row.result.figures.get(name) if row.result else None) for name in names),
        ]
        for row in rows
    ]
    return table(
        ["model", "evaluated on events from", "people", *(FIGURES[name].title for name in names)], cells
    )


def _name(contender: str) -> str:
    """A contender in words; labels of versions stay as they are."""
    if contender in RECOMMENDERS:
        return RECOMMENDERS[contender].label
    return contender if "-" in contender else contender.replace("_", " ")
