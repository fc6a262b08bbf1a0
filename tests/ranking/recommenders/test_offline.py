"""Evaluation of rankers on people held out by time."""

import numpy as np
import pytest

from core.arrays import Ints
from ranking.recommenders.als.model import AlsParameters, fit_als, score_all
from ranking.recommenders.calibrating import calibration_pairs
from ranking.recommenders.offline import (
    Recommender,
    als_recommender,
    evaluate_rankings,
    fold_in_history,
    random_recommender,
    score_recommender,
)
from ranking.statistics.calibration import fit_platt
from ranking.statistics.events import Events
from ranking.statistics.metrics import liked_over_disliked, paired_bootstrap_interval
from ranking.statistics.popularity import decayed_popularity
from ranking.statistics.split import Holdout, holdout
from tests.ranking.statistics.builders import dislike, like, make_events

START, END = 100.0, 200.0


def two_taste_holdout() -> Holdout:
    """60 people of two tastes over 40 items; afterwards each likes 3 more items of their taste."""
    rng = np.random.default_rng(1)
    rows = []
    for person in range(60):
        first = 20 * (person % 2)
        own, other = first + rng.permutation(20), 20 - first + rng.permutation(20)
        rows += [like(person, int(item), 10.0) for item in own[:10]]
        rows += [like(person, int(item), 150.0) for item in own[10:13]]
        rows += [dislike(person, int(other[0]), 10.0), dislike(person, int(other[1]), 150.0)]
    return holdout(make_events(rows), START, END)


def fixed(*items: int) -> Recommender:
    def recommend(_history: Events, k: int) -> Ints:
        return np.array(items[:k], dtype=np.int64)

    return recommend


class TestReport:
    def test_by_hand(self) -> None:
        first = [like(1, 1), like(1, 5, 150.0), like(1, 6, 150.0), dislike(1, 7, 150.0)]
        parts = holdout(make_events([*first, like(2, 2), like(2, 8, 150.0)]), START, END)
        report = evaluate_rankings(parts, fixed(7, 5, 9), k=3, catalog_size=10, rng=np.random.default_rng(1))
        found = 1 / np.log2(3) / (1 + 1 / np.log2(3))
        assert report.people == 2
        assert report.user_ids.tolist() == [1, 2]
        assert report.per_person_ndcg == pytest.approx([found, 0])
        assert report.per_person_recall == pytest.approx([0.5, 0])
        assert report.per_person_hit_rate.tolist() == [1, 0]
        np.testing.assert_allclose(report.per_person_disliked_share, [1 / 3, np.nan])
        assert report.catalog_coverage == pytest.approx(0.3)
        assert report.ndcg.mean == pytest.approx(found / 2)
        assert report.disliked_share.mean == pytest.approx(1 / 3)

    def test_the_perfect_list_scores_1_even_with_fewer_than_k_relevant(self) -> None:
        parts = holdout(make_events([like(1, 1), like(1, 5, 150.0)]), START, END)
        report = evaluate_rankings(parts, fixed(5), catalog_size=10, rng=np.random.default_rng(1))
        assert report.ndcg.mean == report.recall.mean == report.hit_rate.mean == 1

    @pytest.mark.parametrize("items", [(5, 5), (1, 5), tuple(range(20, 31))])
    def test_lists_against_the_rules_are_refused(self, items: tuple[int, ...]) -> None:
        parts = holdout(make_events([like(1, 1), like(1, 5, 150.0)]), START, END)

        def recommend(_history: Events, _k: int) -> Ints:
            return np.array(items, dtype=np.int64)

        with pytest.raises(ValueError, match="recommender"):
            evaluate_rankings(parts, recommend, catalog_size=10, rng=np.random.default_rng(1))

    def test_nobody_to_evaluate(self) -> None:
        parts = holdout(make_events([like(1, 1)]), START, END)
        report = evaluate_rankings(parts, fixed(5), catalog_size=10, rng=np.random.default_rng(1))
        assert report.people == 0
        assert np.isnan(report.ndcg.mean)
        assert report.catalog_coverage == 0


def test_als_beats_popularity_and_popularity_does_not_know_tastes() -> None:
    parts = two_taste_holdout()
    model = fit_als(parts.training, AlsParameters(factors=4), seed=1, threads=1)
    item_ids, scores = decayed_popularity(parts.training, now=START, half_life_days=365)
    reports = [
        evaluate_rankings(parts, recommend, k=10, catalog_size=40, rng=np.random.default_rng(1))
        for recommend in (
            als_recommender(model),
            score_recommender(item_ids, scores),
            random_recommender(item_ids, np.random.default_rng(1)),
        )
    ]
    for other in reports[1:]:
        gain = paired_bootstrap_interval(
            reports[0].per_person_ndcg, other.per_person_ndcg, rng=np.random.default_rng(2)
        )
        assert gain.low > 0.1
    assert reports[0].recall.mean > 0.99
    assert reports[0].disliked_share.mean < reports[1].disliked_share.mean


def test_liked_items_score_above_disliked_ones() -> None:
    parts = two_taste_holdout()
    model = fit_als(parts.training, AlsParameters(factors=4), seed=1, threads=1)
    orders = []
    for person in parts.people():
        scores = score_all(model, fold_in_history(model, person.history))
        liked, disliked = model.rows_of(person.relevant_items), model.rows_of(person.disliked_items)
        orders.append(liked_over_disliked(scores[liked], scores[disliked]))
    assert len(orders) == 60
    assert np.mean(orders) > 0.95


def test_one_seed_twice_gives_equal_reports() -> None:
    parts = two_taste_holdout()

    def report() -> list[float]:
        model = fit_als(parts.training, AlsParameters(factors=4), seed=1, threads=2)
        result = evaluate_rankings(
            parts, als_recommender(model), catalog_size=40, rng=np.random.default_rng(3)
        )
        return [result.ndcg.mean, result.ndcg.low, result.recall.high, result.catalog_coverage]

    assert report() == report()


def test_fold_in_of_a_history_leaves_unknown_items_out() -> None:
    parts = two_taste_holdout()
    model = fit_als(parts.training, AlsParameters(factors=4), seed=1, threads=1)
    known, unknown = like(1, 3), like(1, 999)
    np.testing.assert_array_equal(
        fold_in_history(model, make_events([known, unknown])), fold_in_history(model, make_events([known]))
    )
    assert not fold_in_history(model, make_events([unknown])).any()


def test_calibration_pairs_are_balanced_and_tell_tastes_apart() -> None:
    parts = two_taste_holdout()
    model = fit_als(parts.training, AlsParameters(factors=4), seed=1, threads=1)
    rng = np.random.default_rng(1)
    scores, labels = calibration_pairs(
        model.item_ids, lambda history: score_all(model, fold_in_history(model, history)), parts, rng
    )
    assert len(scores) == len(labels) == 2 * 60 * 3
    assert labels.mean() == 0.5
    slope, intercept = fit_platt(scores, labels)
    probabilities = 1 / (1 + np.exp(-(slope * scores + intercept)))
    assert probabilities[labels].mean() > 0.7
    assert probabilities[~labels].mean() < 0.3
