"""Files of ALS models: read as written, and refused where damaged."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.recommenders.als.file import dump_als, load_als
from ranking.recommenders.artifact import ArtifactError
from tests.ranking.recommenders.files import header_of, rewritten
from tests.ranking.statistics.builders import small_model

MODEL = small_model()
DATA = dump_als(MODEL)
IDS = np.array([1, 2, 5], dtype=np.int64)
FACTORS = np.ones((3, 2), dtype=np.float32)
HEADER = header_of(DATA)


def written(header: Any = None, **tensors: Any) -> bytes:
    return rewritten(DATA, header, **{"item_ids": IDS, "item_factors": FACTORS, **tensors})


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
    assert load_als(written()).item_ids.tolist() == [1, 2, 5]


def test_a_file_from_before_the_form_of_confidence_holds_the_damped_one() -> None:
    older = {name: value for name, value in HEADER.items() if name != "confidence"}
    assert load_als(written(older)).confidence == "damped"
    with pytest.raises(ArtifactError, match="damped or plain"):
        load_als(written({**HEADER, "confidence": "loud"}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"hello",
        written(item_ids=None),
        written(extra=IDS),
        written(item_ids=IDS.astype(np.int32)),
        written(item_ids=IDS.astype(np.uint64)),
        written(item_factors=FACTORS.astype(np.float64)),
        written(item_factors=FACTORS[:2]),
        written(item_factors=FACTORS[:, :0]),
        written(item_factors=FACTORS.ravel()),
        written(item_factors=FACTORS * np.float32("nan")),
        written(item_factors=FACTORS * np.float32("inf")),
        written(item_factors=FACTORS * np.float32(3e38)),
        written(item_ids=np.array([1, 1, 5])),
        written(item_ids=np.array([2, 1, 5])),
        written(item_ids=IDS[:0], item_factors=FACTORS[:0]),
    ],
)
def test_arrays_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        load_als(data)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{",
        "[" * 100_000,
        [],
        {},
        {**HEADER, "format": "other"},
        {**HEADER, "version": 1},
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
        json.dumps(HEADER).replace("4.0", "9" * 5000),
    ],
)
def test_headers_that_are_none_are_refused(header: Any) -> None:
    with pytest.raises(ArtifactError):
        load_als(written(header))


@pytest.mark.parametrize("shape", [[1 << 60], [1000000000000, 1000000], [3, 1 << 61]])
def test_a_header_that_declares_more_than_there_is_allocates_nothing(shape: list[int]) -> None:
    huge = {"item_factors": {"dtype": "F32", "shape": shape, "data_offsets": [0, 1 << 62]}}
    raw = json.dumps(huge).encode()
    for size in (len(raw), 1 << 62):
        with pytest.raises(ArtifactError):
            load_als(size.to_bytes(8, "little") + raw)


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


@pytest.mark.slow
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
)
def test_crafted_headers(header: dict[str, Any]) -> None:
    load_or_artifact_error(written(header={**HEADER, **header}))
