"""The reduction of a log to a taste: pure, so that the same log gives the same numbers always.

Two beliefs are kept for each facet. Its *score* is an exponential moving average of what was done with items
that have it (Brown: Smoothing, Forecasting and Prediction, 1963). Its *value* is the entry of the taste
vector, which moves after every few pieces of feedback only. docs/explanation/taste.md explains both.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.domain import CATEGORIES, FACETS, TYPES
from feedback.adjustments import blame

# The facet kinds that a profile learns of; a kind's code in the arrays is its place here.
KINDS = tuple(facet.name for facet in FACETS.values() if facet.taste)
CODES = {kind: code for code, kind in enumerate(KINDS)}

# In the place of a reason: that of a dislike which names the one facet that it is about, and of one which
# says nothing about other titles.
NAMED, TITLE_ONLY = "(named)", "(title)"
_IS_CATEGORY = np.array([kind in CATEGORIES for kind in KINDS], dtype=np.bool_)

# score = KEPT × score + ADDED × weight, at each interaction with an item that has the facet.
KEPT, ADDED = 0.8, 0.2
# A dislike weighs so many times the share by which its reason holds a facet back: wrong genre holds genres
# back by 0.15 and weighs −0.6, as much against as a like weighs for.
WEIGHT_OF_SHARE = -4.0
RATE = 0.3  # of the way that one piece of feedback moves an entry of the vector
NEUTRAL = 0.5  # the entry of a facet of which the vector knows nothing

_ENTRY = np.dtype(
    [("facet_id", "<i8"), ("kind", "u1"), ("score", "<f8"), ("value", "<f8"), ("running", "<f8")]
)

ItemFacets: TypeAlias = tuple[tuple[int, int, str], ...]
"""(facet id, code of its kind, name) of each facet of an item that a profile looks at, none twice."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the reduction. A profile that was made under other rules is made anew.

    update_every    after so many pieces of feedback the vector moves; at least 1
    dislike_weights (reason, (code of a facet kind, weight in [-1, 0]), …) of each reason that speaks of taste
    spreading       the reasons whose weight is laid on the categories that are liked least (`blame`)
    """

    update_every: int
    dislike_weights: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]
    spreading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction that counts.

    weight    its signed training weight: below 0 it speaks against the item
    is_rated  a rating came with it
    reason    of a dislike, or NAMED or TITLE_ONLY in its place; "" where there is none
    """

    interaction_id: int
    type_name: str
    weight: float
    is_rated: bool
    reason: str
    facets: ItemFacets

    @property
    def is_look(self) -> bool:
        """True where it says only that the item was looked at: a view, a click."""
        return self.weight > 0.0 and not TYPES[self.type_name].is_state


@dataclass(frozen=True, slots=True, eq=False)
class Taste:
    """The taste of one person, aligned arrays of length k.

    facet_ids  sorted
    kinds      code of each facet's kind
    scores     preference in [-1, 1]
    values     entry of the taste vector in [0, 1]; facets that are not here stand at NEUTRAL
    running    the entry once the feedback that waits for the next update is in
    names      of the facets that are worth naming, by id
    evidence   how many interactions said something of a facet
    feedback   how many pieces of feedback there were
    """

    facet_ids: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    scores: NDArray[np.float64]
    values: NDArray[np.float64]
    running: NDArray[np.float64]
    names: Mapping[int, str] = field(default_factory=dict)
    evidence: int = 0
    feedback: int = 0

    def strongest(self, kind: str, limit: int) -> list[tuple[int, float]]:
        """(facet id, score) of the best-liked facets of a kind, best first; only scores above 0."""
        rows = np.flatnonzero((self.kinds == CODES[kind]) & (self.scores > 0.0))
        rows = rows[np.argsort(-self.scores[rows], kind="stable")[:limit]]
        return list(zip(self.facet_ids[rows].tolist(), self.scores[rows].tolist(), strict=True))


def share_of(score: float) -> float:
    """A score as a share, -1 to 1: that by which one dislike would hold back, which alone made this score.

    The one scale in which pages tell what is believed: after a dislike that holds a genre back by 7.5 %, the
    score of the genre is −0.06, and that is −7.5 %.
    """
    return max(-1.0, min(1.0, score / (ADDED * -WEIGHT_OF_SHARE)))


def no_taste() -> Taste:
    """Nothing is known yet."""
    return decode(b"", names={}, evidence=0, feedback=0)


