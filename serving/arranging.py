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
from serving.curating import curate, places_of
from serving.explaining import EXPLORED, PINNED, Reason
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
    pinned    the rule of staff that put it there; 0 where none did
    rules     ids of the rules of staff that acted on the list
    reasons   why each is there
    cards     of all items that are shown or named in a reason
    competing  what is ordered by score: all but what is pinned, and what a quota leaves out
    """

    shown: Candidates
    explored: tuple[bool, ...]
    pinned: tuple[int, ...]
    rules: tuple[int, ...]
    reasons: list[Reason]
    cards: dict[int, ItemCard]
    competing: Candidates


def arrange(
    candidates: Candidates,
    request: RankingRequest,
    limit: int,
    rng: np.random.Generator | None,
    *,
    with_pins: bool = True,
) -> Arrangement:
    """The best `limit` that are still active: one query. Chance replaces a few, where `rng` is given.

    What staff pinned has its place for certain, and chance takes none of these.
    """
    curated = curate(candidates, request, limit, with_pins=with_pins)
    rest = curated.rest
    front = min(limit + _SPARE, len(rest))
    share = 0.0 if rng is None else request.context.policy.exploration_share
    drawn_places, drawn, chance = draw_exploration(limit, len(rest) - front, rng, share)
    top, behind = rest[:front], rest[front:][drawn]
    wanted = candidates.take(np.concatenate([top, behind, curated.pinned]))
    # What chance draws has no reason but chance, so the others are asked for without it, and are kept.
    reasons = [
        *reasons_for(candidates.take(top), request, limit),
        *[EXPLORED] * len(drawn),
        *[PINNED] * len(curated.pinned),
    ]
    named = {*wanted.item_ids.tolist(), *(reason.item_id for reason in reasons if reason.item_id)}
    cards = current_cards(named)
    active = np.fromiter((item_id in cards for item_id in wanted.item_ids.tolist()), dtype=np.bool_)
    at_pins = np.arange(front + len(drawn), len(wanted))
    curated, at_pins = curated.pinning(active[at_pins]), at_pins[active[at_pins]]
    by_score = np.flatnonzero(active[:front])[: max(0, limit - len(at_pins))]
    length = len(by_score) + len(at_pins)
    chosen, pinned = np.empty(length, dtype=np.intp), np.zeros(length, dtype=np.int64)
    places = places_of(curated.places, length)
    pinned[places] = curated.pins
    chosen[pinned == 0], chosen[places] = by_score, at_pins
    propensities = np.where((np.arange(length) > 0) & (pinned == 0), 1.0 - chance.of_exploring, 1.0)
    for place, row in zip(drawn_places.tolist(), range(front, front + len(drawn)), strict=True):
        if place < length and active[row] and not pinned[place]:
            chosen[place] = row
            propensities[place] = chance.of_each
    return Arrangement(
        shown=wanted.take(chosen).with_propensities(propensities),
        explored=tuple(((chosen >= front) & (pinned == 0)).tolist()),
        pinned=tuple(pinned.tolist()),
        rules=curated.acted,
        reasons=[reasons[row] for row in chosen],
        cards=cards,
        competing=candidates.take(rest) if request.rules else candidates,
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
