"""The one file format of all models: safetensors with a JSON header, read without trust.

The caller compares the file's SHA-256 with the registry first and hands over the very bytes it hashed.
What is checked here is that these bytes hold exactly the tensors and numbers of a kind.

    ArtifactError   anything that is wrong with a file
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors.numpy import save

from core.arrays import Doubles, Floats, Ints
from ranking.recommenders.tensors import FileData, Tensor, TensorFile

FORMAT = "heed"
# The library writes several entries of metadata in any order; one entry gives one file for one model.
_ENTRY = "heed"
# Sums of products of numbers up to this size stay far from what float32 can hold.
_LARGEST = 1e6

Header = dict[str, Any]


class ArtifactError(Exception):
    """The bytes are not a usable model; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The contents of a kind's files.

    kind     the name in the registry, which the header repeats
    version  raised with every change of what the entries mean; other versions are refused
    tensors  name to dtype (int64, float32 or uint8) and number of dimensions
    header   name to type (float or str) of each further entry of the header; floats are finite
    added    the values of entries that came later, for files that were written before
    """

    kind: str
    version: int
    tensors: Mapping[str, tuple[type[np.generic], int]]
    header: Mapping[str, type]
    added: Mapping[str, Any] = field(default_factory=dict)

    def dump(self, header: Mapping[str, Any], tensors: Mapping[str, Any]) -> bytes:
        """The file of a model; equal models give equal bytes."""
        entries = {name: kind(header[name]) for name, kind in self.header.items()}
        text = json.dumps({"format": FORMAT, "kind": self.kind, "version": self.version, **entries})
        contiguous = {
            name: np.ascontiguousarray(tensors[name], dtype=dtype)
            for name, (dtype, _) in self.tensors.items()
        }
        return save(contiguous, {_ENTRY: text})

    def load(self, data: FileData) -> tuple[Header, dict[str, Tensor]]:
        """Header entries and read-only tensors over the bytes of a file.

        Raises ArtifactError for any other bytes.
        """
        try:
            file = TensorFile.of(data)
        except ValueError as error:
            raise ArtifactError(
                f"The file is not a model of this version of Heed ({error}); train it anew."
            ) from error
        if set(file.tensors) != set(self.tensors):
            raise ArtifactError(f"The file must hold exactly the tensors {', '.join(self.tensors)}.")
        for name, (dtype, dimensions) in self.tensors.items():
            _check_tensor(name, file.tensors[name], dtype, dimensions)
        return self._read_header(file), {name: file.tensors[name] for name in self.tensors}

    def _read_header(self, file: TensorFile) -> Header:
        try:
            header = json.loads(file.texts[_ENTRY])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ArtifactError("The header is not that of a model.") from error
        expected = {"format": FORMAT, "kind": self.kind, "version": self.version}
        if not isinstance(header, dict) or {name: header.get(name) for name in expected} != expected:
            raise ArtifactError(
                f"The header does not name format {FORMAT}, kind {self.kind}, version {self.version}; "
                "train the model anew."
            )
        header = {**self.added, **header}
        if set(header) != {*expected, *self.header}:
            raise ArtifactError("The header has missing or unknown entries.")
        return {name: _read_entry(name, header[name], kind) for name, kind in self.header.items()}


def _check_tensor(name: str, found: Tensor, dtype: type[np.generic], dimensions: int) -> None:
    if found.dtype != dtype or found.ndim != dimensions:
        raise ArtifactError(
            f"Tensor {name} is {found.dtype} of shape {found.shape}; "
            f"expected {np.dtype(dtype)}, {dimensions}-d."
        )


def _read_entry(name: str, value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ArtifactError(f"{name} is not a {kind.__name__}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ArtifactError(f"{name} is not a finite number.")
    return value


def check_ids(*arrays: Ints) -> None:
    """Raises ArtifactError unless the ids of each array are sorted and unique."""
    if not all((ids[1:] > ids[:-1]).all() for ids in arrays):
        raise ArtifactError("Ids are not sorted and unique.")


def check_usable(*arrays: Floats | Doubles) -> None:
    """Raises ArtifactError for numbers that are not finite, or so large that products overflow."""
    # A NaN compares false with everything, and any makes the least and the largest one.
    if not all(array.min() >= -_LARGEST and array.max() <= _LARGEST for array in arrays if array.size):
        raise ArtifactError("The model holds numbers that are not finite or too large.")


def check_positive(header: Header, *names: str) -> None:
    """Raises ArtifactError unless these numbers of the header are above 0."""
    for name in names:
        if header[name] <= 0:
            raise ArtifactError(f"{name} must be above 0.")
