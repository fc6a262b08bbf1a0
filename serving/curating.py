"""Pins and quotas of staff, when a list is arranged: after the exclusion, so that they bring back nothing."""

from dataclasses import dataclass, replace

import numpy as np

from core.arrays import Bools, Ints, Rows
from curation.acting import ActingRule
from curation.kinds import BLOCK, BOOST, BURY, PIN, QUOTA
from ranking.candidates import Brought, Candidates
from ranking.methods import PIN as PINNED
from ranking.request import RankingRequest

# Of what a pin names, so many are scored where no source brought any of it: the most popular ones.
MOST_BROUGHT = 50


@dataclass(frozen=True, slots=True, eq=False)
class Curated:
    """Candidates under the rules of a request, by their rows, before any of them is cut off.

    rest    rows that are ordered by score, best first
    pinned  rows (k,) that are pinned, by place
    places  (k,) from 0, rising
    pins    (k,) ids of the rules that pin them
    quotas  ids of the quotas that leave out any of these, however far behind the list
    acted   ids of all rules that act on a list of these
    """

    rest: Rows
    pinned: Rows
    places: tuple[int, ...] = ()
    pins: tuple[int, ...] = ()
    quotas: tuple[int, ...] = ()
    acted: tuple[int, ...] = ()

    def pinning(self, which: Bools) -> "Curated":
        """The same with those pins alone whose items there still are, as a mask (k,) says."""
        kept = np.flatnonzero(which).tolist()
        return replace(
            self,
            pinned=self.pinned[which],
            places=tuple(self.places[row] for row in kept),
            pins=tuple(self.pins[row] for row in kept),
            acted=tuple(
                one for one in self.acted if one not in self.pins or one in {self.pins[row] for row in kept}
            ),
        )


def curated_list(candidates: Candidates, request: RankingRequest, limit: int) -> Candidates:
    """The best `limit` of candidates that are all still active, without chance."""
    curated = curate(candidates, request, limit)
    by_score = curated.rest[: max(0, limit - len(curated.pinned))]
    rows = np.empty(len(by_score) + len(curated.pinned), dtype=np.intp)
    places = places_of(curated.places, len(rows))
    is_pinned = np.isin(np.arange(len(rows)), places)
    rows[places], rows[~is_pinned] = curated.pinned, by_score
    return candidates.take(rows)


def places_of(places: tuple[int, ...], length: int) -> list[int]:
    """The places, from 0, that pins have in a list of some length: the last ones where it is too short."""
    behind = len(places) - np.arange(len(places))
    found: list[int] = np.minimum(np.array(places, dtype=np.int64), length - behind).tolist()
    return found


def brought_by_pins(request: RankingRequest) -> Brought | None:
    """The items that pins name and the person may be shown, for a pool that may lack them; None for none.

    A page behind another has no pins.
    """
    pins = [] if request.shown_before else request.rules.of_kind(PIN)
    if not pins:
        return None
    catalog = request.context.catalog
    found = []
    for one in pins:
        open_ids = one.item_ids[~request.not_to_show.holds(one.item_ids)]
        popularity = catalog.demand.popularity[catalog.rows_of(open_ids)]
        found.append(open_ids[np.argsort(-popularity, kind="stable")[:MOST_BROUGHT]])
    ids = np.unique(np.concatenate(found))
    return Brought(PINNED, ids, np.zeros(len(ids))) if len(ids) else None


def curate(candidates: Candidates, request: RankingRequest, limit: int, *, with_pins: bool = True) -> Curated:
    """The candidates, best first, under the pins and quotas in force; what a pin alone brought is dropped.

    A quota counts what is pinned, and outranks a pin. All of the order obeys it, also behind the list, so
    that whatever chance draws from there does as well.
    """
    rows = np.arange(len(candidates))
    if not request.rules:
        return Curated(rows, rows[:0])
    brought = candidates.sources == PINNED
    pins = request.rules.of_kind(PIN) if with_pins and not request.shown_before else []
    chosen = _chosen(candidates.item_ids, [one for one in pins if one.number <= limit])
    first = [row for row, _ in chosen]
    others = rows[~brought & ~np.isin(rows, first)]
    quotas = request.rules.of_kind(QUOTA)
    order = np.concatenate([np.array(first, dtype=np.intp), others])
    kept, left_out = within_quotas(candidates.item_ids[order], quotas, request)
    standing = [one for one, stays in zip(chosen, kept[: len(first)].tolist(), strict=True) if stays]
    places: list[int] = []
    for _, pin in standing:
        places.append(max(int(pin.number) - 1, places[-1] + 1 if places else 0))
    # What a quota leaves out behind the end of the list would not have been in it.
    filled = [rule_id for rule_id, stay in left_out.items() if stay < limit]
    weighing = [
        one.rule_id for one in request.rules.of_kind(BOOST, BURY) if one.names(candidates.item_ids).any()
    ]
    blocking = [one.rule_id for one in request.rules.of_kind(BLOCK) if len(one.item_ids)]
    return Curated(
        rest=others[kept[len(first) :]],
        pinned=np.array([row for row, _ in standing], dtype=np.intp),
        places=tuple(places),
        pins=tuple(pin.rule_id for _, pin in standing),
        quotas=tuple(left_out),
        acted=tuple(sorted({*weighing, *blocking, *filled, *(pin.rule_id for _, pin in standing)})),
    )


def _chosen(item_ids: Ints, pins: list[ActingRule]) -> list[tuple[int, ActingRule]]:
    """The row of the best candidate that each pin names, by place; none twice."""
    chosen: list[tuple[int, ActingRule]] = []
    taken = np.zeros(len(item_ids), dtype=np.bool_)
    for pin in sorted(pins, key=lambda one: (one.number, one.rule_id)):
        found = np.flatnonzero(pin.names(item_ids) & ~taken)
        if len(found):
            taken[found[0]] = True
            chosen.append((int(found[0]), pin))
    return chosen


def within_quotas(
    item_ids: Ints, quotas: list[ActingRule], request: RankingRequest
) -> tuple[Bools, dict[int, int]]:
    """The mask of items (n,), in their order, that no quota leaves out.

    With it, by the ids of the quotas that leave out any, how many items stay before the first of those.
    """
    kept = np.ones(len(item_ids), dtype=np.bool_)
    left_out: dict[int, int] = {}
    stay = 0
    if not quotas:
        return kept, left_out
    rows = request.context.catalog.rows_of(item_ids)
    groups = [one.groups[np.maximum(rows, 0)] for one in quotas if one.groups is not None]
    counts: list[dict[int, int]] = [{} for _ in groups]
    for row in np.flatnonzero(rows >= 0).tolist():
        mine = [one.indices[one.indptr[row] : one.indptr[row + 1]].tolist() for one in groups]
        full = [
            quota.rule_id
            for quota, count, columns in zip(quotas, counts, mine, strict=True)
            if any(count.get(column, 0) >= quota.number for column in columns)
        ]
        if full:
            kept[row] = False
            for rule_id in full:
                left_out.setdefault(rule_id, stay)
            continue
        stay += 1
        for count, columns in zip(counts, mine, strict=True):
            for column in columns:
                count[column] = count.get(column, 0) + 1
    return kept, left_out
