import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.recommenders.als.file import ArtifactError, dump_als, load_als
from tests.ranking.statistics.builders import small_model

MODEL = small_model()
DATA = dump_als(MODEL)
HEADER = {
    "format": "heed-als",
    "version": 1,
    "regularization": 1.0,
    "alpha": 1.0,
    "slope": 4.0,
    "negative_scale": 1.0,
    "intercept": -2.0,
}
IDS = np.array([1, 2, 5], dtype=np.int64)
FACTORS = np.ones((3, 2), dtype=np.float32)


def npz(compress: bool = False, header: Any = HEADER, **arrays: Any) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    contents = {
        "header": np.frombuffer(raw, dtype=np.uint8),
        "item_ids": IDS,
        "item_factors": FACTORS,
        **arrays,
    }
    buffer = io.BytesIO()
    save = np.savez_compressed if compress else np.savez
    save(buffer, **{name: array for name, array in contents.items() if array is not None})
    return buffer.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npy(shape: str, descr: str, body: bytes, order: str = "False", version: bytes = b"\x01\x00") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}}}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode() + body


def test_a_model_comes_back_as_it_was() -> None:
    loaded = load_als(DATA)
    np.testing.assert_array_equal(loaded.item_ids, MODEL.item_ids)
    np.testing.assert_array_equal(loaded.item_factors, MODEL.item_factors)
    np.testing.assert_allclose(loaded.gram, MODEL.gram)
    for name in ("regularization", "alpha", "negative_scale", "slope", "intercept"):
        assert getattr(loaded, name) == getattr(MODEL, name)


def test_one_model_gives_one_file() -> None:
    assert dump_als(MODEL) == DATA == dump_als(load_als(DATA))


def test_the_handmade_files_below_are_wrong_only_where_they_say() -> None:
    assert load_als(npz()).item_ids.tolist() == [1, 2, 5]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"hello",
        npz(compress=True),
        npz(item_ids=None),
        npz(extra=IDS),
        npz(item_ids=IDS.astype(np.int32)),
        npz(item_ids=IDS.astype(">i8")),
        npz(item_factors=FACTORS.astype(np.float64)),
        npz(item_factors=FACTORS[:2]),
        npz(item_factors=FACTORS[:, :0]),
        npz(item_factors=FACTORS.ravel()),
        npz(item_factors=np.asfortranarray(np.ones((3, 2), dtype=np.float32) * [1, 2], dtype=np.float32)),
        npz(item_factors=FACTORS * np.float32("nan")),
        npz(item_factors=FACTORS * np.float32("inf")),
        npz(item_factors=FACTORS * np.float32(3e38)),
        npz(item_ids=np.array([1, 1, 5])),
        npz(item_ids=np.array([2, 1, 5])),
        npz(item_ids=IDS[:0], item_factors=FACTORS[:0]),
        npz(item_ids=np.array([None, 1, 2], dtype=object)),
    ],
)
def test_arrays_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        load_als(data)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        {},
        {**HEADER, "format": "other"},
        {**HEADER, "version": 2},
        {**HEADER, "slope": 0.0},
        {**HEADER, "slope": -1.0},
        {**HEADER, "slope": float("nan")},
        {**HEADER, "slope": float("inf")},
        {**HEADER, "slope": True},
        {**HEADER, "slope": "4"},
        {**HEADER, "intercept": 10**400},
        {**HEADER, "intercept": None},
        {**HEADER, "regularization": 0.0},
        {**HEADER, "alpha": -1.0},
        {**HEADER, "negative_scale": -0.5},
        {**HEADER, "more": 1.0},
        {name: value for name, value in HEADER.items() if name != "alpha"},
        json.dumps(HEADER).replace("4.0", "9" * 5000).encode(),
    ],
)
def test_headers_that_are_none_are_refused(header: Any) -> None:
    with pytest.raises(ArtifactError):
        load_als(npz(header=header))


@pytest.mark.parametrize(
    "factors",
    [
        npy("(3, 2)", "<f4", b"\0" * 20),
        npy("(3, 2)", "<f4", b"\0" * 28),
        npy("(1000000000000, 1000000)", "<f4", b"\0" * 24),
        npy("(3, -2)", "<f4", b""),
        npy("(-3, -2)", "<f4", b"\0" * 24),
        npy("(3, 2)", "|O", b"\0" * 24),
        npy("(3, 2)", "<f4", b"\0" * 24, order="True"),
        npy("(3, 2)", "<f4", b"\0" * 24, version=b"\x02\x00"),
        npy("__import__('os')", "<f4", b""),
        npy("(" * 2000, "<f4", b""),
        b"\x93NUMPY\x01\x00\xff\xff",
        b"",
    ],
)
def test_crafted_array_headers_are_refused_without_allocating(factors: bytes) -> None:
    members = {
        "header.npy": npy(f"({len(json.dumps(HEADER))},)", "|u1", json.dumps(HEADER).encode()),
        "item_ids.npy": npy("(3,)", "<i8", IDS.tobytes()),
    }
    good = npy("(3, 2)", "<f4", FACTORS.tobytes())
    assert len(load_als(zip_of({**members, "item_factors.npy": good})).item_ids) == 3
    with pytest.raises(ArtifactError):
        load_als(zip_of({**members, "item_factors.npy": factors}))


def test_a_member_twice_is_refused() -> None:
    buffer = io.BytesIO(npz())
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("header.npy", b"")
    with pytest.raises(ArtifactError):
        load_als(buffer.getvalue())


def load_or_artifact_error(data: bytes) -> None:
    """Nothing but a usable model or an ArtifactError may come out."""
    try:
        model = load_als(data)
    except ArtifactError:
        return
    assert np.isfinite(model.item_factors).all()
    assert np.isfinite(model.gram).all()
    assert len(model.item_ids) == len(model.item_factors) > 0
    assert model.slope > 0


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(1, 255)), min_size=1, max_size=6))
def test_flipped_bytes(flips: list[tuple[int, int]]) -> None:
    damaged = bytearray(DATA)
    for position, mask in flips:
        damaged[position] ^= mask
    load_or_artifact_error(bytes(damaged))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.binary(max_size=40))
def test_truncation_with_or_without_rubbish_behind(end: int, rubbish: bytes) -> None:
    load_or_artifact_error(DATA[:end] + rubbish)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    load_or_artifact_error(data)


def test_every_single_truncation_of_the_directory_is_refused() -> None:
    for cut in range(1, 400):
        with pytest.raises(ArtifactError):
            load_als(DATA[:-cut])


@settings(max_examples=200, deadline=None)
@given(
    header=st.dictionaries(
        st.sampled_from(sorted(HEADER)),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("heed-als")
        ),
    ),
    shape=st.text("0123456789(),-+*eL ", max_size=20),
    descr=st.sampled_from(["<f4", ">f4", "|O", "<U4", "V8", "<M8[s]", "'", "f"]),
    body=st.binary(max_size=64),
)
def test_crafted_headers(header: dict[str, Any], shape: str, descr: str, body: bytes) -> None:
    text = json.dumps({**HEADER, **header})
    load_or_artifact_error(
        zip_of(
            {
                "header.npy": npy(f"({len(text)},)", "|u1", text.encode()),
                "item_ids.npy": npy("(3,)", "<i8", IDS.tobytes()),
                "item_factors.npy": npy(shape, descr, body),
            }
        )
    )
    load_or_artifact_error(npz(header={**HEADER, **header}))
