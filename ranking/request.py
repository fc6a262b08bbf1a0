"""One person before one scoring context at one moment: what every stage of a list asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.arrays import Doubles, Ints
from curation.acting import NO_RULES, RuleSet
from ranking.context import ScoringContext
from ranking.memory import Remembered, Representations
from ranking.person import PersonState
from ranking.recommenders.barred import NOTHING_BARRED, Barred
from ranking.recommenders.base import NOTHING, Retrieved

# Places by the score of the lead are told apart down to this one.
DEEPEST_PLACE = 1000


@dataclass(frozen=True, eq=False)
class RankingRequest:
    """One person before one context at one moment, as every stage of a list reads it.

    now              seconds since 1970
    representations  the person as each recommender sees them, of those that know them
    barred           what no source may bring, besides those excluded: what the request filters out; None
                     for none. Base scores do not depend on it.
    shown_before     ids that the pages before this list showed; `barred` has them
    remembered       what was found out about the person before this context, now or at an earlier list
    rules            of staff, in force for this person now; what they block is excluded of the person
    """

    person: PersonState
    context: ScoringContext
    now: float
    representations: Mapping[str, Any]
    barred: Barred | None = None
    shown_before: tuple[int, ...] = ()
    remembered: Remembered = field(default_factory=Remembered)
    rules: RuleSet = NO_RULES

    @classmethod
    def of(
        cls,
        person: PersonState,
        context: ScoringContext,
        now: float,
        *,
        barred: Barred | None = None,
        shown_before: tuple[int, ...] = (),
        rules: RuleSet = NO_RULES,
        remembered: Remembered | None = None,
    ) -> "RankingRequest":
        """The request, with the person represented once by every recommender."""
        if remembered is None:
            remembered = Remembered() if context.memory is None else context.memory.of(person)
        known: Mapping[str, Any]
        if remembered.known is None:
            seen = {name: one.represent(person) for name, one in context.recommenders.items()}
            known = {name: one for name, one in seen.items() if one is not None}
            remembered.known = tuple(known)
        else:
            recommenders = context.recommenders
            known = Representations(remembered.known, lambda name: recommenders[name].represent(person))
        return cls(person, context, now, known, barred, shown_before, remembered, rules)

    def without(self, item_ids: Ints) -> "RankingRequest":
        """The same, as if the pages before had shown these items too."""
        barred = (self.barred or NOTHING_BARRED).and_ids(item_ids)
        return replace(self, barred=barred, shown_before=(*self.shown_before, *item_ids.tolist()))

    @cached_property
    def not_to_show(self) -> Barred:
        """All that must not be in the list: excluded by the person, or barred by the request."""
        return (self.barred or NOTHING_BARRED).and_ids(self.person.excluded)

    @property
    def knowing(self) -> tuple[str, ...]:
        """The trained recommenders that know the person, in order of trust."""
        return tuple(name for name in self.context.trained if name in self.representations)

    @property
    def is_by_models(self) -> bool:
        """True where any model has a say in the order; else it is that of the untrained recommenders."""
        return self.context.ranker is not None or bool(self.knowing)

    @cached_property
    def seen_by_judge(self) -> Any | None:
        """The person as the model of verdicts sees them; None without one, or where it does not know them."""
        return None if self.context.judge is None else self.context.judge.represent(self.person)

    @cached_property
    def lead_top(self) -> Retrieved:
        """The best DEEPEST_PLACE items by the lead, where places are counted; nothing where it is silent."""
        lead = self.context.lead
        return NOTHING if lead is None else self._retrieve(lead, DEEPEST_PLACE, Barred(self.person.excluded))

    def retrieve(self, name: str, limit: int) -> Retrieved:
        """At most `limit` items that the person may be shown, by one recommender."""
        if self.barred is not None:
            return self._retrieve(name, limit, self.not_to_show)
        if name == self.context.lead and limit <= DEEPEST_PLACE:
            return self.lead_top.first(limit)
        return self._retrieve(name, limit, Barred(self.person.excluded))

    def _retrieve(self, name: str, limit: int, barred: Barred) -> Retrieved:
        if name not in self.representations:
            return NOTHING
        recommender = self.context.recommenders[name]
        return recommender.retrieve(self.representations[name], limit, barred)

    def score(self, name: str, item_ids: Ints) -> Doubles:
        """The score of each item by one recommender, NaN where it has none."""
        if name not in self.representations:
            return np.full(len(item_ids), np.nan)
        return self.context.recommenders[name].score(self.representations[name], item_ids)
