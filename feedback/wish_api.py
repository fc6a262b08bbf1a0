"""The wishes of a person for their lists: what stands, changing one, ending one, letting a title through."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import caller
from core.api import ERRORS, WRITE_ERRORS, ApiView, ChoiceField, only_known, validated
from core.values import Choice
from feedback.answers import WishJson, wish_json
from feedback.rules import ALWAYS, DAYS, TONIGHT, Strength, standing_rules
from feedback.steering import change_rule, end_rule

STRENGTH = Choice([Strength.LESS.value, Strength.MUCH_LESS.value, Strength.NEVER.value])
LENGTH = Choice([ALWAYS, TONIGHT, *DAYS])


class WishesAnswer(serializers.Serializer[Any]):
    """The caller's wishes that stand, newest first."""

    success = serializers.BooleanField()
    wishes = WishJson(many=True)


class WishAnswer(serializers.Serializer[Any]):
    """One wish as it stands now."""

    success = serializers.BooleanField()
    wish = WishJson()


class WishChangeBody(serializers.Serializer[Any]):
    """The strength of a wish and how long it stands from now on."""

    strength = ChoiceField(STRENGTH)
    lasts = ChoiceField(LENGTH, default=ALWAYS)


class WishesView(ApiView):
    """The caller's wishes that stand."""

    @extend_schema(operation_id="wishes", responses={200: WishesAnswer, **ERRORS})
    def get(self, request: Request) -> Response:
        rules = standing_rules(caller(request).pk).select_related("facet", "item")
        return Response({"success": True, "wishes": [wish_json(rule) for rule in rules]})


class WishView(ApiView):
    """Changes a wish, or ends it."""

    @extend_schema(
        operation_id="wish_change", request=WishChangeBody, responses={200: WishAnswer, **WRITE_ERRORS}
    )
    def patch(self, request: Request, wish_id: int) -> Response:
        body = validated(WishChangeBody, only_known(WishChangeBody, request.data))
        rule = change_rule(
            user_id=caller(request).pk, rule_id=wish_id, strength=body["strength"], scope=body["lasts"]
        )
        return Response({"success": True, "wish": wish_json(rule)})

    @extend_schema(operation_id="wish_end", responses={204: None, **ERRORS})
    def delete(self, request: Request, wish_id: int) -> Response:
        end_rule(user_id=caller(request).pk, rule_id=wish_id)
        return Response(status=204)
