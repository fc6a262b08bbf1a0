"""The chance that an item is turned down, as a part of every base score."""

from typing import Any

import numpy as np
import pytest

from core.domain import USE_CASES
from core.errors import InvalidInput
from ranking.context import ScoringContext
from ranking.feature_rows import model_scores
from ranking.kinds import MODELS
from ranking.policy import Policy
from ranking.recommenders.registry import TRAINED
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.request import RankingRequest
from ranking.scoring import kept_after_refusal, score_items
from tests.ranking.builders import person_with
from tests.ranking.recommenders.kinds import BYTES
from tests.ranking.recommenders.test_contract import catalog_of

MOVIES = USE_CASES["movie_home"]
ITEMS = np.array([2, 3, 8, 12, 13])
# Likes the left taste, items 0 to 5 and 12.
PERSON = person_with([(0, 2.0), (1, 2.0), (9, -1.0)], excluded=[0, 1, 9])


def request_of(
    *kinds: str, share: float = 1.0, sources: tuple[str, ...] = ("als", "popular")
) -> RankingRequest:
    models = {}
    for number, name in enumerate(kinds, start=1):
        parse = TRAINED[name].load
        assert parse is not None
        models[name] = LoadedModel(number, name, parse(BYTES[name]()))
    policy = Policy.of(MOVIES).changed({"sources": sources, "refusal_share": share})
    context = ScoringContext.of(MOVIES, catalog_of(), ModelSet(models), policy)
    return RankingRequest.of(PERSON, context, 1e9)


@pytest.mark.parametrize("share", [0.25, 1.0])
@pytest.mark.parametrize("kinds", [("als",), ("als", "ranker"), ()])
def test_a_base_score_loses_the_share_of_the_chance_of_a_no(kinds: tuple[str, ...], share: float) -> None:
    without = score_items(request_of(*kinds), ITEMS).base
    request = request_of(*kinds, "verdict", share=share)
    judge = request.context.judge
    assert judge is not None
    chances = judge.refusal(request.seen_by_judge, ITEMS)
    assert chances[0] < 0.5 < chances[2]
    np.testing.assert_allclose(score_items(request, ITEMS).base, without * (1.0 - share * chances))


def test_its_score_is_a_feature_although_it_brings_nothing() -> None:
    scores = model_scores(request_of("als", "verdict"), ITEMS).of_kinds[:, MODELS.index("verdict")]
    assert scores[0] > scores[2]
    alone = model_scores(request_of("als"), ITEMS).of_kinds[:, MODELS.index("verdict")]
    assert np.isnan(alone).all()


def test_it_is_no_source_by_itself() -> None:
    request = request_of("als", "verdict")
    assert "verdict" not in request.context.recommenders
    assert request.knowing == ("als",)


@pytest.mark.parametrize("request_", [request_of("als"), request_of("als", "verdict", share=0.0)])
def test_without_a_model_or_a_share_nothing_changes(request_: RankingRequest) -> None:
    assert kept_after_refusal(request_, ITEMS).tolist() == [1.0] * len(ITEMS)


def test_who_said_nothing_yet_is_not_judged() -> None:
    request = RankingRequest.of(person_with(), request_of("als", "verdict").context, 1e9)
    assert kept_after_refusal(request, ITEMS).tolist() == [1.0] * len(ITEMS)


def test_an_item_outside_of_the_catalog_has_no_score() -> None:
    assert np.isnan(score_items(request_of("als", "verdict"), np.array([999])).base).all()


def test_as_a_source_it_is_built_once() -> None:
    context = request_of("als", "verdict", sources=("als", "verdict", "popular")).context
    assert context.judge is context.recommenders["verdict"]


@pytest.mark.parametrize("value", [-0.1, 1.5, "much", True])
def test_a_share_that_cannot_be_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="refusal_share must be a number from 0 to 1"):
        Policy.of(MOVIES).changed({"refusal_share": value})


def test_the_setting_is_the_policys(settings: Any) -> None:
    settings.REFUSAL_SHARE = 0.3
    assert Policy.of(MOVIES).refusal_share == 0.3
