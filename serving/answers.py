"""Lists as the API answers them."""

import math
from copy import deepcopy
from typing import Any

from rest_framework import serializers

from catalog.serializers import ItemSerializer, item_json, item_text
from core.domain import BOOSTED, KINDS, USE_CASES
from core.renderers import write
from core.written import Written
from profiles.api import persona_json
from ranking.candidates import Boost
from ranking.features import FEATURES
from serving.pipeline import Personalization, ServedList, ServedSlot


class BoostSerializer(serializers.Serializer[Any]):
    """The factors of a base score: boosts by taste, the penalty by dislikes, and what the person has seen."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        always = {name: serializers.FloatField() for name in (*BOOSTED, "dislikes", "seen")}
        asked = serializers.FloatField(
            required=False, help_text="where the request boosts or buries the item"
        )
        curated = serializers.FloatField(
            required=False, help_text="where rules of staff boost or bury the item"
        )
        return super().get_fields() | always | {"asked": asked, "curated": curated}


class SlotSerializer(serializers.Serializer[Any]):
    """One position of a list."""

    item = ItemSerializer()
    rank = serializers.IntegerField()
    score = serializers.FloatField()
    base_score = serializers.FloatField()
    personalized_score = serializers.FloatField()
    boost_multiplier = serializers.FloatField()
    boost_details = BoostSerializer()
    method = serializers.CharField()
    why = serializers.CharField()
    features = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        required=False,
        help_text="by name, where `include` asks for them; null for what is not known",
    )


class PersonalizationSerializer(serializers.Serializer[Any]):
    """The influence of the person's taste profile on the list."""

    applied = serializers.BooleanField()
    alpha_adjusted = serializers.BooleanField()
    original_alpha = serializers.FloatField()
    personalized_alpha = serializers.FloatField()
    top_genres = serializers.DictField(
        child=serializers.FloatField(), help_text="the score of each, best first: above 0, at most 1"
    )
    top_genre_names = serializers.ListField(
        child=serializers.CharField(), help_text="their names, best first"
    )
    persona = serializers.ListField(child=serializers.CharField())
    persona_name = serializers.CharField(allow_null=True, help_text="the first of them")


class ListAnswer(serializers.Serializer[Any]):
    """A personalized list, as it was recorded."""

    recommendation_session_id = serializers.UUIDField()
    use_case = serializers.CharField()
    method_used = serializers.CharField()
    model_version = serializers.CharField(allow_blank=True)
    personalization = PersonalizationSerializer()
    recommendations = SlotSerializer(many=True)
    scores = serializers.DictField(child=serializers.FloatField(), help_text="by the id of the item")
    next = serializers.CharField(
        required=False, allow_null=True, help_text="the `cursor` of the next page; null at the end"
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The ids in the order of the list go by the name of the kind: `startup_ids`, `movie_ids`."""
        ids = serializers.ListField(child=serializers.IntegerField(), required=False)
        return super().get_fields() | {f"{kind}_ids": deepcopy(ids) for kind in KINDS}


def list_json(served: ServedList, *, with_features: bool = False) -> dict[str, Any]:
    """`served` in the form that ListAnswer describes."""
    slots = [_slot_json(slot) for slot in served.slots]
    if with_features:
        for slot, values in zip(slots, served.features.tolist(), strict=True):
            known = (None if math.isnan(value) else value for value in values)
            slot["features"] = dict(zip(FEATURES, known, strict=True))
    return _with_slots(served, slots)


def with_slots_written(served: ServedList) -> dict[str, Any]:
    """The same, with its slots written already."""
    return _with_slots(served, Written.array(map(_slot_text, served.slots)))


def _with_slots(served: ServedList, slots: list[dict[str, Any]] | Written) -> dict[str, Any]:
    return {
        "recommendation_session_id": served.session_id,
        "use_case": served.use_case,
        "method_used": served.method_used,
        "model_version": served.model_version,
        "personalization": personalization_json(served.personalization),
        "recommendations": slots,
        f"{USE_CASES[served.use_case].kind}_ids": [slot.item.id for slot in served.slots],
        "scores": {str(slot.item.id): slot.score for slot in served.slots},
    }


def personalization_json(personalization: Personalization) -> dict[str, Any]:
    """`personalization` in the form that PersonalizationSerializer describes."""
    return {
        "applied": personalization.applied,
        "alpha_adjusted": personalization.alpha_adjusted,
        "original_alpha": personalization.original_alpha,
        "personalized_alpha": personalization.personalized_alpha,
        "top_genres": dict(personalization.top_categories),
        "top_genre_names": list(personalization.top_categories),
        **persona_json(personalization.personas),
    }


def boost_json(boost: Boost) -> dict[str, float]:
    """`boost` in the form that BoostSerializer describes."""
    asked = {} if boost.asked == 1.0 else {"asked": boost.asked}
    curated = {} if boost.curated == 1.0 else {"curated": boost.curated}
    return {**boost.parts, "dislikes": boost.penalty, "seen": boost.seen, **asked, **curated}


def _slot_json(slot: ServedSlot) -> dict[str, Any]:
    return {"item": item_json(slot.item), **_place_json(slot)}


def _slot_text(slot: ServedSlot) -> str:
    """The same: the place written once for each slot that is kept, the item once for each card."""
    if "place" not in slot.written:
        slot.written["place"] = write(_place_json(slot))
    return f'{{"item":{item_text(slot.item)},{slot.written["place"][1:]}'


def _place_json(slot: ServedSlot) -> dict[str, Any]:
    return {
        "rank": slot.rank,
        "score": slot.score,
        "base_score": slot.base_score,
        "personalized_score": slot.score,
        "boost_multiplier": slot.multiplier,
        "boost_details": boost_json(slot.boost),
        "method": slot.method,
        "why": slot.why,
    }
