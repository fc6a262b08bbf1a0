"""Causal effects of strengths on dislikes and engagement, and the values that they speak for.

Two sources. In an experiment people were drawn to arms, so the difference of two arms whose policies differ
in one field is the effect of that field. In the log, chance filled some slots with what stood behind the
list, and each chance is on record: a list is ordered anew with another strength, and what people did with the
slots that it would have listed as well is weighed by 1 ÷ their chance (self-normalized; Swaminathan and
Joachims 2015). The place of the last listed slot stands for what another item must reach to be listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.conf import settings
from django.utils import timezone

from core.arrays import Bools, Doubles
from core.domain import UseCase
from experiments.report import Comparison, make_report
from experiments.strengths.knobs import BOOSTS, HALF_LIFE, PASSED_OVER, SETTINGS, Knob, knobs
from experiments.strengths.replay import ReplayedList, replay
from ranking.arms import policy_of
from ranking.models import Arm, Experiment
from ranking.policy import Policy
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.interval import Interval
from ranking.statistics.off_policy import DEFAULT_CLIP, effective_size
from serving.live import get_context

# So many lists, by their effective number, must have been another with the other value.
MIN_LISTS = 200
MIN_PEOPLE = 20
ROUNDS = 1000
MOST_EXPERIMENTS = 20
KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a value in place of the one that is set.

    source      "log", or the name of an experiment and arm
    lists       effective number of lists that differ; in an experiment the people of both arms who count
    engagement, dislikes  difference per slot seen, with its interval; None where it cannot be told
    passes      the gate lets the value through
    why         the verdict in words
    """

    source: str
    setting: str
    value: float | str
    lists: float
    engagement: Interval | None
    dislikes: Interval | None
    passes: bool
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A strength with what is known of it; `value` is what to set, the present one to keep it.

    policy  how an arm of an experiment tries the value; empty where a policy has no such field
    """

    setting: str
    now: float
    value: float
    why: str
    policy: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Strengths:
    """All proposals of a use case, and the effects that they rest on; `engagement` is per slot seen now."""

    use_case: str
    lists: int
    people: int
    engagement: float | None
    dislikes: float | None
    proposals: Sequence[Proposal]
    effects: Sequence[Effect]


def estimate_strengths(*, use_case: UseCase, seed: int = 0, now: datetime | None = None) -> Strengths:
    """The effects of each strength by experiments and by the log, and the values to set. Changes nothing."""
    now = now or timezone.now()
    tried = knobs()
    catalog = get_context(use_case.name).catalog
    log = _Log.read(use_case, catalog, tried, now)
    effects = [*_by_experiments(use_case, now), *log.effects(np.random.default_rng(seed))]
    return Strengths(
        use_case=use_case.name,
        lists=log.lists,
        people=len(log.people),
        engagement=log.rate(0),
        dislikes=log.rate(1),
        proposals=[_propose(knob, [one for one in effects if one.setting == knob.setting]) for knob in tried],
        effects=effects,
    )


def gate(engagement: Interval, dislikes: Interval, engaged_now: float) -> tuple[bool, str]:
    """Passes where engagement is no worse than the margin, dislikes are not clearly more, and one is better.

    The margin is GATE_MARGIN, as a share of the engagement now.
    """
    if np.isnan([engagement.low, dislikes.low]).any():
        return False, "too little is known"
    if engagement.low < settings.GATE_MARGIN * engaged_now:
        return False, "engagement may be worse than the margin allows"
    if dislikes.low > 0.0:
        return False, "more is disliked"
    if dislikes.high < 0.0:
        return True, "less is disliked"
    if engagement.low > 0.0:
        return True, "more is engaged with"
    return False, "no difference is clear of 0"


def _propose(knob: Knob, effects: Sequence[Effect]) -> Proposal:
    passing = [one for one in effects if one.passes and isinstance(one.value, float)]
    # What people were drawn to counts before what was weighed from the log.
    best = max(passing, key=lambda one: (one.source != "log", _gain(one)), default=None)
    if best is None:
        why = "; ".join(dict.fromkeys(one.why for one in effects)) or "only an experiment can tell"
        return Proposal(knob.setting, knob.value, knob.value, f"{KEEP}: {why}", {})
    value = float(best.value)
    policy = {knob.field: value} if knob.field else {}
    return Proposal(knob.setting, knob.value, value, f"{best.source}: {best.why}", policy)


def _gain(effect: Effect) -> float:
    engagement = effect.engagement.mean if effect.engagement else 0.0
    return engagement - (effect.dislikes.mean if effect.dislikes else 0.0)


def _by_experiments(use_case: UseCase, now: datetime) -> Iterator[Effect]:
    """The effects of arms whose policy differs from the control's in one number; newest experiments."""
    usual = Policy.of(use_case)
    started = Experiment.objects.filter(use_case=use_case.name).exclude(started_at=None)
    for experiment in started.order_by("-started_at")[:MOST_EXPERIMENTS]:
        report = make_report(experiment, now=now)
        if report.ratio.is_alarming or not report.arms:
            continue
        engaged = report.arms[0].figures["engagement"].mean
        counted = {one.arm.pk: one.counted for one in report.arms}
        for comparison in report.comparisons:
            changed = _one_change(comparison, usual)
            if changed is not None:
                people = counted[comparison.arm.pk] + counted[comparison.control.pk]
                yield _of_arm(comparison, *changed, people, engaged)


