"""Taste over HTTP: the profile, rating, resetting, and the small learning loop."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import IDEMPOTENCY_PARAMETER, respond_once
from accounts.selectors import caller, person_named
from catalog.models import Item
from core.api import (
    ERRORS,
    WRITE_ERRORS,
    ApiView,
    ChoiceField,
    ErrorSerializer,
    IdField,
    NumberField,
    PersonField,
    TextField,
    UuidField,
    WholeNumberField,
    validated,
)
from core.domain import FACETS
from core.values import ID, KIND, OTHER_TITLE, RATING, Whole
from interactions.api import ActionAnswer, recorded_json
from interactions.selectors import find_item_to_speak_of
from profiles.boosts import ORIGINAL_ALPHA
from profiles.selectors import FacetFigure, get_profile, get_vector_state, next_update_in
from profiles.services import FeedbackGiven, give_feedback, rate_item, reset_profile

# A like or a dislike.
VERDICT = Whole(0, 1)


class ItemBody(serializers.Serializer[Any]):
    """The item, and the list in which it was met."""

    item_id = IdField(required=False, allow_null=True, default=None)
    kind = ChoiceField(
        KIND, required=False, allow_null=True, default=None, help_text="where a title names it"
    )
    recommendation_session_id = UuidField(required=False, allow_null=True, default=None)


class RateBody(ItemBody):
    """A rating of an item, named by its id or its title."""

    title = TextField(OTHER_TITLE, required=False, default="")
    drama_title = TextField(OTHER_TITLE, required=False, default="", help_text="another name of title")
    rating = NumberField(RATING)


class FeedbackBody(ItemBody):
    """A like (1) or a dislike (0) of an item, named by its id or its title."""

    user_id = PersonField(required=False, allow_null=True, default=None, help_text="the caller if left out")
    movie_name = TextField(OTHER_TITLE, required=False, default="")
    rating = WholeNumberField(VERDICT)


class ScoreSerializer(serializers.Serializer[Any]):
    """The attitude of a person to a facet: above 0 they like it."""

    name = serializers.CharField()
    score = serializers.FloatField(min_value=-1.0, max_value=1.0)


class AlphaSerializer(serializers.Serializer[Any]):
    """The share of a score that is left to the model: at first, and for this person."""

    original_alpha = serializers.FloatField()
    personalized_alpha = serializers.FloatField()


class StatisticsSerializer(serializers.Serializer[Any]):
    """The acts of the person since the last reset, without those they took back."""

    interactions = serializers.DictField(child=serializers.IntegerField())
    ratings = serializers.IntegerField()
    mean_rating = serializers.FloatField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)


class ProfileAnswer(serializers.Serializer[Any]):
    """The taste profile of a person."""

    user_id = serializers.IntegerField()
    persona = serializers.ListField(child=serializers.CharField())
    persona_name = serializers.CharField(allow_null=True, help_text="the first of them")
    personalization = AlphaSerializer()
    preferences = serializers.DictField(
        child=ScoreSerializer(many=True),
        help_text="by facet kind, in the singular and as files call it (genre, genres), best liked first",
    )
    top_preferences = serializers.DictField(
        child=serializers.DictField(child=serializers.FloatField()),
        help_text="the same by name, for each kind as files call it",
    )
    avoided = serializers.DictField(
        child=ScoreSerializer(many=True), help_text="by facet kind, least liked first"
    )
    statistics = StatisticsSerializer()
    reset_at = serializers.DateTimeField(allow_null=True)


class VectorEntry(serializers.Serializer[Any]):
    """An entry of the taste vector: 0.5 is neutral."""

    kind = serializers.CharField()
    name = serializers.CharField()
    value = serializers.FloatField(min_value=0.0, max_value=1.0)


class VectorAnswer(serializers.Serializer[Any]):
    """The clearest entries of the taste vector, and when it moves again."""

    user_id = serializers.IntegerField()
    vector = VectorEntry(many=True)
    feedback_count = serializers.IntegerField()
    next_update_in = serializers.IntegerField(min_value=1)


class ChangeSerializer(serializers.Serializer[Any]):
    """An entry of the taste vector that moved."""

    kind = serializers.CharField()
    name = serializers.CharField()
    before = serializers.FloatField()
    after = serializers.FloatField()


class FeedbackAnswer(serializers.Serializer[Any]):
    """That the feedback is on record, and what it moved."""

    success = serializers.BooleanField()
    created = serializers.BooleanField(help_text="false where it was on record before")
    item_id = serializers.IntegerField()
    updated = serializers.BooleanField(help_text="whether the taste vector moved")
    changes = ChangeSerializer(many=True)
    feedback_count = serializers.IntegerField()
    next_update_in = serializers.IntegerField(min_value=1)


class ProfileView(ApiView):
    """A person's taste profile: seen, and forgotten."""

    @extend_schema(operation_id="profile", responses={200: ProfileAnswer, **ERRORS})
    def get(self, request: Request, user_id: str) -> Response:
        person = person_named(request, user_id, "profiles.view_others_profile")
        profile = get_profile(person.pk)
        return Response(
            {
                "user_id": person.pk,
                **persona_json(profile.personas),
                "personalization": {
                    "original_alpha": ORIGINAL_ALPHA,
                    "personalized_alpha": profile.alpha,
                },
                "preferences": _scores_json(profile.liked) | _scores_json(_by_column(profile.liked)),
                "top_preferences": {
                    column: {figure.name: figure.value for figure in figures}
                    for column, figures in _by_column(profile.liked).items()
                },
                "avoided": _scores_json(profile.disliked),
                "statistics": asdict(profile.statistics),
                "reset_at": profile.reset_at,
            }
        )

    @extend_schema(operation_id="profile_reset", responses={204: None, **ERRORS})
    def delete(self, request: Request, user_id: str) -> Response:
        reset_profile(user_id=person_named(request, user_id, "profiles.change_others_profile").pk)
        return Response(status=204)


