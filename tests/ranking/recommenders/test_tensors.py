"""Tensors are read as the library of the format reads them, without a copy, and nothing else is."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from ranking.recommenders.tensors import TensorFile

TYPES = st.sampled_from([np.int64, np.float32, np.uint8])
TENSORS = st.dictionaries(
    st.text(min_size=1, max_size=5).filter(lambda name: name != "__metadata__"),
    TYPES.flatmap(
        lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=1, min_side=0, max_side=4))
    ),
    max_size=4,
)
WHOLE = save({"a": np.arange(6, dtype=np.int64).reshape(2, 3), "b": np.ones(3, np.float32)}, {"heed": "x"})


@given(TENSORS, st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=1))
def test_what_the_library_writes_is_read_without_a_copy(
    tensors: dict[str, Any], texts: dict[str, str]
) -> None:
    data = save(tensors, texts or None)
    read = TensorFile.of(data)
    assert read.texts == texts
    assert read.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        found = read.tensors[name]
        assert found.dtype == tensor.dtype
        assert found.shape == tensor.shape
        assert found.tobytes() == tensor.tobytes()
        assert not found.flags.writeable
        assert not found.size or np.shares_memory(found, np.frombuffer(data, np.uint8))


@given(st.data())
def test_of_a_damaged_file_nothing_is_read_that_the_library_refuses(draw: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    for place in draw.draw(st.lists(st.integers(0, len(WHOLE) - 1), max_size=3)):
        damaged[place] = draw.draw(st.integers(0, 255))
    data = bytes(damaged[: draw.draw(st.integers(0, len(WHOLE)))]) + draw.draw(st.binary(max_size=3))
    try:
        read = TensorFile.of(data)
    except ValueError:
        return
    try:
        # The library has no types.
        theirs = {name: entry["data"] for name, entry in deserialize(data)}  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise AssertionError(f"The library refuses it: {error}") from error
    assert {name: tensor.tobytes() for name, tensor in read.tensors.items()} == theirs


def file_of(header: Any, body: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def tensor(**changed: Any) -> dict[str, Any]:
    return {"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8], **changed}}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(8), id="no header"),
        pytest.param(b"\xff" * 8 + bytes(100), id="a header longer than the file"),
        pytest.param(file_of(b"["), id="no JSON"),
        pytest.param(file_of(b"[" * 100_000), id="deep JSON"),
        pytest.param(file_of(b"\xff\xfe"), id="no text"),
        pytest.param(file_of([1]), id="a list"),
        pytest.param(file_of({"a": 1}), id="no tensor"),
        pytest.param(file_of({**tensor(), "__metadata__": {"x": 1}}), id="texts that are none"),
        pytest.param(file_of({**tensor(), "__metadata__": []}), id="no texts"),
        pytest.param(file_of(tensor(dtype="BF16", shape=[4])), id="another type"),
        pytest.param(file_of(tensor(dtype=["I64"])), id="no type"),
        pytest.param(file_of(tensor(shape=[2])), id="another size"),
        pytest.param(file_of(tensor(shape=[-1])), id="a size below 0"),
        pytest.param(file_of(tensor(shape=[True])), id="a size that is no number"),
        pytest.param(file_of(tensor(shape=[2**40, 2**40])), id="a size beyond all files"),
        pytest.param(file_of(tensor(data_offsets=[8, 0])), id="an end before its begin"),
        pytest.param(file_of(tensor(data_offsets=[0])), id="no end"),
        pytest.param(file_of(tensor(more=1)), id="an entry more"),
        pytest.param(file_of(tensor(), bytes(7)), id="cut"),
        pytest.param(file_of(tensor(), bytes(9)), id="a byte more"),
        pytest.param(file_of(tensor(data_offsets=[8, 16]), bytes(16)), id="a gap"),
        pytest.param(file_of({**tensor(), "b": tensor()["a"]}), id="two in one place"),
    ],
)
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        TensorFile.of(data)
