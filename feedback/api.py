"""The dislike system: say no with a reason, see one's dislikes and patterns, take one back."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import EMBEDDABLE
from accounts.idempotency import IDEMPOTENCY_PARAMETER, respond_once
from accounts.selectors import caller
from catalog.models import Item
from core.api import (
    ERRORS,
    WRITE_ERRORS,
    ApiView,
    ChoiceField,
    ErrorSerializer,
    IdField,
    NamesField,
    NumberField,
    TextField,
    UuidField,
    validated,
)
from core.domain import DOMAIN, ItemKind
from core.errors import NotFound
from core.values import COMMENT, OTHER_TITLE, REASON, SAID_NAMES, SCORE
from feedback.answers import WishJson, adjustments_json, dislike_json, pattern_json, patterns_json, wish_json
from feedback.effect import in_force
from feedback.models import Dislike
from feedback.patterns import patterns_of
from feedback.rules import ABOUT, ALWAYS, SCOPE
from feedback.selectors import active_dislikes, get_dislike_pattern_analysis
from feedback.services import (
    ClientContext,
    find_session,
    undo_dislike,
    undo_dislike_of_item,
)
from feedback.steering import Refusal, refuse_item
from feedback.training import Retraining, nearest_retraining
from feedback.wording import recorded_sentence, rule_sentence
from interactions.selectors import check_may_speak, find_item_to_speak_of

MAX_PATTERNS = 50
MAX_SET_ID = 100
TRENDS = ["rising", "falling", "steady"]
_ABOUT = "the one facet of the item that the no is about, such as `genre:Crime`; it holds that back alone"
_SCOPE = (
    "how far it reaches. `title` says nothing about other titles. `tonight`, `day`, `week` and `month` make "
    "a wish that ends then, and no dislike. `never` is a lasting block of what it is about"
)


@extend_schema_field(
    {"oneOf": [{"type": "integer"}, {"type": "string", "minLength": 1, "maxLength": MAX_SET_ID}]}
)
class SetIdField(serializers.Field[str, Any, str, Any]):
    """The id of a list, in whatever form its maker writes ids: a whole number or a text."""

    default_error_messages = {"invalid": f"Must be a whole number or a text of 1 to {MAX_SET_ID} characters."}

    def to_internal_value(self, data: Any) -> str:
        if type(data) is int and abs(data) >= 10**MAX_SET_ID:
            self.fail("invalid")
        text = str(data) if type(data) in (int, str) else ""
        if not 0 < len(text) <= MAX_SET_ID or "\0" in text:
            self.fail("invalid")
        return text

    def to_representation(self, value: str) -> str:
        return value


class DislikeReasonBody(serializers.Serializer[Any]):
    """The reason, and the list in which the item was met."""

    reason = ChoiceField(REASON, default=DOMAIN.dislikes.plain)
    feedback_text = TextField(COMMENT, default="")
    recommendation_session_id = UuidField(required=False, allow_null=True, default=None)
    about = TextField(ABOUT, default="", help_text=_ABOUT)
    scope = ChoiceField(SCOPE, default=ALWAYS, help_text=_SCOPE)


class DislikeBody(serializers.Serializer[Any]):
    """A no. `predicted_score`, `genres` and `cast` count only where the server has no record of its own.

    A `recommendation_set_id` that is none of the caller's lists with the item is kept, and proves nothing.
    """

    movie_id = IdField(required=False, allow_null=True, default=None)
    movie_title = TextField(OTHER_TITLE, required=False, default="")
    recommendation_set_id = SetIdField(required=False, allow_null=True, default=None)
    predicted_score = NumberField(SCORE, required=False, allow_null=True, default=None)
    reason = ChoiceField(REASON, default=DOMAIN.dislikes.plain)
    feedback_text = TextField(COMMENT, default="")
    genres = NamesField(SAID_NAMES, default=list)
    cast = NamesField(SAID_NAMES, default=list)
    about = TextField(ABOUT, default="", help_text=_ABOUT)
    scope = ChoiceField(SCOPE, default=ALWAYS, help_text=_SCOPE)


class TrainingImpact(serializers.Serializer[Any]):
    """The examples that models will learn from it."""

    error_recorded = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField()


class FeatureAdjustments(serializers.Serializer[Any]):
    """A penalty in this person's lists from now on: −0.15 is 15 % less."""

    genre_adjustments = serializers.DictField(child=serializers.FloatField())
    cast_adjustments = serializers.DictField(child=serializers.FloatField())
    franchise_adjustment = serializers.FloatField(help_text="0 where the item is of no series")
    reason = serializers.CharField()


