"""The dislike system: say no with a reason, see one's dislikes and patterns, take one back."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import EMBEDDABLE
from accounts.idempotency import IDEMPOTENCY_PARAMETER, respond_once
from accounts.selectors import caller
from catalog.models import Item
from core.api import (
    ERRORS,
    WRITE_ERRORS,
    ChoiceField,
    ErrorSerializer,
    IdField,
    NamesField,
    NumberField,
    TextField,
    UuidField,
    validated,
)
from core.domain import CATEGORIES, PEOPLE, SERIES, ItemKind
from core.errors import NotFound
from core.values import COMMENT, OTHER_TITLE, REASON, SAID_NAMES, SCORE
from feedback.models import Dislike
from feedback.selectors import (
    active_dislikes,
    get_dislike_pattern_analysis,
    get_feedback_improvement_metrics,
    get_model_feedback_metrics,
)
from feedback.services import (
    ClientContext,
    SavedDislike,
    save_dislike,
    undo_dislike,
    undo_dislike_of_item,
)
from feedback.training import should_retrain_from_feedback
from feedback.wording import recorded_sentence
from interactions.selectors import check_may_speak, find_item_to_speak_of


class DislikeReasonBody(serializers.Serializer[Any]):
    """The reason, and the list in which the item was met."""

    reason = ChoiceField(REASON, default="other")
    feedback_text = TextField(COMMENT, default="")
    recommendation_session_id = UuidField(required=False, allow_null=True, default=None)


class DislikeBody(serializers.Serializer[Any]):
    """A no. `predicted_score`, `genres` and `cast` count only where the server has no record of its own."""

    movie_id = IdField(required=False, allow_null=True, default=None)
    movie_title = TextField(OTHER_TITLE, required=False, default="")
    recommendation_set_id = UuidField(required=False, allow_null=True, default=None)
    predicted_score = NumberField(SCORE, required=False, allow_null=True, default=None)
    reason = ChoiceField(REASON)
    feedback_text = TextField(COMMENT, default="")
    genres = NamesField(SAID_NAMES, default=list)
    cast = NamesField(SAID_NAMES, default=list)


class TrainingImpact(serializers.Serializer[Any]):
    """The examples that models will learn from it."""

    error_recorded = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField()


class FeatureAdjustments(serializers.Serializer[Any]):
    """A penalty in this person's lists from now on: −0.15 is 15 % less."""

    genre_adjustments = serializers.DictField(child=serializers.FloatField())
    cast_adjustments = serializers.DictField(child=serializers.FloatField())
    franchise_adjustment = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class UserPatterns(serializers.Serializer[Any]):
    """The dislikes of this person."""

    reason_distribution = serializers.DictField(child=serializers.IntegerField())
    recent_trend = serializers.ChoiceField(choices=["rising", "falling", "steady"])
    total_dislikes = serializers.IntegerField()


class RetrainingState(serializers.Serializer[Any]):
    """The progress of the examples towards asking for a new model."""

    untrained = serializers.IntegerField()
    threshold = serializers.IntegerField()
    due = serializers.BooleanField()


class DislikeAnswer(serializers.Serializer[Any]):
    """That the no is on record, and all that follows from it."""

    success = serializers.BooleanField()
    dislike_id = serializers.IntegerField()
    message = serializers.CharField(
        help_text="a sentence for the person: what was recorded, and what it changes"
    )
    training_impact = TrainingImpact()
    feature_adjustments = FeatureAdjustments()
    user_patterns = UserPatterns()
    retraining = RetrainingState()


class DislikeEntry(serializers.Serializer[Any]):
    """One dislike of the caller."""

    dislike_id = serializers.IntegerField()
    item_id = serializers.IntegerField()
    title = serializers.CharField()
    reason = serializers.CharField()
    feedback_text = serializers.CharField(allow_blank=True)
    predicted_score = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    used_in_training = serializers.BooleanField(help_text="whether a model was trained with its example")


class HistoryQuery(serializers.Serializer[Any]):
    """The number to list."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=50)


class HistoryAnswer(serializers.Serializer[Any]):
    """The caller's dislikes that stand, newest first."""

    success = serializers.BooleanField()
    total = serializers.IntegerField()
    dislikes = DislikeEntry(many=True)


class NameCount(serializers.Serializer[Any]):
    """A name and how often it occurs."""

    name = serializers.CharField()
    count = serializers.IntegerField()


class PatternsAnswer(UserPatterns):
    """The caller's patterns in full."""

    success = serializers.BooleanField()
    last_30_days = serializers.IntegerField()
    top_genres = NameCount(many=True)
    top_people = NameCount(many=True)


class MetricsQuery(serializers.Serializer[Any]):
    """Over how many days."""

    days = serializers.IntegerField(min_value=1, max_value=3650, default=30)


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


class MetricsAnswer(serializers.Serializer[Any]):
    """Statistics of dislikes per model."""

    success = serializers.BooleanField()
    models = ModelFeedbackEntry(many=True)
    improvement = ImprovementEntry()
    retraining = RetrainingState()


