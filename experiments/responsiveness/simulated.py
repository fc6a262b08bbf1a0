"""One no, tried on real people in transactions that are taken back, beside the same person without it.

Each person is asked about the first item of their list. With the no and without it the item itself is left
out, so that only what is like it counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.arrays import Doubles
from core.domain import DOMAIN
from core.errors import HeedError
from core.progress import Progress
from experiments.responsiveness.forms import UNRELATED, Form, Refusal, dislike, forms_of
from experiments.responsiveness.report import FEED, ITEM_PAGE, SEARCH, Effect, mean_of, share_prevented
from experiments.responsiveness.world import LENGTH, NEIGHBORS, World, nothing_kept
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import ratio_bootstrap_interval

Place = tuple[str, int]
"""A surface, and the days after the no."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One no of one person: like items by place, without the no and with it, by facets and by nearness."""

    form: str
    place: Place
    user_id: int
    before: int
    after: int
    alike_before: int
    alike_after: int


def try_forms(
    world: World, user_ids: Sequence[int], days: Sequence[int], now: datetime, progress: Progress
) -> list[Effect]:
    """The effects of every form over these people, at once and days later; who is gone is left out."""
    forms = forms_of(world.use_case)
    trials: list[Trial] = []
    progress.begin(len(user_ids), "people")
    for user_id in user_ids:
        trials += _try_person(world, user_id, forms, [0, *days], now)
        progress.advance()
    placebo = Form(UNRELATED, "Control: a no to what is least like it", dislike(DOMAIN.dislikes.plain))
    return list(_effects([*forms, placebo], trials))


def _try_person(
    world: World, user_id: int, forms: Sequence[Form], days: Sequence[int], now: datetime
) -> list[Trial]:
    try:
        with nothing_kept():
            first = world.list_of(user_id, now)[: LENGTH + 1]
            if len(first) <= LENGTH // 2:
                return []
            refused = first[0]
            without = dict(_places(world, user_id, refused, days, now))
        trials = []
        for form in forms:
            trials += _try_form(
                world,
                Refusal(user_id, world.use_case, tuple(first[:LENGTH]), refused, now),
                form,
                without,
                refused,
            )
        trials += _try_unrelated(world, user_id, first, without, now)
    except HeedError:
        # Somebody who is erased meanwhile is nobody to measure.
        return []
    return trials


def _try_form(
    world: World, refusal: Refusal, form: Form, without: Mapping[Place, list[int]], refused: int
) -> list[Trial]:
    with nothing_kept():
        for _ in range(form.times):
            form.say(refusal)
            if form.times > 1:
                shown = tuple(world.list_of(refusal.user_id, refusal.now)[:LENGTH])
                refusal = Refusal(refusal.user_id, refusal.use_case, shown, refusal.refused, refusal.now)
        days = sorted({days for surface, days in without if surface == FEED})
        with_it = dict(_places(world, refusal.user_id, refused, days, refusal.now))
    return [
        _trial(world, form.name, place, refusal.user_id, refused, without[place], with_it.get(place, []))
        for place in without
    ]


def _try_unrelated(
    world: World, user_id: int, first: Sequence[int], without: Mapping[Place, list[int]], now: datetime
) -> list[Trial]:
    """The control arm: the plain no to another item of the list, the last that is not like the first."""
    refused, near = first[0], world.like(first[0]) | world.alike(first[0])
    other = next((item_id for item_id in reversed(first) if item_id not in near and item_id != refused), None)
    if other is None:
        return []
    form = Form(UNRELATED, "", dislike(DOMAIN.dislikes.plain))
    refusal = Refusal(user_id, world.use_case, tuple(first[:LENGTH]), other, now)
    return _try_form(world, refusal, form, without, refused)


def _trial(
    world: World, form: str, place: Place, user_id: int, refused: int, without: list[int], with_it: list[int]
) -> Trial:
    like = world.like(refused)
    alike = world.alike(refused) if world.sees_likeness else frozenset()
    return Trial(
        form,
        place,
        user_id,
        before=len(like.intersection(without)),
        after=len(like.intersection(with_it)),
        alike_before=len(alike.intersection(without)),
        alike_after=len(alike.intersection(with_it)),
    )


def _places(
    world: World, user_id: int, refused: int, days: Iterable[int], now: datetime
) -> Iterator[tuple[Place, list[int]]]:
    """The items at each place where a person may meet what is like the refused one, that one left out."""
    for day in days:
        yield (FEED, day), _others(world.list_of(user_id, now + timedelta(days=day)), refused)
    near = world.neighbors_of(refused, user_id)
    if near:
        # The page of its nearest neighbor: on its own page nobody looks who refused it.
        yield (ITEM_PAGE, 0), _others(world.neighbors_of(near[0], user_id), refused, NEIGHBORS)
    category = world.category_of(refused)
    if category is not None:
        yield (SEARCH, 0), _others(world.found_for(world.categories[category], user_id), refused)


def _others(item_ids: Sequence[int], refused: int, size: int = LENGTH) -> list[int]:
    """The first `size` but the refused one, whose place is not free for another of its sort."""
    return [item_id for item_id in item_ids if item_id != refused][:size]


def _effects(forms: Sequence[Form], trials: Sequence[Trial]) -> Iterator[Effect]:
    by_form: dict[tuple[str, Place], dict[int, Trial]] = defaultdict(dict)
    for trial in trials:
        by_form[trial.form, trial.place][trial.user_id] = trial
    places = sorted(
        {place for _, place in by_form},
        key=lambda place: ((FEED, ITEM_PAGE, SEARCH).index(place[0]), place[1]),
    )
    for surface, days in places:
        for form in forms:
            mine = by_form.get((form.name, (surface, days)), {})
            if mine:
                at_once = by_form[form.name, (surface, 0)] if days else {}
                yield _effect(form, (surface, days), mine, at_once)


def _effect(form: Form, place: Place, mine: Mapping[int, Trial], at_once: Mapping[int, Trial]) -> Effect:
    rng = np.random.default_rng(0)
    told = [trial for trial in mine.values() if trial.before]
    before, after = _column(told, "before"), _column(told, "after")
    alike = [trial for trial in mine.values() if trial.alike_before]
    pairs = [(at_once[user_id], trial) for user_id, trial in mine.items() if user_id in at_once]
    return Effect(
        surface=place[0],
        form=form.name,
        label=form.label,
        days=place[1],
        people=len(told),
        before=mean_of(before),
        after=mean_of(after),
        prevented=share_prevented(before, after, rng),
        prevented_alike=share_prevented(_column(alike, "alike_before"), _column(alike, "alike_after"), rng),
        rebounded=_rebound([(then.before - then.after, later.before - later.after) for then, later in pairs]),
    )


def _rebound(kept_out: Sequence[tuple[int, int]]) -> Interval | None:
    """1 − kept out later ÷ kept out at once, over people; None where nothing was kept out."""
    columns = np.array(kept_out, dtype=np.float64).reshape(-1, 2)
    if not columns[:, 0].sum() > 0.0:
        return None
    rng = np.random.default_rng(0)
    # A person for whom a no brought more of the like would make a denominator below 0.
    then = np.maximum(columns[:, 0], 0.0)
    return ratio_bootstrap_interval(then - columns[:, 1], then, rng=rng)


def _column(trials: Sequence[Trial], name: str) -> Doubles:
    return np.array([getattr(trial, name) for trial in trials], dtype=np.float64)
