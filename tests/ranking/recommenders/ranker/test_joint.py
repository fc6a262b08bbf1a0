"""Lists that were shown are learned from first, then lists made up beside them."""

from dataclasses import replace

import numpy as np
import pytest

from core.progress import Progress
from ranking.recommenders.ranker.file import dump_ranker, load_ranker
from ranking.recommenders.ranker.joint import Lessons, with_lists_beside
from ranking.recommenders.ranker.model import Ranker, RankerData, RankerParameters, fit_ranker
from ranking.recommenders.ranker.train import JOINT_PARAMETERS, SHOWN_PARAMETERS, fit_calibrated_ranker
from tests.ranking.statistics.builders import lists_by

QUICK = replace(JOINT_PARAMETERS, rounds=20)
SHOWN = lists_by("genre_liking", lists=150)
MADE_UP = lists_by("popularity_score", lists=60, size=100, seed=2)


def chosen_first(ranker: Ranker, data: RankerData) -> float:
    """The share of lists in which the slot chosen above all others stands first."""
    scores = ranker.scores(data.features).reshape(len(data), -1)
    best = data.relevance.reshape(len(data), -1).argmax(axis=1)
    return float(np.mean(scores.argmax(axis=1) == best))


def fit(lessons: Lessons, parameters: RankerParameters = QUICK) -> Ranker:
    return fit_ranker(lessons.lists, None, parameters, seed=1, threads=1, first=lessons.first)


def test_the_trees_of_what_was_shown_stay_in_front() -> None:
    lessons = Lessons.of(SHOWN, MADE_UP, SHOWN_PARAMETERS, seed=1)
    assert lessons.first is not None
    assert lessons.trees_before == SHOWN_PARAMETERS.rounds
    ranker = load_ranker(dump_ranker(fit(lessons)))
    assert ranker.booster.num_trees() == SHOWN_PARAMETERS.rounds + QUICK.rounds
    in_front = ranker.booster.predict(SHOWN.features, num_iteration=SHOWN_PARAMETERS.rounds)
    assert np.asarray(in_front) == pytest.approx(lessons.first.scores(SHOWN.features))


def test_more_is_kept_of_what_was_shown_than_of_all_lists_at_once() -> None:
    later = lists_by("genre_liking", lists=150, seed=5)
    rest = lists_by("popularity_score", lists=60, size=100, seed=6)
    ranker = fit(Lessons.of(SHOWN, MADE_UP, SHOWN_PARAMETERS, seed=1))
    at_once = fit(Lessons(with_lists_beside(SHOWN, MADE_UP)))
    assert chosen_first(ranker, later) > chosen_first(at_once, later) + 0.05
    # One of a hundred.
    assert chosen_first(ranker, rest) > 0.1


@pytest.mark.parametrize("beside", [None, MADE_UP.take_lists(np.zeros(len(MADE_UP), dtype=np.bool_))])
def test_without_lists_beside_there_are_no_first_trees(beside: RankerData | None) -> None:
    lessons = Lessons.of(SHOWN, beside, SHOWN_PARAMETERS, seed=1)
    assert lessons.lists is SHOWN
    assert (lessons.first, lessons.trees_before) == (None, 0)


def test_lists_without_an_order_have_no_first_trees() -> None:
    alike = replace(SHOWN, relevance=np.ones_like(SHOWN.relevance))
    lessons = Lessons.of(alike, MADE_UP, SHOWN_PARAMETERS, seed=1)
    assert lessons.first is None
    assert chosen_first(fit(lessons), MADE_UP) > 0.5


def test_trees_do_not_correct_the_retrieval_score_and_other_trees() -> None:
    lessons = Lessons.of(SHOWN, MADE_UP, SHOWN_PARAMETERS, seed=1)
    with pytest.raises(ValueError, match="not both"):
        fit(lessons, replace(QUICK, base_margin="residual"))


def test_rounds_are_counted_after_the_first_trees() -> None:
    calls: list[tuple[int, int]] = []
    lessons = Lessons.of(SHOWN, MADE_UP, SHOWN_PARAMETERS, seed=1)
    ranker = fit_ranker(
        lessons.lists,
        lists_by("popularity_score", sign=-1, seed=3),
        replace(QUICK, rounds=60, early_stopping=5),
        seed=1,
        threads=1,
        progress=lambda done, total: calls.append((done, total)),
        first=lessons.first,
    )
    assert calls[0] == (1, 60)
    # On people of the opposite taste, every tree but the first of all lists makes it worse.
    assert ranker.booster.num_trees() - lessons.trees_before == len(calls) - 5 < 20


def test_what_is_registered_has_the_trees_that_were_found_best() -> None:
    fitted = fit_calibrated_ranker(SHOWN, QUICK, seed=1, progress=Progress(quiet=True), beside=MADE_UP)
    assert fitted.hyper_parameters["trees"] == SHOWN_PARAMETERS.rounds + QUICK.rounds
    assert fitted.ranker.booster.num_trees() == fitted.hyper_parameters["trees"]
    assert fitted.distribution["lists"] == len(SHOWN)