def weigh(event: Event, rules: Rules) -> Mapping[int, float]:
    """The evidence of an interaction, in [-1, 1], by the code of each facet kind of which it says something.

    A rating counts as much of the full weight as it says for its item, so that one below the middle speaks
    against. A dislike speaks of what its reason speaks of; one without a reason says nothing but not to show
    the item again.
    """
    row = TYPES[event.type_name]
    if row.profile is None:
        return dict(dict(rules.dislike_weights).get(event.reason, ()))
    weight = row.profile * row.strength_of(event.weight) if row.is_rated else row.profile
    return dict.fromkeys(range(len(KINDS)), weight)


def is_feedback(event: Event, weights: Mapping[int, float]) -> bool:
    """True where an interaction speaks for or against its item. Watching alone does not, a rating does."""
    row = TYPES[event.type_name]
    if not row.is_statement or (row.is_rated and not event.is_rated):
        return False
    return any(weights.values())


def without_looks(events: Iterable[tuple[int, Event]], refused: Collection[int]) -> list[Event]:
    """The events of (item id, event) that count: a look at what the person refuses says nothing for it.

    refused  items that they speak against, whether it came before the look or after it
    """
    return [event for item_id, event in events if not (event.is_look and item_id in refused)]


def reduce_events(taste: Taste, events: Sequence[Event], rules: Rules) -> Taste:
    """`taste` after `events`, which are in the order (occurred_at, id) and later than all that is in it.

    For each facet of the item of which an event speaks with weight w:
    score = KEPT × score + ADDED × w. A piece of feedback moves the running entry: w > 0 pulls it by
    RATE × (1 − entry) towards 1, w < 0 by RATE × entry towards 0. Every `update_every` pieces the vector
    takes over the running entries. Reduced in parts or at once, a log gives the same result to the bit.
    """
    if not events:
        return taste
    weights = _weights(events, rules)
    spoken = _spoken(events, weights)
    entries = [entry for found in {id(found): found for found in spoken}.values() for entry in found]
    ids = np.array([entry[0] for entry in entries], dtype=np.int64)
    facet_ids, kinds, scores, values, running = _widened(taste, ids, [entry[1] for entry in entries])
    touched = np.searchsorted(facet_ids, np.unique(ids))
    moving = _Moving(
        places={facet_id: place for place, facet_id in enumerate(facet_ids[touched].tolist())},
        scores=scores[touched].tolist(),
        running=running[touched].tolist(),
    )
    pieces = _pieces_of_feedback(events, weights)
    feedback = taste.feedback + sum(pieces)
    # The vector is what the running entries were at the last update.
    updated_at = feedback - feedback % rules.update_every
    updated, count = None, taste.feedback
    for event, said, is_piece in zip(events, spoken, pieces, strict=True):
        moving.hear(said, is_feedback=is_piece, is_spread=event.reason in rules.spreading)
        count += is_piece
        if is_piece and count == updated_at:
            updated = moving.running.copy()
    if updated is not None:
        values = running.copy()
        values[touched] = updated
    scores[touched], running[touched] = moving.scores, moving.running
    return Taste(
        facet_ids=facet_ids,
        kinds=kinds,
        scores=scores,
        values=values,
        running=running,
        names={**taste.names, **{entry[0]: entry[2] for entry in entries}},
        evidence=taste.evidence + sum(1 for said in spoken if said),
        feedback=feedback,
    )


_Said: TypeAlias = list[tuple[int, int, str, float]]
"""(facet id, code of its kind, name, weight) of each facet of which an event speaks."""


def _weights(events: Sequence[Event], rules: Rules) -> list[Mapping[int, float]]:
    """The weights of each event, one object for all that weigh the same."""
    found: dict[tuple[str, float, str], Mapping[int, float]] = {}
    for event in events:
        asked = (event.type_name, event.weight, event.reason)
        if asked not in found:
            found[asked] = weigh(event, rules)
    return [found[event.type_name, event.weight, event.reason] for event in events]


def _spoken(events: Sequence[Event], weights: Sequence[Mapping[int, float]]) -> list[_Said]:
    """The facets that each event speaks of, one list for all that say the same of the same."""
    found: dict[tuple[int, int], _Said] = {}
    spoken = []
    for event, said in zip(events, weights, strict=True):
        # Both live as long as their events.
        asked = (id(event.facets), id(said))
        if asked not in found:
            found[asked] = [(*facet, said[facet[1]]) for facet in event.facets if facet[1] in said]
        spoken.append(found[asked])
    return spoken


def _pieces_of_feedback(events: Sequence[Event], weights: Sequence[Mapping[int, float]]) -> list[bool]:
    found: dict[tuple[str, bool, int], bool] = {}
    pieces = []
    for event, said in zip(events, weights, strict=True):
        asked = (event.type_name, event.is_rated, id(said))
        if asked not in found:
            found[asked] = is_feedback(event, said)
        pieces.append(found[asked])
    return pieces