class RecentTrend(serializers.Serializer[Any]):
    """The dislikes of the last 30 days."""

    total_dislikes = serializers.IntegerField()
    avg_predicted_score = serializers.FloatField(allow_null=True)


class UserPatterns(serializers.Serializer[Any]):
    """The dislikes of this person."""

    reason_distribution = serializers.DictField(child=serializers.IntegerField())
    recent_trend = RecentTrend()
    trend = serializers.CharField(
        help_text="rising, falling or steady: the last 30 days against the 30 days before"
    )
    total_dislikes = serializers.IntegerField()


class RetrainingState(serializers.Serializer[Any]):
    """The progress of the examples towards asking for a model, of the use case that is nearest to it."""

    use_case = serializers.CharField(allow_blank=True)
    untrained = serializers.IntegerField()
    threshold = serializers.IntegerField()
    due = serializers.BooleanField()


class DislikeAnswer(serializers.Serializer[Any]):
    """That the no is on record, and all that follows from it."""

    success = serializers.BooleanField()
    dislike_id = serializers.IntegerField(allow_null=True, help_text="null for a no that ends: see wish")
    wish = WishJson(allow_null=True, help_text="the rule that it made: a no with an end, or a block")
    message = serializers.CharField(
        help_text="a sentence for the person: what was recorded, and what it changes"
    )
    context_source = serializers.ChoiceField(
        choices=Dislike.ContextSource.values,
        help_text="session: our record of the list; client: what the client said, which proves nothing",
    )
    training_impact = TrainingImpact()
    feature_adjustments = FeatureAdjustments()
    user_patterns = UserPatterns()
    retraining = RetrainingState()


class DislikeEntry(serializers.Serializer[Any]):
    """One dislike of the caller."""

    dislike_id = serializers.IntegerField()
    movie_id = serializers.IntegerField()
    movie_title = serializers.CharField()
    item_id = serializers.IntegerField(help_text="the same as movie_id")
    title = serializers.CharField(help_text="the same as movie_title")
    recommendation_set_id = serializers.CharField(allow_null=True, help_text="as it was given")
    context_source = serializers.ChoiceField(choices=Dislike.ContextSource.values)
    reason = serializers.CharField()
    feedback_text = serializers.CharField(allow_blank=True)
    predicted_score = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    about = serializers.CharField(allow_null=True, help_text="the facet that it named, as in `genre:Crime`")
    title_only = serializers.BooleanField(help_text="whether it says nothing about other titles")
    used_in_training = serializers.BooleanField(help_text="whether a model was trained with its example")


class HistoryQuery(serializers.Serializer[Any]):
    """The number to list."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=50)


class HistoryAnswer(serializers.Serializer[Any]):
    """The caller's dislikes that stand, newest first."""

    success = serializers.BooleanField()
    count = serializers.IntegerField(help_text="how many are listed here")
    total = serializers.IntegerField(help_text="how many there are")
    dislikes = DislikeEntry(many=True)


class NameCount(serializers.Serializer[Any]):
    """A name and how often it occurs."""

    name = serializers.CharField()
    count = serializers.IntegerField()


class IdentifiedPattern(serializers.Serializer[Any]):
    """Something that the caller turns down: a genre, a person, a series."""

    kind = serializers.CharField()
    name = serializers.CharField()
    dislikes = serializers.IntegerField()
    since = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class PatternsAnswer(serializers.Serializer[Any]):
    """The caller's patterns in full; beside `patterns` the same and more under its older names."""

    success = serializers.BooleanField()
    patterns = UserPatterns()
    identified = IdentifiedPattern(many=True, help_text=f"the {MAX_PATTERNS} turned down most often")
    reason_distribution = serializers.DictField(child=serializers.IntegerField())
    recent_trend = serializers.ChoiceField(choices=TRENDS)
    total_dislikes = serializers.IntegerField()
    last_30_days = serializers.IntegerField()
    top_genres = NameCount(many=True)
    top_people = NameCount(many=True)


