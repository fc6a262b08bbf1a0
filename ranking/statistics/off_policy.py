"""Off-policy evaluation: the value of a policy estimated from slots that another one filled and logged.

A slot counts by the ratio of two propensities: how likely the target policy would have filled it this way,
and how likely the logging policy did. An estimate is a mean reward per slot, with an interval from
resampling people, and says in words whether the log holds enough to trust it.
"""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import ratio_bootstrap_interval

MIN_PROPENSITY = 1e-9  # less, and the slot would never have been logged: the propensity is wrong
DEFAULT_CLIP = 100.0
MIN_EFFECTIVE_SLOTS = 100  # below it even a share of one half is known to ± 0.1 only
MIN_PEOPLE = 20  # a resample of fewer people does not show how people differ
MIN_CONTRASTS = 10  # effective slots whose reward differs from the rest; with fewer the interval is too short
MAX_CLIPPED = 0.1  # more, and the clip hides how few slots the estimate would hang on
MEAN_WEIGHT_MARGIN = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class LoggedSlots:
    """Logged slots with their propensities and outcomes; (n,) each, one entry per slot.

    session_ids, user_ids   a session belongs to one person
    propensities  P(this item shown here) under the policy that showed it, in (0, 1]
    rewards       what came of it, such as 1 for engaged or for disliked, else 0
    targets       P(this item shown here) under the target policy, in [0, 1]; 0 or 1 without chance

    Raises ValueError if any of this does not hold.
    """

    session_ids: Ints
    user_ids: Ints
    propensities: Doubles
    rewards: Doubles
    targets: Doubles

    def __post_init__(self) -> None:
        columns = [self.session_ids, self.user_ids, self.propensities, self.rewards, self.targets]
        if any(column.shape != (len(self.rewards),) for column in columns):
            raise ValueError("Logged slots must be arrays of one length.")
        if not _within(self.propensities, MIN_PROPENSITY):
            raise ValueError(f"Logged propensities must be between {MIN_PROPENSITY} and 1.")
        if not _within(self.targets, 0.0):
            raise ValueError("Target propensities must be between 0 and 1.")
        if not np.isfinite(self.rewards).all():
            raise ValueError("Rewards must be finite.")
        _, first, session = np.unique(self.session_ids, return_index=True, return_inverse=True)
        if (self.user_ids[first][session] != self.user_ids).any():
            raise ValueError("A session must belong to one person.")

    def __len__(self) -> int:
        return len(self.rewards)


def _within(values: Doubles, lowest: float) -> bool:
    return bool(((values >= lowest) & (values <= 1)).all())


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean reward per slot under the target policy, and how much of the log speaks for it.

    value            with its 95 % interval over people; NaN where the log has nothing to say
    effective_slots  how many slots of equal weight would say as much, in [0, slots]; Kish 1965
    support          share of the logged slots that the target policy could have filled so
    mean_weight      about 1 if the log covers that policy; less is the part of it the log could show, more
                     means wrong propensities. Before clipping
    clipped          share of the weight that the clip took away
    enough, verdict  whether the value can be relied on, and why in words
    """

    value: Interval
    slots: int
    sessions: int
    people: int
    effective_slots: float
    support: float
    mean_weight: Interval
    clipped: float
    enough: bool
    verdict: str


def snips(
    slots: LoggedSlots, *, rng: np.random.Generator, clip: float = DEFAULT_CLIP, rounds: int = 1000
) -> Estimate:
    """Self-normalized scoring: sum of weight × reward over sum of weights; Swaminathan and Joachims 2015.

    Slightly biased on small logs, with far less variance than inverse propensity scoring, and never outside
    the range of the rewards. Where the log cannot show a part of the policy, it speaks for the other part
    only. No weight counts for more than `clip` (Ionides 2008), which trades some bias for much variance;
    `np.inf` clips nothing. Raises ValueError for a clip that is not above 0, or rounds < 1.

    The interval resamples the slots person by person.
    """
    people, rows = np.unique(slots.user_ids, return_inverse=True)

    def per_person(values: Doubles) -> Doubles:
        return np.bincount(rows, values).astype(np.float64)

    def ratio(above: Doubles, below: Doubles) -> Interval:
        return ratio_bootstrap_interval(per_person(above), per_person(below), rng=rng, rounds=rounds)

    count = len(slots)
    full = slots.targets / slots.propensities
    weights = _clipped(full, clip)
    mean_weight = ratio(full, np.ones(count))
    effective = effective_size(weights)
    clipped = float(1 - weights.sum() / full.sum()) if full.any() else 0.0
    shortcoming = _shortcoming(slots, weights, effective, clipped, mean_weight)
    return Estimate(
        value=ratio(weights * slots.rewards, weights),
        slots=count,
        sessions=len(np.unique(slots.session_ids)),
        people=len(people),
        effective_slots=effective,
        support=float((full > 0).mean()) if count else 0.0,
        mean_weight=mean_weight,
        clipped=clipped,
        enough=not shortcoming,
        verdict=shortcoming or f"Enough: {count} logged slots say as much as {effective:.0f} of its own.",
    )


def effective_size(weights: Doubles) -> float:
    """The effective sample size of weights, (Σw)² / Σw², 0 without a weight; Kish 1965."""
    largest = weights.max(initial=0.0)
    if largest == 0:
        return 0.0
    scaled = weights / largest  # the squares of tiny weights would vanish
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def _clipped(weights: Doubles, clip: float) -> Doubles:
    if not clip > 0:
        raise ValueError("The clip must be above 0.")
    return np.minimum(weights, clip)


def _shortcoming(
    slots: LoggedSlots, weights: Doubles, effective: float, clipped: float, mean_weight: Interval
) -> str:
    """The reasons not to rely on the estimate; empty where there are none."""
    if not len(slots):
        return "Nothing is logged."
    supported = weights > 0
    if not supported.any():
        return "The policy would have shown none of what was logged: nothing can be said about it."
    short = "Too little to say anything: "
    if effective < MIN_EFFECTIVE_SLOTS:
        return (
            f"{short}{len(slots)} logged slots say as much as {effective:.0f} of its own, "
            f"and it takes {MIN_EFFECTIVE_SLOTS}."
        )
    if clipped > MAX_CLIPPED:
        return f"{short}{clipped:.0%} of the weight lay on few slots and was clipped."
    people = len(np.unique(slots.user_ids[supported]))
    if people < MIN_PEOPLE:
        return f"{short}the slots that count are of {people} people, and it takes {MIN_PEOPLE}."
    contrasts = effective_size(weights[supported & (slots.rewards != _commonest(slots.rewards[supported]))])
    if contrasts < MIN_CONTRASTS:
        return (
            f"{short}the slots that count with another reward than the rest say as much as {contrasts:.1f}, "
            f"and it takes {MIN_CONTRASTS}."
        )
    if mean_weight.high < 1 - MEAN_WEIGHT_MARGIN:
        return (
            f"Only a part can be evaluated: about {1 - mean_weight.mean:.0%} of what it shows is not logged."
        )
    if mean_weight.low > 1 + MEAN_WEIGHT_MARGIN:
        return f"The propensities are wrong: the weights average {mean_weight.mean:.2f}, where 1 is right."
    return ""


def _commonest(values: Doubles) -> float:
    kinds, counts = np.unique(values, return_counts=True)
    return float(kinds[counts.argmax()])
