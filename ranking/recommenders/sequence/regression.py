"""Vectors of items told from what is known of them, by those of other items.

Ridge regression (Hoerl and Kennedy 1970) with one strength for facets and another for texts:

    vector of an item = mean + sum over its k facets F[facet] / sqrt(k) + text . T
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags

from core.arrays import Bools, Floats, Rows

# Conjugate gradients end where so little of the residual is left, or after so many steps.
_TOLERANCE, _MOST_STEPS = 1e-3, 200


@dataclass(frozen=True, slots=True)
class Strengths:
    """The pull towards 0 on the weights of facets, and on those of texts; None where no text is read."""

    facets: float
    texts: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """All that is known of n items before anybody meets them.

    facets  (n, m) rows of length 1; an empty one for an item without
    texts   (n, t) zeros for an item without
    """

    facets: "csr_matrix[np.float32]"
    texts: Floats

    @classmethod
    def of(cls, facets: "csr_matrix[Any]", texts: Floats) -> "Traits":
        """Those of items that have the facets (n, m) above 0."""
        given = csr_matrix(facets > 0, dtype=np.float32)
        scales = (1 / np.sqrt(np.maximum(np.diff(given.indptr), 1))).astype(np.float32)
        return cls(csr_matrix(diags(scales) @ given), texts)

    def take(self, which: Bools | Rows) -> "Traits":
        """Those of a mask (n,) or of rows."""
        return Traits(self.facets[which], self.texts[which])


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """The items (n,) that a regression learns from.

    vectors  (n, d)
    trust    (n,) above 0: how much each counts
    """

    traits: Traits
    vectors: Floats
    trust: Floats

    def take(self, which: Bools | Rows) -> "Learned":
        """Those of a mask (n,) or of rows."""
        return Learned(self.traits.take(which), self.vectors[which], self.trust[which])


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """A finished regression.

    mean    (d,) of the vectors
    facets  (m, d) F
    texts   (t, d) T; zeros where no text is read
    """

    mean: Floats
    facets: Floats
    texts: Floats

    @classmethod
    def of(cls, learned: Learned, strengths: Strengths) -> "Regression":
        """The regression from what is known of items to their vectors."""
        facets, count = learned.traits.facets, learned.traits.facets.shape[1]
        texts = learned.traits.texts if strengths.texts is not None else learned.traits.texts[:, :0]
        trust, by_facet = learned.trust[:, None], csr_matrix(facets.T)
        penalties: Floats = np.full((count + texts.shape[1], 1), strengths.texts or 0.0, dtype=np.float32)
        penalties[:count] = strengths.facets

        def of_traits(values: Floats) -> Floats:
            weighed = trust * values
            return np.concatenate([np.asarray(by_facet @ weighed), texts.T @ weighed])

        def normal(weights: Floats) -> Floats:
            told = np.asarray(facets @ weights[:count]) + texts @ weights[count:]
            found: Floats = of_traits(told) + penalties * weights
            return found

        mean: Floats = (trust * learned.vectors).sum(axis=0) / trust.sum()
        squares = np.concatenate([np.asarray(by_facet.power(2) @ trust), np.square(texts).T @ trust])
        weights = _solved(normal, of_traits(learned.vectors - mean), squares + penalties)
        unread = np.zeros((learned.traits.texts.shape[1] - texts.shape[1], len(mean)), dtype=np.float32)
        return cls(mean, weights[:count], np.concatenate([weights[count:], unread]))

    def vectors(self, traits: Traits) -> Floats:
        """The vectors (k, d) of items (k,)."""
        told: Floats = self.mean + np.asarray(traits.facets @ self.facets) + traits.texts @ self.texts
        return told


def _solved(normal: Callable[[Floats], Floats], right: Floats, diagonal: Floats) -> Floats:
    """The solution (p, d) of normal(x) = right by conjugate gradients, each column by itself.

    normal  the product with a symmetric positive definite matrix (p, p) of this `diagonal` (p, 1)
    """
    found, left = np.zeros_like(right), right.copy()
    direction = left / diagonal
    size = (left * direction).sum(axis=0)
    enough = _TOLERANCE**2 * size
    for _ in range(_MOST_STEPS):
        going = size > enough
        if not going.any():
            break
        turned = normal(direction)
        step = np.divide(size, (direction * turned).sum(axis=0), out=np.zeros_like(size), where=going)
        found += step * direction
        left -= step * turned
        scaled = left / diagonal
        before, size = size, np.where(going, (left * scaled).sum(axis=0), np.float32(0))
        direction = scaled + np.divide(size, before, out=np.zeros_like(size), where=going) * direction
    return found
