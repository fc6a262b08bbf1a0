"""Wishes in a person's own words by the API: what they mean, before anything acts, and making them rules."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import IDEMPOTENCY_PARAMETER, respond_once
from accounts.selectors import caller
from core.api import WRITE_ERRORS, ApiView, ErrorSerializer, TextField, only_known, validated
from core.errors import InvalidInput
from core.values import Name
from feedback.answers import wish_json
from feedback.rules import SCOPES
from feedback.steering import add_rules
from feedback.wish_api import WishesAnswer, WishesView
from search.said_wishes import LONGEST, SaidWishes, parse_wishes, rules_of

SAID = Name(LONGEST)


class SaidBody(serializers.Serializer[Any]):
    """The words in which a person says what they want less of."""

    text = TextField(SAID, help_text="such as `no war films this week`")


class UnderstoodWish(serializers.Serializer[Any]):
    """One wish as it was understood."""

    strength = serializers.CharField(help_text="as of a wish: less, much_less or never")
    name = serializers.CharField()
    about = serializers.ListField(child=serializers.CharField(), help_text="the facets, as in `genre:War`")
    scope = serializers.ChoiceField(choices=list(SCOPES), help_text="how long it would stand")


class ParsedAnswer(serializers.Serializer[Any]):
    """The wishes that a text says. Nothing of it acts yet."""

    success = serializers.BooleanField()
    understood = UnderstoodWish(many=True)
    not_understood = serializers.CharField(allow_blank=True)


class ParseWishesView(ApiView):
    """Tells what a text means as wishes, and does nothing."""

    @extend_schema(
        operation_id="wishes_parse", request=SaidBody, responses={200: ParsedAnswer, **WRITE_ERRORS}
    )
    def post(self, request: Request) -> Response:
        said = parse_wishes(_text_of(request))
        return Response(
            {
                "success": True,
                "understood": [
                    {
                        "strength": wish.strength,
                        "name": wish.name,
                        "about": [f"{kind}:{name}" for kind, name in wish.facets],
                        "scope": wish.scope,
                    }
                    for wish in said.wishes
                ],
                "not_understood": said.not_understood,
            }
        )


class SaidWishesView(WishesView):
    """The caller's wishes that stand, and making new ones of what they say."""

    @extend_schema(
        operation_id="wishes_say",
        request=SaidBody,
        parameters=[IDEMPOTENCY_PARAMETER],
        responses={201: WishesAnswer, 422: ErrorSerializer, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        said = _understood(parse_wishes(_text_of(request)))

        def act() -> tuple[int, dict[str, Any]]:
            rules = add_rules(user_id=caller(request).pk, wanted=rules_of(said, timezone.now()))
            return 201, {"success": True, "wishes": [wish_json(rule) for rule in rules]}

        return respond_once(request, route="wishes", act=act)


def _text_of(request: Request) -> str:
    return str(validated(SaidBody, only_known(SaidBody, request.data))["text"])


def _understood(said: SaidWishes) -> SaidWishes:
    """The same. Raises InvalidInput where it says no wish."""
    if not said.wishes:
        raise InvalidInput("text: this names nothing to want less of, such as `no war films this week`.")
    return said