@dataclass(slots=True)
class _Moving:
    """The facets of which events speak, as one event after the other moves them.

    places   the place of each by its id
    scores, running  by place, as in Taste: numbers of Python, for an event moves too few to need arrays
    """

    places: Mapping[int, int]
    scores: list[float]
    running: list[float]
    _at: dict[int, list[tuple[int, float]]] = field(default_factory=dict)

    def hear(self, said: _Said, *, is_feedback: bool, is_spread: bool) -> None:
        """Moves what an event speaks of. `said` is to live as long as this."""
        at = self._at.get(id(said))
        if at is None:
            at = self._at[id(said)] = [(self.places[entry[0]], entry[3]) for entry in said]
        if is_spread:
            self._hear_in_parts(said, at, is_feedback=is_feedback)
            return
        scores, running = self.scores, self.running
        for place, weight in at:
            scores[place] = KEPT * scores[place] + ADDED * weight
        if is_feedback:
            for place, weight in at:
                running[place] = _moved(running[place], weight)

    def _hear_in_parts(self, said: _Said, at: list[tuple[int, float]], *, is_feedback: bool) -> None:
        """A no of which a part falls on each category: on those liked least until now."""
        parts = np.ones(len(at))
        is_category = _IS_CATEGORY[[entry[1] for entry in said]] if said else np.zeros(0, dtype=np.bool_)
        parts[is_category] = blame(np.array([self.scores[place] for place, _ in at])[is_category])
        for (place, weight), part in zip(at, parts.tolist(), strict=True):
            old = self.scores[place]
            self.scores[place] = old + part * (KEPT * old + ADDED * weight - old)
            if is_feedback:
                before = self.running[place]
                self.running[place] = before + part * (_moved(before, weight) - before)


def _moved(entry: float, weight: float) -> float:
    # Away from what is disliked means towards 0. Stepping back from 1 in proportion to the distance left,
    # as the mirror image of the pull would, could hardly leave the neighborhood of 1 again.
    if weight == 0.0:
        return entry
    return min(1.0, max(0.0, entry + RATE * ((1.0 if weight > 0.0 else 0.0) - entry)))


def _widened(
    taste: Taste, more_ids: NDArray[np.int64], more_kinds: Sequence[int]
) -> tuple[
    NDArray[np.int64], NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
]:
    """Copies of the arrays of `taste`, with places for the facets that it does not have yet."""
    new = np.unique(more_ids)
    new = new[~columns_of(new, taste.facet_ids)[0]]
    # Inserting a few in their places is much cheaper than sorting all of them once more.
    facet_ids = np.insert(taste.facet_ids, np.searchsorted(taste.facet_ids, new), new)
    kinds = np.zeros(len(facet_ids), dtype=np.uint8)
    scores = np.zeros(len(facet_ids))
    values, running = np.full(len(facet_ids), NEUTRAL), np.full(len(facet_ids), NEUTRAL)
    kinds[np.searchsorted(facet_ids, more_ids)] = more_kinds
    old = np.searchsorted(facet_ids, taste.facet_ids)
    kinds[old], scores[old], values[old], running[old] = (
        taste.kinds,
        taste.scores,
        taste.values,
        taste.running,
    )
    return facet_ids, kinds, scores, values, running


def columns_of(
    wanted: NDArray[np.int64], facet_ids: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """A mask of those of `wanted` among the sorted `facet_ids`, and the columns of these."""
    columns = np.searchsorted(facet_ids, wanted)
    known = columns < len(facet_ids)
    known[known] = facet_ids[columns[known]] == wanted[known]
    return known, columns[known]


def encode(taste: Taste) -> bytes:
    """The arrays as bytes: 33 for each facet."""
    entries = np.empty(len(taste.facet_ids), dtype=_ENTRY)
    columns = (taste.facet_ids, taste.kinds, taste.scores, taste.values, taste.running)
    for name, column in zip(entries.dtype.names or (), columns, strict=True):
        entries[name] = column
    return entries.tobytes()


def decode(data: bytes, *, names: Mapping[int, str], evidence: int, feedback: int) -> Taste:
    """The arrays that `encode` wrote. Raises ValueError for bytes of another length."""
    entries = np.frombuffer(data, dtype=_ENTRY)
    return Taste(
        facet_ids=np.ascontiguousarray(entries["facet_id"]),
        kinds=np.ascontiguousarray(entries["kind"]),
        scores=np.ascontiguousarray(entries["score"]),
        values=np.ascontiguousarray(entries["value"]),
        running=np.ascontiguousarray(entries["running"]),
        names=names,
        evidence=evidence,
        feedback=feedback,
    )