def _one_change(comparison: Comparison, usual: Policy) -> tuple[str, float] | None:
    """The setting and its value where the arm differs from the control in one number alone."""
    if any(arm.versions.exists() for arm in (comparison.arm, comparison.control)):
        return None
    one, other = (_fields(arm, usual) for arm in (comparison.arm, comparison.control))
    changed = [name for name in one if one[name] != other[name]]
    if len(changed) != 1 or changed[0] not in SETTINGS:
        return None
    return SETTINGS[changed[0]], float(one[changed[0]])


def _fields(arm: Arm, usual: Policy) -> dict[str, float]:
    policy = policy_of(arm, usual)
    return {name: getattr(policy, name) for name in Policy.__dataclass_fields__}


def _of_arm(comparison: Comparison, setting: str, value: float, people: int, engaged: float) -> Effect:
    engagement, dislikes = (comparison.figures[name].interval for name in ("engagement", "dislike_rate"))
    passes, why = gate(engagement, dislikes, 0.0 if np.isnan(engaged) else engaged)
    known = not np.isnan([engagement.low, dislikes.low]).any()
    return Effect(
        source=comparison.arm.label,
        setting=setting,
        value=value,
        lists=people,
        engagement=engagement if known else None,
        dislikes=dislikes if known else None,
        passes=passes,
        why=why,
    )


@dataclass(slots=True)
class _Tally:
    """Sums of one value over the log, by person (weight, engaged, disliked), and the lists that differ."""

    knob: Knob
    value: float
    sums: dict[int, Doubles]
    changed: list[float]
    changed_people: set[int]


class _Log:
    """Sums of the log for each value of each strength, taken list by list."""

    def __init__(self, tried: Sequence[Knob]) -> None:
        self.tallies = [
            _Tally(knob, value, {}, [], set()) for knob in tried if knob.is_in_the_log for value in knob.tried
        ]
        self.as_shown: dict[int, Doubles] = {}
        self.lists = 0

    @classmethod
    def read(
        cls, use_case: UseCase, catalog: CatalogSnapshot, tried: Sequence[Knob], now: datetime
    ) -> "_Log":
        """Reads the lists of the use case with known chances."""
        log = cls(tried)
        for one in replay(use_case, catalog, now):
            log.lists += 1
            listed = ~one.explored
            _add(log.as_shown, one, listed)
            for tally in log.tallies:
                log.count(tally, one, listed, catalog)
        return log

    @property
    def people(self) -> list[int]:
        """Everybody whose lists were read."""
        return list(self.as_shown)

    def count(self, tally: _Tally, one: ReplayedList, listed: Bools, catalog: CatalogSnapshot) -> None:
        """Adds a list to the sums of a value."""
        factors = factors_of(tally.knob, tally.value, one, catalog)
        scores = one.scores * factors
        # The last place of the list as it was is what an item must reach.
        cut = one.scores[listed].min(initial=np.inf)
        would_be = scores >= cut * (1.0 - 1e-9)
        _add(tally.sums, one, would_be)
        differs = (would_be != listed) & one.seen
        if differs.any():
            weights = np.minimum(1.0 / one.propensities[differs], DEFAULT_CLIP)
            tally.changed.append(float(weights.sum()))
            tally.changed_people.add(one.user_id)

    def rate(self, which: int) -> float | None:
        """Engaged (0) or disliked (1) per slot seen of what the ranking listed."""
        totals = np.sum(list(self.as_shown.values()), axis=0) if self.as_shown else np.zeros(3)
        return float(totals[1 + which] / totals[0]) if totals[0] else None

    def effects(self, rng: np.random.Generator) -> Iterator[Effect]:
        """The effect of each value, or why it cannot be told."""
        people = self.people
        before = np.array([self.as_shown[one] for one in people]).reshape(-1, 3)
        for tally in self.tallies:
            lists = effective_size(np.array(tally.changed, dtype=np.float64))
            short = _shortcoming(lists, len(tally.changed_people))
            if short:
                yield Effect(
                    "log", tally.knob.setting, tally.value, lists, None, None, passes=False, why=short
                )
                continue
            after = np.array([tally.sums.get(one, np.zeros(3)) for one in people])
            level = 1.0 - 0.05 / len(tally.knob.tried)
            engagement, dislikes = _differences(before, after, rng, level)
            passes, why = gate(engagement, dislikes, self.rate(0) or 0.0)
            yield Effect("log", tally.knob.setting, tally.value, lists, engagement, dislikes, passes, why)


