"""Dislikes and what follows from them as JSON; the API and the functions of `feedback` say the same."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from core.domain import CATEGORIES, PEOPLE, SERIES
from feedback.adjustments import FacetDelta
from feedback.models import Dislike, DislikePattern, NegativeTrainingExample, OwnRule
from feedback.rules import Strength
from feedback.selectors import DislikePatterns
from feedback.wording import rule_sentence


def adjustments_json(deltas: Sequence[FacetDelta], reason: str) -> dict[str, Any]:
    """By how much a dislike holds back what it speaks of: −0.15 is 15 % less; 0 where nothing is a series."""
    of_categories, of_people, of_series = (
        {delta.name: delta.delta for delta in deltas if delta.kind in kinds}
        for kinds in (CATEGORIES, PEOPLE, SERIES)
    )
    return {
        "genre_adjustments": of_categories,
        "cast_adjustments": of_people,
        "franchise_adjustment": min(of_series.values(), default=0.0),
        "reason": reason,
    }


def patterns_json(patterns: DislikePatterns) -> dict[str, Any]:
    """The reasons of a person, the last 30 days, and all of it; `trend` is these days against before."""
    return {
        "reason_distribution": patterns.reason_distribution,
        "recent_trend": {
            "total_dislikes": patterns.last_30_days,
            "avg_predicted_score": patterns.recent_score,
        },
        "trend": patterns.recent_trend,
        "total_dislikes": patterns.total_dislikes,
    }


def dislike_json(dislike: Dislike) -> dict[str, Any]:
    """One entry of a history. `movie_id` and `movie_title` are the documents' names of the item's."""
    example: NegativeTrainingExample | None = getattr(dislike, "example", None)
    return {
        "dislike_id": dislike.pk,
        "movie_id": dislike.item_id,
        "movie_title": dislike.title,
        "item_id": dislike.item_id,
        "title": dislike.title,
        "recommendation_set_id": dislike.recommendation_set_id or _own_list(dislike),
        "context_source": dislike.context_source,
        "predicted_score": dislike.predicted_score,
        "reason": dislike.reason,
        "feedback_text": dislike.feedback_text,
        "created_at": dislike.created_at,
        "about": None if dislike.about is None else f"{dislike.about.kind}:{dislike.about.name}",
        "title_only": dislike.title_only,
        "used_in_training": example is not None and example.used_in_training,
    }


def _own_list(dislike: Dislike) -> str | None:
    return None if dislike.session_id is None else str(dislike.session_id)


def example_json(example: NegativeTrainingExample) -> dict[str, Any]:
    """A negative training example, with the item's rating as the documents call it."""
    return {
        "example_id": example.pk,
        "user_id": example.dislike.user_id,
        "movie_id": example.dislike.item_id,
        "movie_title": example.dislike.title,
        "actual_rating": example.actual,
        "predicted_rating": example.predicted,
        "error": example.error,
        "weight": example.weight,
        "used_in_training": example.used_in_training,
    }


def pattern_json(pattern: DislikePattern) -> dict[str, Any]:
    """Something that a person turns down, and how often."""
    return {
        "kind": pattern.facet.kind,
        "name": pattern.facet.name,
        "dislikes": pattern.dislikes,
        "since": pattern.since,
        "last_at": pattern.last_at,
    }


class WishJson(serializers.Serializer[Any]):
    """A rule that stands for the caller's lists."""

    wish_id = serializers.IntegerField()
    strength = serializers.ChoiceField(choices=Strength.values)
    about = serializers.CharField(allow_null=True, help_text="the facet, as in `genre:Crime`")
    item_id = serializers.IntegerField(allow_null=True, help_text="the item that is left out or let through")
    title = serializers.CharField(allow_null=True)
    dislike_id = serializers.IntegerField(allow_null=True, help_text="the dislike that it came with")
    words = serializers.CharField(allow_blank=True, help_text="as the person said it")
    says = serializers.CharField(help_text="what it does, in a sentence")
    created_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)


def wish_json(rule: OwnRule) -> dict[str, Any]:
    """A rule that a person made for their lists."""
    return {
        "wish_id": rule.pk,
        "strength": rule.strength,
        "about": None if rule.facet is None else f"{rule.facet.kind}:{rule.facet.name}",
        "item_id": rule.item_id,
        "title": None if rule.item is None else rule.item.title,
        "dislike_id": rule.dislike_id,
        "words": rule.words,
        "says": rule_sentence(rule),
        "created_at": rule.created_at,
        "ends_at": rule.ends_at,
    }
