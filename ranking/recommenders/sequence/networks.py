"""The transformer in PyTorch, for training; `export` gives what serves."""

import math
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn import functional

from core.arrays import Floats, Ints
from ranking.recommenders.sequence.data import SequenceParameters, shares_of
from ranking.recommenders.sequence.model import KINDS, REFUSED, Layers, SequenceModel


class Transformer(nn.Module):
    """All that is learned; `ranking.recommenders.sequence.model` has the formulas."""

    def __init__(
        self,
        item_ids: Ints,
        facets: "csr_matrix[Any]",
        parameters: SequenceParameters,
        biases: Floats,
    ) -> None:
        """`facets` (n, m) of the items (n,); `biases` (n,) are where those of the items begin."""
        super().__init__()
        size = parameters.dimensions or 1
        self._item_ids = item_ids
        shares = shares_of(facets)
        self._reads_refused = parameters.reads_refused
        self._facet_shares = _sparse(shares)
        self.ids = nn.Parameter(torch.randn(len(item_ids), size) / math.sqrt(size))
        self.facets = nn.Parameter(torch.randn(shares.shape[1], size) / math.sqrt(size))
        self.biases = nn.Parameter(torch.from_numpy(biases))
        # Before anything was learned of refusals, they speak against what they are like.
        scales = torch.ones(KINDS, size)
        scales[REFUSED] = -1.0
        self.kind_scales = nn.Parameter(scales)
        self.kind_shifts = nn.Parameter(torch.zeros(KINDS, size))
        self._stack = [_Layer(size, parameters) for _ in range(parameters.layers)]
        self.layers = nn.ModuleList(self._stack)
        self.last_norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(parameters.dropout)

    def items(self, id_dropout: float = 0.0) -> Tensor:
        """(n, d): E; the own vectors of a share of the items are hidden."""
        ids: Tensor = self.ids
        if id_dropout > 0:
            ids = ids * (torch.rand(len(ids), 1, device=ids.device) >= id_dropout)
        if not len(self.facets):
            return ids
        described: Tensor = torch.sparse.mm(self._facet_shares.to(ids.device), self.facets)
        return ids + described

    def people(self, items: Tensor, rows: Tensor, kinds: Tensor) -> Tensor:
        """(b, h, d): u after each of the events (b, h), oldest first; padding stands last."""
        x = functional.embedding(rows, items) * self.kind_scales[kinds] + self.kind_shifts[kinds]
        x = self.dropout(x)
        for layer in self._stack:
            x = layer.through(x)
        result: Tensor = self.last_norm(x)
        return result

    def export(self) -> SequenceModel:
        """The serving form."""
        with torch.no_grad():
            layers = [layer.arrays() for layer in self._stack]
            return SequenceModel(
                item_ids=self._item_ids,
                item_vectors=_array(self.items()),
                item_biases=_array(self.biases),
                kind_scales=_array(self.kind_scales),
                kind_shifts=_array(self.kind_shifts),
                layers=Layers(**{name: np.stack([one[name] for one in layers]) for name in layers[0]}),
                last_norm=_norm_array(self.last_norm),
                reads_refused=self._reads_refused,
            )


class _Layer(nn.Module):
    """Attention to what came before, and a hidden layer for each event."""

    def __init__(self, size: int, parameters: SequenceParameters) -> None:
        super().__init__()
        self._heads = parameters.heads
        self.attention_norm = nn.LayerNorm(size)
        self.inputs = nn.Linear(size, 3 * size)
        self.outputs = nn.Linear(size, size)
        # At first the nearer an event, the more it counts, as 1 / (1 + distance).
        start = -torch.log1p(torch.arange(parameters.length, dtype=torch.float32))
        self.distances = nn.Parameter(start.repeat(parameters.heads, 1))
        self.feed_norm = nn.LayerNorm(size)
        self.hidden = nn.Linear(size, 4 * size)
        self.back = nn.Linear(4 * size, size)
        self.dropout = nn.Dropout(parameters.dropout)
        for linear in (self.inputs, self.outputs, self.hidden, self.back):
            nn.init.xavier_normal_(linear.weight)
            nn.init.zeros_(linear.bias)

    def through(self, x: Tensor) -> Tensor:
        """The events (b, h, d) after this layer."""
        x = x + self.dropout(self._attention(self.attention_norm(x)))
        hidden = functional.relu(self.hidden(self.feed_norm(x)))
        result: Tensor = x + self.dropout(self.back(self.dropout(hidden)))
        return result

    def _attention(self, x: Tensor) -> Tensor:
        people, events, size = x.shape
        parts = self.inputs(x).view(people, events, 3, self._heads, size // self._heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        places = torch.arange(events, device=x.device)
        gaps = places[:, None] - places
        bias = self.distances[:, gaps.clamp(min=0)].masked_fill(gaps < 0, -math.inf)
        logits = queries @ keys.transpose(2, 3) / math.sqrt(size // self._heads) + bias
        heard = functional.softmax(logits, dim=3) @ values
        result: Tensor = self.outputs(heard.transpose(1, 2).reshape(people, events, size))
        return result

    def arrays(self) -> dict[str, Floats]:
        """The weights by their names in `Layers`."""
        return {
            "attention_norm": _norm_array(self.attention_norm),
            "inputs": _linear_array(self.inputs),
            "outputs": _linear_array(self.outputs),
            "distances": _array(self.distances),
            "feed_norm": _norm_array(self.feed_norm),
            "hidden": _linear_array(self.hidden),
            "back": _linear_array(self.back),
        }


def _sparse(shares: "csr_matrix[np.float32]") -> Tensor:
    table = shares.tocoo()
    places: Ints = np.stack([table.row, table.col]).astype(np.int64)
    return torch.sparse_coo_tensor(
        torch.from_numpy(places),
        torch.from_numpy(table.data.astype(np.float32)),
        shares.shape,
        check_invariants=False,
    ).coalesce()


def _array(tensor: Tensor) -> Floats:
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")


def _norm_array(norm: nn.LayerNorm) -> Floats:
    return np.stack([_array(norm.weight), _array(norm.bias)])


def _linear_array(linear: nn.Linear) -> Floats:
    return np.concatenate([_array(linear.weight.T), _array(linear.bias)[None]])
