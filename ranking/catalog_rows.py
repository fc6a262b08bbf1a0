"""The rows of the catalog that snapshots are made of, kept by a worker so that it reads changes alone.

Every write to an item or its facets dates the item (`catalog.models`). So `changed` reads what was dated
since the last look, and OVERLAP before it: the clock of another machine may be late, and of two writes in one
microsecond the second may be committed after the first was read. What was committed long after it was dated,
as by a long import, and what was deleted, `checked` finds by the mark of `catalog.changes`: where that is not
the one of what is held, the moments of all items are compared.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Max, Q
from django.utils import timezone
from scipy.sparse import csr_matrix, vstack

from catalog.changes import mark_of, read_mark
from core.arrays import Bools, Doubles, Ints, Rows, positions
from core.domain import USE_CASES
from interactions.models import ItemPopularity
from ranking.catalog_reading import ALL, ReadLinks, read_demand, read_items, read_links, read_moments

OVERLAP = timedelta(seconds=5)

# Ids in one condition: SQLite takes 32,766 parameters.
_IN_LIST = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class CatalogRows:
    """All n items of the kind of one use case as they were read, those hidden too.

    item_ids      (n,) sorted
    moments       (n,) when each was written last, microseconds since 1970
    active        (n,) the mask of those not hidden
    published     (n,) seconds since 1970, -inf where not known
    there_since   (n,) the moment that its date says, seconds since 1970; inf where it has no date
    counts        (n, c) in the order of COUNTED; 0 where there was no demand
    numbers       (n, NUMBERS) the attributes that the ranker reads; NaN where an item has none
    facets        (n, m) 1 where an active item has the facet
    facet_ids     (m,) sorted; groups (m,) which of GROUPS each belongs to
    read_at       when reading them began
    refreshed_at  when the demand was counted; None where it never was
    """

    use_case: str
    item_ids: Ints
    moments: Ints
    active: Bools
    published: Doubles
    there_since: Doubles
    counts: Doubles
    numbers: Doubles
    facets: "csr_matrix[np.float64]"
    facet_ids: Ints
    groups: Ints
    read_at: datetime
    refreshed_at: datetime | None

    def changed(self) -> "CatalogRows":
        """These with what was dated since, at a cost of that alone: one query, or two.

        The arrays are these very ones where nothing was.
        """
        now = timezone.now()
        since = min(now, self.read_at) - OVERLAP
        fresh = _read(self.use_case, Q(changed_at__gte=since), self.refreshed_at)
        return replace(_with(self, fresh, gone=_NONE), read_at=now)

    def checked(self) -> "CatalogRows":
        """The same with what was deleted or committed late, and with the demand as it was counted last."""
        kind = USE_CASES[self.use_case].kind
        found = self
        # What was committed between the two queries is no reason to compare all.
        for _ in range(2):
            found = found.changed()
            if mark_of(found.moments) == read_mark(kind):
                break
        else:
            found = _compared(found)
        refreshed_at = _refreshed_at(self.use_case)
        return found if refreshed_at == self.refreshed_at else _counted(found, refreshed_at)

    def is_as(self, other: "CatalogRows") -> bool:
        """True where a snapshot of these says the same as one of the other, from which these were read on."""
        return self.moments is other.moments and self.counts is other.counts

    def only(self, which: Bools) -> "CatalogRows":
        """The items of a mask (n,), and the facets that one of them has."""
        if which.all():
            return self
        facets = self.facets[which]
        used = np.bincount(facets.indices, minlength=facets.shape[1]) > 0
        return replace(
            self,
            item_ids=self.item_ids[which],
            moments=self.moments[which],
            active=self.active[which],
            published=self.published[which],
            there_since=self.there_since[which],
            counts=self.counts[which],
            numbers=self.numbers[which],
            facets=_in_columns(facets, np.cumsum(used) - 1, int(used.sum())),
            facet_ids=self.facet_ids[used],
            groups=self.groups[used],
        )


_NONE = np.empty(0, dtype=np.int64)


def read_rows(use_case: str) -> CatalogRows:
    """All of the catalog as it is now: three queries."""
    return _read(use_case, ALL, _refreshed_at(use_case))


def _read(use_case: str, which: Q, refreshed_at: datetime | None) -> CatalogRows:
    """The items for which a condition holds, and their facets: two queries, or one where there are none."""
    read_at = timezone.now()
    items = read_items(use_case, which)
    links = read_links(use_case, which) if len(items.item_ids) else ReadLinks.none()
    rows = positions(links.item_ids, items.item_ids)
    # An item that came or went between the two queries has no row.
    there = rows >= 0
    facet_ids, first, places = np.unique(links.facet_ids[there], return_index=True, return_inverse=True)
    return CatalogRows(
        use_case=use_case,
        **{name: getattr(items, name) for name in items.__slots__},
        facets=csr_matrix(
            (np.ones(len(places)), (rows[there], places)), shape=(len(items.item_ids), len(facet_ids))
        ),
        facet_ids=facet_ids,
        groups=links.groups[there][first],
        read_at=read_at,
        refreshed_at=refreshed_at,
    )


def _compared(rows: CatalogRows) -> CatalogRows:
    """These as the database has them, by the moments of all items."""
    item_ids, moments = read_moments(rows.use_case)
    places = positions(item_ids, rows.item_ids)
    is_new = places < 0
    is_new[~is_new] = rows.moments[places[~is_new]] != moments[~is_new]
    gone = np.setdiff1d(rows.item_ids, item_ids, assume_unique=True)
    result, wanted = _with(rows, None, gone=gone), item_ids[is_new].tolist()
    for start in range(0, len(wanted), _IN_LIST):
        which = Q(pk__in=wanted[start : start + _IN_LIST])
        result = _with(result, _read(rows.use_case, which, rows.refreshed_at), gone=_NONE)
    return result


def _counted(rows: CatalogRows, refreshed_at: datetime | None) -> CatalogRows:
    """These with the demand read anew."""
    item_ids, demand = read_demand(rows.use_case)
    places = positions(item_ids, rows.item_ids)
    counts = np.zeros(rows.counts.shape)
    counts[places[places >= 0]] = demand[places >= 0]
    return replace(rows, counts=counts, refreshed_at=refreshed_at)


def _with(rows: CatalogRows, fresh: CatalogRows | None, *, gone: Ints) -> CatalogRows:
    """These without the items that are gone, and with others in place of those of the same ids."""
    fresh = None if fresh is None else fresh.only(~_is_in(fresh, rows))
    if (fresh is None or not len(fresh.item_ids)) and not len(gone):
        return rows
    touched = gone if fresh is None else np.concatenate([gone, fresh.item_ids])
    kept = rows.only(~np.isin(rows.item_ids, touched))
    return kept if fresh is None else _joined(kept, fresh)


def _is_in(some: CatalogRows, other: CatalogRows) -> Bools:
    """The mask of these items that are in `other` as they are here."""
    same = np.zeros(len(some.item_ids), dtype=np.bool_)
    places = positions(some.item_ids, other.item_ids)
    mine = np.flatnonzero(places >= 0)
    theirs = places[mine]
    for name in ("moments", "active", "published", "there_since"):
        alike = getattr(some, name)[mine] == getattr(other, name)[theirs]
        mine, theirs = mine[alike], theirs[alike]
    alike = (some.counts[mine] == other.counts[theirs]).all(axis=1)
    numbers, others = some.numbers[mine], other.numbers[theirs]
    alike &= ((numbers == others) | (np.isnan(numbers) & np.isnan(others))).all(axis=1)
    alike &= _same_facets(some, mine, other, theirs)
    same[mine[alike]] = True
    return same


def _joined(left: CatalogRows, right: CatalogRows) -> CatalogRows:
    """The items of both, of which none is in both."""
    item_ids = np.concatenate([left.item_ids, right.item_ids])
    order = np.argsort(item_ids)
    facet_ids = np.union1d(left.facet_ids, right.facet_ids)
    groups = np.zeros(len(facet_ids), dtype=np.int64)
    parts = []
    # What was read last knows the group of a facet.
    for rows in (left, right):
        places = np.searchsorted(facet_ids, rows.facet_ids)
        groups[places] = rows.groups
        parts.append(_in_columns(rows.facets, places, len(facet_ids)))
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(left, name), getattr(right, name)])[order]
        for name in ("moments", "active", "published", "there_since", "counts", "numbers")
    }
    facets = vstack(parts, format="csr")[order]
    return replace(
        left, item_ids=item_ids[order], facets=facets, facet_ids=facet_ids, groups=groups, **joined
    )


def _in_columns(matrix: "csr_matrix[np.float64]", places: Rows, size: int) -> "csr_matrix[np.float64]":
    """The matrix with each column at another place, in the same order."""
    indices = places[matrix.indices].astype(matrix.indices.dtype)
    return csr_matrix((matrix.data, indices, matrix.indptr), shape=(matrix.shape[0], size))


def _same_facets(left: CatalogRows, mine: Rows, right: CatalogRows, theirs: Rows) -> Bools:
    """(k,) True where a row of the one has the facets, of the same groups, that a row of the other has."""
    one, other = left.facets[mine], right.facets[theirs]
    same: Bools = np.diff(one.indptr) == np.diff(other.indptr)
    one, other = one[same], other[same]
    differs = left.facet_ids[one.indices] != right.facet_ids[other.indices]
    differs |= left.groups[one.indices] != right.groups[other.indices]
    owners = np.repeat(np.flatnonzero(same), np.diff(one.indptr))
    same[owners[differs]] = False
    return same


def _refreshed_at(use_case: str) -> datetime | None:
    found: datetime | None = ItemPopularity.objects.filter(use_case=use_case).aggregate(
        last=Max("refreshed_at")
    )["last"]
    return found
