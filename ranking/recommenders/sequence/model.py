"""A causal transformer over a person's last events: serving, with NumPy alone.

Kang and McAuley, "Self-Attentive Sequential Recommendation" (ICDM 2018), with the norm before each part of
a layer (Xiong et al. 2020), and a bias of attention by how far apart two events are (Raffel et al. 2020) in
place of a vector for each place: the last event stands last whether three are known or fifty.

    x_i = E[item i] * scale[kind i] + shift[kind i]     kind: approved, seen or refused
    x   = x + attention(norm(x))                        softmax(q k' / sqrt(d / heads) + bias[distance]) v
    x   = x + output(relu(hidden(norm(x))))
    u   = norm(x_last)
    score of an item = u . E[item] + bias of the item

E is learned as a vector of the item's own plus the mean of those of its facets; an item without events gets
the second part by `with_items`, or a vector at training (`ranking.recommenders.sequence.unmet`). Of the last
layer only the last place is computed.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions
from ranking.statistics.calibration import probabilities

APPROVED, SEEN, REFUSED = 0, 1, 2
KINDS = 3
# The training weight from which on something was approved and not just looked at: that of a like.
APPROVED_WEIGHT = 2.0
# Added to variances, as PyTorch does.
EPSILON = np.float32(1e-5)


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The weights of l layers with d dimensions, h heads and f hidden units; all float32.

    attention_norm, feed_norm  (l, 2, d) scale and shift
    inputs     (l, d + 1, 3 d) queries, keys and values; the last row is the bias
    outputs    (l, d + 1, d)
    distances  (l, h, places) added to what an event is attended to with, by how many places before it is
    hidden     (l, d + 1, f)
    back       (l, f + 1, d)
    """

    attention_norm: Floats
    inputs: Floats
    outputs: Floats
    distances: Floats
    feed_norm: Floats
    hidden: Floats
    back: Floats

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True, slots=True, eq=False)
class SequenceModel:
    """A trained model; row i of the vectors belongs to `item_ids[i]`.

    item_ids       (n,) int64, sorted, unique
    item_vectors   (n, d) float32: E
    item_biases    (n,) float32
    kind_scales, kind_shifts  (3, d) float32
    layers         the transformer
    last_norm      (2, d) float32
    reads_refused  what was refused is among the events that are read
    slope, intercept   of `calibrated`; slope > 0
    unmet          how items that nobody met were placed at training, as JSON; "" where none were to be
    """

    item_ids: Ints
    item_vectors: Floats
    item_biases: Floats
    kind_scales: Floats
    kind_shifts: Floats
    layers: Layers
    last_norm: Floats
    reads_refused: bool = True
    slope: float = 1.0
    intercept: float = 0.0
    unmet: str = ""

    @property
    def length(self) -> int:
        """The number of events that are read."""
        return int(self.layers.distances.shape[2])

    def with_items(self, item_ids: Ints, facets: "csr_matrix[np.float64]") -> "SequenceModel":
        """The same with those of further items (k,), sorted, that share a facet with one of the model.

        facets  (k, m) above 0 where an item has a facet

        A facet stands where the items of the model that have it stand on average, drawn towards 0 as by one
        more item there; an item stands in the middle of its facets, and in the middle of all by its bias.
        """
        rows = positions(item_ids, self.item_ids)
        vectors, known = middles(facets[rows >= 0], self.item_vectors[rows[rows >= 0]], facets[rows < 0])
        return self.joined(item_ids[rows < 0][known], vectors[known]) if known.any() else self

    def joined(self, item_ids: Ints, vectors: Floats) -> "SequenceModel":
        """The same with these items (k,), which it does not have, and their vectors (k, d)."""
        biases = np.full(len(item_ids), np.median(self.item_biases), dtype=np.float32)
        ids = np.concatenate([self.item_ids, item_ids])
        order = np.argsort(ids, kind="stable")
        return replace(
            self,
            item_ids=ids[order],
            item_vectors=np.concatenate([self.item_vectors, vectors])[order],
            item_biases=np.concatenate([self.item_biases, biases])[order],
        )


