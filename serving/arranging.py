"""The last step before a list is shown: the order of its items, with the slots left to chance.

A small share of the places is given to candidates that the ranking would not have shown, so that the models
learn about more than what they already like. The chance of everything shown is kept with it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.cards import current_cards
from catalog.selectors import ItemCard
from ranking.candidates import Candidates
from ranking.request import RankingRequest
from serving.explaining import EXPLORED, Reason
from serving.telling import reasons_for

# So many more than asked for are looked up: the snapshot may not know yet that an item was hidden.
_SPARE = 5
# Explored items are drawn from so many candidates behind the list.
RESERVE = 200


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """A list in its final order.

    shown     what stands in each place, with its propensity
    explored  whether chance put it there
    reasons   why each is there
    cards     of all items that are shown or named in a reason
    """

    shown: Candidates
    explored: tuple[bool, ...]
    reasons: list[Reason]
    cards: dict[int, ItemCard]


def arrange(
    candidates: Candidates, request: RankingRequest, limit: int, rng: np.random.Generator | None
) -> Arrangement:
    """The best `limit` that are still active: one query. Chance replaces a few, where `rng` is given."""
    front = min(limit + _SPARE, len(candidates))
    share = 0.0 if rng is None else request.context.policy.exploration_share
    places, drawn, chance = draw_exploration(limit, len(candidates) - front, rng, share)
    wanted = candidates.take(np.concatenate([np.arange(front), front + drawn]))
    # What chance draws has no reason but chance, so the others are asked for without it, and are kept.
    reasons = [*reasons_for(candidates.take(np.arange(front)), request, limit), *[EXPLORED] * len(drawn)]
    named = {*wanted.item_ids.tolist(), *(reason.item_id for reason in reasons if reason.item_id)}
    cards = current_cards(named)
    active = np.fromiter((item_id in cards for item_id in wanted.item_ids.tolist()), dtype=np.bool_)
    chosen = np.flatnonzero(active[:front])[:limit]
    propensities = np.where(np.arange(len(chosen)) > 0, 1.0 - chance.of_exploring, 1.0)
    for place, row in zip(places.tolist(), range(front, len(wanted)), strict=True):
        if place < len(chosen) and active[row]:
            chosen[place] = row
            propensities[place] = chance.of_each
    return Arrangement(
        shown=wanted.take(chosen).with_propensities(propensities),
        explored=tuple((chosen >= front).tolist()),
        reasons=[reasons[row] for row in chosen],
        cards=cards,
    )


@dataclass(frozen=True, slots=True)
class Chance:
    """The probabilities of exploration.

    of_exploring  P(a place after the first is explored)
    of_each       P(a given item of the reserve stands in a given such place)
    """

    of_exploring: float
    of_each: float


def draw_exploration(
    limit: int, behind: int, rng: np.random.Generator | None, share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Chance]:
    """The places (from 0) that chance fills, and which of the `behind` candidates stands there.

    Each place but the first is explored with probability `share`, independently; the items are
    drawn without replacement from the first RESERVE behind the list. By symmetry each of them stands in a
    given place with probability share / reserve; what was to stand there keeps it with 1 - share.
    """
    reserve = min(behind, RESERVE)
    if rng is None or reserve < limit or share <= 0.0:
        # With fewer than could be asked for, the chances would depend on how many were.
        nothing = np.empty(0, dtype=np.intp)
        return nothing, nothing, Chance(0.0, 0.0)
    places = 1 + np.flatnonzero(rng.random(limit - 1) < share)
    drawn = rng.choice(reserve, size=len(places), replace=False)
    return places, drawn, Chance(share, share / reserve)
