"""The tensors of a safetensors file as views of its bytes: of a file that is mapped nothing is copied.

The library that writes the format copies what it reads. A file is the length of its header (8 bytes), the
header (JSON), and the numbers of one tensor after another (https://github.com/huggingface/safetensors).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# The bytes of a file: read, or mapped into memory that processes share.
FileData: TypeAlias = bytes | memoryview
Tensor: TypeAlias = NDArray[Any]

DTYPES: Mapping[str, type[np.generic]] = {"I64": np.int64, "F32": np.float32, "U8": np.uint8}
_LENGTH_BYTES = 8
# As much as the library reads of a header.
_LONGEST_HEADER = 100_000_000


@dataclass(frozen=True, slots=True)
class TensorFile:
    """The entries of a file: texts by name, and read-only arrays over its bytes."""

    texts: Mapping[str, str]
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, data: FileData) -> "TensorFile":
        """The entries of these bytes. Raises ValueError for any that are no such file."""
        header, body = _split(data)
        texts = header.pop("__metadata__", {})
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("its texts are none")
        places = {name: _place(name, entry) for name, entry in header.items()}
        end = 0
        for name, (_, _, first, last) in sorted(places.items(), key=lambda item: item[1][2:]):
            if first != end:
                raise ValueError(f"{name} does not begin where the tensor before ends")
            end = last
        if end != len(body):
            raise ValueError("the tensors do not fill the file")
        return cls(texts, {name: _view(body, *place) for name, place in places.items()})


def _split(data: FileData) -> tuple[dict[str, Any], memoryview]:
    """The header, and the bytes after it."""
    view = memoryview(data)
    length = int.from_bytes(view[:_LENGTH_BYTES], "little")
    end = _LENGTH_BYTES + length
    if len(view) < end or not 0 < length <= _LONGEST_HEADER:
        raise ValueError("its header is not whole")
    try:
        header = json.loads(bytes(view[_LENGTH_BYTES:end]))
    except RecursionError:
        header = None
    if isinstance(header, dict):
        return header, view[end:]
    raise ValueError("its header is no list of tensors")


def _place(name: str, entry: object) -> tuple[type[np.generic], tuple[int, ...], int, int]:
    """The type and the shape of a tensor, and the first byte and the end of its numbers."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name} is no tensor")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not (_is_sizes(shape) and _is_sizes(offsets) and len(offsets) == 2):
        raise ValueError(f"{name} has no shape or no place")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"{name} is of type {dtype}")
    first, last = offsets
    if last - first != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
        raise ValueError(f"{name} has not the size of its shape")
    return DTYPES[dtype], tuple(shape), first, last


def _is_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)


def _view(body: memoryview, dtype: type[np.generic], shape: tuple[int, ...], first: int, last: int) -> Tensor:
    # An empty buffer is no array to NumPy, but a catalog may have no facets.
    tensor: Tensor = (
        np.frombuffer(body[first:last], dtype=dtype).reshape(shape)
        if last > first
        else np.empty(shape, dtype=dtype)
    )
    tensor.setflags(write=False)
    return tensor
