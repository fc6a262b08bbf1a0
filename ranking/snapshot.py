"""The items of one use case as arrays: their contents, and the demand for them so far."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.arrays import positions
from interactions.popularity import ENGAGED_FIELDS, EXAMINED_FIELDS, TREND_FIELDS
from ranking.catalog_reading import COUNTED
from ranking.catalog_rows import CatalogRows, read_rows
from ranking.features import item_features
from ranking.item_content import ItemContent
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import Events
from ranking.statistics.lists import ShownLists
from ranking.statistics.responses import ItemResponses


@dataclass(frozen=True, eq=False)
class CatalogSnapshot:
    """The n active items of one use case; the orders hold rows.

    of_kind        sorted ids of all items of the kind, those hidden too
    facet_ids      (m,) sorted: the facet of each column of `content.facets`
    there_since    (n,) the moment from which each was there, seconds since 1970 (`met`)
    by_popularity  rows with popularity above 0, most popular first
    by_date        (n,) rows, newest first
    """

    content: ItemContent
    demand: ItemDemand
    facet_ids: NDArray[np.int64]
    there_since: NDArray[np.float64]
    by_popularity: NDArray[np.intp]
    by_date: NDArray[np.intp]
    of_kind: NDArray[np.int64]

    @classmethod
    def build(
        cls,
        content: ItemContent,
        demand: ItemDemand,
        facet_ids: NDArray[np.int64],
        there_since: NDArray[np.float64] | None = None,
        hidden: "Sequence[int] | NDArray[np.int64]" = (),
    ) -> "CatalogSnapshot":
        """The catalog with its orders; where nothing else is said, items are there from publication."""
        by_date = np.argsort(-content.published, kind="stable")
        since = content.published if there_since is None else there_since
        of_kind = np.union1d(content.item_ids, np.asarray(hidden, dtype=np.int64))
        return cls(content, demand, facet_ids, since, _by_popularity(demand), by_date, of_kind)

    def at(self, demand: ItemDemand) -> "CatalogSnapshot":
        """The same items as they were in demand at another moment."""
        return replace(self, demand=demand, by_popularity=_by_popularity(demand))

    def met(self, acts: Events, lists: ShownLists | None = None) -> "CatalogSnapshot":
        """The same items, each there at the latest from when anybody first met it.

        The one definition of what was there at a moment of the past: an item was there from its date on, and
        whatever its date says, from when somebody was shown it, or from just after somebody did something
        with it. Of events and lists of any time; what came later changes nothing about a moment before.
        """
        since = self.there_since.copy()
        # The act itself is still to be foretold at its own moment.
        moments = [(acts.item_ids, np.nextafter(acts.times, np.inf))]
        if lists is not None:
            moments.append((lists.item_ids, lists.times[lists.list_of_slot]))
        for item_ids, times in moments:
            rows = self.rows_of(item_ids)
            np.minimum.at(since, rows[rows >= 0], times[rows >= 0])
        return replace(self, there_since=since)

    def there_at(self, moment: float) -> NDArray[np.bool_]:
        """The mask (n,) of the items that were there at a moment, seconds since 1970."""
        return self.there_since <= moment

    def only(self, which: NDArray[np.bool_], demand: ItemDemand) -> "CatalogSnapshot":
        """The items of a mask (n,), with their demand."""
        content = ItemContent(
            item_ids=self.item_ids[which],
            published=self.content.published[which],
            facets=self.content.facets[which],
            groups=self.content.groups,
            known_numbers=self.content.numbers[which],
        )
        return CatalogSnapshot.build(content, demand, self.facet_ids, self.there_since[which])

    @cached_property
    def item_features(self) -> NDArray[np.float32]:
        """(n, ·) as of `ranking.features.item_features`."""
        return item_features(self.content, self.demand)

    @property
    def item_ids(self) -> NDArray[np.int64]:
        """(n,) sorted ascending."""
        return self.content.item_ids

    def rows_of(self, item_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """The row of each item, -1 where it is not in this catalog."""
        return positions(item_ids, self.item_ids)

    def with_facets(self, facet_ids: Collection[int]) -> NDArray[np.int64]:
        """The ids of the items that have any of these facets."""
        columns = np.isin(self.facet_ids, np.fromiter(facet_ids, dtype=np.int64, count=len(facet_ids)))
        entries = np.flatnonzero(columns[self.content.facets.indices])
        rows = np.searchsorted(self.content.facets.indptr, entries, side="right") - 1
        return self.item_ids[np.unique(rows)]

    def holds(self, item_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The mask of `item_ids` that are in this catalog."""
        found: NDArray[np.bool_] = np.isin(item_ids, self.item_ids)
        return found


def read_snapshot(use_case: str) -> CatalogSnapshot:
    """Reads the catalog as it is now: three queries, a tuple per item and per facet of an item."""
    return snapshot_of(read_rows(use_case))


def snapshot_of(rows: CatalogRows) -> CatalogSnapshot:
    """The active ones of these items, with their orders."""
    shown = rows.only(rows.active)
    content = ItemContent(shown.item_ids, shown.published, shown.facets, shown.groups, shown.numbers)
    demand = _demand_of(shown.counts)
    hidden = rows.item_ids[~rows.active]
    return CatalogSnapshot.build(content, demand, shown.facet_ids, shown.there_since, hidden)


def _demand_of(counts: NDArray[np.float64]) -> ItemDemand:
    """The demand by the columns of the table, (n, columns) in the order of COUNTED."""
    columns = dict(zip(COUNTED, counts.T, strict=True))
    trends, examined, engaged = (
        np.column_stack([columns[name] for name in names])
        for names in (TREND_FIELDS, EXAMINED_FIELDS, ENGAGED_FIELDS)
    )
    return ItemDemand.from_counts(
        columns["score"],
        columns["approvals"],
        columns["dislikes"],
        trends=trends,
        responses=ItemResponses(examined, engaged, columns["refused"]),
    )


def _by_popularity(demand: ItemDemand) -> NDArray[np.intp]:
    order = np.argsort(-demand.popularity, kind="stable")
    return order[demand.popularity[order] > 0.0]
