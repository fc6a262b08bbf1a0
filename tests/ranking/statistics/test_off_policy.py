"""Off-policy estimates: on simulated policies of known value, and on two policies that really ran."""

import csv
import math
import os
import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.arrays import Doubles, Ints
from ranking.statistics.off_policy import Estimate, LoggedSlots, effective_size, snips

PER_SESSION = 5
# Two kinds of people and four items: what either policy shows, and how often each kind engages.
LOGGING = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
TARGET = np.array([[0.1, 0.1, 0.2, 0.6], [0.25, 0.25, 0.25, 0.25]])
ENGAGES = np.array([[0.1, 0.2, 0.3, 0.6], [0.5, 0.1, 0.3, 0.2]])
TRUE_VALUE = float((TARGET * ENGAGES).sum(axis=1).mean())


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def simulate(seed: int, people: int = 120, target: np.ndarray = TARGET, sessions: int = 2) -> LoggedSlots:
    """A log of the logging policy; the people differ, so that slots of one person resemble each other."""
    draw = rng(seed)
    users = np.repeat(np.arange(people), sessions * PER_SESSION)
    kinds = users % 2
    items = (draw.random(len(users))[:, None] > LOGGING[kinds].cumsum(axis=1)).sum(axis=1)
    eager = draw.uniform(-0.1, 0.1, size=people)[users]
    rewards = draw.random(len(users)) < ENGAGES[kinds, items] + eager
    return LoggedSlots(
        session_ids=np.arange(len(users)) // PER_SESSION,
        user_ids=users,
        propensities=LOGGING[kinds, items],
        rewards=rewards.astype(np.float64),
        targets=target[kinds, items].astype(np.float64),
    )


def covers(estimate: Estimate, truth: float) -> bool:
    return estimate.value.low <= truth <= estimate.value.high


