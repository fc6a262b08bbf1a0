"""Responses to what was shown: rates by hand, and a sweep that gives what each moment alone gives."""

import numpy as np
import pytest

from core.demand import RESPONSE_DAYS
from ranking.kinds import BRINGING, FOLDERS, LEARNING
from ranking.recommenders.registry import RECOMMENDERS, RETRIEVING, TRAINED
from ranking.statistics.decay import SECONDS_PER_DAY, DecayedSums
from ranking.statistics.exposure import Impressions, examination
from ranking.statistics.responses import RESPONSE_PRIOR, ItemResponses, ResponseSweep

ITEMS = np.array([3, 5, 8])
LONG, SHORT = RESPONSE_DAYS


def shown(*slots: tuple[int, int, float]) -> Impressions:
    item_ids, ranks, days = zip(*slots, strict=True)
    return Impressions(np.array(item_ids), np.array(ranks), np.array(days, dtype=float) * SECONDS_PER_DAY)


def test_a_slot_counts_as_much_as_its_rank_is_examined_and_fades() -> None:
    sweep = ResponseSweep(ITEMS)
    sweep.show(shown((3, 1, 0.0), (5, 3, 0.0), (99, 1, 0.0)))
    sweep.show(shown((3, 2, SHORT)))
    days = np.array([0.0, SHORT, SHORT]) * SECONDS_PER_DAY
    sweep.answer(np.array([3, 5, 99]), np.array([0.5, -1.0, 2.0]), days)
    found = sweep.responses(SHORT * SECONDS_PER_DAY)
    faded = 2 ** (-SHORT / LONG)
    second, third = examination(np.array([2, 3]))
    assert found.examined == pytest.approx(
        np.array([[faded + second, 0.5 + second], [faded * third, 0.5 * third], [0.0, 0.0]])
    )
    assert found.engaged == pytest.approx(np.array([[faded, 0.5], [0.0, 0.0], [0.0, 0.0]]))
    assert found.refused == pytest.approx([0.0, 1.0, 0.0])
    average = faded / found.examined[:, 0].sum()
    assert found.rates[2, 0] == pytest.approx(average)
    first = (faded + RESPONSE_PRIOR * average) / (faded + second + RESPONSE_PRIOR)
    assert found.rates[0, 0] == pytest.approx(first)


def test_where_nothing_was_shown_nothing_is_known() -> None:
    nothing = ItemResponses.none(3)
    assert np.isnan(nothing.rates).all()
    assert np.isnan(nothing.refusal_rates).all()
    assert np.isnan(ResponseSweep(ITEMS).responses(7.0).rates).all()


def test_one_sweep_gives_what_each_moment_alone_gives() -> None:
    rng = np.random.default_rng(3)
    days = np.sort(rng.uniform(0, 2000, 60))
    slots = Impressions(rng.choice(ITEMS, 60), rng.integers(1, 9, 60), days * SECONDS_PER_DAY)
    together = ResponseSweep(ITEMS)
    for place in range(60):
        together.show(slots.take(slice(place, place + 1)))
        moment = float(slots.times[place]) + 1.0
        alone = ResponseSweep(ITEMS)
        alone.show(slots.take(slice(0, place + 1)))
        expected = alone.responses(moment).examined
        assert together.responses(moment).examined == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("days", [0.0, -1.0, np.inf, np.nan])
def test_half_lives_are_numbers_of_days(days: float) -> None:
    with pytest.raises(ValueError, match="half-life"):
        DecayedSums(2, [1.0, days])


def test_the_names_of_the_kinds_are_those_of_the_registry() -> None:
    assert list(RECOMMENDERS) == list(FOLDERS)
    assert list(RETRIEVING) == list(BRINGING)
    assert list(TRAINED) == list(LEARNING)
