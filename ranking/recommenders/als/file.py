"""The file format of trained models: uncompressed npz with a JSON header, read without trust.

The caller compares the file's SHA-256 with the registry first and hands over the very bytes it hashed.
What is checked here is that these bytes are a whole and usable model.

    ArtifactError   anything that is wrong with a file
"""

import io
import json
import math
import zipfile
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from ranking.recommenders.als.model import AlsModel, gram_matrix

FORMAT = "heed-als"
VERSION = 1

_ARRAYS = {"header": (np.uint8, 1), "item_ids": (np.int64, 1), "item_factors": (np.float32, 2)}
_POSITIVE = ("regularization", "alpha", "slope")
_NUMBERS = (*_POSITIVE, "negative_scale", "intercept")


class ArtifactError(Exception):
    """The bytes are not a usable model; the message says what is wrong."""


def dump_als(model: AlsModel) -> bytes:
    """The model as bytes for `load_als`. The gram matrix is left out: it follows from the factors."""
    header = {"format": FORMAT, "version": VERSION, **{name: getattr(model, name) for name in _NUMBERS}}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
        item_ids=model.item_ids,
        item_factors=model.item_factors,
    )
    return buffer.getvalue()


def load_als(data: bytes) -> AlsModel:
    """The model that `dump_als` wrote; its arrays are read-only. Raises ArtifactError for any other bytes."""
    arrays = _read_arrays(data)
    numbers = _read_header(arrays["header"].tobytes())
    item_ids, item_factors = arrays["item_ids"], arrays["item_factors"]
    if len(item_ids) != len(item_factors) or item_factors.size == 0:
        raise ArtifactError(f"{len(item_ids)} item ids do not fit factors of shape {item_factors.shape}.")
    if not (item_ids[1:] > item_ids[:-1]).all():
        raise ArtifactError("The item ids are not sorted and unique.")
    with np.errstate(all="ignore"):
        gram = gram_matrix(item_factors)
    # A factor that is not finite, or so large that scores overflow, shows in the products too.
    if not np.isfinite(item_factors).all() or not np.abs(gram).max() < np.finfo(np.float32).max:
        raise ArtifactError("The item factors hold numbers that are not finite or too large.")
    return AlsModel(item_ids=item_ids, item_factors=item_factors, gram=gram, **numbers)


def _read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an npz by name, each of the dtype and dimensions it must have."""
    members = _read_members(data)
    expected = {f"{name}.npy" for name in _ARRAYS}
    if len(members) != len(expected) or {name for name, _ in members} != expected:
        raise ArtifactError(f"The file must hold exactly the arrays {', '.join(_ARRAYS)}.")
    contents = dict(members)
    return {
        name: _read_array(name, contents[f"{name}.npy"], np.dtype(dtype), dimensions)
        for name, (dtype, dimensions) in _ARRAYS.items()
    }


def _read_members(data: bytes) -> list[tuple[str, bytes]]:
    """Names and contents of a zip file that stores its members uncompressed and at most once each."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_sizes(entries, len(data))
            return [(entry.filename, archive.read(entry)) for entry in entries]
    except ArtifactError:
        raise
    except Exception as error:  # zipfile does not say what it raises on damaged input; it is a long list
        raise ArtifactError(f"The file is not a readable npz: {error}") from error


def _check_sizes(entries: list[zipfile.ZipInfo], available: int) -> None:
    """Refuse what would unpack to more than is there."""
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ArtifactError("The file is compressed; models are stored uncompressed.")
    if sum(entry.file_size for entry in entries) > available:
        raise ArtifactError("The file declares more data than it holds.")


def _read_array(name: str, content: bytes, dtype: np.dtype[Any], dimensions: int) -> NDArray[Any]:
    """One array from an npy file, without allocating what its header merely declares, as np.load would."""
    stream = io.BytesIO(content)
    try:
        version = npy_format.read_magic(stream)
        shape, fortran_order, found = npy_format.read_array_header_1_0(stream)
    except Exception as error:  # the header is a Python literal, and may be any broken one
        raise ArtifactError(f"Array {name} has no readable header: {error}") from error
    if version != (1, 0):
        raise ArtifactError(f"Array {name} is not in npy format 1.0.")
    if found != dtype or len(shape) != dimensions or fortran_order or any(side < 0 for side in shape):
        raise ArtifactError(f"Array {name} is {found} of shape {shape}; expected {dtype}, {dimensions}-d.")
    start = stream.tell()
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ArtifactError(f"Array {name} declares shape {shape}, which does not fit its data.")
    return np.frombuffer(content, dtype=dtype, offset=start).reshape(shape)


def _read_header(content: bytes) -> dict[str, float]:
    """The model's numbers from its JSON header."""
    try:
        header = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArtifactError("The header is not JSON.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
        raise ArtifactError(f"The header does not name format {FORMAT}, version {VERSION}.")
    if set(header) != {"format", "version", *_NUMBERS}:
        raise ArtifactError("The header has missing or unknown entries.")
    numbers = {name: header[name] for name in _NUMBERS}
    for name, value in numbers.items():
        if not isinstance(value, float) or not math.isfinite(value):
            raise ArtifactError(f"{name} is not a finite number.")
    if numbers["negative_scale"] < 0 or any(numbers[name] <= 0 for name in _POSITIVE):
        raise ArtifactError(f"negative_scale must be at least 0; {', '.join(_POSITIVE)} above 0.")
    return numbers
