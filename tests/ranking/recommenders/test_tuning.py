"""A search keeps what is in use unless something is clearly better."""

from dataclasses import replace

import numpy as np
import optuna
import pytest

from core.arrays import Doubles
from core.progress import Progress
from ranking.recommenders.als.model import AlsModel, AlsParameters
from ranking.recommenders.als.train import AlsTrainer
from ranking.recommenders.event_training import fit_calibrated, tune_on
from ranking.recommenders.tuning import search
from ranking.statistics.events import Events
from ranking.statistics.metrics import is_clearly_better
from tests.ranking.statistics.builders import like, make_events

QUIET = Progress(quiet=True)


def searched(
    start: float, *others: float, rounds: int | None = 0, seconds: float | None = None, noise: float = 0.0
) -> float:
    """The setting found where 3 is the best of all, judged on 50 cases."""

    def quality(tried: float) -> Doubles:
        swing = noise * np.tile([1.0, -1.0], 25) * (tried - start)
        return swing - (tried - 3.0) ** 2

    def suggest(trial: optuna.Trial) -> float:
        return trial.suggest_float("x", 0.0, 6.0)

    return search(
        start, suggest, quality, others=others, rounds=rounds, seconds=seconds, seed=0, progress=QUIET
    )


class TestSearch:
    def test_the_best_of_what_is_tried_is_taken(self) -> None:
        assert searched(1.0) == 1.0
        assert searched(1.0, 2.0, 3.5, 6.0) == 3.5
        assert searched(1.0, rounds=30) == pytest.approx(3.0, abs=0.3)

    def test_what_cannot_be_told_apart_changes_nothing(self) -> None:
        assert searched(2.0, 3.0, noise=1.0) == 3.0
        # A gain of 1 with a spread of 20 over 50 cases is less than its standard error of 2.9.
        assert searched(2.0, 3.0, noise=20.0) == 2.0

    def test_without_time_nothing_is_drawn(self) -> None:
        assert searched(1.0, 2.0, rounds=None, seconds=0) == 2.0
        assert searched(1.0, rounds=None, seconds=0.2) == pytest.approx(3.0, abs=1.0)


class TestClearlyBetter:
    def test_by_more_than_a_standard_error(self) -> None:
        # Mean 1, standard deviation √2, so that the error is √(2/3) of 3 cases.
        assert is_clearly_better(np.array([0.0, 1.0, 2.0]), np.zeros(3))
        assert not is_clearly_better(np.array([-2.0, 1.0, 2.0]), np.zeros(3))
        assert not is_clearly_better(np.zeros(3), np.zeros(3))
        assert is_clearly_better(np.array([1.0]), np.array([0.5]))

    def test_cases_that_one_of_them_has_no_figure_for_do_not_count(self) -> None:
        nothing = np.array([np.nan, np.nan])
        assert not is_clearly_better(nothing, np.array([1.0, np.nan]))
        assert is_clearly_better(np.array([1.0, np.nan]), np.array([0.0, 9.0]))


class _Blunted(AlsTrainer):
    """ALS that starts with factors of zero, and has a sane setting as its alternative."""

    def alternatives(self, start: AlsParameters) -> list[AlsParameters]:
        return [replace(start, regularization=1.0)]


class TestTraining:
    EVENTS = make_events(
        [
            like(person, item, 10.0 * person + item)
            for person in range(200)
            for item in (range(6) if person % 2 else range(6, 12))
        ]
    )
    BLUNT = AlsParameters(factors=4, regularization=1e6)

    def test_an_alternative_that_is_clearly_better_is_trained_with(self) -> None:
        found = fit_calibrated(_Blunted(), self.EVENTS, self.BLUNT, seed=0, progress=QUIET)
        assert found.parameters.regularization == found.model.regularization == 1.0
        assert found.earlier is not None
        assert found.earlier.regularization == 1.0

    def test_the_start_stays_where_none_is(self) -> None:
        sane = replace(self.BLUNT, regularization=1.0)
        found = fit_calibrated(AlsTrainer(), self.EVENTS, sane, seed=0, progress=QUIET)
        assert found.model.confidence == "damped"
        assert AlsTrainer().as_used(AlsParameters(), found.model, 0)["confidence_given"] is False

    def test_a_search_leaves_the_last_tenth_of_the_log_alone(self) -> None:
        trainer = _Watching()
        tune_on(trainer, self.EVENTS, self.BLUNT, rounds=0, seed=0, progress=QUIET)
        assert len(trainer.learned_until) == 6
        assert max(trainer.learned_until) < np.quantile(self.EVENTS.times, 0.8, method="higher")


class _Watching(_Blunted):
    """The same, which notes how far its events reach."""

    def __init__(self) -> None:
        super().__init__()
        self.learned_until: list[float] = []

    def fit_events(
        self, events: Events, parameters: AlsParameters, *, seed: int, progress: Progress | None
    ) -> AlsModel:
        self.learned_until.append(float(events.times.max()))
        return super().fit_events(events, parameters, seed=seed, progress=progress)