class RateView(ApiView):
    """Records that an item was watched, and how it is rated. Without a body the query string is one."""

    queries = {"post": RateBody}

    @extend_schema(
        operation_id="profile_rate",
        request=RateBody,
        parameters=[IDEMPOTENCY_PARAMETER],
        responses={200: ActionAnswer, 201: ActionAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request, user_id: str) -> Response:
        said = request.data or _query_as_body(request)
        body = validated(RateBody, said)
        title_field = "drama_title" if body["drama_title"] else "title"
        person = person_named(request, user_id, "profiles.change_others_profile")

        def act() -> tuple[int, dict[str, Any]]:
            recorded = rate_item(
                user_id=person.pk,
                item=_item(person.pk, body, title_field),
                rating=body["rating"],
                session_id=body["recommendation_session_id"],
            )
            return (201 if recorded.created else 200), {"success": True, **recorded_json(recorded)}

        return respond_once(request, route=f"profile/{person.pk}/rate", body=said, act=act)


class FeedbackView(ApiView):
    """The small learning loop: a like or a dislike, and what it moved."""

    @extend_schema(
        operation_id="feedback",
        request=FeedbackBody,
        parameters=[IDEMPOTENCY_PARAMETER],
        responses={200: FeedbackAnswer, 201: FeedbackAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        body = validated(FeedbackBody, request.data)
        person = caller(request)
        if body["user_id"] is not None:
            person = person_named(request, body["user_id"], "profiles.change_others_profile")

        def act() -> tuple[int, dict[str, Any]]:
            item = _item(person.pk, body, "movie_name")
            given = give_feedback(
                user_id=person.pk,
                item=item,
                likes=body["rating"] == 1,
                session_id=body["recommendation_session_id"],
            )
            return (201 if given.created else 200), _feedback_json(item, given)

        return respond_once(request, route="feedback", act=act)


class TasteVectorView(ApiView):
    """A person's taste vector."""

    @extend_schema(operation_id="taste_vector", responses={200: VectorAnswer, **ERRORS})
    def get(self, request: Request, user_id: str) -> Response:
        person = person_named(request, user_id, "profiles.view_others_profile")
        state = get_vector_state(person.pk)
        return Response(
            {
                "user_id": person.pk,
                "vector": [asdict(entry) for entry in state.entries],
                "feedback_count": state.feedback,
                "next_update_in": state.next_update_in,
            }
        )


def _feedback_json(item: Item, given: FeedbackGiven) -> dict[str, Any]:
    """The answer to a piece of feedback in the form that FeedbackAnswer describes."""
    return {
        "success": True,
        "created": given.created,
        "item_id": item.pk,
        "updated": given.updated,
        "changes": [
            {"kind": one.kind, "name": one.name, "before": one.before, "after": one.after}
            for one in given.changes
        ],
        "feedback_count": given.taste.feedback,
        "next_update_in": next_update_in(given.taste),
    }


def _item(user_id: int, body: dict[str, Any], title_field: str) -> Item:
    return find_item_to_speak_of(
        user_id=user_id,
        item_id=body["item_id"],
        title=body[title_field],
        kind=body["kind"],
        id_field="item_id",
        title_field=title_field,
    )


def persona_json(personas: tuple[str, ...]) -> dict[str, Any]:
    """The personas of a person, and the one that fits first; null where nothing is known."""
    return {"persona": list(personas), "persona_name": personas[0] if personas else None}


def _by_column(by_kind: dict[str, list[FacetFigure]]) -> dict[str, list[FacetFigure]]:
    return {FACETS[kind].column: figures for kind, figures in by_kind.items()}


def _query_as_body(request: Request) -> dict[str, Any]:
    """The query string as a body: what is a number there is text, as in a file."""
    body: dict[str, Any] = dict(request.query_params.items())
    return body | {
        name: rule.read(body[name]) for name, rule in (("rating", RATING), ("item_id", ID)) if name in body
    }


def _scores_json(by_kind: dict[str, list[FacetFigure]]) -> dict[str, list[dict[str, Any]]]:
    return {
        kind: [{"name": figure.name, "score": figure.value} for figure in figures]
        for kind, figures in by_kind.items()
    }
