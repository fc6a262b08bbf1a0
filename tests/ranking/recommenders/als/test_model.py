"""ALS: training, folding a person in, scores."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from core.arrays import positions, top_k
from ranking.recommenders.als.model import (
    AlsModel,
    AlsParameters,
    calibrate,
    confidence_matrix,
    default_alpha,
    default_factors,
    default_regularization,
    fade,
    fit_als,
    fold_in,
    score_all,
)
from ranking.recommenders.offline import fold_in_history
from ranking.statistics.events import SECONDS_PER_DAY
from tests.ranking.statistics.builders import (
    dislike,
    event_rows,
    like,
    make_events,
    model_of,
    random_events,
    small_model,
    two_tastes,
    view,
)

IDS = np.array([1, 2], dtype=np.int64)


def matrix_of(rows: list[tuple[int, int, float, float, bool]], negatives: str = "keep") -> list[list[float]]:
    matrix = confidence_matrix(make_events(rows), user_ids=IDS, item_ids=IDS, negatives=negatives)  # type: ignore[arg-type]
    assert matrix.dtype == np.float32
    return matrix.toarray().tolist()


class TestConfidenceMatrix:
    def test_positive_weights_of_a_pair_add_up(self) -> None:
        assert matrix_of([like(1, 2), view(1, 2, 5.0), view(2, 1)]) == [[0, 2.5], [0.5, 0]]

    def test_a_dislike_makes_the_pair_negative_whatever_else_is_on_it(self) -> None:
        assert matrix_of([like(1, 1), dislike(1, 1), like(1, 1, 9.0)]) == [[-1.0, 0], [0, 0]]

    def test_drop_leaves_the_disliked_pair_out(self) -> None:
        assert matrix_of([like(1, 1), dislike(1, 1), like(2, 2)], "drop") == [[0, 0], [0, 2.0]]

    def test_people_and_items_without_a_row_are_left_out(self) -> None:
        assert matrix_of([like(3, 1), like(1, 0), like(2, 2)]) == [[0, 0], [0, 2.0]]

    def test_a_weight_of_zero_is_no_entry(self) -> None:
        matrix = confidence_matrix(
            make_events([(1, 1, 0.0, 0.0, False)]), user_ids=IDS, item_ids=IDS, negatives="keep"
        )
        assert matrix.nnz == 0

    def test_no_ids_at_all(self) -> None:
        none = np.empty(0, dtype=np.int64)
        matrix = confidence_matrix(make_events([like(1, 1)]), user_ids=none, item_ids=none, negatives="keep")
        assert matrix.shape == (0, 0)

    @given(event_rows)
    def test_does_not_depend_on_the_order_of_events(
        self, rows: list[tuple[int, int, float, float, bool]]
    ) -> None:
        ids = np.arange(9, dtype=np.int64)
        one, other = (
            confidence_matrix(make_events(order), user_ids=ids, item_ids=ids, negatives="keep").toarray()
            for order in (rows, rows[::-1])
        )
        np.testing.assert_allclose(one, other)


def solve_with_implicit(model: AlsModel, confidences: list[float], rows: list[int]) -> np.ndarray:
    """The same fold-in by the library: signed confidences c, as it takes them."""
    with threadpool_limits(limits=1, user_api="blas"):
        solver = AlternatingLeastSquares(
            factors=model.item_factors.shape[1], regularization=model.regularization, alpha=1.0, num_threads=1
        )
        solver.item_factors = model.item_factors
        values = np.array(confidences, dtype=np.float32)
        matrix = csr_matrix(
            (values, np.array(rows), np.array([0, len(rows)])), shape=(1, len(model.item_ids))
        )
        return np.asarray(solver.recalculate_user(0, matrix))


class TestFoldIn:
    @settings(max_examples=30, deadline=None)
    @given(
        weights=st.dictionaries(
            st.integers(0, 25), st.sampled_from([0.5, 2.0, 2.5, 7.0, -1.0, -3.0]), min_size=1, max_size=20
        )
    )
    def test_equals_the_library(self, weights: dict[int, float]) -> None:
        model = dataclasses.replace(small_model(), negative_scale=1.5)
        rows = sorted(weights)
        values = np.array([weights[row] for row in rows], dtype=np.float32)
        mine = fold_in(model, np.array(rows), values)

        liked = max(int((values > 0).sum()), 1)
        confidences = [
            model.alpha * w / liked**0.5 if w > 0 else -(1 + model.negative_scale * -w)
            for w in values.tolist()
        ]
        theirs = solve_with_implicit(model, confidences, rows)
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)

    def test_nobody_known_is_all_zeros(self) -> None:
        model = small_model()
        nothing = fold_in(model, np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32))
        assert nothing.tolist() == [0.0] * 8
        assert nothing.dtype == np.float32
        only_dislikes = fold_in(model, np.array([3]), np.array([-1.0], dtype=np.float32))
        assert only_dislikes.tolist() == [0.0] * 8

    def test_a_like_raises_its_item_and_a_dislike_lowers_it(self) -> None:
        model = fit_als(random_events(0), AlsParameters(factors=8, regularization=0.2), seed=1, threads=1)
        history, weights = np.array([1, 2, 3]), np.array([2.0, 2.0, 2.0], dtype=np.float32)
        before = score_all(model, fold_in(model, history, weights))
        for weight, direction in ((2.0, 1), (-1.0, -1)):
            for item in range(5, 25):
                after = score_all(
                    model, fold_in(model, np.append(history, item), np.append(weights, np.float32(weight)))
                )
                if direction > 0:
                    assert after[item] > before[item]
                else:
                    assert abs(after[item]) < abs(before[item])

    def test_one_item_twice_is_refused(self) -> None:
        with pytest.raises(ValueError, match="once"):
            fold_in(small_model(), np.array([1, 1]), np.array([1.0, 1.0], dtype=np.float32))


class TestFit:
    def test_two_tastes_are_told_apart(self) -> None:
        events = two_tastes()
        model = fit_als(events, AlsParameters(factors=2, regularization=0.1), seed=1, threads=1)
        for user in range(24):
            history = events.select(events.user_ids == user)
            scores = score_all(model, fold_in_history(model, history))
            best = top_k(scores, 1, model.rows_of(history.item_ids))
            assert model.item_ids[best].tolist() == [6 * (user // 12) + user % 12 % 6]

    def test_a_disliked_item_scores_lower_with_negatives_kept(self) -> None:
        liked = [like(user, item) for user in range(30) for item in range(8) if (user + item) % 4]
        disliked = [dislike(user, 8) for user in range(0, 30, 2)] + [
            like(user, 8) for user in range(1, 30, 2)
        ]
        events = make_events(liked + disliked)
        keep = AlsParameters(factors=4, regularization=0.1)
        drop = dataclasses.replace(keep, negatives="drop")
        history = events.select(events.user_ids == 0)
        scores = []
        for parameters in (keep, drop):
            model = fit_als(events, parameters, seed=3, threads=1)
            scores.append(float(score_all(model, fold_in_history(model, history))[8]))
        assert scores[0] < 0.8 * scores[1]

    def test_drop_gives_the_model_of_the_data_without_the_disliked_pairs(self) -> None:
        pure = [like(user, item) for user in range(10) for item in range(6) if (user + item) % 3]
        keep, drop = AlsParameters(factors=3), AlsParameters(factors=3, negatives="drop")
        without = fit_als(make_events(pure), keep, seed=1, threads=1)
        dropped = fit_als(make_events([*pure, dislike(9, 3), dislike(8, 1)]), drop, seed=1, threads=1)
        np.testing.assert_array_equal(without.item_factors, dropped.item_factors)
        assert dropped.negative_scale == 0

    def test_one_seed_gives_one_model_and_another_seed_another(self) -> None:
        events, parameters = random_events(5), AlsParameters(factors=8)
        one, same, other = (fit_als(events, parameters, seed=seed, threads=2) for seed in (7, 7, 8))
        np.testing.assert_array_equal(one.item_factors, same.item_factors)
        np.testing.assert_array_equal(one.gram, same.gram)
        assert one.regularization == same.regularization
        assert not np.array_equal(one.item_factors, other.item_factors)

    def test_what_the_model_holds(self) -> None:
        events = random_events(2)
        model = fit_als(events, AlsParameters(factors=8), seed=1, threads=1)
        assert model.item_ids.tolist() == sorted(set(events.item_ids.tolist()))
        assert model.item_factors.shape == (len(model.item_ids), 8)
        assert model.item_factors.dtype == np.float32
        np.testing.assert_allclose(
            model.gram, model.item_factors.T @ model.item_factors, rtol=1e-4, atol=1e-6
        )
        assert model.regularization > 0

    def test_reports_progress(self) -> None:
        calls: list[tuple[int, int]] = []
        fit_als(
            random_events(1),
            AlsParameters(factors=2, iterations=3),
            seed=1,
            threads=1,
            progress=lambda done, total: calls.append((done, total)),
        )
        assert calls == [(1, 3), (2, 3), (3, 3)]

    @pytest.mark.parametrize("rows", [[], [dislike(1, 1)], [(1, 1, 0.0, 0.0, False)]])
    def test_refuses_data_without_a_positive_event(
        self, rows: list[tuple[int, int, float, float, bool]]
    ) -> None:
        with pytest.raises(ValueError, match="no positive interactions"):
            fit_als(make_events(rows), AlsParameters(), seed=1)

    def test_more_factors_than_items_still_serve(self) -> None:
        model = fit_als(make_events([like(1, 1), like(2, 1), like(2, 2)]), AlsParameters(), seed=1, threads=1)
        scores = score_all(model, fold_in(model, np.array([0]), np.array([2.0], dtype=np.float32)))
        assert np.isfinite(scores).all()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"factors": 0},
            {"iterations": 0},
            {"alpha": 0.0},
            {"alpha": float("inf")},
            {"regularization": 0.0},
            {"regularization": float("nan")},
            {"negative_scale": -1.0},
            {"half_life_days": 0.0},
            {"negatives": "invert"},
        ],
    )
    def test_parameters_out_of_range_are_refused(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ValueError):
            AlsParameters(**wrong)  # type: ignore[arg-type]


class TestFade:
    def test_an_event_a_half_life_older_counts_half(self) -> None:
        events = make_events([like(1, 1, 0.0), like(1, 2, 10 * SECONDS_PER_DAY)])
        faded = fade(events, 5.0).weights
        assert faded[1] / faded[0] == pytest.approx(4.0, rel=0.1)
        assert faded.mean() == pytest.approx(2.0, rel=1e-5)

    def test_one_wrong_clock_does_not_age_the_rest(self) -> None:
        usual = [like(user, 1, user * SECONDS_PER_DAY) for user in range(400)]
        wrong = like(999, 1, 1e12)
        ratios = [
            faded[399] / faded[0]
            for faded in (fade(make_events(rows), 100.0).weights for rows in (usual, [*usual, wrong]))
        ]
        assert ratios[1] == pytest.approx(ratios[0], rel=0.1)
        assert fade(make_events([*usual, wrong]), 100.0).weights[400] < 10

    def test_an_infinite_half_life_changes_nothing(self) -> None:
        events = random_events(1)
        assert fade(events, np.inf) is events


class TestDefaultsByTheData:
    @pytest.mark.parametrize(
        ("people", "items", "factors"),
        [(3, 5, 16), (610, 9742, 32), (1090, 3646, 64), (22363, 12101, 128), (10**6, 10**6, 128)],
    )
    def test_factors_follow_the_fewer_of_people_and_items(
        self, people: int, items: int, factors: int
    ) -> None:
        assert default_factors(people, items) == default_factors(items, people) == factors

    def test_all_approvals_together_weigh_their_share_of_all_pairs(self) -> None:
        # 200 people of 1,000 items, who spoke for one each with weight 2.
        weights = csr_matrix((np.full(200, 2.0, np.float32), (np.arange(200), np.arange(200))), (200, 1000))
        assert default_alpha(weights) == pytest.approx(0.015 * 200 * 1000 / 400)
        # A no is heard by its own rule.
        weights.data[:100] = -1.0
        assert default_alpha(weights) == pytest.approx(0.015 * 200 * 1000 / 200)

    def test_alpha_stays_within_what_was_tried(self) -> None:
        assert default_alpha(csr_matrix(np.ones((4, 3), dtype=np.float32))) == 1.0
        lonely = csr_matrix((np.ones(1, np.float32), ([0], [0])), (1000, 1000))
        assert default_alpha(lonely) == 50.0

    def test_both_are_what_the_model_has(self) -> None:
        model = fit_als(random_events(1), AlsParameters(), seed=1, threads=1)
        assert model.item_factors.shape[1] == 16
        assert model.alpha == 1.0


class TestDefaultRegularization:
    @given(factor=st.floats(0.1, 10))
    def test_grows_with_the_confidences_in_proportion(self, factor: float) -> None:
        matrix = csr_matrix(np.array([[1.0, 0, 2.0], [0, -1.5, 0]], dtype=np.float32))
        assert default_regularization(matrix * np.float32(factor)) == pytest.approx(
            factor * default_regularization(matrix), rel=1e-4
        )

    def test_stays_below_where_all_factors_would_be_zero(self) -> None:
        dense = csr_matrix(np.ones((4, 3), dtype=np.float32))
        assert default_regularization(dense) == pytest.approx(np.sqrt(12) / 3)
        model = fit_als(two_tastes(), AlsParameters(factors=2), seed=1, threads=1)
        assert np.abs(model.item_factors).max() > 0.1

    def test_is_by_rows_and_columns_where_the_bound_does_not_matter(self) -> None:
        column = np.zeros((100, 50), dtype=np.float32)
        column[:, 0] = 2.0
        expected = 0.7 * (np.sqrt(400 / 100) + np.sqrt(400 / 50))
        assert default_regularization(csr_matrix(column)) == pytest.approx(expected)

    def test_a_dislike_does_not_count(self) -> None:
        with_dislike = csr_matrix(np.array([[2.0, -9.0]], dtype=np.float32))
        without = csr_matrix(np.array([[2.0, 0.0]], dtype=np.float32))
        assert default_regularization(with_dislike) == default_regularization(without)

    def test_is_what_the_model_stores(self) -> None:
        events = random_events(1)
        chosen = fit_als(events, AlsParameters(factors=4), seed=1, threads=1)
        given_ = fit_als(
            events, AlsParameters(factors=4, regularization=chosen.regularization), seed=1, threads=1
        )
        np.testing.assert_array_equal(chosen.item_factors, given_.item_factors)


finite_scores = hnp.arrays(
    np.float32, st.integers(0, 40), elements=st.floats(-8, 8, width=32).map(lambda x: round(x, 1))
)


class TestTopK:
    @given(scores=finite_scores, k=st.integers(0, 45), data=st.data())
    def test_equals_a_full_sort(self, scores: np.ndarray, k: int, data: st.DataObject) -> None:
        rows = st.integers(0, len(scores) - 1) if len(scores) else st.nothing()
        excluded = data.draw(st.lists(rows, max_size=10)) if len(scores) else []
        best = top_k(scores, k, np.array(excluded, dtype=np.intp))
        allowed = [row for row in range(len(scores)) if row not in excluded]
        assert best.tolist() == sorted(allowed, key=lambda row: (-scores[row], row))[:k]

    def test_all_scores_equal_are_served_in_order_of_rows(self) -> None:
        assert top_k(np.zeros(6, dtype=np.float32), 3, np.array([1])).tolist() == [0, 2, 3]


class TestCalibrate:
    @given(
        scores=hnp.arrays(np.float32, st.integers(2, 30), elements=st.floats(-1, 2, width=32), unique=True),
        slope=st.floats(0.5, 5),
        intercept=st.floats(-5, 5),
    )
    def test_keeps_the_order_strictly(self, scores: np.ndarray, slope: float, intercept: float) -> None:
        # float32 numbers next to zero differ by less than a probability can show; scores are not that close.
        scores = np.unique(np.round(scores, 6))
        model = dataclasses.replace(model_of(np.ones((1, 1), np.float32)), slope=slope, intercept=intercept)
        assert (np.diff(calibrate(model, scores)) > 0).all()

    def test_extremes_stay_in_range(self) -> None:
        model = model_of(np.ones((1, 1), np.float32))
        scores = np.array([-3e38, -100, 0.5, 100, 3e38], dtype=np.float32)
        assert calibrate(model, scores) == pytest.approx([0, 0, 0.5, 1, 1])

    def test_is_the_logistic_function(self) -> None:
        model = dataclasses.replace(model_of(np.ones((1, 1), np.float32)), slope=2.0, intercept=-1.0)
        assert calibrate(model, np.array([1.0], np.float32))[0] == pytest.approx(1 / (1 + np.exp(-1.0)))


def test_positions_finds_rows_and_marks_the_unknown() -> None:
    assert positions(np.array([5, 3, 9, 4]), np.array([3, 5, 8])).tolist() == [1, 0, -1, -1]
    assert positions(np.array([5]), np.empty(0, dtype=np.int64)).tolist() == [-1]
