"""Why a slot is there: from the numbers that put it there, not from a guess afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.selectors import ItemCard
from core.domain import CATEGORIES, FACETS, TYPES
from core.domain import KINDS as ITEM_KINDS
from core.domain.words import listed
from profiles.fold import KINDS, NEUTRAL, Taste, columns_of
from ranking.candidates import Candidates
from ranking.live import Live
from ranking.recommenders.als.explain import contributions
from ranking.recommenders.similar.model import content_similarities
from ranking.sources import UserState, anchor_rows

_OF_SOURCE = {
    "als": "People with a taste like yours chose it.",
    "two_tower": "It fits what you have chosen so far and what you like.",
    "taste": "Close to what you like.",
    "similar": "Much like something that you liked.",
    "popular": "Popular here at the moment.",
    "fresh": "New in the catalogue.",
    "exploration": "Something different, to find out whether you like it.",
}


# From so much on, what taste adds is the reason for what only popularity or its date would have brought.
_TELLING_LIFT = 0.1
# A ranker looks at the cosine to what was approved last; from here on it is told as a reason.
_TELLING_COSINE = 0.3
_MOST_LIKED = 3
# The cap of each facet kind, by its code; 0 where it lifts nothing.
_CAPS = np.array([FACETS[kind].boost_cap for kind in KINDS], dtype=np.float64)

Liked = tuple[tuple[str, str], ...]
"""(kind, name) of facets, what counts most first."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks most for a slot.

    item_id  the item of the history that weighed most, and what was done with it
    liked    the facets for which the person's taste brought or lifted it
    """

    source: str
    item_id: int | None = None
    type_name: str = ""
    liked: Liked = ()

    def sentence(self, item: ItemCard, cards: Mapping[int, ItemCard]) -> str:
        """The reason why `item` is there in words, for the person it is about."""
        card = cards.get(self.item_id) if self.item_id is not None else None
        if card is not None and (because := TYPES[self.type_name].because):
            return _ended(f"Because {because.format(title=card.title)}")
        return liked_sentence(self.liked, item) or _OF_SOURCE[self.source]


EXPLORED = Reason("exploration")


def liked_sentence(liked: Liked, item: ItemCard) -> str:
    """ "Because you like medical dramas and Lee Jong-suk.", of facets that the card has; "" for none."""
    # The facets of the snapshot may have changed since.
    have = [(kind, name) for kind, name in liked if name in item.facets.get(kind, ())]
    categories = [_lowered(name) for kind, name in have if kind in CATEGORIES]
    things = [name for kind, name in have if kind not in CATEGORIES]
    if categories:
        noun = ITEM_KINDS[item.kind].label.lower()
        # Not "drama dramas".
        told = [category for category in categories if category != item.kind]
        things.insert(0, f"{listed(told)} {noun}" if told else noun)
    return _ended(f"Because you like {listed(things)}") if things else ""


def find_reasons(candidates: Candidates, state: UserState, live: Live) -> list[Reason]:
    """A reason for each candidate, the strongest that is real.

    What ALS brought: the history item that added most to the predicted preference. What is near the last
    approved items: the nearest of them. What the taste brought or lifted: the facets that did most.
    """
    reasons = [Reason(source) for source in candidates.sources.tolist()]
    _add_liked(reasons, candidates, state, live)
    _add_neighbours(reasons, candidates, state, live)
    _add_contributions(reasons, candidates, state, live)
    return reasons


def _add_contributions(reasons: list[Reason], candidates: Candidates, state: UserState, live: Live) -> None:
    from_als = np.flatnonzero(candidates.sources == "als")
    if live.als is None or not len(from_als):
        return
    model = live.als
    history_rows = model.rows_of(state.item_ids)
    known = np.flatnonzero(history_rows >= 0)
    added = contributions(
        model,
        model.rows_of(candidates.item_ids[from_als]),
        history_rows[known],
        state.weights[known],
    )
    # What was looked at may be shown again, and then says most for itself. That is no reason.
    added[_is_same(candidates.item_ids[from_als], state.item_ids[known])] = 0.0
    most = added.argmax(axis=1)
    for row, column, value in zip(from_als, most, added.max(axis=1), strict=True):
        if value > 0.0:
            place = int(known[column])
            reasons[row] = Reason("als", int(state.item_ids[place]), state.last_types[place])


def _add_neighbours(reasons: list[Reason], candidates: Candidates, state: UserState, live: Live) -> None:
    """For what `similar` brought, and under a ranker for what is as near and has no better reason."""
    anchors = anchor_rows(state, live)
    wanted = candidates.sources == "similar"
    if live.ranker is not None:
        others = [not reason.liked and reason.source in ("popular", "fresh") for reason in reasons]
        wanted |= np.array(others, dtype=np.bool_)
    if not len(anchors) or not wanted.any():
        return
    rows = np.flatnonzero(wanted)
    content = live.catalogue.content
    cosines = content_similarities(anchors, content)[live.catalogue.rows_of(candidates.item_ids[rows])]
    cosines[_is_same(candidates.item_ids[rows], content.item_ids[anchors])] = 0.0
    places = {item_id: place for place, item_id in enumerate(state.item_ids.tolist())}
    for row, nearest, cosine in zip(rows, cosines.argmax(axis=1), cosines.max(axis=1), strict=True):
        source = reasons[row].source
        if cosine >= _TELLING_COSINE or (source == "similar" and cosine > 0.0):
            item_id = int(content.item_ids[anchors[nearest]])
            reasons[row] = Reason(source, item_id, state.last_types[places[item_id]])


def _is_same(shown: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the (n,) ids shown is which of the (h,) ids known, (n, h)."""
    same: NDArray[np.bool_] = shown[:, np.newaxis] == known[np.newaxis, :]
    return same


