"""The content of items: their facets, when they were published, and the numbers that are features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Literal, get_args

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, diags

from core.arrays import Doubles, Ints, Rows, positions
from core.domain import NUMBERS
from core.sparse import Reversible, dense_row, products

FacetGroup = Literal["genre", "theme", "people", "other"]
GROUPS: tuple[str, ...] = get_args(FacetGroup)
# The groups that say what an item is about; others say who made it.
CONTENT = [GROUPS.index(group) for group in ("genre", "theme")]


@dataclass(frozen=True, eq=False)
class ItemContent:
    """The contents of n items, which do not change from request to request.

    item_ids   (n,) sorted, unique
    published  (n,) seconds since 1970; -inf where not known
    facets     (n, m) 1 where the item has the facet
    groups     (m,) which of GROUPS each facet belongs to
    known_numbers  (n, NUMBERS) its attributes that the ranker reads, NaN for none; None where nobody has any
    """

    item_ids: Ints
    published: Doubles
    facets: "csr_matrix[np.float64]"
    groups: Ints
    known_numbers: Doubles | None = None

    def of_items(self, item_ids: Ints) -> "ItemContent":
        """The content of items (k,), sorted; of one that is not here nothing is known."""
        rows = positions(item_ids, self.item_ids)
        known = np.flatnonzero(rows >= 0)
        published = np.full(len(item_ids), -np.inf)
        published[known] = self.published[rows[known]]
        place = csr_matrix(
            (np.ones(len(known)), (known, rows[known])), shape=(len(item_ids), len(self.item_ids))
        )
        numbers = np.full((len(item_ids), len(NUMBERS)), np.nan)
        numbers[known] = self.numbers[rows[known]]
        return ItemContent(item_ids, published, (place @ self.facets).tocsr(), self.groups, numbers)

    @cached_property
    def numbers(self) -> Doubles:
        """(n, NUMBERS) `known_numbers`, NaN where none are."""
        nothing = np.full((len(self.item_ids), len(NUMBERS)), np.nan)
        return nothing if self.known_numbers is None else self.known_numbers

    def numbers_named(self, names: Sequence[str]) -> Doubles:
        """(n, names) the numbers of these names; NaN for a name that the catalog has no more."""
        known = np.column_stack([self.numbers, np.full(len(self.item_ids), np.nan)])
        found: Doubles = known[:, [NUMBERS.index(name) if name in NUMBERS else -1 for name in names]]
        return found

    @cached_property
    def by_facet(self) -> Reversible:
        """`facets`, of which a product with few facets reads only the items that have them."""
        return Reversible(self.facets, csc_matrix(self.facets.astype(np.int8)))

    @cached_property
    def rarity(self) -> Doubles:
        """(m,): the inverse document frequency of each facet, log((n + 1) / (items + 1))."""
        items_with = np.bincount(self.facets.indices, minlength=self.facets.shape[1])
        rarity: Doubles = np.log((len(self.item_ids) + 1) / (items_with + 1))
        return rarity

    @cached_property
    def weighted(self) -> "csr_matrix[np.float64]":
        """(n, m): each facet of an item with its rarity."""
        facets = self.facets
        return csr_matrix((self.rarity[facets.indices], facets.indices, facets.indptr), shape=facets.shape)

    @cached_property
    def membership(self) -> Doubles:
        """(m, groups): 1 where the facet belongs to the group."""
        belongs: Doubles = (self.groups[:, None] == np.arange(len(GROUPS))).astype(np.float64)
        return belongs

    @cached_property
    def norms(self) -> Doubles:
        """(n, groups + 1): length of the weighted facets of each group, and of all of them."""
        squares = self.weighted.multiply(self.weighted).tocsr()
        per_group = np.asarray(squares @ self.membership)
        lengths: Doubles = np.sqrt(np.column_stack([per_group, per_group.sum(axis=1)]))
        return lengths

    @cached_property
    def units(self) -> "csr_matrix[np.float64]":
        """(n, m): the weighted facets of each item, of length 1 where it has any."""
        weighted = self.weighted
        units = weighted.data * np.repeat(self.shrinking, np.diff(weighted.indptr))
        return csr_matrix((units, weighted.indices, weighted.indptr), shape=weighted.shape)

    @cached_property
    def shrinking(self) -> Doubles:
        """(n,): the factor by which the weighted facets of each item have length 1; 0 for one without any."""
        lengths = self.norms[:, -1]
        return np.divide(1.0, lengths, out=np.zeros(len(lengths)), where=lengths > 0)

    def cosines_to(self, rows: Rows) -> Doubles:
        """(n,) the greatest cosine of the weighted facets of each item with those of an item at `rows`."""
        shared = (self.by_facet.product(self.rarity * dense_row(self.units, row)) for row in rows.tolist())
        # Every further array of a large catalog costs as much as a product.
        cosines = reduce(lambda most, one: np.maximum(most, one, out=most), shared)
        cosines *= self.shrinking
        return np.minimum(cosines, 1.0, out=cosines)

    def cosines(self, rows: Rows, others: Rows) -> Doubles:
        """(len(rows), len(others)) the cosines of the weighted facets of items with those of others."""
        return np.minimum(products(self.units, rows, others), 1.0)

    @cached_property
    def told(self) -> "csr_matrix[np.float64]":
        """(n, m): the weighted categories and themes of each item alone, of length 1 where it has any."""
        return self._only(CONTENT)

    @cached_property
    def categories(self) -> "csr_matrix[np.float64]":
        """(n, m): the weighted categories of each item alone, of length 1 where it has any."""
        return self._only(CONTENT[:1])

    def _only(self, groups: list[int]) -> "csr_matrix[np.float64]":
        kept = self.weighted @ diags(np.isin(self.groups, groups).astype(np.float64))
        lengths = np.sqrt(np.asarray(kept.multiply(kept).sum(axis=1)).ravel())
        shrunk = np.divide(1.0, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
        return csr_matrix(diags(shrunk) @ kept)

    @cached_property
    def counts(self) -> Doubles:
        """(n, groups): the number of facets of each group that the item has."""
        counts: Doubles = np.asarray(self.facets @ self.membership)
        return counts
