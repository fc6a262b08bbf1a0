"""Training batches of a two-tower model."""

from dataclasses import replace

import numpy as np
import pytest

from ranking.recommenders.two_tower import batches as batches_module
from ranking.recommenders.two_tower.batches import Batch, Batches, example_weights, first_meetings
from ranking.recommenders.two_tower.data import (
    HARD_NEGATIVE,
    RANDOM_NEGATIVE,
    TwoTowerExamples,
    TwoTowerParameters,
)
from ranking.recommenders.two_tower.demand import DemandHistory
from tests.ranking.recommenders.two_tower.builders import (
    DAY,
    Example,
    make_examples,
    make_items,
    states_of,
    two_camps,
    two_camps_items,
)

PLAIN = TwoTowerParameters(batch_size=16, uniform_negatives=3, id_dropout=0.0, history_dropout=0.0)
ITEMS = make_items([[0]] * 16, kinds=1)


def batches(examples: TwoTowerExamples, parameters: TwoTowerParameters = PLAIN, seed: int = 0) -> Batches:
    return Batches(ITEMS, examples, parameters, np.random.default_rng(seed))


def one_batch(examples: TwoTowerExamples, parameters: TwoTowerParameters = PLAIN) -> Batch:
    return next(iter(batches(examples, parameters)))


class TestFirstMeetings:
    def test_an_item_counts_once_as_first_met_with_the_most_that_became_of_it(self) -> None:
        met = first_meetings(
            make_examples(
                [
                    Example(1, 4, label=1.0, weight=0.5, time=9.0, history=((4, 2.0),)),
                    Example(1, 4, label=0.25, weight=2.0, time=3.0),
                    Example(2, 4, label=0.5, time=1.0),
                ]
            )
        )
        assert met.user_ids.tolist() == [1, 2]
        assert met.times.tolist() == [3.0, 1.0]
        assert met.labels.tolist() == [1.0, 0.5]
        assert met.rank_weights.tolist() == [2.0, 1.0]
        assert not len(states_of(met).history_rows)

    def test_what_was_refused_speaks_for_nothing_before_and_after(self) -> None:
        rows = [Example(1, 4, time=time) for time in (1.0, 9.0)] + [Example(2, 4), Example(1, 5)]
        refused = [Example(1, 4, label=0.0, kind=HARD_NEGATIVE, time=5.0)]
        met = first_meetings(make_examples(rows + refused))
        assert list(zip(met.user_ids.tolist(), met.item_rows.tolist(), strict=True)) == [(1, 5), (2, 4)]

    def test_they_come_by_person_and_time(self) -> None:
        met = first_meetings(two_camps())
        assert (np.diff(met.user_ids) >= 0).all()
        assert (np.diff(met.times)[np.diff(met.user_ids) == 0] > 0).all()


class TestWeights:
    def test_a_half_life_older_counts_half_and_nobody_makes_the_model_by_sheer_number(self) -> None:
        rows = [Example(1, item, time=10 * DAY) for item in range(4)]
        rows += [
            Example(2, 0, time=10 * DAY),
            Example(3, 0, time=0.0),
            Example(4, 0, label=0.5, time=10 * DAY),
        ]
        weights = example_weights(make_examples(rows), 10.0)
        assert weights.mean() == pytest.approx(1.0)
        relative = weights / weights[4]
        np.testing.assert_allclose(relative, [0.5, 0.5, 0.5, 0.5, 1.0, 0.5, 0.5], rtol=1e-5)

    def test_a_list_place_weighs_too(self) -> None:
        weights = example_weights(make_examples([Example(1, 0, weight=3.0), Example(2, 0)]), np.inf)
        assert weights[0] == pytest.approx(3 * weights[1])


