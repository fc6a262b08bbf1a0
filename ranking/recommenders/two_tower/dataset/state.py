"""The state of a person right before each moment, as serving would have read it then."""

from bisect import bisect_left
from itertools import islice
from operator import attrgetter

import numpy as np

from profiles.reduction import Event, Rules, Taste, no_taste, reduce_events, without_looks
from ranking.recommenders.two_tower.dataset.log import Act, FacetsOfItems, PersonLog
from ranking.recommenders.two_tower.input import MOST_ITEMS, TowerInput, tower_input


class PersonSoFar:
    """One person's log, walked through once: their history and taste at moments that only move forward."""

    def __init__(self, log: PersonLog, facets: FacetsOfItems, rules: Rules) -> None:
        self._log = log
        self._facets = facets
        self._rules = rules
        self._times = [act.time for act in log.acts]
        self._place = 0
        self._taste: Taste = no_taste()
        self._is_reset = False
        # The acts since the reset, each with its item; and the items that were refused so far.
        self._events: list[tuple[int, Event]] = []
        self._refused: set[int] = set()
        # Per item what speaks for it and what against it, in the order last acted on.
        self._history: dict[int, tuple[float, float]] = {}

    def before(self, moment: float) -> TowerInput:
        """The state from everything strictly before `moment`, seconds since 1970."""
        upto = bisect_left(self._times, moment, self._place)
        new = self._log.acts[self._place : upto]
        self._place = upto
        # Serving has what was done at one moment in the order of the items, the reduction in that of the log.
        for act in sorted(new, key=attrgetter("time", "item_id")):
            if act.counts:
                liked, disliked = self._history.pop(act.item_id, (0.0, 0.0))
                self._history[act.item_id] = liked + max(act.weight, 0.0), disliked + min(act.weight, 0.0)
        self._update_taste(new, moment)
        return self._input()

    def _update_taste(self, new: list[Act], moment: float) -> None:
        """Taste is that of all a person does here, whatever the use case."""
        refused = {act.item_id for act in new if act.weight < 0.0} - self._refused
        self._refused |= refused
        reset = self._log.reset
        if reset is not None and reset.time < moment:
            if not self._is_reset:
                self._taste, self._events, self._is_reset = no_taste(), [], True
            new = [act for act in new if act.interaction_id > reset.interaction_id and act.time >= reset.time]
        events = [(act.item_id, self._event(act)) for act in new]
        self._events += events
        if any(event.is_look and item_id in refused for item_id, event in self._events):
            # An item looked at before is refused now, and those looks count no longer.
            self._taste, events = no_taste(), self._events
        self._taste = reduce_events(self._taste, without_looks(events, self._refused), self._rules)

    def _event(self, act: Act) -> Event:
        return Event(
            act.interaction_id,
            act.type_name,
            act.weight,
            act.rating is not None,
            act.reason,
            self._facets.of(act.item_id),
        )

    def _input(self) -> TowerInput:
        spoken = (
            (item_id, disliked or liked)
            for item_id, (liked, disliked) in reversed(self._history.items())
            if disliked or liked
        )
        last = list(islice(spoken, MOST_ITEMS))[::-1]
        return tower_input(
            np.array([item_id for item_id, _ in last], dtype=np.int64),
            np.array([weight for _, weight in last], dtype=np.float32),
            self._taste.facet_ids,
            self._taste.scores,
        )
