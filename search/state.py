"""The text search of each worker, in memory: one index per kind of item.

The catalog is checked in the background every CATALOG_REFRESH_SECONDS while it is searched, and indexed anew
where it has changed, so that only the very first search of a process waits. A search itself makes no query.
"""

import threading
import time
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import QuerySet

from catalog.attributes import Attributes, attribute_texts
from catalog.changes import Mark, read_mark
from catalog.models import Facet, Item, ItemFacet
from core.domain import KINDS
from core.refresher import Refresher, RefreshJob
from search.query_analysis import QueryAnalysis
from search.text_index import Hits, TextIndex, TextItem, build_index

_CHUNK = 5_000
_TEXT_COLUMNS = ("pk", "title", "original_title", "year", "description", "attributes")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The analysis of a query, and the items for it, best first."""

    analysis: QueryAnalysis
    hits: Hits


def search(kind: str, query: str, limit: int = 20) -> SearchResult:
    """At most `limit` active items of `kind` for `query`, which may be any text. Raises KeyError for no kind.

    The index may be CATALOG_REFRESH_SECONDS old: read the items with get_cards(), which leaves out those
    that have gone since.
    """
    analysis, hits = index_of(kind).search(query, limit)
    return SearchResult(analysis, hits)


def index_of(kind: str) -> TextIndex:
    """The index of `kind`, as old as that of a search. Raises KeyError for no kind."""
    return _searches[kind].get()


def read_index(kind: str) -> TextIndex:
    """Builds the index of the active items of `kind`: three queries."""
    rows = _items(kind).values_list(*_TEXT_COLUMNS)
    items = [_text_item(*row) for row in rows.iterator(chunk_size=_CHUNK)]
    facets = list(_facets(kind).values_list("pk", "kind", "name").iterator(chunk_size=_CHUNK))
    links = np.array(
        list(_links(kind).values_list("item_id", "facet_id", "billing").iterator(chunk_size=_CHUNK)),
        dtype=np.int64,
    ).reshape(-1, 3)
    item_ids = np.array([item.item_id for item in items], dtype=np.int64)
    facet_ids = np.array([facet_id for facet_id, _, _ in facets], dtype=np.int64)
    # An item that came or went between the queries is in one of them only.
    links = links[np.isin(links[:, 0], item_ids) & np.isin(links[:, 1], facet_ids)]
    links[:, 0] = np.searchsorted(item_ids, links[:, 0])
    links[:, 1] = np.searchsorted(facet_ids, links[:, 1])
    return build_index(items, [(facet_kind, name) for _, facet_kind, name in facets], links)


def _text_item(
    item_id: int, title: str, original_title: str, year: int | None, description: str, attributes: Attributes
) -> TextItem:
    text = "\n".join([description, *attribute_texts(attributes)])
    return TextItem(item_id, title, original_title, year, text)


def _items(kind: str) -> QuerySet[Item]:
    return Item.objects.filter(kind=kind, is_active=True).order_by("pk")


def _links(kind: str) -> QuerySet[ItemFacet]:
    return ItemFacet.objects.filter(item__kind=kind, item__is_active=True).order_by()


def _facets(kind: str) -> QuerySet[Facet]:
    return Facet.objects.filter(pk__in=_links(kind).values("facet_id")).order_by("pk")


@dataclass(frozen=True, slots=True)
class _Indexed:
    mark: Mark
    index: TextIndex


class SearchState:
    """The index of one kind in this process. Safe to use from several threads."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._loading = threading.Lock()
        self._indexed: _Indexed | None = None
        self._checked = -np.inf

    def get(self) -> TextIndex:
        """The current index. The first call builds it; a later one may ask for a refresh."""
        indexed = self._indexed
        if indexed is None:
            with self._loading:
                indexed = self._indexed or self._build()
        elif time.monotonic() - self._checked > settings.CATALOG_REFRESH_SECONDS:
            self._checked = time.monotonic()
            _refresher.request(self._kind)
        return indexed.index

    def refresh(self) -> None:
        """Builds the index anew where the catalog has changed since. One query, or five."""
        if self._indexed is not None and self._indexed.mark != read_mark(self._kind):
            self._build()

    def _build(self) -> _Indexed:
        # The mark is read first: what changes meanwhile is seen at the next refresh.
        self._checked = time.monotonic()
        self._indexed = _Indexed(read_mark(self._kind), read_index(self._kind))
        return self._indexed


_searches = {kind: SearchState(kind) for kind in KINDS}
_refresher: Refresher[str] = Refresher(
    RefreshJob(
        name="search-index",
        refresh=lambda kind: _searches[kind].refresh(),
        failure="the index of the search could not be built again",
    )
)


def forget_search() -> None:
    """Drops everything held in memory; the next search reads it anew."""
    _refresher.stop()
    for kind in KINDS:
        _searches[kind] = SearchState(kind)
