"""Nearness by text: the vectors of items are embeddings of their descriptions.

Embeddings of one catalog point much the same way, so their mean is taken off (Mu and Viswanath,
"All-but-the-Top", ICLR 2018). What is left is turned to its DIMENSIONS principal axes and scaled to length 1.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Doubles, Floats, Ints, positions
from ranking.recommenders.nearness import NearnessWeights, Units

# As good as all 384 of a small model (docs/research/recommenders-measured.md), for a sixth of the memory.
DIMENSIONS = 64
# So many embeddings tell the mean and the axes of any catalog.
TELLING = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """The way from embeddings of d numbers to vectors of DIMENSIONS.

    mean  (d,)
    axes  (d, DIMENSIONS), orthonormal; zeros where there are no more
    """

    mean: Floats
    axes: Floats

    @classmethod
    def of(cls, embeddings: Floats) -> "Axes":
        """Those of embeddings (n, d), n at least 1, by at most TELLING of them, evenly spread."""
        some = embeddings[:: -(-len(embeddings) // TELLING)].astype(np.float64)
        mean = some.mean(axis=0)
        _, _, found = np.linalg.svd(some - mean, full_matrices=False)
        axes = np.zeros((some.shape[1], DIMENSIONS))
        axes[:, : len(found)] = found[:DIMENSIONS].T
        return cls(mean.astype(np.float32), axes.astype(np.float32))

    def vectors(self, embeddings: Floats) -> Floats:
        """The vectors (n, DIMENSIONS) of embeddings (n, d), of length 1; zeros for the mean itself."""
        turned = (embeddings - self.mean) @ self.axes
        lengths = np.linalg.norm(turned, axis=1, keepdims=True)
        vectors: Floats = np.divide(turned, lengths, out=np.zeros_like(turned), where=lengths > 1e-6)
        return vectors


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TextModel(NearnessWeights):
    """A trained model: the weights of nearness, and the vectors that items had at training.

    item_ids  (n,) sorted, unique
    vectors   (n, DIMENSIONS) of length 1 or 0
    """

    item_ids: Ints
    vectors: Floats


def unit_texts(item_ids: Ints, known_ids: Ints, vectors: Floats) -> Units:
    """The vectors of items (k,), sorted, of which those in `known_ids` (n,) have a vector (n, DIMENSIONS)."""
    rows = positions(item_ids, known_ids)
    known = np.flatnonzero(rows >= 0)
    held: Doubles = vectors[rows[known]].astype(np.float64)
    width = held.shape[1]
    starts = np.concatenate([[0], np.cumsum(np.where(rows >= 0, width, 0))])
    columns = np.tile(np.arange(width), len(known))
    values = csr_matrix((held.ravel(), columns, starts), shape=(len(item_ids), width))
    return Units(item_ids, values, np.zeros(width, dtype=np.int64), 1)