class DislikeView(APIView):
    """Records a no. The same no again answers 200 with the same id."""

    @extend_schema(
        operation_id="dislike",
        request=DislikeBody,
        responses={200: DislikeAnswer, 201: DislikeAnswer, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        body = validated(DislikeBody, request.data)
        saved = save_dislike(
            user_id=caller(request).pk,
            item=find_item_to_speak_of(
                user_id=caller(request).pk,
                item_id=body["movie_id"],
                title=body["movie_title"],
                id_field="movie_id",
                title_field="movie_title",
            ),
            reason=body["reason"],
            feedback_text=body["feedback_text"],
            session_id=body["recommendation_set_id"],
            client=ClientContext(body["predicted_score"], body["genres"], body["cast"]),
        )
        status, answer = _dislike_answer(saved)
        return Response(answer, status=status)


class ItemDislikeView(APIView):
    """The same for one item by its address (POST), and taking it back (DELETE)."""

    authentication_classes = EMBEDDABLE

    @extend_schema(
        operation_id="item_dislike",
        request=DislikeReasonBody,
        parameters=[IDEMPOTENCY_PARAMETER],
        responses={200: DislikeAnswer, 201: DislikeAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request, kind: ItemKind, item_id: int) -> Response:
        body = validated(DislikeReasonBody, request.data)
        person = caller(request)
        check_may_speak(
            user_id=person.pk,
            kind=kind.name,
            item_id=item_id,
            session_id=body["recommendation_session_id"],
        )

        def act() -> tuple[int, dict[str, Any]]:
            saved = save_dislike(
                user_id=person.pk,
                item=Item.objects.get(pk=item_id),
                reason=body["reason"],
                feedback_text=body["feedback_text"],
                session_id=body["recommendation_session_id"],
            )
            return _dislike_answer(saved)

        return respond_once(request, route=f"{kind.plural}/{item_id}/dislike", act=act)

    @extend_schema(operation_id="item_dislike_undo", responses={204: None, **ERRORS})
    def delete(self, request: Request, kind: ItemKind, item_id: int) -> Response:
        if not Item.objects.filter(pk=item_id, kind=kind.name).exists():
            raise NotFound("There is no such item.")
        undo_dislike_of_item(user_id=caller(request).pk, item_id=item_id)
        return Response(status=204)


class DislikeDetailView(APIView):
    """Takes a no back, with all that it set in motion."""

    @extend_schema(operation_id="dislike_undo", responses={204: None, **ERRORS})
    def delete(self, request: Request, dislike_id: int) -> Response:
        undo_dislike(user_id=caller(request).pk, dislike_id=dislike_id)
        return Response(status=204)


class DislikeHistoryView(APIView):
    """The caller's dislikes that stand, newest first."""

    @extend_schema(
        operation_id="dislike_history", parameters=[HistoryQuery], responses={200: HistoryAnswer, **ERRORS}
    )
    def get(self, request: Request) -> Response:
        query = validated(HistoryQuery, request.query_params)
        mine = active_dislikes(caller(request).pk)
        entries = [_entry_json(dislike) for dislike in mine[: query["limit"]]]
        return Response({"success": True, "total": mine.count(), "dislikes": entries})


class DislikePatternsView(APIView):
    """The reasons, categories and people that the caller turns down."""

    @extend_schema(operation_id="dislike_patterns", responses={200: PatternsAnswer, **ERRORS})
    def get(self, request: Request) -> Response:
        patterns = asdict(get_dislike_pattern_analysis(user_id=caller(request).pk))
        for name, found in (("top_genres", "top_categories"), ("top_people", "top_people")):
            patterns[name] = [{"name": facet, "count": count} for facet, count in patterns.pop(found)]
        return Response({"success": True, **patterns})


class FeedbackMetricsView(APIView):
    """Statistics of everybody's dislikes per model; for staff who may see dislikes."""

    @extend_schema(
        operation_id="feedback_metrics", parameters=[MetricsQuery], responses={200: MetricsAnswer, **ERRORS}
    )
    def get(self, request: Request) -> Response:
        if not caller(request).has_perm("feedback.view_dislike"):
            raise PermissionDenied("Only staff who may see dislikes may see these figures.")
        days = validated(MetricsQuery, request.query_params)["days"]
        since = timezone.now() - timedelta(days=days)
        return Response(
            {
                "success": True,
                "models": [asdict(one) for one in get_model_feedback_metrics(since=since)],
                "improvement": asdict(get_feedback_improvement_metrics(days=days)),
                "retraining": asdict(should_retrain_from_feedback()),
            }
        )


def _dislike_answer(saved: SavedDislike) -> tuple[int, dict[str, Any]]:
    """The answer to a no, as (status, body): 201 where it is new, 200 where it stood already."""
    patterns = get_dislike_pattern_analysis(user_id=saved.dislike.user_id)
    of_categories, of_people, of_series = (
        {delta.name: delta.delta for delta in saved.deltas if delta.kind in kinds}
        for kinds in (CATEGORIES, PEOPLE, SERIES)
    )
    answer = {
        "success": True,
        "dislike_id": saved.dislike.pk,
        "message": recorded_sentence(saved.deltas),
        "training_impact": {
            "error_recorded": saved.example.error if saved.example else None,
            "weight": saved.example.weight if saved.example else 0.0,
        },
        "feature_adjustments": {
            "genre_adjustments": of_categories,
            "cast_adjustments": of_people,
            "franchise_adjustment": min(of_series.values(), default=None),
            "reason": saved.dislike.reason,
        },
        "user_patterns": {
            "reason_distribution": patterns.reason_distribution,
            "recent_trend": patterns.recent_trend,
            "total_dislikes": patterns.total_dislikes,
        },
        "retraining": asdict(should_retrain_from_feedback()),
    }
    return (201 if saved.created else 200), answer


def _entry_json(dislike: Dislike) -> dict[str, Any]:
    example = getattr(dislike, "example", None)
    return {
        "dislike_id": dislike.pk,
        "item_id": dislike.item_id,
        "title": dislike.title,
        "reason": dislike.reason,
        "feedback_text": dislike.feedback_text,
        "predicted_score": dislike.predicted_score,
        "created_at": dislike.created_at,
        "used_in_training": example is not None and example.used_in_training,
    }
