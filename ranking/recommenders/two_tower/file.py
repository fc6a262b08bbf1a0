"""The file format of two-tower models: safetensors, read without trust.

The caller compares the file's SHA-256 with the registry first and hands over the very bytes it hashed.
What is checked here is that these bytes are a whole and usable model.
"""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.arrays import Floats, Ints
from ranking.recommenders.als.file import ArtifactError
from ranking.recommenders.two_tower.model import Dense, TwoTower

FORMAT = "heed-two-tower"
VERSION = 1
# What the user tower reads. A change of what its inputs mean is another set, and refuses older files.
FEATURE_SET = "history-taste-1"

_TENSORS = {
    "item_ids": (np.int64, 1),
    "item_vectors": (np.float32, 2),
    "item_biases": (np.float32, 1),
    "history_ids": (np.int64, 1),
    "history_vectors": (np.float32, 2),
    "facet_ids": (np.int64, 1),
    "facet_vectors": (np.float32, 2),
    "hidden.weights": (np.float32, 2),
    "hidden.biases": (np.float32, 1),
    "output.weights": (np.float32, 2),
    "output.biases": (np.float32, 1),
}
_NUMBERS = ("slope", "intercept")
# The library writes several entries of metadata in any order; one entry gives one file for one model.
_ENTRY = "heed"
_LENGTH_BYTES = 8
_UNIT = 1e-3
# Sums of products of numbers up to this size stay far from what float32 can hold.
_LARGEST = 1e6


def dump_two_tower(model: TwoTower) -> bytes:
    """The model as bytes for `load_two_tower`; equal models give equal bytes."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "feature_set": FEATURE_SET,
        **{name: float(getattr(model, name)) for name in _NUMBERS},
    }
    tensors = {
        "item_ids": model.item_ids,
        "item_vectors": model.item_vectors,
        "item_biases": model.item_biases,
        "history_ids": model.history_ids,
        "history_vectors": model.history_vectors,
        "facet_ids": model.facet_ids,
        "facet_vectors": model.facet_vectors,
        "hidden.weights": model.hidden.weights,
        "hidden.biases": model.hidden.biases,
        "output.weights": model.output.weights,
        "output.biases": model.output.biases,
    }
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    return save(contiguous, {_ENTRY: json.dumps(header)})


def load_two_tower(data: bytes) -> TwoTower:
    """The model that `dump_two_tower` wrote, its arrays read-only. Raises ArtifactError for other bytes."""
    tensors = _read_tensors(data)
    numbers = _read_header(data)
    model = TwoTower(
        item_ids=tensors["item_ids"],
        item_vectors=tensors["item_vectors"],
        item_biases=tensors["item_biases"],
        history_ids=tensors["history_ids"],
        history_vectors=tensors["history_vectors"],
        facet_ids=tensors["facet_ids"],
        facet_vectors=tensors["facet_vectors"],
        hidden=Dense(tensors["hidden.weights"], tensors["hidden.biases"]),
        output=Dense(tensors["output.weights"], tensors["output.biases"]),
        **numbers,
    )
    _check_shapes(model)
    _check_values(model)
    return model


def _read_tensors(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors by name, each of the dtype and dimensions it must have."""
    try:
        tensors = load(data)
    except (SafetensorError, KeyError, ValueError, OverflowError) as error:
        raise ArtifactError(f"The file is not readable as safetensors: {error}") from error
    if set(tensors) != set(_TENSORS):
        raise ArtifactError(f"The file must hold exactly the tensors {', '.join(_TENSORS)}.")
    for name, (dtype, dimensions) in _TENSORS.items():
        found = tensors[name]
        if found.dtype != np.dtype(dtype) or found.ndim != dimensions:
            raise ArtifactError(
                f"Tensor {name} is {found.dtype} of shape {found.shape}; expected {np.dtype(dtype)}, "
                f"{dimensions}-d."
            )
        found.setflags(write=False)
    return tensors


def _read_header(data: bytes) -> dict[str, float]:
    """The model's numbers from its metadata; the library has read the file before, so that it is whole."""
    end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    try:
        header = json.loads(json.loads(data[_LENGTH_BYTES:end])["__metadata__"][_ENTRY])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError("The metadata is not that of a two-tower model.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
        raise ArtifactError(f"The metadata does not name format {FORMAT}, version {VERSION}.")
    if set(header) != {"format", "version", "feature_set", *_NUMBERS}:
        raise ArtifactError("The metadata has missing or unknown entries.")
    if header["feature_set"] != FEATURE_SET:
        raise ArtifactError(
            f"Trained on feature set {header['feature_set']}; this version has {FEATURE_SET}."
        )
    for name in _NUMBERS:
        if not isinstance(header[name], float) or not math.isfinite(header[name]):
            raise ArtifactError(f"{name} is not a finite number.")
    if header["slope"] <= 0:
        raise ArtifactError("slope must be above 0.")
    return {name: header[name] for name in _NUMBERS}


def _check_shapes(model: TwoTower) -> None:
    width = model.history_vectors.shape[1]
    pairs = (
        (model.item_ids, model.item_vectors),
        (model.item_ids, model.item_biases),
        (model.history_ids, model.history_vectors),
        (model.facet_ids, model.facet_vectors),
    )
    if any(len(ids) != len(vectors) for ids, vectors in pairs) or model.item_vectors.size == 0:
        raise ArtifactError("Ids and vectors do not fit together.")
    hidden, output = model.hidden, model.output
    fits = (
        model.facet_vectors.shape[1] == width
        and hidden.weights.shape == (2 * width + 2, len(hidden.biases))
        and output.weights.shape == (len(hidden.biases), len(output.biases))
        and len(output.biases) == model.item_vectors.shape[1]
    )
    if not fits:
        raise ArtifactError("The layers do not fit together, or not to the vectors.")


def _check_values(model: TwoTower) -> None:
    for ids in (model.item_ids, model.history_ids, model.facet_ids):
        _check_sorted(ids)
    arrays = (
        model.item_vectors,
        model.item_biases,
        model.history_vectors,
        model.facet_vectors,
        model.hidden.weights,
        model.hidden.biases,
        model.output.weights,
        model.output.biases,
    )
    if not all(_is_usable(array) for array in arrays):
        raise ArtifactError("The model holds numbers that are not finite or too large.")
    lengths = np.sqrt(np.square(model.item_vectors).sum(axis=1))
    if not (np.abs(lengths - 1) < _UNIT).all():
        raise ArtifactError("The item vectors are not of length 1.")


def _check_sorted(ids: Ints) -> None:
    if not (ids[1:] > ids[:-1]).all():
        raise ArtifactError("Ids are not sorted and unique.")


def _is_usable(array: Floats) -> bool:
    # A NaN compares false with everything.
    return bool((np.abs(array) <= _LARGEST).all())
