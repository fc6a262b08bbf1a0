"""The facets of items as an import writes them: each known by its id, and linked in the order of the file."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from catalog.models import Facet, ItemFacet
from core.sql import insert_rows
from imports.slices import WHOLE, Slices
from imports.staging import execute

# So many ids are kept at the most, so that memory is flat.
MOST_KNOWN = 50_000
# A statement takes only so many parameters, and others wait for a slice of them.
_IN_LIST = 2_000

Entry = TypeVar("Entry")
# The names that an item has, by the kind of facet.
Names: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class KnownFacets:
    """The ids of facets that an import met, so that it asks for each once and not with every batch."""

    _ids: dict[str, dict[str, int]] = field(default_factory=dict)
    _kinds: dict[int, str] = field(default_factory=dict)
    _version: int = 0

    def learn(self, items: Iterable[Names], slices: Slices = WHOLE) -> None:
        """Looks up every facet that is named; those that are new are created, in one order."""
        if len(self._kinds) > MOST_KNOWN:
            self._forget()
        named: dict[str, set[str]] = {}
        for facets in items:
            for kind, names in facets.items():
                named.setdefault(kind, set()).update(names)
        for kind in sorted(named):
            known = self._ids.get(kind, {})
            for chunk in _chunks(sorted(name for name in named[kind] if name not in known)):
                with slices.one():
                    self.forget_if_others_wrote(slices)
                    self._find_or_create(kind, chunk)

    def forget_if_others_wrote(self, slices: Slices) -> None:
        """Forgets all where somebody wrote since the last slice, who may have deleted some."""
        if slices.is_whole:
            return
        # SQLite's number of what other connections have written.
        ((version,),) = execute("PRAGMA data_version")
        if version != self._version:
            self._forget()
            self._version = version

    def ids(self, kind: str, names: Iterable[str]) -> tuple[int, ...]:
        """The ids of facets that were learned."""
        known = self._ids.get(kind, {})
        return tuple([known[name] for name in names])

    def kinds(self, facet_ids: Collection[int]) -> Mapping[int, str]:
        """The kinds of facets by their ids, and maybe of more than these."""
        for chunk in _chunks({facet_id for facet_id in facet_ids if facet_id not in self._kinds}):
            self._kinds.update(Facet.objects.filter(pk__in=chunk).values_list("pk", "kind"))
        return self._kinds

    def _find_or_create(self, kind: str, names: Collection[str]) -> None:
        known = self._ids.setdefault(kind, {})
        self._find(kind, names)
        if new := [(kind, name) for name in names if name not in known]:
            insert_rows(Facet, ["kind", "name"], new, "ON CONFLICT DO NOTHING")
            self._find(kind, [name for _, name in new])

    def _find(self, kind: str, names: Collection[str]) -> None:
        for name, facet_id in Facet.objects.filter(kind=kind, name__in=names).values_list("name", "pk"):
            self._ids[kind][name] = facet_id
            self._kinds[facet_id] = kind

    def _forget(self) -> None:
        self._ids.clear()
        self._kinds.clear()


def write_facets(wanted: Mapping[int, Names], known: KnownFacets, *, dated: Collection[int]) -> set[int]:
    """Makes the facets of each item, by item id, what is wanted; returns the items that were changed.

    Those of `dated` were written in this transaction, and need not be dated once more.
    """
    known.learn(wanted.values())
    current = _current_links(wanted, known)
    stale: list[int] = []
    links: list[tuple[int, int, int]] = []
    changed: set[int] = set()
    for item_id, facets in wanted.items():
        for kind, names in facets.items():
            found, ids = current.get((item_id, kind), {}), known.ids(kind, names)
            if tuple(found) != ids:
                changed.add(item_id)
                stale += found.values()
                links += ((item_id, facet_id, billing) for billing, facet_id in enumerate(ids))
    for chunk in _chunks(stale):
        ItemFacet.objects.filter(pk__in=chunk).delete()
    for some in _chunks(links):
        ItemFacet.objects.link(some, dated=dated)
    return changed


def _current_links(item_ids: Collection[int], known: KnownFacets) -> dict[tuple[int, str], dict[int, int]]:
    """Per item and kind: the ids of its facets in billing order, each with that of the link."""
    # All kinds: asked for some, SQLite would read every link of those kinds for each batch.
    rows = list(
        ItemFacet.objects.filter(item_id__in=list(item_ids))
        .order_by("item_id", "billing", "pk")
        .values_list("pk", "item_id", "facet_id")
    )
    kinds = known.kinds({facet_id for _, _, facet_id in rows})
    current: dict[tuple[int, str], dict[int, int]] = {}
    for link_id, item_id, facet_id in rows:
        current.setdefault((item_id, kinds[facet_id]), {})[facet_id] = link_id
    return current


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Lists of at most _IN_LIST entries."""
    chunk: list[Entry] = []
    for entry in entries:
        chunk.append(entry)
        if len(chunk) == _IN_LIST:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
