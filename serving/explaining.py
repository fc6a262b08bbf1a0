"""Explanations of slots: from the numbers that put it there, not from a guess afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catalog.selectors import ItemCard
from core.domain import CATEGORIES, FACETS, TYPES
from core.domain import KINDS as ITEM_KINDS
from core.domain.words import listed
from profiles.reduction import KINDS, Taste
from ranking.candidates import Candidates
from ranking.methods import EXPLORATION, PIN
from ranking.recommenders.registry import RECOMMENDERS
from ranking.request import RankingRequest
from ranking.scoring import taste_share
from ranking.tastes import LikedFacets, liked_facets

_EXPLORED = "Something different, to find out whether you like it."
_PINNED = "Picked by the editors."

# From so much on, what taste adds is the reason for what only popularity or its date would have brought.
_LEAST_BOOST = 0.1
# A ranker reads the likeness to what was approved last; from here on it is given as a reason.
_LEAST_LIKENESS = 0.3
# The cap of each facet kind, by its code; 0 where it boosts nothing.
_CAPS = np.array([FACETS[kind].boost_cap for kind in KINDS], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Reason:
    """The strongest reason for a slot.

    item_id  the item of the history that weighed most, and what was done with it
    liked    the facets for which the person's taste brought or boosted it
    is_likeness  the item is named for what it shares alone; no recommender went by it
    """

    source: str
    item_id: int | None = None
    type_name: str = ""
    liked: LikedFacets = ()
    is_likeness: bool = False

    def sentence(self, item: ItemCard, cards: Mapping[int, ItemCard]) -> str:
        """The reason why `item` is there in words, for the person it is about."""
        card = cards.get(self.item_id) if self.item_id is not None else None
        if card is not None and (because := TYPES[self.type_name].because):
            return _ended(f"Because {because.format(title=card.title)}")
        if self.source == EXPLORATION:
            return _EXPLORED
        if self.source == PIN:
            return _PINNED
        return liked_sentence(self.liked, item) or RECOMMENDERS[self.source].why


EXPLORED = Reason(EXPLORATION)
PINNED = Reason(PIN)


def liked_sentence(liked: LikedFacets, item: ItemCard) -> str:
    """ "Because you like medical dramas and Lee Jong-suk.", of facets that the card has; "" for none."""
    # The facets of the snapshot may have changed since.
    have = [(kind, name) for kind, name in liked if name in item.facets.get(kind, ())]
    categories = [lowered(name) for kind, name in have if kind in CATEGORIES]
    things = [name for kind, name in have if kind not in CATEGORIES]
    if categories:
        noun = ITEM_KINDS[item.kind].label.lower()
        # Not "drama dramas".
        told = [category for category in categories if category != item.kind]
        things.insert(0, f"{listed(told)} {noun}" if told else noun)
    return _ended(f"Because you like {listed(things)}") if things else ""


def find_reasons(candidates: Candidates, request: RankingRequest) -> list[Reason]:
    """A reason for each candidate, the strongest that is real.

    First the evidence of the recommender that brought it. Else the facets of the taste that boosted it. Else,
    under a ranker, the approved item that it is most like. What the person turned down is no liking
    of theirs.
    """
    by_taste = candidates.boosts.sum(axis=1) >= _LEAST_BOOST
    if not request.is_by_models:
        # What the person likes of an item is its reason too where that is most of its base score.
        share, near = taste_share(request, candidates.item_ids)
        by_taste |= 2.0 * share * near > candidates.base_scores
    reasons = [Reason(source) for source in candidates.sources.tolist()]
    taste = request.person.taste.taste
    rows = np.flatnonzero(by_taste)
    liked = liked_facets(candidates.item_ids[rows], taste, boosting(taste), request.context.catalog)
    for row, facets in zip(rows.tolist(), liked, strict=True):
        reasons[row] = Reason(reasons[row].source, liked=facets)
    types = dict(zip(request.person.item_ids.tolist(), request.person.last_types, strict=True))
    for name, rows, least in _evidence_to_ask(reasons, candidates, request):
        recommender = request.context.recommenders[name]
        found = recommender.explain(request.representations[name], candidates.item_ids[rows])
        for row, evidence in zip(rows.tolist(), found, strict=True):
            if evidence is not None and evidence.strength >= least:
                type_name = "" if evidence.item_id is None else types[evidence.item_id]
                reasons[row] = Reason(reasons[row].source, evidence.item_id, type_name, evidence.facets)
    return _without_held_back(reasons, request)


def _without_held_back(reasons: list[Reason], request: RankingRequest) -> list[Reason]:
    """The reasons without liking what the person turned down: a no is not answered with a "you like"."""
    names = request.person.taste.taste.names
    held = {names[facet_id] for facet_id in request.person.penalties if facet_id in names}
    return [
        replace(reason, liked=tuple(one for one in reason.liked if one[1] not in held))
        if held and reason.liked
        else reason
        for reason in reasons
    ]


def _evidence_to_ask(
    reasons: list[Reason], candidates: Candidates, request: RankingRequest
) -> list[tuple[str, NDArray[np.intp], float]]:
    """The recommenders whose evidence counts: for which candidates, and from which strength on; last wins.

    Under a ranker there is evidence that holds whoever brought an item, for untrained kinds without a better
    reason. Then comes that of each source for what it brought.
    """
    asked: list[tuple[str, NDArray[np.intp], float]] = []
    if request.context.ranker is not None:
        bare = np.array(
            [not reason.liked and not RECOMMENDERS[reason.source].is_trained for reason in reasons], np.bool_
        )
        shared = [name for name in request.context.untrained if RECOMMENDERS[name].evidence_for_all]
        asked += [(name, np.flatnonzero(bare), _LEAST_LIKENESS) for name in shared]
    for name in dict.fromkeys(candidates.sources.tolist()):
        asked.append((name, np.flatnonzero(candidates.sources == name), 0.0))
    return [one for one in asked if one[0] in request.representations and len(one[1])]


def boosting(taste: Taste) -> NDArray[np.float64]:
    """The most that each facet of a taste can add, (k,)."""
    weights: NDArray[np.float64] = taste.scores * _CAPS[taste.kinds]
    return weights


def lowered(name: str) -> str:
    """A category as it stands in a sentence: "TV Movie" keeps its capitals."""
    return " ".join(word if word.isupper() else word.lower() for word in name.split())


def _ended(sentence: str) -> str:
    # Many a title brings its own full stop, such as "Moulin Rouge!".
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
