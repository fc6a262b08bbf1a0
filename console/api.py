"""Figures of everybody's dislikes over HTTP, per model; for staff who may see dislikes."""

import math
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import caller
from console.selectors.serving import get_leading_version
from core.api import ERRORS, ApiView, validated
from core.domain import DEFAULT_USE_CASE, USE_CASES
from feedback.api import RetrainingState, retraining_json
from feedback.selectors import (
    get_example_errors,
    get_feedback_improvement_metrics,
    get_model_feedback_metrics,
)
from feedback.training import get_retrainings
from ranking.models import ModelVersion

ACCURACY = "ndcg"


class MetricsQuery(serializers.Serializer[Any]):
    """Over how many days, and of which use case the active version is asked for."""

    days = serializers.IntegerField(min_value=1, max_value=3650, default=30)
    use_case = serializers.ChoiceField(choices=list(USE_CASES), default=DEFAULT_USE_CASE)


class ModelFeedbackEntry(serializers.Serializer[Any]):
    """One model version over the period."""

    model_version = serializers.CharField(allow_blank=True)
    lists = serializers.IntegerField()
    slots_seen = serializers.IntegerField()
    dislikes = serializers.IntegerField()
    dislike_rate = serializers.FloatField(allow_null=True)
    mean_error = serializers.FloatField(allow_null=True)


class ImprovementEntry(serializers.Serializer[Any]):
    """This period against the one before."""

    dislike_rate = serializers.FloatField(allow_null=True)
    dislike_rate_before = serializers.FloatField(allow_null=True)
    mean_error = serializers.FloatField(allow_null=True)
    mean_error_before = serializers.FloatField(allow_null=True)


class ExampleErrorsEntry(serializers.Serializer[Any]):
    """The negative training examples of any time, and how wrong the predictions behind them were."""

    total_negative_examples = serializers.IntegerField()
    avg_prediction_error = serializers.FloatField(allow_null=True)
    max_error = serializers.FloatField(allow_null=True)
    min_error = serializers.FloatField(allow_null=True)


class ActiveVersionEntry(serializers.Serializer[Any]):
    """The version that leads the lists of a use case."""

    version_id = serializers.IntegerField()
    version = serializers.CharField(help_text="as commands and lists name it")
    use_case = serializers.CharField()
    created_at = serializers.DateTimeField()
    accuracy = serializers.FloatField(
        allow_null=True, help_text="its NDCG@10, 0 to 1, where it was evaluated"
    )


class MetricsAnswer(serializers.Serializer[Any]):
    """Statistics of dislikes per model."""

    success = serializers.BooleanField()
    metrics = ExampleErrorsEntry()
    active_model_version = ActiveVersionEntry(
        allow_null=True, help_text="of the use case asked for; null where no model serves"
    )
    models = ModelFeedbackEntry(many=True)
    improvement = ImprovementEntry()
    retraining = RetrainingState()
    retraining_by_use_case = RetrainingState(many=True)


class FeedbackMetricsView(ApiView):
    """Statistics of everybody's dislikes per model; for staff who may see dislikes."""

    queries = {"get": MetricsQuery}

    @extend_schema(
        operation_id="feedback_metrics", parameters=[MetricsQuery], responses={200: MetricsAnswer, **ERRORS}
    )
    def get(self, request: Request) -> Response:
        if not caller(request).has_perm("feedback.view_dislike"):
            raise PermissionDenied("Only staff who may see dislikes may see these figures.")
        query = validated(MetricsQuery, request.query_params)
        days, version = query["days"], get_leading_version(USE_CASES[query["use_case"]])
        retrainings = [retraining_json(one) for one in get_retrainings()]
        since = timezone.now() - timedelta(days=days)
        return Response(
            {
                "success": True,
                "metrics": asdict(get_example_errors()),
                "active_model_version": None if version is None else _version_json(version),
                "models": [asdict(one) for one in get_model_feedback_metrics(since=since)],
                "improvement": asdict(get_feedback_improvement_metrics(days=days)),
                "retraining": retrainings[0],
                "retraining_by_use_case": retrainings,
            }
        )


def _version_json(version: ModelVersion) -> dict[str, Any]:
    result = version.result()
    accuracy = result.figures.get(ACCURACY) if result else None
    return {
        "version_id": version.pk,
        "version": version.label,
        "use_case": version.use_case,
        "created_at": version.created_at,
        "accuracy": None if accuracy is None or math.isnan(accuracy.mean) else accuracy.mean,
    }
