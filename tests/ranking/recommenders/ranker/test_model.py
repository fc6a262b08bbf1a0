"""The ranker: it learns an order that is there, gives the same for the same seed, and nobody steers it."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Doubles
from ranking.features import FEATURES
from ranking.recommenders.ranker.file import dump_ranker, load_ranker
from ranking.recommenders.ranker.model import (
    BASE_MARGINS,
    DEBIASES,
    PERSON_CAP,
    SMALLEST,
    BaseMargin,
    Debias,
    Ranker,
    RankerData,
    RankerParameters,
    _person_limit,
    debiased_weights,
    fit_ranker,
)
from ranking.recommenders.ranker.train import calibrate_ranker
from tests.ranking.statistics.builders import lists_by

SMALL = RankerParameters(rounds=40, num_leaves=15, learning_rate=0.2, min_data_in_leaf=3, lambda_l2=0.1)


def fit(data: RankerData, parameters: RankerParameters = SMALL, *, seed: int = 1) -> Ranker:
    return fit_ranker(data, None, parameters, seed=seed, threads=1)


def chosen_first(ranker: Ranker, data: RankerData) -> float:
    """The share of lists in which the slot chosen above all others stands first."""
    scores = ranker.scores(data.features).reshape(len(data), -1)
    best = data.relevance.reshape(len(data), -1).argmax(axis=1)
    return float(np.mean(scores.argmax(axis=1) == best))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("feature", ["popularity_score", "genre_liking"])
def test_an_order_that_is_there_is_learned_and_holds_for_new_lists(feature: str, sign: int) -> None:
    ranker = fit(lists_by(feature, sign=sign, lists=300), replace(SMALL, debias="none"))
    assert chosen_first(ranker, lists_by(feature, sign=sign, lists=80, seed=9)) > 0.8
    assert next(iter(ranker.importances())) == feature


def test_importances_name_every_feature_largest_first() -> None:
    importances = fit(lists_by("evidence")).importances()
    assert set(importances) == set(FEATURES)
    assert list(importances.values()) == sorted(importances.values(), reverse=True)


def test_one_seed_gives_one_model() -> None:
    data = lists_by("evidence")
    same = [dump_ranker(fit(data, seed=seed)) for seed in (1, 1, 2)]
    assert same[0] == same[1]
    assert same[0] != same[2]


@pytest.mark.parametrize(("debias", "base_margin"), list(product(DEBIASES, BASE_MARGINS)))
def test_every_way_of_training_learns_and_comes_back_from_its_file(
    debias: Debias, base_margin: BaseMargin
) -> None:
    data = lists_by("evidence")
    ranker = fit(data, replace(SMALL, debias=debias, base_margin=base_margin)).calibrated(0.7, -1.2)
    fresh = lists_by("evidence", seed=4)
    # A random base margin on top spoils the order of `residual` a little.
    assert chosen_first(ranker, fresh) > 0.5
    again = load_ranker(dump_ranker(ranker))
    assert (again.base_margin, again.slope, again.intercept) == (base_margin, 0.7, -1.2)
    assert np.array_equal(again.scores(fresh.features), ranker.scores(fresh.features))
    assert np.array_equal(again.probabilities(fresh.features), ranker.probabilities(fresh.features))


class TestBaseMargin:
    def moved(self, base_margin: BaseMargin) -> tuple[RankerData, Ranker, Doubles]:
        """A retrieval score that knows the order: the data, the ranker, and how its scores follow that."""
        data = lists_by("model_score")
        ranker = fit(data, replace(SMALL, base_margin=base_margin))
        better = data.features.copy()
        better[:, :2] = 0.9
        return data, ranker, ranker.scores(better) - ranker.scores(data.features)

    def test_none_is_not_listened_to(self) -> None:
        _, ranker, moved = self.moved("none")
        assert (moved == 0).all()
        assert ranker.importances()["model_score"] == ranker.importances()["model_place"] == 0

    def test_as_a_feature_is_one_among_others(self) -> None:
        data, ranker, moved = self.moved("feature")
        assert chosen_first(ranker, data) > 0.8
        assert np.abs(moved).max() > 0

    def test_as_residual_the_trees_correct_what_it_says(self) -> None:
        data, ranker, _ = self.moved("residual")
        raw = np.asarray(ranker.booster.predict(data.features))
        score = data.features[:, 0].astype(np.float64)
        score = np.clip(score, SMALLEST, 1 - SMALLEST)
        assert ranker.scores(data.features) - raw == pytest.approx(np.log(score / (1 - score)), abs=1e-6)

    def test_a_retrieval_score_that_is_sure_is_no_infinity(self) -> None:
        ranker = fit(lists_by("evidence"), replace(SMALL, base_margin="residual"))
        sure = np.zeros((2, len(FEATURES)), dtype=np.float32)
        sure[1, 0] = 1.0
        assert np.isfinite(ranker.scores(sure)).all()


class TestStopping:
    def test_ends_where_validation_was_best(self) -> None:
        calls: list[tuple[int, int]] = []
        parameters = replace(SMALL, rounds=60, early_stopping=5)
        ranker = fit_ranker(
            lists_by("evidence"),
            lists_by("evidence", sign=-1, seed=3),
            parameters,
            seed=1,
            threads=1,
            progress=lambda done, total: calls.append((done, total)),
        )
        # On people of the opposite taste, every tree but the first makes it worse.
        assert ranker.booster.num_trees() < len(calls) < 60
        assert len(calls) == ranker.booster.num_trees() + 5
        assert calls[0] == (1, 60)

    def test_without_validation_all_rounds_are_made(self) -> None:
        assert fit(lists_by("evidence"), replace(SMALL, rounds=7)).booster.num_trees() == 7

    def test_validation_that_tells_nothing_stops_nothing(self) -> None:
        silent = lists_by("evidence", lists=3)
        silent = replace(silent, relevance=np.ones(len(silent.relevance), dtype=np.int64))
        parameters = replace(SMALL, rounds=7, early_stopping=1)
        ranker = fit_ranker(lists_by("evidence"), silent, parameters, seed=1, threads=1)
        assert ranker.booster.num_trees() == 7


class TestWeights:
    def of(self, debias: Debias, **fields: object) -> Doubles:
        """One list: passed over, disliked, liked, twice passed over; each examined half as often."""
        data = RankerData(
            features=np.zeros((5, len(FEATURES)), dtype=np.float32),
            relevance=np.array([1, 0, 3, 1, 1]),
            weights=np.ones(5),
            ranks=np.arange(1, 6),
            exposure=np.array([1.0, 0.5, 0.25, 0.125, 0.0625]),
            sizes=np.array([5]),
            user_ids=np.array([1]),
            times=np.zeros(1),
        )
        return debiased_weights(data, RankerParameters(debias=debias, **fields))  # type: ignore[arg-type]

    def test_by_exposure_what_was_passed_over_unseen_hardly_counts(self) -> None:
        # But the last one was examined: the list goes as deep as the person did.
        expected = np.array([1, 1, 1, 0.125, 1])
        assert self.of("exposure") == pytest.approx(expected / expected.mean())

    def test_by_inverse_propensity_what_was_found_deep_down_counts_more(self) -> None:
        expected = np.array([1, 2.0, 4.0, 1, 1])
        assert self.of("ips") == pytest.approx(expected / expected.mean())
        clipped = np.array([1, 2.0, 3.0, 1, 1])
        assert self.of("ips", ips_clip=3.0) == pytest.approx(clipped / clipped.mean())

    @pytest.mark.parametrize("debias", ["position", "none"])
    def test_otherwise_they_stay(self, debias: Debias) -> None:
        assert self.of(debias).tolist() == [1, 1, 1, 1, 1]

    def test_nobody_weighs_more_than_so_many_others(self) -> None:
        data = lists_by("evidence", lists=200, size=5)
        # Twenty people, of whom one examined 181 of the 200 lists.
        data = replace(data, user_ids=np.where(np.arange(200) < 181, 0, np.arange(200)))
        weights = debiased_weights(data, RankerParameters(debias="none"))
        heavy = weights[: 181 * 5]
        light = weights[181 * 5 :]
        totals = np.append(light.reshape(19, 5).sum(axis=1), heavy.sum())
        assert totals.max() == pytest.approx(PERSON_CAP * totals.mean())
        assert weights.mean() == pytest.approx(1.0)
        assert np.ptp(light) == 0

    @given(st.lists(st.integers(1, 10_000), min_size=1, max_size=40))
    def test_the_limit_holds_for_any_people(self, sizes: list[int]) -> None:
        totals = np.array(sizes, dtype=np.float64)
        limit = _person_limit(totals)
        assert limit == pytest.approx(PERSON_CAP * np.minimum(totals, limit).mean())

    @pytest.mark.slow
    def test_a_flood_of_one_person_does_not_turn_the_order(self) -> None:
        honest = lists_by("evidence", lists=240)
        flood = replace(
            lists_by("evidence", lists=240 * 20, sign=-1, seed=5), user_ids=np.full(240 * 20, 999)
        )
        both = {
            name: np.concatenate([getattr(honest, name), getattr(flood, name)])
            for name in RankerData.__dataclass_fields__
        }
        both["user_ids"][:240] = np.arange(240)
        ranker = fit(RankerData(**both), replace(SMALL, debias="none"))
        assert chosen_first(ranker, lists_by("evidence", seed=6)) > 0.5


class TestProbabilities:
    @given(st.floats(1e-3, 100), st.floats(-50, 50))
    def test_lie_between_0_and_1_in_the_order_of_the_scores(self, slope: float, intercept: float) -> None:
        features = lists_by("evidence", lists=4, seed=2).features
        ranker = RANKER.calibrated(slope, intercept)
        probabilities = ranker.probabilities(features)
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        assert (np.diff(probabilities[np.argsort(ranker.scores(features))]) >= 0).all()

    def test_calibration_leaves_the_scores_alone(self) -> None:
        features = lists_by("evidence", lists=4, seed=2).features
        other = RANKER.calibrated(3.0, 1.0)
        assert np.array_equal(other.scores(features), RANKER.scores(features))
        expected = 1 / (1 + np.exp(-(3.0 * RANKER.scores(features) + 1.0)))
        assert other.probabilities(features) == pytest.approx(expected)

    def test_of_nothing_are_nothing(self) -> None:
        assert RANKER.probabilities(np.empty((0, len(FEATURES)), dtype=np.float32)).tolist() == []


RANKER = fit(lists_by("evidence"))


class TestRefused:
    @pytest.mark.parametrize("relevance", [1, 3])
    def test_lists_without_any_order(self, relevance: int) -> None:
        data = lists_by("evidence", lists=5)
        data = replace(data, relevance=np.full(len(data.relevance), relevance))
        assert not data.can_teach_order
        with pytest.raises(ValueError, match="no order to learn"):
            fit(data)

    def test_no_lists_at_all(self) -> None:
        nothing = lists_by("evidence").take_lists(np.zeros(60, dtype=np.bool_))
        assert len(nothing) == 0
        with pytest.raises(ValueError, match="no order to learn"):
            fit(nothing)

    @pytest.mark.parametrize(
        "fields",
        [
            {"num_leaves": 1},
            {"rounds": 0},
            {"min_data_in_leaf": 0},
            {"early_stopping": -1},
            {"learning_rate": 0.0},
            {"learning_rate": 1.1},
            {"learning_rate": np.nan},
            {"feature_fraction": 0.0},
            {"feature_fraction": np.nan},
            {"lambda_l2": -1.0},
            {"lambda_l2": np.inf},
            {"ips_clip": 0.5},
            {"ips_clip": np.nan},
            {"debias": "wish"},
            {"base_margin": "wish"},
        ],
    )
    def test_parameters_out_of_range(self, fields: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=r"must be|is one of"):
            RankerParameters(**fields)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("features", np.full((16, len(FEATURES)), np.inf, dtype=np.float32)),
            ("features", np.zeros((15, len(FEATURES)), dtype=np.float32)),
            ("relevance", np.full(16, 5)),
            ("relevance", np.full(16, -1)),
            ("relevance", np.ones(15, dtype=np.int64)),
            ("weights", np.zeros(16)),
            ("weights", np.full(16, np.nan)),
            ("sizes", np.array([8, 9])),
            ("sizes", np.array([16])),
            ("user_ids", np.array([1])),
            ("times", np.zeros(3)),
            ("ranks", np.ones(3, dtype=np.int64)),
            ("exposure", np.ones(3)),
            ("exposure", np.zeros(16)),
            ("exposure", np.full(16, np.nan)),
            ("exposure", np.full(16, 1.5)),
        ],
    )
    def test_data_that_is_no_data(self, name: str, value: object) -> None:
        data = lists_by("evidence", lists=2)
        with pytest.raises(ValueError):
            replace(data, **{name: value})  # type: ignore[arg-type]


def test_lists_are_taken_whole() -> None:
    data = lists_by("evidence", lists=4, size=3)
    part = data.take_lists(np.array([False, True, False, True]))
    assert (part.sizes.tolist(), part.times.tolist(), part.list_of_slot.tolist()) == (
        [3, 3],
        [1.0, 3.0],
        [0, 0, 0, 1, 1, 1],
    )
    assert np.array_equal(part.features, data.features[[3, 4, 5, 9, 10, 11]])


def test_one_list_with_an_order_among_empty_ones_is_enough() -> None:
    data = lists_by("evidence", lists=2, size=3)
    data = replace(
        data, sizes=np.array([0, 3, 0, 3]), user_ids=np.arange(4), times=np.arange(4, dtype=np.float64)
    )
    assert data.can_teach_order


@given(st.integers(0, 2**32 - 1))
def test_equal_cells_have_equal_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranker, column = one_ranker(), FEATURES.index("recency_score")
    thresholds = ranker.thresholds[column].astype(np.float32)
    beside = [np.nextafter(thresholds, np.float32(to)) for to in (-np.inf, np.inf)]
    values = np.concatenate([thresholds, *beside, rng.random(200, np.float32), [np.float32(np.nan)]])
    rows = np.tile(rng.normal(size=len(FEATURES)).astype(np.float32), (len(values), 1))
    rows[:, column] = values
    cells, scores = ranker.cells(values[:, None], [column])[:, 0], ranker.scores(rows)
    assert len(np.unique(scores)) > 2
    for cell in np.unique(cells):
        assert len(np.unique(scores[cells == cell])) == 1


@cache
def one_ranker() -> Ranker:
    return fit(lists_by("recency_score", lists=300))


def test_a_few_lists_that_say_nothing_do_not_make_all_probabilities_alike() -> None:
    ranker = fit(lists_by("evidence", lists=100), replace(SMALL, rounds=10, num_leaves=4, learning_rate=0.1))
    slope, _, _ = calibrate_ranker(
        ranker, lists_by("genre_liking", lists=4, seed=3), np.random.default_rng(1)
    )
    assert 0.5 < slope < 1.0