def middles(facets: "csr_matrix[Any]", vectors: Floats, further: "csr_matrix[Any]") -> tuple[Floats, Bools]:
    """The vectors (k, d) that `SequenceModel.with_items` gives to items with the facets `further` (k, m).

    facets, vectors  (n, m) and (n, d) of the items of the model; a facet counts where it is above 0

    And the mask (k,) of those that share a facet with one of the model; the vectors of others are 0.
    """
    known, new = (facets > 0).astype(np.float32), (further > 0).astype(np.float32)
    counts = np.asarray(known.sum(axis=0), dtype=np.float32).ravel()
    stand = np.asarray(known.T @ vectors) / (counts + 1)[:, None]
    met = (new @ (counts > 0).astype(np.float32)).ravel()
    found: Floats = np.asarray(new @ stand, dtype=np.float32) / np.maximum(met, 1)[:, None]
    return found, met > 0


def kinds_of(weights: Doubles | Floats) -> Ints:
    """(h,) the kind of each event from its signed training weight."""
    return np.where(weights < 0, REFUSED, np.where(weights >= APPROVED_WEIGHT, APPROVED, SEEN))


def person_vector(model: SequenceModel, rows: Rows, kinds: Ints) -> Floats:
    """u (d,) of a person with these events (h,), oldest first, something approved among them.

    The last `length` are read.
    """
    if not model.reads_refused:
        rows, kinds = rows[kinds != REFUSED], kinds[kinds != REFUSED]
    rows, kinds = rows[-model.length :], kinds[-model.length :]
    x = model.item_vectors[rows] * model.kind_scales[kinds] + model.kind_shifts[kinds]
    for layer in range(len(model.layers)):
        x = _through(model.layers, layer, x, last=layer == len(model.layers) - 1)
    vector: Floats = _norm(x[-1:], model.last_norm)[0]
    return vector


def score_all(model: SequenceModel, rows: Rows, kinds: Ints) -> Floats:
    """The raw score of every item (n,) for a history (h,), oldest first."""
    scores: Floats = model.item_vectors @ person_vector(model, rows, kinds) + model.item_biases
    return scores


def calibrated(model: SequenceModel, scores: Floats) -> Doubles:
    """Scores to probabilities in [0, 1], by the calibration of the model."""
    return probabilities(scores, model.slope, model.intercept)


def _through(layers: Layers, layer: int, x: Floats, *, last: bool) -> Floats:
    """The events (h, d) after one layer; of the last layer the last event alone, (1, d)."""
    events, size = x.shape
    heads = layers.distances.shape[1]
    normed = _norm(x, layers.attention_norm[layer])
    weights, biases = layers.inputs[layer, :-1], layers.inputs[layer, -1]
    asking = normed[-1:] if last else normed
    width = size // heads
    queries = (asking @ weights[:, :size] + biases[:size]).reshape(-1, heads, width)
    told = (normed @ weights[:, size:] + biases[size:]).reshape(events, 2, heads, width)
    # By head, event that asks, and event that is asked.
    logits = queries.transpose(1, 0, 2) @ told[:, 0].transpose(1, 2, 0) / np.float32(np.sqrt(width))
    places = np.arange(events)
    gaps = places[-len(asking) :, None] - places
    logits = logits + layers.distances[layer][:, np.maximum(gaps, 0)]
    if not last:
        logits[:, gaps < 0] = -np.inf
    logits = np.exp(logits - logits.max(axis=2, keepdims=True))
    logits /= logits.sum(axis=2, keepdims=True)
    heard = (logits @ told[:, 1].transpose(1, 0, 2)).transpose(1, 0, 2).reshape(-1, size)
    x = x[-len(asking) :] + heard @ layers.outputs[layer, :-1] + layers.outputs[layer, -1]
    hidden = _norm(x, layers.feed_norm[layer]) @ layers.hidden[layer, :-1] + layers.hidden[layer, -1]
    result: Floats = x + np.maximum(hidden, 0) @ layers.back[layer, :-1] + layers.back[layer, -1]
    return result


def _norm(x: Floats, scale_and_shift: Floats) -> Floats:
    """Each row with mean 0 and variance 1, then scaled and shifted (Ba et al. 2016)."""
    centered = x - x.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.square(centered).mean(axis=1, keepdims=True) + EPSILON)
    result: Floats = centered / spread * scale_and_shift[0] + scale_and_shift[1]
    return result
