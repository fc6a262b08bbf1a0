"""The joint score of several models, and weights that follow from what people chose next."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Doubles, Ints
from ranking.person import PersonState
from ranking.recommenders.base import Retrieved
from ranking.recommenders.fusion import fit_weights, joint_score, shares_of
from ranking.statistics.events import Events
from ranking.statistics.split import holdout

ITEMS, PEOPLE, CUT = 30, 40, 10.0
scores = st.floats(0.0, 1.0)


class Fixed:
    """A recommender with a score for each of ITEMS items; it knows those alone who liked any."""

    def __init__(self, by_item: Doubles) -> None:
        self.by_item = by_item

    def represent(self, person: PersonState) -> bool | None:
        return True if person.approved else None

    def retrieve(self, representation: bool, limit: int, barred: Ints) -> Retrieved:
        items = np.setdiff1d(np.argsort(-self.by_item, kind="stable"), barred, assume_unique=True)
        items = items[np.argsort(-self.by_item[items], kind="stable")][:limit]
        return Retrieved(items, self.by_item[items])

    def score(self, representation: bool, item_ids: Ints) -> Doubles:
        return self.by_item[item_ids]

    def floor(self, representation: bool) -> float:
        return float(self.by_item.min())


def world() -> Events:
    """People who like item 29 first and afterwards, one by one, the items 0, 1 and 2."""
    rng = np.random.default_rng(0)
    rows = [
        (person, item, time)
        for person in range(PEOPLE)
        for item, time in zip([29, *rng.permutation(3)], [1.0, 11.0, 12.0, 13.0], strict=True)
    ]
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.full(len(rows), 2.0, dtype=np.float32)
    return Events(users.astype(np.int64), items.astype(np.int64), weights, times, weights > 0)


EQUAL = {"transitions": 0.5, "ease": 0.5}


def weights_of(recommenders: Mapping[str, Any], prior: Mapping[str, float] = EQUAL) -> dict[str, float]:
    return fit_weights(recommenders, holdout(world(), CUT, 20.0), world(), prior=prior, seed=0)


GOOD = Fixed(np.linspace(0.9, 0.1, ITEMS))
BAD = Fixed(np.linspace(0.1, 0.9, ITEMS))


class TestWeights:
    def test_the_model_that_orders_what_people_chose_has_nearly_all_the_say(self) -> None:
        found = weights_of({"transitions": BAD, "ease": GOOD})
        assert found["ease"] > 0.7
        assert sum(found.values()) == pytest.approx(1.0)
        assert found == weights_of({"transitions": BAD, "ease": GOOD})

    def test_what_was_known_stands_where_nothing_is_clearly_better(self) -> None:
        prior = {"transitions": 0.9, "ease": 0.1}
        assert weights_of({"transitions": GOOD, "ease": GOOD}, prior) == prior
        assert weights_of({"transitions": GOOD, "ease": BAD}, prior) == prior
        assert weights_of({"transitions": BAD, "ease": GOOD}, prior)["ease"] > 0.7

    def test_one_alone_has_all_and_with_nobody_to_ask_what_was_known_stands(self) -> None:
        assert weights_of({"ease": GOOD}, {"ease": 1.0}) == {"ease": 1.0}
        nobody = holdout(world(), 100.0, 101.0)
        both: Mapping[str, Any] = {"transitions": BAD, "ease": GOOD}
        assert fit_weights(both, nobody, world(), prior=EQUAL, seed=0) == EQUAL


def test_shares_follow_the_fourth_power_of_the_quality() -> None:
    np.testing.assert_allclose(shares_of(np.array([1.0, 0.5])), [16 / 17, 1 / 17])
    np.testing.assert_allclose(shares_of(np.array([0.0, 0.0])), [0.5, 0.5])


class TestJointScore:
    @given(st.lists(st.tuples(scores, scores), min_size=1, max_size=5), st.floats(0.0, 1.0))
    def test_it_lies_between_the_scores_and_rises_with_each(
        self, pairs: list[tuple[float, float]], weight: float
    ) -> None:
        both = np.array(pairs).T
        joint = joint_score(both, np.array([weight, 1.0 - weight]))
        edges = np.clip(both, 1e-6, 1.0 - 1e-6)
        assert (joint >= edges.min(axis=0) * (1 - 1e-6)).all()
        assert (joint <= edges.max(axis=0) * (1 + 1e-6)).all()
        higher = joint_score(np.minimum(both + 0.1, 1.0), np.array([weight, 1.0 - weight]))
        assert (higher >= joint).all()

    def test_odds_are_multiplied_by_their_weights(self) -> None:
        joint = joint_score(np.array([[0.8], [0.5]]), np.array([0.5, 0.5]))
        np.testing.assert_allclose(joint, [2 / 3])
