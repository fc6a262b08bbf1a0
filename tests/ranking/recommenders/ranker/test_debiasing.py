"""The weights of `debiased_weights`: what they are for any lists, and that they undo a bias that is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Doubles
from ranking.features import FEATURES
from ranking.recommenders.ranker.model import (
    DEBIASES,
    Debias,
    Ranker,
    RankerData,
    RankerParameters,
    debiased_weights,
    fit_ranker,
)

lists_of_relevance = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=12), min_size=1, max_size=8)


def lists_of(relevance: list[list[int]]) -> RankerData:
    """One list per person, as deep as it is long."""
    ranks = np.concatenate([np.arange(1, len(slots) + 1) for slots in relevance])
    return RankerData(
        features=np.zeros((len(ranks), len(FEATURES)), dtype=np.float32),
        relevance=np.array([value for slots in relevance for value in slots]),
        weights=np.ones(len(ranks)),
        ranks=ranks,
        exposure=1 / np.log2(ranks + 1),
        sizes=np.array([len(slots) for slots in relevance]),
        user_ids=np.arange(len(relevance)),
        times=np.arange(len(relevance), dtype=np.float64),
    )


def weights_of(data: RankerData, debias: Debias, *, ips_clip: float = 10.0) -> Doubles:
    return debiased_weights(data, RankerParameters(debias=debias, ips_clip=ips_clip))


class TestWeights:
    def test_by_exposure_what_was_passed_over_counts_as_it_was_seen_and_the_deepest_fully(self) -> None:
        expected = np.array([1, 1 / np.log2(3), 1, 1 / np.log2(5), 1])
        assert weights_of(lists_of([[1, 1, 3, 1, 1]]), "exposure") == pytest.approx(
            expected / expected.mean()
        )

    def test_by_inverse_propensity_what_was_chosen_counts_more_but_not_the_deepest(self) -> None:
        expected = np.array([1, np.log2(3), 2, 1, 1])
        assert weights_of(lists_of([[3, 2, 0, 1, 3]]), "ips") == pytest.approx(expected / expected.mean())

    def test_the_deepest_is_found_by_its_rank_in_each_list(self) -> None:
        data = lists_of([[1, 1, 3], [1, 3], [3, 1, 1, 1]])
        weights = weights_of(data, "exposure")
        backwards = replace(
            data,
            relevance=data.relevance[::-1],
            ranks=data.ranks[::-1],
            exposure=data.exposure[::-1],
            sizes=data.sizes[::-1],
        )
        assert weights_of(backwards, "exposure")[::-1] == pytest.approx(weights)
        assert weights[-1] == pytest.approx(weights[0])
        assert weights[3] == pytest.approx(weights[0])

    @given(lists_of_relevance, st.sampled_from(DEBIASES))
    def test_are_above_0_with_mean_1_for_any_lists(self, relevance: list[list[int]], debias: Debias) -> None:
        weights = weights_of(lists_of(relevance), debias)
        assert weights.mean() == pytest.approx(1)
        assert (weights > 0).all()

    @given(lists_of_relevance, st.floats(1, 5))
    def test_no_inverse_propensity_weighs_more_than_the_clip(
        self, relevance: list[list[int]], clip: float
    ) -> None:
        # One list only: with more, people who weigh too much are held back as well.
        weights = weights_of(lists_of(relevance[:1]), "ips", ips_clip=clip)
        assert weights.max() <= weights.min() * clip * (1 + 1e-9)

    def test_do_not_change_the_data(self) -> None:
        data = lists_of([[1, 3, 1]])
        weights_of(data, "exposure")
        assert data.weights.tolist() == [1, 1, 1]


def biased_lists(*, lists: int = 800, size: int = 10, seed: int = 3) -> RankerData:
    """Whatever is examined is liked equally often, but lists are in the order of `popularity_score`."""
    rng = np.random.default_rng(seed)
    chances = 1 / np.log2(np.arange(size) + 2)
    examined = rng.random((lists, size)) < chances
    liked = examined & (rng.random((lists, size)) < 0.4)
    ranks = np.broadcast_to(np.arange(1, size + 1), examined.shape)
    kept = ranks <= (examined * ranks).max(axis=1, keepdims=True)
    features = rng.random((lists, size, len(FEATURES)), dtype=np.float32)
    features[:, :, FEATURES.index("popularity_score")] = 1 - ranks / size
    return RankerData(
        features=features[kept],
        relevance=np.where(liked, 3, 1)[kept],
        weights=np.ones(int(kept.sum())),
        ranks=ranks[kept],
        exposure=np.broadcast_to(chances, kept.shape)[kept],
        sizes=kept.sum(axis=1),
        user_ids=np.arange(lists),
        times=np.arange(lists, dtype=np.float64),
    )


def slope_of(ranker: Ranker) -> float:
    """The difference of scores between slots that always stood first and slots near the end."""
    features = np.full((2, len(FEATURES)), 0.5, dtype=np.float32)
    features[:, FEATURES.index("popularity_score")] = (0.9, 0.2)
    first, last = ranker.scores(features)
    return float(first - last)


@pytest.mark.parametrize("debias", ["exposure", "ips", "position"])
def test_what_stands_high_is_not_taken_for_better(debias: Debias) -> None:
    data = biased_lists()
    parameters = RankerParameters(rounds=40)
    plain, corrected = (
        slope_of(fit_ranker(data, None, replace(parameters, debias=way), seed=1, threads=1))
        for way in ("none", debias)
    )
    assert plain > 0
    assert corrected < plain * 0.8
