"""Model versions: compared, activated and rolled back by staff who hold the permission for it."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from core.admin import RecordAdmin, pretty_json, table
from core.errors import HeedError
from ranking.evaluation.plots import NOTHING, interval_text
from ranking.evaluation.report import figure_of, view_of
from ranking.models import ModelVersion
from ranking.registry.versions import activate_version, rollback_version

Kind = ModelVersion.Kind

_METRICS = {
    "ndcg@10": "NDCG@10",
    "recall@10": "Recall@10",
    "hr@10": "HR@10",
    "disliked_share@10": "later disliked in top 10",
    "liked_over_disliked": "liked above disliked",
}
# The kinds that are judged on lists made anew when they are trained.
_RETRIEVING = (Kind.ALS, Kind.TWO_TOWER)
# What the trainers compare a version of each kind with.
_BASELINES: dict[str, tuple[str, str]] = {
    Kind.ALS: ("als_minus_popularity_ndcg@10", "popularity"),
    Kind.TWO_TOWER: ("two_tower_minus_popularity_ndcg@10", "popularity"),
    Kind.RANKER: ("ranker_minus_als_ndcg@10", "ALS"),
}


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
        "quality",
        "hyper_parameters_readable",
        "dataset_readable",
    )

    def has_delete_permission(self, request: HttpRequest, obj: ModelVersion | None = None) -> bool:
        # A version that went live is part of the record of every list it made.
        return False

    @admin.display(description="NDCG@10")
    def ndcg(self, version: ModelVersion) -> str:
        return _evaluated(version, "ndcg") or _tested(version, _RETRIEVING, "ndcg@10")

    @admin.display(description="NDCG@10, lists shown")
    def list_ndcg(self, version: ModelVersion) -> str:
        return _evaluated(version, "list_ndcg") or _tested(version, (Kind.RANKER,), "ndcg@10")

    @admin.display(description="Recall@10")
    def recall(self, version: ModelVersion) -> str:
        return _evaluated(version, "recall") or _tested(version, _RETRIEVING, "recall@10")

    @admin.display(description="later disliked in top 10")
    def disliked(self, version: ModelVersion) -> str:
        return _evaluated(version, "disliked_share") or _tested(version, _RETRIEVING, "disliked_share@10")

    @admin.display(description="liked above disliked")
    def liked_over_disliked(self, version: ModelVersion) -> str:
        return _evaluated(version, "list_order") or _tested(version, (Kind.RANKER,), "liked_over_disliked")

    @admin.display(description="NDCG@10 above its baseline when trained")
    def above_baseline(self, version: ModelVersion) -> str:
        key, baseline = _BASELINES.get(version.kind, ("", ""))
        found = interval_text(version.metrics.get("test", {}).get(key), signed=True)
        return found if found == NOTHING else f"{found} above {baseline}"

    @admin.display(description="evaluation")
    def evaluation(self, version: ModelVersion) -> SafeString | str:
        return _report(version.metrics.get("evaluation"))

    @admin.display(description="evaluation that decided")
    def deciding_evaluation(self, version: ModelVersion) -> SafeString | str:
        return _report(version.metrics.get("evaluation_by_gate"))

    @admin.display(description="evaluation among all that serves")
    def evaluation_in_place(self, version: ModelVersion) -> SafeString | str:
        return _report(version.metrics.get("evaluation_in_place"))

    @admin.display(description="quality when trained")
    def quality(self, version: ModelVersion) -> SafeString:
        return _comparison([version])

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
        versions = list(queryset.order_by("kind", "use_case", "version")[:10])
        self.message_user(request, _comparison(versions), messages.INFO)

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


def _report(evaluation: dict[str, Any] | None) -> SafeString | str:
    """An evaluation with its plots, as in the report of `evaluate_models`."""
    if not evaluation:
        return NOTHING
    return render_to_string("evaluation/admin.html", {"report": view_of(evaluation)})


def _comparison(versions: list[ModelVersion]) -> SafeString:
    """A row per version and baseline, a column per metric, from the held-out people of each version."""
    rows: list[list[Any]] = []
    for version in versions:
        test = version.metrics.get("test", {})
        if version.kind not in test:
            rows.append([version.label, test.get("why_not", "not measured")])
            continue
        # The version itself first, then what it was held against.
        names = sorted(
            (name for name in test if _is_ranking(test[name])), key=lambda name: name != version.kind
        )
        for name in names:
            shown = f"{version.label} ({version.status})" if name == version.kind else name.replace("_", " ")
            coverage = test[name].get("coverage")
            rows.append(
                [
                    shown,
                    test["people"],
                    *(interval_text(test[name].get(metric)) for metric in _METRICS),
                    NOTHING if coverage is None else f"{coverage:.1%}",
                ]
            )
    return table(["ranking", "people", *_METRICS.values(), "coverage"], rows)


def _is_ranking(entry: Any) -> bool:
    return isinstance(entry, dict) and "ndcg@10" in entry


def _evaluated(version: ModelVersion, figure: str) -> str:
    """A figure of the version's last evaluation; nothing where it has none."""
    judgements = version.metrics.get("evaluation", {}).get("judgements")
    found = figure_of(judgements[0], figure) if judgements else None
    if not found:
        return ""
    return interval_text(found) + (" (may have seen it)" if judgements[0].get("saw_it") else "")


def _tested(version: ModelVersion, kinds: Collection[str], metric: str) -> str:
    """A figure from when the version was trained, if it is of one of these kinds; else a dash."""
    if version.kind not in kinds:
        return NOTHING
    return interval_text(version.metrics.get("test", {}).get(version.kind, {}).get(metric))
