"""The titles by which a list is explained: what a slot shares with them, and none of them for too much of it.

A recommender names the title of a history that weighed most. That is true by arithmetic and convinces nobody
where the two have nothing in common, or where one title explains half of a list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from catalog.selectors import ItemCard
from core.arrays import Bools, Doubles, Ints, Rows
from core.domain import CATEGORIES, FACETS, PEOPLE, SERIES, THEMES, TYPES
from core.domain.words import listed
from core.sparse import products
from ranking.candidates import Candidates
from ranking.item_content import CONTENT
from ranking.request import RankingRequest
from ranking.snapshot import CatalogSnapshot
from serving.explaining import Reason, find_reasons, lowered

# No title explains more of a list than this.
_LARGEST_SHARE = 0.2
# A title that no recommender named is named for this likeness in what both have, a cosine.
_LEAST_LIKENESS = 0.15
_MOST_NAMED = 2
# So many sentences are kept of a person.
_MOST_SENTENCES = 60
# The acts that are told of in a sentence.
_TELLING = frozenset(name for name, row in TYPES.items() if row.because)
# Of people what is most telling comes first: who is rarer boosts less.
_PEOPLE = sorted(PEOPLE, key=lambda kind: FACETS[kind].boost_cap)


def reasons_for(candidates: Candidates, request: RankingRequest, limit: int) -> list[Reason]:
    """The reasons for the slots of a list, as they are told. Asked for the same again, they are kept."""
    columns = (candidates.item_ids, candidates.boosts, candidates.base_scores)
    # Base scores change with every moment, and only without any model do reasons go by them.
    read = columns[:2] if request.is_by_models else columns
    # What is held back is no part of what is remembered by.
    held_back, sources = tuple(sorted(request.person.penalties)), tuple(candidates.sources.tolist())
    asked = (limit, held_back, sources, *(column.tobytes() for column in read))
    kept = request.remembered.reasons
    if kept is None or kept[0] != asked:
        told = tell(find_reasons(candidates, request), candidates, request, limit)
        kept = request.remembered.reasons = (asked, tuple(told))
    return list(kept[1])


def tell(
    reasons: Sequence[Reason], candidates: Candidates, request: RankingRequest, limit: int
) -> list[Reason]:
    """The reasons in which every title shares something with its slot and none is named too often.

    A slot keeps the title that weighed most while it may be named, and else has the one of the history most
    like it. Where there is none, what the person likes of it is left, or how it came. Where nothing is known
    of what an item is, its evidence stands: a model's link is all that there is.
    """
    told = list(reasons)
    rows, alike, known = _likeness(candidates, request)
    if not len(rows):
        return told
    item_ids = request.person.item_ids[rows].tolist()
    types = [request.person.last_types[row] for row in rows.tolist()]
    place_of = {item_id: place for place, item_id in enumerate(item_ids)}
    most, named = max(1, int(_LARGEST_SHARE * limit)), [0] * len(item_ids)
    # The likeness with each title that may still be named.
    left = alike.copy()

    def name(place: int) -> None:
        named[place] += 1
        if named[place] >= most:
            left[:, place] = 0.0

    for slot, reason in enumerate(reasons):
        if not known[slot] or (reason.item_id is None and reason.liked):
            continue
        place = place_of.get(reason.item_id or 0)
        if place is not None and alike[slot, place] > 0.0 and named[place] < most:
            name(place)
            continue
        best = int(left[slot].argmax())
        if left[slot, best] >= _LEAST_LIKENESS:
            name(best)
            told[slot] = replace(reason, item_id=item_ids[best], type_name=types[best], is_likeness=True)
        else:
            told[slot] = replace(reason, item_id=None, type_name="")
    return told


def _likeness(candidates: Candidates, request: RankingRequest) -> tuple[Ints, Doubles, Bools]:
    """Rows of the approved history (k,), the cosine of each slot with each (n, k), and what is known (n,).

    Those that share no category and no theme are not alike, but for a slot of which neither is known. Known
    is a slot of whose facets, and of whose history's, there are any.
    """
    person, catalog = request.person, request.context.catalog
    slots = catalog.rows_of(candidates.item_ids)
    at = catalog.rows_of(person.item_ids)
    rows = np.flatnonzero((person.weights > 0) & (at >= 0))
    rows = rows[[person.last_types[row] in _TELLING for row in rows.tolist()] if person.last_types else []]
    if not len(rows):
        return rows, np.empty((len(slots), 0)), np.zeros(len(slots), dtype=np.bool_)
    # What the catalog lacks is not known, whatever stands in its place.
    alike = catalog.content.cosines(np.maximum(slots, 0), at[rows])
    alike[slots[:, None] == at[rows]] = 0.0
    # An actor or a publisher that two have in common makes no evening like another.
    about = products(catalog.content.told, np.maximum(slots, 0), at[rows])
    alike[(about <= 0.0) & _has_content(np.maximum(slots, 0), catalog)[:, None]] = 0.0
    lengths = catalog.content.norms[:, -1]
    known = (slots >= 0) & (lengths[np.maximum(slots, 0)] > 0.0) & bool(lengths[at[rows]].any())
    return rows, alike, known


def _has_content(rows: Rows, catalog: CatalogSnapshot) -> Bools:
    """The mask of the rows (n,) of which a category or a theme is known."""
    return np.asarray(catalog.content.counts[rows][:, CONTENT].any(axis=1), dtype=np.bool_)


def sentence_for(
    reason: Reason, item: ItemCard, cards: Mapping[int, ItemCard], request: RankingRequest
) -> str:
    """The reason why `item` is in a list in words, for the person it is about."""
    kept, other = request.remembered.sentences, cards.get(reason.item_id or 0)
    asked = (reason, item.id, item.changed_at, None if other is None else other.changed_at)
    if asked not in kept:
        if len(kept) >= _MOST_SENTENCES:
            kept.clear()
        kept[asked] = shared_sentence(reason, item, cards) or reason.sentence(item, cards)
    return kept[asked]


def shared_sentence(reason: Reason, item: ItemCard, cards: Mapping[int, ItemCard]) -> str:
    """The reason with what the two titles share: `Because you liked Oldboy, also directed by Park Chan-wook.`

    "" where the title is not there or nothing is shared.
    """
    card = cards.get(reason.item_id or 0)
    because = TYPES[reason.type_name].because if card is not None and reason.type_name else ""
    if card is None or not because:
        return ""
    shared = _shared(item, card)
    if reason.is_likeness:
        return f"{shared[:1].upper()}{shared[1:]}, like {card.title}." if shared else ""
    start = f"Because {because.format(title=card.title)}"
    return f"{start}, also {shared}." if shared else ""


def _shared(item: ItemCard, other: ItemCard) -> str:
    """The most telling of what two titles have in common: people, the series, themes with categories."""

    def common(kind: str) -> list[str]:
        theirs = other.facets.get(kind, ())
        return [name for name in item.facets.get(kind, ()) if name in theirs]

    for kind in _PEOPLE:
        if names := common(kind)[:_MOST_NAMED]:
            return f"{(FACETS[kind].heading or FACETS[kind].label).lower()} {listed(names)}"
    if any(common(kind) for kind in SERIES):
        return "of the same series"
    categories = [lowered(name) for kind in CATEGORIES for name in common(kind)][:_MOST_NAMED]
    themes = [name for kind in THEMES for name in common(kind)][:_MOST_NAMED]
    told = [*categories, *themes][: _MOST_NAMED + 1]
    return listed(told)
