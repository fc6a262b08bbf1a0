"""Item-to-item neighbors by weighted choices, as implemented by the library implicit.

Sarwar et al., "Item-Based Collaborative Filtering Recommendation Algorithms" (WWW 2001). The choices of
people are weighted by BM25, so that neither the busiest people nor the best-known items make all neighbors;
the similarity of two items is the product of their columns. The raw score of an item for a person is the sum
of its similarities to the items of their history, each times its signed weight.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Floats, Ints, positions
from ranking.statistics.events import Events

# Most that one person's events on one item add up to, as in ALS.
MAX_PAIR_WEIGHT = 10.0


@dataclass(frozen=True, slots=True)
class ItemKnnParameters:
    """Hyper-parameters of `fit_item_knn`.

    neighbors  how many of the most similar items are kept for each
    k1, b      of BM25: how soon further weight of one person stops to count, how far activity is discounted

    Raises ValueError for a value out of range.
    """

    neighbors: int = 100
    k1: float = 1.2
    b: float = 0.75

    def __post_init__(self) -> None:
        if self.neighbors < 1:
            raise ValueError("Neighbors must be at least 1.")
        if not 0 < self.k1 < np.inf or not 0 <= self.b <= 1:
            raise ValueError("k1 must be a positive number, b from 0 to 1.")


@dataclass(frozen=True, slots=True, eq=False)
class ItemKnn:
    """A trained model; row and column i of `matrix` belong to `item_ids[i]`.

    item_ids    (n,) int64, sorted, unique
    matrix      (n, n) float32 sparse: similarities, at most `neighbors` a row, none of an item with itself
    slope, intercept   of `calibrated`; slope > 0
    """

    item_ids: Ints
    matrix: "csr_matrix[np.float32]"
    slope: float = 4.0
    intercept: float = -2.0

    def shares(self, weights: Floats) -> Floats:
        """The share of each item of a history (h,): its signed weight, up to MAX_PAIR_WEIGHT."""
        return np.clip(weights, -MAX_PAIR_WEIGHT, MAX_PAIR_WEIGHT).astype(np.float32)


def fit_item_knn(events: Events, parameters: ItemKnnParameters) -> ItemKnn:
    """The neighbors of every item with an event; equal events and parameters give an equal model.

    Raises ValueError if no event speaks for an item.
    """
    from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight  # serving needs none of it

    liked = events.select(events.weights > 0)
    if not len(liked):
        raise ValueError("There are no positive interactions to train on; import or record some first.")
    item_ids = np.unique(events.item_ids)
    people, person_of = np.unique(liked.user_ids, return_inverse=True)
    shape = (len(people), len(item_ids))
    chosen = csr_matrix((liked.weights, (person_of, positions(liked.item_ids, item_ids))), shape=shape)
    chosen.sum_duplicates()
    chosen.data = np.minimum(chosen.data, MAX_PAIR_WEIGHT)
    weighted = csr_matrix(bm25_weight(chosen, K1=parameters.k1, B=parameters.b))
    library = ItemItemRecommender(K=parameters.neighbors + 1, num_threads=1)
    library.fit(weighted, show_progress=False)
    similarity = csr_matrix(library.similarity, dtype=np.float32)
    similarity.setdiag(0.0)
    similarity.eliminate_zeros()
    similarity.sort_indices()
    return ItemKnn(item_ids, _normalized(similarity))


def _normalized(similarity: "csr_matrix[np.float32]") -> "csr_matrix[np.float32]":
    """The same neighbors with 1 for the nearest of all, so that a score means the same in every catalog."""
    highest = float(similarity.data.max(initial=0.0))
    scaled = (similarity.data / highest if highest > 0.0 else similarity.data).astype(np.float32)
    return csr_matrix((scaled, similarity.indices, similarity.indptr), shape=similarity.shape)