class TestDemand:
    def test_it_knows_nothing_of_the_part_that_it_is_asked_about_or_of_later(self) -> None:
        rows = [Example(user, user // 100, time=user * DAY) for user in range(400)]
        cut = make_examples(rows[:200])
        whole = DemandHistory.of(make_examples(rows), 12, 100.0)
        early = whole.logs[whole.before(np.array([150 * DAY]))[0]]
        assert early[2:].max() == early[2:].min() == early.min()
        assert early[0] == 0.0 > early[1]
        assert DemandHistory.of(cut, 12, 100.0).latest[2] == DemandHistory.of(cut, 12, 100.0).latest[11]

    def test_the_first_examples_know_no_demand_at_all(self) -> None:
        history = DemandHistory.of(two_camps(), 18, 100.0)
        assert not history.logs[history.before(np.array([-1.0, 0.0]))].any()

    def test_the_latest_is_the_fading_share_with_a_tenth_spread_evenly(self) -> None:
        rows = [
            Example(1, 0, time=0.0),
            Example(2, 1, time=10 * DAY),
            Example(3, 2, label=0.5, time=10 * DAY),
        ]
        latest = DemandHistory.of(make_examples(rows), 4, 10.0).latest
        shares = np.array([0.25, 0.5, 0.25, 0.0]) + 0.1 / 4
        np.testing.assert_allclose(np.exp(latest), shares / shares[1], rtol=1e-5)

    def test_one_moment_for_all_is_no_obstacle(self) -> None:
        history = DemandHistory.of(make_examples([Example(1, 0), Example(2, 1)]), 3, 10.0)
        assert np.isfinite(history.logs).all()


class TestBatches:
    def test_an_epoch_has_every_positive_once(self) -> None:
        found = batches(two_camps())
        items = np.concatenate([batch.examples.item_rows for batch in found])
        assert sorted(items.tolist()) == sorted(found.positives.item_rows.tolist())

    def test_epochs_of_very_many_go_on_where_the_last_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batches_module, "LONGEST_EPOCH", 20)
        examples = make_examples([Example(user, user % 16) for user in range(50)])
        found = batches(examples)
        epochs = [np.concatenate([batch.examples.user_ids for batch in found]).tolist() for _ in range(5)]
        assert [len(set(one)) for one in epochs[:2]] == [20, 20]
        counts = np.bincount(np.concatenate(epochs), minlength=50)
        assert (counts == 2).all()

    def test_every_example_finds_its_own_item_in_the_pool(self) -> None:
        for batch in batches(two_camps()):
            np.testing.assert_array_equal(batch.pool[batch.targets], batch.examples.item_rows)
            assert not batch.barred[np.arange(len(batch.targets)), batch.targets].any()

    def test_what_is_in_the_past_is_no_alternative(self) -> None:
        rows = [Example(1, 0, history=((1, 2.0), (2, -1.0))), Example(2, 1), Example(3, 2)]
        batch = one_batch(make_examples(rows), replace(PLAIN, uniform_negatives=0))
        assert batch.pool.tolist() == [0, 1, 2]
        expected = {1: [False, True, True], 2: [False, False, False], 3: [False, False, False]}
        for user, barred in zip(batch.examples.user_ids.tolist(), batch.barred.tolist(), strict=True):
            assert barred == expected[user]

    def test_the_own_item_is_to_be_found_even_where_it_is_in_the_past(self) -> None:
        batch = one_batch(make_examples([Example(1, 0, history=((0, 2.0),)), Example(2, 1)]))
        assert not batch.barred.any()

    @pytest.mark.slow
    def test_the_pool_is_as_often_what_its_log_probability_says(self) -> None:
        rows = [Example(user, user % 7 % 3) for user in range(140)]
        rows += [Example(user, 5, label=0.0, kind=RANDOM_NEGATIVE) for user in range(35)]
        rows += [Example(user, 6, label=0.0, kind=RANDOM_NEGATIVE) for user in range(5)]
        parameters = replace(PLAIN, batch_size=4, uniform_negatives=1)
        drawer, seen, rounds = batches(make_examples(rows), parameters), np.zeros(16), 0
        said = np.zeros(16)
        for _ in range(60):
            for batch in drawer:
                seen[batch.pool] += 1
                said[batch.pool] = np.exp(batch.log_inclusions)
                rounds += 1
        np.testing.assert_allclose(seen / rounds, said, atol=0.03)

    def test_a_negative_of_the_person_stands_beside_and_of_nobody_else(self) -> None:
        rows = [Example(1, 0), Example(1, 1), Example(2, 2)]
        rows += [Example(1, item, label=0.0, kind=HARD_NEGATIVE) for item in (7, 8)]
        drawer, drawn = batches(make_examples(rows)), set()
        for _ in range(20):
            for batch in drawer:
                for user, item in zip(batch.examples.user_ids.tolist(), batch.refused.tolist(), strict=True):
                    drawn.add((user, item))
        assert drawn == {(1, 7), (1, 8), (2, -1)}

    def test_parts_of_some_histories_are_hidden(self) -> None:
        history = tuple((item, 2.0) for item in range(1, 12))
        examples = make_examples([Example(user, 0, history=history) for user in range(400)])
        shown = one_batch(examples, replace(PLAIN, batch_size=400, history_dropout=0.5)).states
        sizes = np.diff(shown.history_indptr)
        assert 0.4 < (sizes == 11).mean() < 0.65
        assert 0.6 < sizes.mean() / 11 < 0.9
        assert sizes.min() < 4

    def test_some_items_are_known_by_their_features_alone(self) -> None:
        examples = make_examples([Example(user, user % 12) for user in range(100)])
        shares = [batch.anonymous.mean() for batch in batches(examples, replace(PLAIN, id_dropout=0.5))]
        assert 0.2 < np.mean(shares) < 0.8
        assert not any(batch.anonymous.any() for batch in batches(examples))

    def test_one_seed_gives_one_order_and_another_seed_another(self) -> None:
        one, same, other = (
            np.concatenate([batch.examples.times for batch in batches(two_camps(), seed=seed)])
            for seed in (3, 3, 4)
        )
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)

    @pytest.mark.parametrize(
        "rows",
        [
            [],
            [Example(1, 0, label=0.0)],
            [Example(1, 0, weight=0.0)],
            [Example(1, 0), Example(1, 0, label=0.0, kind=HARD_NEGATIVE)],
        ],
    )
    def test_nothing_to_learn_from_is_one_sentence(self, rows: list[Example]) -> None:
        with pytest.raises(ValueError, match=r"^There are no positive examples .*\.$"):
            batches(make_examples(rows))


def test_a_catalog_of_one_item_has_batches() -> None:
    one = make_items([[0]], kinds=1)
    drawer = Batches(one, make_examples([Example(1, 0)]), PLAIN, np.random.default_rng(0))
    assert [batch.pool.tolist() for batch in drawer] == [[0]]


def test_the_builders_tell_what_they_say() -> None:
    assert len(two_camps_items()) == 18
    assert set(two_camps().item_rows.tolist()) == set(range(16))
