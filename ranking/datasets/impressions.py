"""Slots that were seen, as they were known at a moment of the past that only moves forward."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Max

from core.arrays import Ints, pairs_among
from core.domain import UseCase
from interactions.selectors import active_interactions
from ranking.datasets.session_log import SessionChunk, as_text, read_sessions, sessions_until
from ranking.statistics.events import Events
from ranking.statistics.exposure import NO_IMPRESSIONS, Impressions
from ranking.statistics.lists import ENGAGED, ShownLists
from ranking.statistics.responses import ItemResponses, ResponseSweep
from recommendations.selectors import RECENT_DAYS, RECENT_LISTS

_DAY = 86_400.0


@dataclass(slots=True)
class SeenLists:
    """The last lists that each person saw anything of, as serving reads them: RECENT_LISTS, RECENT_DAYS."""

    _of_person: "defaultdict[int, deque[Impressions]]"

    @classmethod
    def none(cls, most: int | None = RECENT_LISTS) -> "SeenLists":
        """Before anything was shown; `most`: the last lists of each person that are kept, None for all."""
        return cls(defaultdict(lambda: deque(maxlen=most)))

    @classmethod
    def of(cls, lists: ShownLists) -> "SeenLists":
        """All of these lists, to ask about any moment."""
        seen = cls.none(None)
        ends, sizes = lists.ends, lists.sizes
        for row in np.argsort(lists.times, kind="stable").tolist():
            part = slice(int(ends[row] - sizes[row]), int(ends[row]))
            times = np.full(int(sizes[row]), lists.times[row])
            seen.add(int(lists.user_ids[row]), Impressions(lists.item_ids[part], lists.ranks[part], times))
        return seen

    def add(self, user_id: int, shown: Impressions) -> None:
        """Takes in the seen slots of a list of the person, not older than theirs before."""
        if len(shown):
            self._of_person[user_id].append(shown)

    def before(self, user_id: int, moment: float) -> Impressions:
        """The slots that the person had seen lately, oldest list first."""
        recent = [
            one
            for one in self._of_person.get(user_id, ())
            if moment - RECENT_DAYS * _DAY < one.times[0] < moment
        ]
        return Impressions.join(recent[-RECENT_LISTS:]) if recent else NO_IMPRESSIONS


def responses_before(lists: ShownLists, events: Events, item_ids: Ints, moment: float) -> ItemResponses:
    """The responses to the lists shown before a moment, to acts that are among the `events` before it.

    `item_ids` (n,) sorted: the catalog. An act counts at the moment of its list.
    """
    known = lists.take(lists.times < moment)
    order = np.argsort(known.times[known.list_of_slot], kind="stable")
    slots = Impressions(known.item_ids, known.ranks, known.times[known.list_of_slot]).take(order)
    people, relevance = known.user_ids[known.list_of_slot][order], known.relevance[order]
    done = events.before(moment)
    acted = pairs_among(people, slots.item_ids, done.user_ids, done.item_ids)
    weights = np.where(acted & (relevance >= ENGAGED), 1.0, np.where(acted & (relevance == 0), -1.0, 0.0))
    sweep = ResponseSweep(item_ids)
    sweep.show(slots)
    sweep.answer(slots.item_ids, weights, slots.times)
    return sweep.responses(moment)


class ImpressionReplay:
    """The impressions of a use case before a moment that only moves forward."""

    def __init__(self, use_case: UseCase, until: datetime, people: Ints, sweep: ResponseSweep) -> None:
        """`people`: whose own lists are asked for; `sweep` takes in what everybody saw."""
        self._people = set(people.tolist())
        self._sweep = sweep
        self._seen = SeenLists.none()
        self._lists = _lists(use_case, until)
        self._coming = next(self._lists, None)

    def advance(self, moment: float) -> bool:
        """Takes in what was shown before the moment; True if there was anything."""
        anything = False
        while self._coming is not None and self._coming.time < moment:
            one, anything = self._coming, True
            self._sweep.show(one.examined)
            if one.user_id in self._people:
                self._seen.add(one.user_id, one.seen)
            self._coming = next(self._lists, None)
        return anything

    def seen(self, user_id: int, moment: float) -> Impressions:
        """The slots that the person had seen lately, of what was taken in."""
        return self._seen.before(user_id, moment)


@dataclass(frozen=True, slots=True, eq=False)
class _List:
    """One list: its slots as deep as the page reported, and as deep as anything was done with it."""

    user_id: int
    time: float
    seen: Impressions
    examined: Impressions


def _lists(use_case: UseCase, until: datetime) -> Iterator[_List]:
    for chunk in read_sessions(sessions_until(use_case, until), with_features=False):
        deepest = np.maximum(chunk.seen_ranks, _acted_ranks(chunk))
        start = 0
        for row, size in enumerate(chunk.sizes.tolist()):
            part = slice(start, start + size)
            ranks = chunk.ranks[part]
            slots = Impressions(chunk.item_ids[part], ranks, np.full(size, chunk.times[row]))
            start += size
            yield _List(
                int(chunk.user_ids[row]),
                float(chunk.times[row]),
                slots.take(ranks <= chunk.seen_ranks[row]),
                slots.take(ranks <= deepest[row]),
            )


def _acted_ranks(chunk: SessionChunk) -> Ints:
    """(g,) the deepest rank that anything was done with; 0 for none. One query."""
    acted = active_interactions().filter(recommendation_session_id__in=chunk.session_ids)
    ranks = dict(
        acted.order_by()
        .values_list(as_text("recommendation_session_id"))
        .annotate(deepest=Max("recommendation_rank"))
    )
    return np.array([ranks.get(key) or 0 for key in chunk.keys], dtype=np.int64)