def _add_liked(reasons: list[Reason], candidates: Candidates, state: UserState, live: Live) -> None:
    taste = state.taste.taste
    lifts = candidates.lifts.sum(axis=1) >= _TELLING_LIFT
    for row, source in enumerate(candidates.sources.tolist()):
        if source == "taste" or lifts[row]:
            by_facet = taste.values - NEUTRAL if source == "taste" else lifting(taste)
            item_id = int(candidates.item_ids[row])
            reasons[row] = Reason(source, liked=find_liked(item_id, taste, by_facet, live))


def lifting(taste: Taste) -> NDArray[np.float64]:
    """How much each facet of a taste can lift, (k,)."""
    weights: NDArray[np.float64] = taste.scores * _CAPS[taste.kinds]
    return weights


def find_liked(item_id: int, taste: Taste, weights: NDArray[np.float64], live: Live) -> Liked:
    """The facets of an item with the greatest `weights` above 0, (k,) one for each facet of the taste."""
    row = int(live.catalogue.rows_of(np.array([item_id]))[0])
    if row < 0:
        return ()
    facets = live.catalogue.content.facets
    mine = live.catalogue.facet_ids[facets.indices[facets.indptr[row] : facets.indptr[row + 1]]]
    _, places = columns_of(mine, taste.facet_ids)
    places = places[weights[places] > 0.0]
    most = places[np.argsort(-weights[places], kind="stable")]
    named = [
        (KINDS[taste.kinds[place]], taste.names[facet_id])
        for place, facet_id in zip(most.tolist(), taste.facet_ids[most].tolist(), strict=True)
        if facet_id in taste.names
    ]
    return tuple(named[:_MOST_LIKED])


def _lowered(name: str) -> str:
    """A category as it stands in a sentence: "TV Movie" keeps its capitals."""
    return " ".join(word if word.isupper() else word.lower() for word in name.split())


def _ended(sentence: str) -> str:
    # Many a title brings its own full stop, such as "Moulin Rouge!".
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