class DislikeView(ApiView):
    """Records a no. The same no again answers 200 with the same id."""

    limited_as = "dislikes"

    @extend_schema(
        operation_id="dislike",
        request=DislikeBody,
        parameters=[IDEMPOTENCY_PARAMETER],
        responses={200: DislikeAnswer, 201: DislikeAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        body = validated(DislikeBody, request.data)
        user_id, set_id = caller(request).pk, body["recommendation_set_id"] or ""

        def act() -> tuple[int, dict[str, Any]]:
            item = find_item_to_speak_of(
                user_id=user_id,
                item_id=body["movie_id"],
                title=body["movie_title"],
                id_field="movie_id",
                title_field="movie_title",
            )
            refusal = refuse_item(
                user_id=user_id,
                item=item,
                scope=body["scope"],
                about=body["about"],
                reason=body["reason"],
                feedback_text=body["feedback_text"],
                session_id=find_session(user_id=user_id, item_id=item.pk, set_id=set_id),
                client=ClientContext(set_id, body["predicted_score"], body["genres"], body["cast"]),
            )
            return _refusal_answer(user_id, refusal)

        return respond_once(request, route="dislike", act=act)


class ItemDislikeView(ApiView):
    """The same for one item by its address (POST), and taking it back (DELETE)."""

    limited_as = "dislikes"

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
            refusal = refuse_item(
                user_id=person.pk,
                item=Item.objects.get(pk=item_id),
                scope=body["scope"],
                about=body["about"],
                reason=body["reason"],
                feedback_text=body["feedback_text"],
                session_id=body["recommendation_session_id"],
            )
            return _refusal_answer(person.pk, refusal)

        return respond_once(request, route=f"{kind.plural}/{item_id}/dislike", act=act)

    @extend_schema(operation_id="item_dislike_undo", responses={204: None, **ERRORS})
    def delete(self, request: Request, kind: ItemKind, item_id: int) -> Response:
        if not Item.objects.filter(pk=item_id, kind=kind.name).exists():
            raise NotFound("There is no such item.")
        undo_dislike_of_item(user_id=caller(request).pk, item_id=item_id)
        return Response(status=204)


class DislikeDetailView(ApiView):
    """Takes a no back, with all that it set in motion."""

    @extend_schema(operation_id="dislike_undo", responses={204: None, **ERRORS})
    def delete(self, request: Request, dislike_id: int) -> Response:
        undo_dislike(user_id=caller(request).pk, dislike_id=dislike_id)
        return Response(status=204)


class DislikeHistoryView(ApiView):
    """The caller's dislikes that stand, newest first."""

    queries = {"get": HistoryQuery}

    @extend_schema(
        operation_id="dislike_history", parameters=[HistoryQuery], responses={200: HistoryAnswer, **ERRORS}
    )
    def get(self, request: Request) -> Response:
        query = validated(HistoryQuery, request.query_params)
        mine = active_dislikes(caller(request).pk)
        entries = [dislike_json(dislike) for dislike in mine[: query["limit"]]]
        return Response({"success": True, "count": len(entries), "total": mine.count(), "dislikes": entries})


class DislikePatternsView(ApiView):
    """The reasons, categories and people that the caller turns down."""

    @extend_schema(operation_id="dislike_patterns", responses={200: PatternsAnswer, **ERRORS})
    def get(self, request: Request) -> Response:
        user_id = caller(request).pk
        patterns = get_dislike_pattern_analysis(user_id=user_id)
        return Response(
            {
                "success": True,
                "patterns": patterns_json(patterns),
                "identified": [pattern_json(one) for one in patterns_of(user_id=user_id)[:MAX_PATTERNS]],
                "reason_distribution": patterns.reason_distribution,
                "recent_trend": patterns.recent_trend,
                "total_dislikes": patterns.total_dislikes,
                "last_30_days": patterns.last_30_days,
                "top_genres": [{"name": name, "count": count} for name, count in patterns.top_categories],
                "top_people": [{"name": name, "count": count} for name, count in patterns.top_people],
            }
        )


def retraining_json(retraining: Retraining) -> dict[str, Any]:
    """`retraining` in the form that RetrainingState describes."""
    return {**asdict(retraining), "due": retraining.due}


def _refusal_answer(user_id: int, refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """The answer to a no, as (status, body): 201 where it is new, 200 where it stood already."""
    saved, rule = refusal.dislike, refusal.rule
    kind = refusal.item.kind
    example = None if saved is None else saved.example
    deltas = () if saved is None else in_force(saved.deltas, user_id=user_id, kind=kind)
    answer = {
        "success": True,
        "dislike_id": None if saved is None else saved.dislike.pk,
        "wish": None if rule is None else wish_json(rule),
        "message": recorded_sentence(deltas) if rule is None else rule_sentence(rule),
        "context_source": Dislike.ContextSource.NONE if saved is None else saved.dislike.context_source,
        "training_impact": {
            "error_recorded": example.error if example else None,
            "weight": example.weight if example else 0.0,
        },
        "feature_adjustments": adjustments_json(deltas, "" if saved is None else saved.dislike.reason),
        "user_patterns": patterns_json(get_dislike_pattern_analysis(user_id=user_id)),
        "retraining": retraining_json(nearest_retraining(kind=kind)),
    }
    return (201 if saved is None or saved.created else 200), answer
