"""The items of one use case as arrays: their contents, and the demand for them so far."""

from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime

import numpy as np
from django.db.models import F, FilteredRelation, Q
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from catalog.models import Item, ItemFacet
from core.arrays import positions
from core.domain import FACETS, USE_CASES
from ranking.features import GROUPS, FacetGroup, ItemContent
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import Events
from ranking.statistics.lists import ShownLists

_FEATURE_GROUPS: dict[str, FacetGroup] = {"category": "genre", "theme": "theme", "people": "people"}
_OTHER = GROUPS.index("other")


@dataclass(frozen=True, slots=True, eq=False)
class CatalogSnapshot:
    """The n active items of one use case; the orders hold rows.

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

    @classmethod
    def build(
        cls,
        content: ItemContent,
        demand: ItemDemand,
        facet_ids: NDArray[np.int64],
        there_since: NDArray[np.float64] | None = None,
    ) -> "CatalogSnapshot":
        """The catalog with its orders; where nothing else is said, items are there from publication."""
        by_date = np.argsort(-content.published, kind="stable")
        since = content.published if there_since is None else there_since
        return cls(content, demand, facet_ids, since, _by_popularity(demand), by_date)

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
        )
        return CatalogSnapshot.build(content, demand, self.facet_ids, self.there_since[which])

    @property
    def item_ids(self) -> NDArray[np.int64]:
        """(n,) sorted ascending."""
        return self.content.item_ids

    def rows_of(self, item_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """The row of each item, -1 where it is not in this catalog."""
        return positions(item_ids, self.item_ids)

    def holds(self, item_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The mask of `item_ids` that are in this catalog."""
        found: NDArray[np.bool_] = np.isin(item_ids, self.item_ids)
        return found


def read_snapshot(use_case: str) -> CatalogSnapshot:
    """Reads the catalog as it is now: two queries, a tuple per item and per facet of an item."""
    rows = (
        Item.objects.filter(kind=USE_CASES[use_case].kind, is_active=True)
        .alias(demand=FilteredRelation("popularity", condition=Q(popularity__use_case=use_case)))
        .order_by("pk")
        .values_list(
            "pk",
            "published_at",
            "year",
            F("demand__score"),
            F("demand__approvals"),
            F("demand__dislikes"),
        )
    )
    ids, published, counts, there_since = [], [], [], []
    for item_id, published_at, year, score, approvals, dislikes in rows.iterator(chunk_size=10_000):
        ids.append(item_id)
        published.append(_moment_of(published_at, year))
        # A bare year says nothing of the moment, and no year says nothing at all: the first meeting does.
        there_since.append(np.inf if published_at is None else published_at.timestamp())
        counts.append((score or 0.0, approvals or 0, dislikes or 0))
    item_ids = np.asarray(ids, dtype=np.int64)
    popularity, approvals, dislikes = np.asarray(counts, dtype=np.float64).reshape(-1, 3).T
    facet_ids, groups, facets = _read_facets(use_case, item_ids)
    content = ItemContent(item_ids, np.asarray(published, dtype=np.float64), facets, groups)
    demand = ItemDemand.from_counts(popularity, approvals, dislikes)
    return CatalogSnapshot.build(content, demand, facet_ids, np.asarray(there_since, dtype=np.float64))


def _moment_of(published_at: datetime | None, year: int | None) -> float:
    """Publication time of an item, seconds since 1970: its date, else the middle of its year, else -inf."""
    if published_at is None and year is not None and MINYEAR <= year <= MAXYEAR:
        published_at = datetime(year, 7, 1, tzinfo=UTC)
    return -np.inf if published_at is None else published_at.timestamp()


def _read_facets(
    use_case: str, item_ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], "csr_matrix[np.float64]"]:
    """The facet of each column, the group it belongs to, and the matrix of items and facets."""
    pairs = ItemFacet.objects.filter(item__kind=USE_CASES[use_case].kind, item__is_active=True)
    rows = []
    group_of_kind = {
        kind: GROUPS.index(_FEATURE_GROUPS.get(facet.group, "other")) for kind, facet in FACETS.items()
    }
    for item_id, facet_id, kind in pairs.values_list("item_id", "facet_id", "facet__kind").iterator(
        chunk_size=10_000
    ):
        rows.append((item_id, facet_id, group_of_kind.get(kind, _OTHER)))
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    # An item that came or went between the two queries has no row in the snapshot.
    table = table[np.isin(table[:, 0], item_ids)]
    facet_ids, first, columns = np.unique(table[:, 1], return_index=True, return_inverse=True)
    matrix = csr_matrix(
        (np.ones(len(table)), (np.searchsorted(item_ids, table[:, 0]), columns)),
        shape=(len(item_ids), len(facet_ids)),
    )
    return facet_ids, table[first, 2], matrix


def _by_popularity(demand: ItemDemand) -> NDArray[np.intp]:
    order = np.argsort(-demand.popularity, kind="stable")
    return order[demand.popularity[order] > 0.0]
