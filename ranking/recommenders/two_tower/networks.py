"""The two towers in PyTorch, for training; `export` gives what serves."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn import functional

from core.arrays import Bools, Doubles, Floats, Rows
from ranking.recommenders.als.model import MAX_PAIR_WEIGHT
from ranking.recommenders.two_tower.data import States, TwoTowerItems, TwoTowerParameters
from ranking.recommenders.two_tower.model import COUNT_SCALE, SHORTEST, Dense, TwoTower

# The spread of embeddings at the start.
_START = 0.1
# Vectors of so many items are computed at once.
_AT_ONCE = 8192


class Towers(nn.Module):
    """Both towers; they share the embeddings of the facets."""

    def __init__(
        self, items: TwoTowerItems, parameters: TwoTowerParameters, *, met: Rows, in_histories: Rows
    ) -> None:
        """`met`, `in_histories`: rows of the items that have an example, and that are in a history."""
        super().__init__()
        size, hidden = parameters.dimensions, parameters.hidden
        self._items = items
        self._words = _shared(items.words)
        self._years = torch.from_numpy(_scaled_years(items.years))
        self._in_histories = in_histories
        # The row after the last stands for every item that nobody met.
        self._id_rows = np.full(len(items), len(items), dtype=np.int64)
        self._id_rows[met] = met
        self.ids = nn.Embedding(len(items) + 1, size)
        nn.init.normal_(self.ids.weight, std=_START)
        self.facets = _vectors(len(items.facet_ids), size)
        self.words = _vectors(self._words.shape[1], size)
        self.history = _vectors(len(items), size)
        self.item_hidden = nn.Linear(3 * size + 2, hidden)
        self.item_output = nn.Linear(hidden, size)
        self.user_hidden = nn.Linear(2 * size + 2, hidden)
        self.user_output = nn.Linear(hidden, size)

    def users(self, states: States) -> Tensor:
        """(s, d): the vector of each person in their state; see `model.py`."""
        weights = np.clip(states.history_weights, -MAX_PAIR_WEIGHT, MAX_PAIR_WEIGHT)
        history = _means(self.history, states.history_rows, weights, states.history_indptr)
        taste = _means(self.facets, states.facet_columns, states.facet_scores, states.taste_indptr)
        sizes = np.stack([np.diff(states.history_indptr), np.diff(states.taste_indptr)], axis=1)
        counts = torch.from_numpy(np.log1p(sizes).astype(np.float32)) / COUNT_SCALE
        inputs = torch.cat([history, taste, counts], dim=1)
        return _unit(self.user_output(functional.relu(self.user_hidden(inputs))))

    def items(self, rows: Rows, anonymous: Bools) -> Tensor:
        """(r, d): the vectors of items; of those in the mask (r,) from their features alone."""
        ids = np.where(anonymous, len(self._items), self._id_rows[rows])
        facets, words = self._items.facets[rows], self._words[rows]
        inputs = torch.cat(
            [
                self.ids(torch.from_numpy(ids)),
                _means(self.facets, facets.indices, facets.data, facets.indptr),
                _means(self.words, words.indices, words.data, words.indptr),
                self._years[torch.from_numpy(rows)],
            ],
            dim=1,
        )
        return _unit(self.item_output(functional.relu(self.item_hidden(inputs))))

    def export(self, item_biases: Floats) -> TwoTower:
        """The serving form: the vectors of all items, and the person's tower as arrays."""
        with torch.no_grad():
            return TwoTower(
                item_ids=self._items.item_ids,
                item_vectors=np.concatenate(list(self._all_items())),
                item_biases=item_biases,
                history_ids=self._items.item_ids[self._in_histories],
                history_vectors=_array(self.history)[self._in_histories],
                facet_ids=self._items.facet_ids,
                facet_vectors=_array(self.facets),
                hidden=Dense(_array(self.user_hidden.weight.T), _array(self.user_hidden.bias)),
                output=Dense(_array(self.user_output.weight.T), _array(self.user_output.bias)),
            )

    def _all_items(self) -> Iterator[Floats]:
        for start in range(0, len(self._items), _AT_ONCE):
            rows = np.arange(start, min(start + _AT_ONCE, len(self._items)))
            yield _array(self.items(rows, np.zeros(len(rows), dtype=np.bool_)))


def _vectors(rows: int, size: int) -> nn.Parameter:
    return nn.Parameter(_START * torch.randn(rows, size))


def _means(
    vectors: nn.Parameter, rows: NDArray[np.integer], weights: Floats, indptr: NDArray[np.integer]
) -> Tensor:
    """(e, size): the sum of each list of rows by weight over that of the sizes of the weights; 0 for none."""
    running = np.concatenate([[0.0], np.cumsum(np.abs(weights), dtype=np.float64)])
    totals = np.maximum(np.diff(running[indptr]), SHORTEST)
    values = (weights / np.repeat(totals, np.diff(indptr))).astype(np.float32)
    shares = csr_matrix((values, rows, indptr), shape=(len(totals), len(vectors)))
    means: Tensor = _Product.apply(vectors, shares)  # type: ignore[no-untyped-call]
    return means


class _Product(torch.autograd.Function):
    """A sparse matrix times vectors, by SciPy: three to five times as fast as a bag of embeddings."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, shares: "csr_matrix[np.float32]") -> Tensor:
        ctx.shares = shares
        return torch.from_numpy(shares @ vectors.detach().numpy())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return torch.from_numpy(ctx.shares.T @ gradient.numpy()), None


def _unit(vectors: Tensor) -> Tensor:
    return functional.normalize(vectors, dim=1, eps=SHORTEST)


def _array(tensor: Tensor) -> Floats:
    return np.array(tensor.detach().numpy(), dtype=np.float32, order="C")


def _shared(words: "csr_matrix[np.float32]") -> "csr_matrix[np.float32]":
    """The columns of words that two items have; what a single one has tells nothing of another."""
    result: csr_matrix[np.float32] = words[:, np.bincount(words.indices, minlength=words.shape[1]) > 1]
    return result


def _scaled_years(years: Doubles) -> Floats:
    """(n, 2): standard deviations from the mean year, 0 where it is not known; and whether it is."""
    known = np.isfinite(years)
    values = years[known]
    spread = max(float(values.std()), 1.0) if len(values) else 1.0
    scaled = np.zeros((len(years), 2), dtype=np.float32)
    scaled[known, 0] = (values - values.mean()) / spread if len(values) else 0.0
    scaled[:, 1] = known
    return scaled
