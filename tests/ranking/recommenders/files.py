"""Model files that are wrong in one place only."""

import json
from typing import Any

import numpy as np
from safetensors.numpy import load, save


def header_of(data: bytes) -> dict[str, Any]:
    """The header of a whole file."""
    end = 8 + int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(json.loads(data[8:end])["__metadata__"]["heed"])
    return header


def rewritten(data: bytes, header: Any = None, **tensors: Any) -> bytes:
    """The same file with another header (an object, or a text) or other tensors; None leaves one out.

    A double underscore in the name of a tensor stands for a full stop.
    """
    header = header_of(data) if header is None else header
    raw = header if isinstance(header, str) else json.dumps(header)
    contents = {**load(data), **{name.replace("__", "."): tensor for name, tensor in tensors.items()}}
    whole = {name: np.ascontiguousarray(tensor) for name, tensor in contents.items() if tensor is not None}
    return save(whole, {"heed": raw})
