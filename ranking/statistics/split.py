"""The time split: learn from the past, evaluate on what came after, as serving does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.arrays import Bools, Doubles, Ints, Rows, positions
from ranking.statistics.events import Events

_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person to be evaluated: their known history, and what they liked and disliked afterwards.

    Both item arrays are sorted, unique, disjoint, and hold no item of the history.
    """

    user_id: int
    history: Events
    relevant_items: Ints
    disliked_items: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """A temporal holdout: the training events and the people to evaluate, in one block of arrays each.

    start, end  the window, seconds since 1970
    training    every event before `start`: all that a model may learn from
    user_ids    (p,) the evaluated people, sorted
    history     their events known when they are evaluated, sorted by person and time
    targets     their relevant and disliked events evaluated against, sorted by person and time
    """

    start: float
    end: float
    training: Events
    user_ids: Ints
    history: Events
    targets: Events

    def __len__(self) -> int:
        return len(self.user_ids)

    def sample(self, most: int, rng: np.random.Generator) -> "Holdout":
        """The same with at most so many people, drawn evenly."""
        if len(self) <= most:
            return self
        chosen = _drawn(self.user_ids, most, rng)
        return replace(
            self,
            user_ids=chosen,
            history=self.history.select(np.isin(self.history.user_ids, chosen)),
            targets=self.targets.select(np.isin(self.targets.user_ids, chosen)),
        )

    def people(self) -> Iterator[Person]:
        """The evaluated people in the order of `user_ids`; the events are views, nothing is copied."""
        history_ends = np.searchsorted(self.history.user_ids, self.user_ids, side="right")
        target_ends = np.searchsorted(self.targets.user_ids, self.user_ids, side="right")
        history_start = target_start = 0
        for user_id, history_end, target_end in zip(self.user_ids, history_ends, target_ends, strict=True):
            targets = self.targets.slice(target_start, int(target_end))
            disliked = np.unique(targets.item_ids[targets.weights < 0])
            yield Person(
                user_id=int(user_id),
                history=self.history.slice(history_start, int(history_end)),
                relevant_items=np.setdiff1d(targets.item_ids[targets.relevant], disliked),
                disliked_items=disliked,
            )
            history_start, target_start = int(history_end), int(target_end)


def time_cuts(times: Doubles, fractions: Sequence[float]) -> list[float]:
    """For each fraction the event time before which that share of the events lies (ties excepted).

    Raises ValueError if there are no events or a fraction is outside 0 to 1.
    """
    if not len(times):
        raise ValueError("There are no events to split.")
    if not all(0 <= fraction <= 1 for fraction in fractions):
        raise ValueError("Fractions must lie between 0 and 1.")
    return [float(np.quantile(times, fraction, method="higher")) for fraction in fractions]


def holdout(
    events: Events, start: float, end: float, *, drawn: tuple[int, np.random.Generator] | None = None
) -> Holdout:
    """Evaluate the people with relevant events in start <= time < end; train on nothing from `start` on.

    A person's history is all of their events before `start`. Somebody new gives the first half of their
    own events of the window, in time order, and is evaluated on the rest: a model trained on the past, with
    the person folded in from what is known at that moment. Items of the history are never targets; an
    item both liked and disliked in the window counts as disliked. People left without a history or
    without a relevant item are not evaluated. Items that the training events do not know stay targets.
    With `drawn`, at most so many people are, as by `sample`, but without holding the events of the others.

    Raises ValueError unless start < end.
    """
    if not start < end:
        raise ValueError("The window must end after it starts.")
    until = np.flatnonzero(events.times < end)
    # By item after time, so that the order does not depend on how the events came in.
    order = np.lexsort((events.item_ids[until], events.times[until], events.user_ids[until]))
    window = events.select(until[order])
    del until, order
    known = _is_history(window, start)

    is_target = ~known & (window.relevant | (window.weights < 0))
    is_target &= ~_pair_seen(window, is_target, known)
    liked, disliked = is_target & window.relevant, is_target & (window.weights < 0)
    evaluated = np.setdiff1d(
        window.user_ids[liked & ~_pair_seen(window, liked, disliked)],
        np.setdiff1d(window.user_ids, window.user_ids[known]),
    )
    if drawn is not None:
        evaluated = _drawn(evaluated, *drawn)
    of_evaluated = np.isin(window.user_ids, evaluated)
    return Holdout(
        start=start,
        end=end,
        training=events.before(start),
        user_ids=evaluated,
        history=window.select(known & of_evaluated),
        targets=window.select(is_target & of_evaluated),
    )


def _drawn(user_ids: Ints, most: int, rng: np.random.Generator) -> Ints:
    """At most so many of the people (p,), drawn evenly, sorted."""
    return user_ids if len(user_ids) <= most else np.sort(rng.choice(user_ids, size=most, replace=False))


def _is_history(window: Events, start: float) -> Bools:
    """The mask of the events, sorted by person and time, that are known at the time of evaluation."""
    before = window.times < start
    user_ids, first, counts = np.unique(window.user_ids, return_index=True, return_counts=True)
    has_history = np.isin(user_ids, window.user_ids[before])
    place = np.arange(len(window)) - np.repeat(first, counts)
    in_first_half = place < np.repeat(counts // 2, counts)
    return before | (in_first_half & ~np.repeat(has_history, counts))


def _pair_seen(events: Events, asked: Bools, which: Bools) -> Bools:
    """The mask of the events of `asked` whose (person, item) pair occurs among the events of `which`.

    Only what is asked about is looked for, some events at a time: of a long log that is a small part.
    """
    people, items = np.unique(events.user_ids[asked]), np.unique(events.item_ids[asked])

    def pairs_of(rows: Rows) -> Ints:
        """(n,) a number for each pair, -1 where nobody asked about the person or the item."""
        person, item = positions(events.user_ids[rows], people), positions(events.item_ids[rows], items)
        return np.where((person >= 0) & (item >= 0), person * len(items) + item, -1)

    distinct, pair_of_asked = np.unique(pairs_of(np.flatnonzero(asked)), return_inverse=True)
    # The last entry takes what nobody asked about.
    met = np.zeros(len(distinct) + 1, dtype=np.bool_)
    others = np.flatnonzero(which)
    for start in range(0, len(others), _AT_ONCE):
        met[positions(pairs_of(others[start : start + _AT_ONCE]), distinct)] = True
    seen = asked.copy()
    seen[asked] = met[pair_of_asked]
    return seen
