"""Model versions: compared, activated and rolled back by staff who hold the permission for it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from config.admin import RecordAdmin, pretty_json, table
from config.errors import HeedError
from ranking.models import ModelVersion
from ranking.registry import activate_version, rollback_version


@admin.register(ModelVersion)
class ModelVersionAdmin(RecordAdmin):
    list_display = (
        "label",
        "status",
        "ndcg",
        "recall",
        "disliked",
        "against_popularity",
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
        "quality",
        "hyper_parameters_readable",
        "dataset_readable",
    )

    def has_delete_permission(self, request: HttpRequest, obj: ModelVersion | None = None) -> bool:
        # A version that went live is part of the record of every list it made.
        return False

    @admin.display(description="NDCG@10")
    def ndcg(self, version: ModelVersion) -> str:
        return _figure(version, "als", "ndcg@10")

    @admin.display(description="Recall@10")
    def recall(self, version: ModelVersion) -> str:
        return _figure(version, "als", "recall@10")

    @admin.display(description="later disliked in top 10")
    def disliked(self, version: ModelVersion) -> str:
        return _figure(version, "als", "disliked_share@10")

    @admin.display(description="NDCG@10 above popularity")
    def against_popularity(self, version: ModelVersion) -> str:
        return _interval(version.metrics.get("test", {}).get("als_minus_popularity_ndcg@10"))

    @admin.display(description="quality on held-out people")
    def quality(self, version: ModelVersion) -> SafeString:
        return _comparison([version])

    @admin.display(description="hyper-parameters")
    def hyper_parameters_readable(self, version: ModelVersion) -> SafeString:
        return pretty_json(version.hyper_parameters)

    @admin.display(description="dataset")
    def dataset_readable(self, version: ModelVersion) -> SafeString:
        return pretty_json(version.dataset_manifest)

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
            self.message_user(request, f"{active.label} is active: {active.why}.", messages.SUCCESS)


def _comparison(versions: list[ModelVersion]) -> SafeString:
    """A row per version and baseline, a column per metric, from the held-out people of each version."""
    metrics = ["ndcg@10", "recall@10", "hr@10", "disliked_share@10"]
    rows: list[list[Any]] = []
    for version in versions:
        test = version.metrics.get("test", {})
        if "als" not in test:
            rows.append([version.label, test.get("why_not", "not measured")])
            continue
        for name in ("als", "popularity", "random"):
            shown = f"{version.label} ({version.status})" if name == "als" else name
            coverage = f"{test[name]['coverage']:.1%}"
            rows.append([shown, test["people"], *(_interval(test[name][m]) for m in metrics), coverage])
    return table(["ranking", "people", *metrics, "coverage"], rows)


def _figure(version: ModelVersion, ranking: str, metric: str) -> str:
    return _interval(version.metrics.get("test", {}).get(ranking, {}).get(metric))


def _interval(interval: dict[str, float | None] | None) -> str:
    if not interval or interval["mean"] is None:
        return "–"
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