def factors_of(knob: Knob, value: float, one: ReplayedList, catalog: CatalogSnapshot) -> Doubles:
    """(n,) by how much each score would change with another value of a strength."""
    if knob.setting == PASSED_OVER:
        sinking: Doubles = np.power((1.0 - value) / max(1e-9, 1.0 - knob.value), one.times_passed)
        return sinking
    as_then = one.penalties_with(catalog)
    if knob.setting in BOOSTS:
        if one.by_ranker != (knob.setting == BOOSTS[1]) or knob.value <= 0.0:
            return np.ones(len(one.scores))
        passed = (1.0 - settings.PASSED_OVER_SHARE) ** one.times_passed
        boosts = np.maximum(one.scores / (one.base * as_then * passed) - 1.0, 0.0)
        boosted: Doubles = (1.0 + boosts * value / knob.value) / (1.0 + boosts)
        return boosted
    if knob.setting == HALF_LIFE:
        return one.penalties_with(catalog, half_life=value) / as_then
    if knob.value <= 0.0:
        return np.ones(len(one.scores))
    return one.penalties_with(catalog, scale={knob.setting: value / knob.value}) / as_then


def _add(sums: dict[int, Doubles], one: ReplayedList, listed: Bools) -> None:
    """Adds the weight, the engaged and the disliked weight of the slots that were seen and are listed."""
    counted = listed & one.seen
    weights = np.minimum(1.0 / one.propensities, DEFAULT_CLIP) * counted
    row = np.array([weights.sum(), weights @ one.engaged, weights @ one.disliked])
    sums[one.user_id] = sums.get(one.user_id, 0.0) + row


def _shortcoming(lists: float, people: int) -> str:
    if lists < MIN_LISTS:
        return f"not enough evidence: effective sample of {lists:.0f} lists; {MIN_LISTS} are needed"
    if people < MIN_PEOPLE:
        return f"not enough evidence: lists of {people} people; {MIN_PEOPLE} are needed"
    return ""


def _differences(
    before: Doubles, after: Doubles, rng: np.random.Generator, confidence: float
) -> tuple[Interval, Interval]:
    """The paired differences of both rates, (p, 3) sums each, with intervals from resampling people."""
    whole = _rates(after.sum(axis=0)) - _rates(before.sum(axis=0))
    people = len(before)
    drawn = []
    for _ in range(ROUNDS):
        counts = np.bincount(rng.integers(people, size=people), minlength=people)
        drawn.append(_rates(counts @ after) - _rates(counts @ before))
    tail = 50.0 * (1.0 - confidence)
    low, high = np.nanpercentile(np.array(drawn), [tail, 100.0 - tail], axis=0)
    engagement, dislikes = (Interval(float(whole[i]), float(low[i]), float(high[i])) for i in range(2))
    return engagement, dislikes


def _rates(sums: Doubles) -> Doubles:
    if not sums[0] > 0.0:
        return np.full(2, np.nan)
    rates: Doubles = sums[1:] / sums[0]
    return rates