class TestKnownPolicies:
    def test_the_intervals_hold_the_true_value_about_as_often_as_they_say(self) -> None:
        held = 0
        for seed in range(200):
            slots = simulate(seed, people=80)
            held += covers(snips(slots, rng=rng(seed), rounds=300), TRUE_VALUE)
        assert 0.90 <= held / 200 <= 0.985

    def test_a_large_log_comes_close_where_the_plain_mean_does_not(self) -> None:
        slots = simulate(1, people=8000)
        estimate = snips(slots, rng=rng())
        assert estimate.value.mean == pytest.approx(TRUE_VALUE, abs=0.015)
        assert estimate.mean_weight.low < 1 < estimate.mean_weight.high
        assert estimate.enough
        assert abs(slots.rewards.mean() - TRUE_VALUE) > 0.04

    def test_a_target_without_chance(self) -> None:
        best = np.array([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
        slots = simulate(4, people=4000, target=best)
        estimate = snips(slots, rng=rng())
        assert covers(estimate, (0.6 + 0.5) / 2)
        assert estimate.support == pytest.approx(0.1, abs=0.01)
        assert estimate.effective_slots == pytest.approx(estimate.support * len(slots), rel=1e-9)

    def test_resampling_people_allows_for_what_their_slots_share(self) -> None:
        # One reward per person, over and over: 400 slots hold no more than 20 people do.
        users = np.repeat(np.arange(20), 20)
        slots = even(np.repeat(np.arange(20) % 2, 20).astype(np.float64), user_ids=users)
        apart = replace(slots, user_ids=np.arange(400), session_ids=np.arange(400))
        wide, short = snips(slots, rng=rng()).value, snips(apart, rng=rng()).value
        assert wide.high - wide.low > 3 * (short.high - short.low)

    def test_one_generator_state_gives_one_estimate(self) -> None:
        slots = simulate(6)
        assert snips(slots, rng=rng()) == snips(slots, rng=rng())
        assert snips(slots, rng=rng()) == snips(slots, rng=rng(), clip=100.0, rounds=1000)

    def test_people_and_sessions_are_counted_once(self) -> None:
        estimate = snips(simulate(6, people=120, sessions=2), rng=rng())
        assert (estimate.slots, estimate.sessions, estimate.people) == (120 * 2 * PER_SESSION, 240, 120)


def even(rewards: Doubles, *, user_ids: Ints | None = None, target: float = 0.5) -> LoggedSlots:
    """Slots that were as likely as not; every one its own person's unless told."""
    count = len(rewards)
    users = np.arange(count) if user_ids is None else user_ids
    return LoggedSlots(
        session_ids=users,
        user_ids=users,
        propensities=np.full(count, 0.5),
        rewards=rewards,
        targets=np.full(count, target),
    )


@st.composite
def logs(draw: st.DrawFn) -> LoggedSlots:
    count = draw(st.integers(1, 30))
    users = draw(hnp.arrays(np.int64, count, elements=st.integers(0, 5)))
    chances = st.floats(0.01, 1.0)
    return LoggedSlots(
        session_ids=users * 2 + draw(hnp.arrays(np.int64, count, elements=st.integers(0, 1))),
        user_ids=users,
        propensities=draw(hnp.arrays(np.float64, count, elements=chances)),
        rewards=draw(hnp.arrays(np.float64, count, elements=st.floats(-5, 5))),
        targets=draw(hnp.arrays(np.float64, count, elements=st.just(0.0) | chances)),
    )


class TestProperties:
    @pytest.mark.slow
    @given(logs())
    def test_evaluating_the_logging_policy_itself_gives_its_mean(self, slots: LoggedSlots) -> None:
        same = replace(slots, targets=slots.propensities)
        estimate = snips(same, rng=rng(), rounds=5)
        assert estimate.value.mean == pytest.approx(slots.rewards.mean(), abs=1e-9)
        assert estimate.effective_slots == pytest.approx(len(slots))
        assert (estimate.support, estimate.clipped) == (1.0, 0.0)

    @pytest.mark.slow
    @given(logs(), st.floats(-100, 100))
    def test_snips_moves_with_a_constant_added_to_every_reward(
        self, slots: LoggedSlots, added: float
    ) -> None:
        before = snips(slots, rng=rng(), rounds=20).value
        after = snips(replace(slots, rewards=slots.rewards + added), rng=rng(), rounds=20).value
        for old, new in ((before.mean, after.mean), (before.low, after.low), (before.high, after.high)):
            assert new == pytest.approx(old + added, abs=1e-6, nan_ok=True)

    @pytest.mark.slow
    @given(logs())
    def test_snips_stays_within_the_rewards(self, slots: LoggedSlots) -> None:
        value = snips(slots, rng=rng(), rounds=5).value.mean
        assert math.isnan(value) == (not slots.targets.any())
        assert math.isnan(value) or slots.rewards.min() - 1e-9 <= value <= slots.rewards.max() + 1e-9

    @pytest.mark.slow
    @given(logs(), st.floats(0.1, 50))
    def test_clipping_evens_the_weights(self, slots: LoggedSlots, clip: float) -> None:
        clipped = snips(slots, rng=rng(), clip=clip, rounds=5)
        full = snips(slots, rng=rng(), clip=np.inf, rounds=5)
        assert clipped.effective_slots >= full.effective_slots - 1e-9
        assert full.clipped == 0
        assert 0 <= clipped.clipped < 1

    @pytest.mark.slow
    @given(logs(), st.randoms(use_true_random=False))
    def test_the_order_of_the_log_does_not_matter(self, slots: LoggedSlots, shuffle: random.Random) -> None:
        order = np.array(shuffle.sample(range(len(slots)), len(slots)))
        shuffled = LoggedSlots(
            session_ids=slots.session_ids[order],
            user_ids=slots.user_ids[order],
            propensities=slots.propensities[order],
            rewards=slots.rewards[order],
            targets=slots.targets[order],
        )
        one, other = snips(slots, rng=rng(), rounds=20), snips(shuffled, rng=rng(), rounds=20)
        assert other.value.low == pytest.approx(one.value.low, abs=1e-6, nan_ok=True)
        assert other.effective_slots == pytest.approx(one.effective_slots)
        assert (other.sessions, other.people, other.enough) == (one.sessions, one.people, one.enough)

    @given(
        hnp.arrays(np.float64, st.integers(1, 20), elements=st.just(0.0) | st.floats(1e-9, 1e9)),
        st.floats(1e-6, 1e6),
    )
    def test_the_effective_size_is_free_of_scale_and_at_most_the_count(
        self, weights: np.ndarray, scale: float
    ) -> None:
        size = effective_size(weights)
        assert size == 0 if not weights.any() else 1 - 1e-9 <= size <= np.count_nonzero(weights) + 1e-9
        assert effective_size(weights * scale) == pytest.approx(size, rel=1e-6)

    def test_weights_whose_squares_would_vanish_still_count(self) -> None:
        assert effective_size(np.full(4, 1e-200)) == pytest.approx(4.0)


class TestVerdict:
    def test_an_empty_log(self) -> None:
        estimate = snips(even(np.empty(0)), rng=rng())
        assert math.isnan(estimate.value.mean)
        assert (estimate.slots, estimate.people, estimate.effective_slots, estimate.support) == (0, 0, 0, 0)
        assert (estimate.enough, estimate.verdict) == (False, "Nothing is logged.")

    def test_nothing_of_the_target_was_logged(self) -> None:
        slots = even(np.ones(500), target=0.0)
        assert math.isnan(snips(slots, rng=rng()).value.mean)
        assert snips(slots, rng=rng()).verdict == (
            "The policy would have shown none of what was logged: nothing can be said about it."
        )

    def test_few_slots_carry_all_the_weight(self) -> None:
        slots = even(np.tile([0.0, 1.0], 250))
        slots.targets[:490] = 1e-4
        estimate = snips(slots, rng=rng())
        assert not estimate.enough
        assert estimate.verdict.startswith("Too little to say anything: 500 logged slots say as much as 10 ")

    def test_a_clip_does_not_hide_that_few_slots_carry_the_weight(self) -> None:
        slots = even(np.tile([0.0, 1.0], 250))
        slots.propensities[:2] = 1e-3
        estimate = snips(slots, rng=rng(), clip=2.0)
        assert estimate.effective_slots > 490
        assert estimate.clipped == pytest.approx(996 / 1498)
        assert estimate.verdict == (
            "Too little to say anything: 66% of the weight lay on few slots and was clipped."
        )

    def test_few_people(self) -> None:
        slots = even(np.tile([0.0, 1.0], 250), user_ids=np.arange(500) % 19)
        assert "of 19 people, and it takes 20" in snips(slots, rng=rng()).verdict
        assert snips(even(np.tile([0.0, 1.0], 250), user_ids=np.arange(500) % 20), rng=rng()).enough

    def test_as_many_slots_as_it_takes_are_enough(self) -> None:
        assert snips(even(np.tile([0.0, 1.0], 50)), rng=rng()).enough
        fewer = snips(even(np.tile([0.0, 1.0], 50)[:99]), rng=rng())
        assert "99 logged slots say as much as 99 of its own, and it takes 100" in fewer.verdict

    def test_too_few_rewards_to_see_a_spread(self) -> None:
        slots = even((np.arange(500) < 9).astype(np.float64))
        estimate = snips(slots, rng=rng())
        assert "another reward than the rest say as much as 9.0, and it takes 10" in estimate.verdict
        assert snips(even((np.arange(500) < 10).astype(np.float64)), rng=rng()).enough

    def test_rewards_on_slots_of_next_to_no_weight_do_not_make_up_for_it(self) -> None:
        slots = even((np.arange(500) < 40).astype(np.float64))
        slots.targets[:37] = 1e-4
        assert "another reward than the rest say as much as 3.0" in snips(slots, rng=rng()).verdict

    def test_part_of_the_target_was_never_logged(self) -> None:
        estimate = snips(even(np.tile([0.0, 1.0], 250), target=0.3), rng=rng())
        assert not estimate.enough
        assert estimate.verdict == "Only a part can be evaluated: about 40% of what it shows is not logged."

    def test_propensities_that_cannot_be(self) -> None:
        estimate = snips(even(np.tile([0.0, 1.0], 250), target=0.9), rng=rng())
        assert not estimate.enough
        assert estimate.verdict == "The propensities are wrong: the weights average 1.80, where 1 is right."

    def test_enough(self) -> None:
        estimate = snips(even(np.tile([0.0, 1.0], 250)), rng=rng())
        assert estimate.enough
        assert estimate.verdict == "Enough: 500 logged slots say as much as 500 of its own."


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"propensities": np.array([0.5, 0.0])}, "Logged propensities"),
            ({"propensities": np.array([0.5, 1.1])}, "Logged propensities"),
            ({"propensities": np.array([0.5, np.nan])}, "Logged propensities"),
            ({"targets": np.array([-0.1, 0.5])}, "Target propensities"),
            ({"targets": np.array([0.5])}, "one length"),
            ({"rewards": np.array([1.0, np.inf])}, "finite"),
            ({"session_ids": np.array([7, 7])}, "one person"),
        ],
    )
    def test_slots_that_cannot_be(self, change: dict[str, np.ndarray], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            replace(even(np.zeros(2)), **change)

    def test_settings_out_of_range(self) -> None:
        slots = even(np.zeros(2))
        for clip in (0.0, -1.0, np.nan):
            with pytest.raises(ValueError, match="clip"):
                snips(slots, rng=rng(), clip=clip)
        with pytest.raises(ValueError, match="Rounds"):
            snips(slots, rng=rng(), rounds=0)


@dataclass(frozen=True, slots=True)
class BanditLog:
    """One policy's week in one campaign of the Open Bandit Dataset (Saito et al. 2020)."""

    users: Ints  # groups of people with the same four features: there are no ids of people
    items: Ints
    positions: Ints  # 0 to 2
    clicks: Doubles
    propensities: Doubles

    def shown_shares(self) -> Doubles:
        """Share of the week's slots at each position that each item took, (3, items).

        Thompson sampling learns on, so the logged propensities change within the week, and they are known
        only for what was shown. The shares are their mean over the week.
        """
        counts = np.zeros((3, int(self.items.max()) + 1))
        np.add.at(counts, (self.positions, self.items), 1)
        shares: Doubles = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def under(self, policy: Doubles) -> LoggedSlots:
        """The log beside what a policy, (3, items), would show at each position."""
        return LoggedSlots(
            session_ids=np.arange(len(self.items)),
            user_ids=self.users,
            propensities=self.propensities,
            rewards=self.clicks,
            targets=policy[self.positions, self.items],
        )


@cache
def bandit_log(policy: str, campaign: str) -> BanditLog:
    folder = Path(settings.BASE_DIR).parent / "shared" / "data" / "open-bandit"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{folder} is absent, and CI must have it")
        pytest.skip(f"{folder} is absent")
    with (folder / policy / campaign / f"{campaign}.csv").open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        assert next(rows)[2:10] == [
            "item_id",
            "position",
            "click",
            "propensity_score",
            *(f"user_feature_{number}" for number in range(4)),
        ]
        columns = list(zip(*(row[2:10] for row in rows), strict=True))
    features = ["/".join(values) for values in zip(*columns[4:], strict=True)]
    return BanditLog(
        users=np.unique(features, return_inverse=True)[1].astype(np.int64),
        items=np.array(columns[0], dtype=np.int64),
        positions=np.array(columns[1], dtype=np.int64) - 1,
        clicks=np.array(columns[2], dtype=np.float64),
        propensities=np.array(columns[3], dtype=np.float64),
    )


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("campaign", "logged", "target", "enough"),
    [
        ("men", "random", "bts", True),
        ("men", "bts", "random", True),
        ("women", "random", "bts", True),
        ("women", "bts", "random", False),  # two slots logged at one in a million hold most of the weight
    ],
)
def test_the_click_rate_of_a_policy_from_the_log_of_another(
    campaign: str, logged: str, target: str, enough: bool
) -> None:
    log, other = bandit_log(logged, campaign), bandit_log(target, campaign)
    shares = other.shown_shares()
    policy = shares if target == "bts" else np.full(shares.shape, 1 / shares.shape[1])
    slots = log.under(policy)
    estimate = snips(slots, rng=rng())
    assert covers(estimate, float(other.clicks.mean()))
    assert estimate.enough == enough
    assert estimate.support == 1
    without_clip = snips(slots, rng=rng(), clip=np.inf)
    assert (without_clip.effective_slots > 500) == enough
    assert without_clip.enough == enough
