"""The file of a sequence model."""

from dataclasses import fields

import numpy as np

from ranking.recommenders.artifact import ArtifactError, Layout, check_ids, check_positive, check_usable
from ranking.recommenders.sequence.model import KINDS, Layers, SequenceModel
from ranking.recommenders.tensors import FileData

_LAYERS = {
    "attention_norm": 3,
    "inputs": 3,
    "outputs": 3,
    "distances": 3,
    "feed_norm": 3,
    "hidden": 3,
    "back": 3,
}
_VECTORS = {
    "item_vectors": 2,
    "item_biases": 1,
    "kind_scales": 2,
    "kind_shifts": 2,
    "last_norm": 2,
}
LAYOUT = Layout(
    kind="sequence",
    version=1,
    tensors={
        "item_ids": (np.int64, 1),
        **{name: (np.float32, dimensions) for name, dimensions in {**_VECTORS, **_LAYERS}.items()},
    },
    header={"reads_refused": float, "slope": float, "intercept": float, "unmet": str},
    added={"unmet": ""},
)


def dump_sequence(model: SequenceModel) -> bytes:
    """The model as bytes for `load_sequence`; equal models give equal bytes."""
    tensors = {name: getattr(model, name) for name in ("item_ids", *_VECTORS)}
    layers = {one.name: getattr(model.layers, one.name) for one in fields(Layers)}
    header = {name: getattr(model, name) for name in LAYOUT.header}
    return LAYOUT.dump(header, {**tensors, **layers})


def load_sequence(data: FileData) -> SequenceModel:
    """The model that `dump_sequence` wrote, its arrays read-only. Raises ArtifactError for other bytes."""
    header, tensors = LAYOUT.load(data)
    check_positive(header, "slope")
    if header["reads_refused"] not in (0.0, 1.0):
        raise ArtifactError("reads_refused must be 0 or 1.")
    model = SequenceModel(
        **{name: tensors[name] for name in ("item_ids", *_VECTORS)},
        layers=Layers(**{name: tensors[name] for name in _LAYERS}),
        reads_refused=bool(header["reads_refused"]),
        slope=header["slope"],
        intercept=header["intercept"],
        unmet=header["unmet"],
    )
    check_ids(model.item_ids)
    check_usable(*(tensors[name] for name in (*_VECTORS, *_LAYERS)))
    _check_shapes(model)
    return model


def _check_shapes(model: SequenceModel) -> None:
    size, layers = model.item_vectors.shape[1], model.layers
    count, heads, places = layers.distances.shape
    hidden = layers.hidden.shape[2]
    fits = (
        min(len(model.item_ids), size, count, heads, places, hidden) > 0
        and size % max(heads, 1) == 0
        and model.item_vectors.shape == (len(model.item_ids), size)
        and model.item_biases.shape == model.item_ids.shape
        and model.kind_scales.shape == model.kind_shifts.shape == (KINDS, size)
        and model.last_norm.shape == (2, size)
        and layers.attention_norm.shape == layers.feed_norm.shape == (count, 2, size)
        and layers.inputs.shape == (count, size + 1, 3 * size)
        and layers.outputs.shape == (count, size + 1, size)
        and layers.hidden.shape == (count, size + 1, hidden)
        and layers.back.shape == (count, hidden + 1, size)
    )
    if not fits:
        raise ArtifactError("The layers do not fit together, or not to the vectors.")
