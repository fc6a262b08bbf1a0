"""Files of two-tower models: read as written, and refused where damaged."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.two_tower.file import dump_two_tower, load_two_tower
from ranking.recommenders.two_tower.model import TwoTower
from tests.ranking.recommenders.files import header_of, rewritten
from tests.ranking.recommenders.two_tower.builders import random_model

MODEL = random_model()
DATA = dump_two_tower(MODEL)
TENSORS = load(DATA)
HEADER = header_of(DATA)


def written(header: Any = None, **tensors: Any) -> bytes:
    return rewritten(DATA, header, **tensors)


def arrays_of(model: TwoTower) -> list["np.ndarray[Any, Any]"]:
    return [
        *(getattr(model, name) for name in ("item_ids", "item_vectors", "item_biases", "history_ids")),
        *(getattr(model, name) for name in ("history_vectors", "facet_ids", "facet_vectors")),
        *(model.hidden.weights, model.hidden.biases, model.output.weights, model.output.biases),
    ]


def test_a_model_comes_back_as_it_was() -> None:
    loaded = load_two_tower(DATA)
    for found, expected in zip(arrays_of(loaded), arrays_of(MODEL), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
        assert not found.flags.writeable
    assert (loaded.slope, loaded.intercept) == (2.5, -0.5)


def test_one_model_gives_one_file() -> None:
    assert dump_two_tower(MODEL) == DATA == dump_two_tower(load_two_tower(DATA)) == written()


def test_a_model_without_histories_or_facets_is_whole() -> None:
    none, empty = np.empty(0, dtype=np.int64), np.empty((0, 4), dtype=np.float32)
    bare = replace(MODEL, history_ids=none, history_vectors=empty, facet_ids=none, facet_vectors=empty)
    assert load_two_tower(dump_two_tower(bare)).history_vectors.shape == (0, 4)


VECTORS, IDS = MODEL.item_vectors, MODEL.item_ids


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\xff" * 64,
        DATA[:-1],
        DATA + b"\0",
        DATA[:100],
        written(item_ids=None),
        written(extra=IDS),
        written(item_ids=IDS.astype(np.int32)),
        written(item_ids=IDS[::-1]),
        written(item_ids=np.full_like(IDS, 7)),
        written(item_ids=IDS[:-1]),
        written(item_ids=IDS[:0], item_vectors=VECTORS[:0], item_biases=MODEL.item_biases[:0]),
        written(item_biases=MODEL.item_biases[:-1]),
        written(item_biases=MODEL.item_biases * np.float32("nan")),
        written(item_vectors=VECTORS.astype(np.float64)),
        written(item_vectors=VECTORS.astype(np.float16)),
        written(item_vectors=VECTORS * np.float32("nan")),
        written(item_vectors=VECTORS * np.float32(2)),
        written(item_vectors=VECTORS[:, :-1]),
        written(item_vectors=VECTORS.ravel()),
        written(history_vectors=MODEL.history_vectors[:, :-1]),
        written(history_vectors=MODEL.history_vectors * np.float32("inf")),
        written(history_vectors=MODEL.history_vectors * np.float32(1e30)),
        written(history_ids=MODEL.history_ids[::-1]),
        written(facet_ids=MODEL.facet_ids[:-1]),
        written(facet_vectors=MODEL.facet_vectors[:, :-1]),
        written(hidden__weights=MODEL.hidden.weights[:-1]),
        written(hidden__biases=MODEL.hidden.biases[:-1]),
        written(hidden__biases=MODEL.hidden.biases * np.float32("-inf")),
        written(output__weights=MODEL.output.weights.T),
        written(output__biases=MODEL.output.biases[:-1]),
        save(TENSORS),
        save(TENSORS, {"other": json.dumps(HEADER)}),
    ],
)
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        load_two_tower(data)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{",
        "[" * 100_000,
        [],
        {},
        {**HEADER, "kind": "als"},
        {**HEADER, "format": "other"},
        {**HEADER, "version": 1},
        {**HEADER, "feature_set": "history-1"},
        {**HEADER, "slope": 0.0},
        {**HEADER, "slope": float("nan")},
        {**HEADER, "slope": True},
        {**HEADER, "slope": "1"},
        {**HEADER, "intercept": float("inf")},
        {**HEADER, "intercept": None},
        {**HEADER, "more": 1.0},
        {name: value for name, value in HEADER.items() if name != "intercept"},
    ],
)
def test_a_header_that_is_not_that_of_a_model_is_refused(header: Any) -> None:
    with pytest.raises(ArtifactError):
        load_two_tower(written(header))


def test_a_header_that_declares_more_than_there_is_allocates_nothing() -> None:
    huge = {"item_ids": {"dtype": "I64", "shape": [1 << 60], "data_offsets": [0, 1 << 63]}}
    raw = json.dumps(huge).encode()
    with pytest.raises(ArtifactError):
        load_two_tower(len(raw).to_bytes(8, "little") + raw)
    with pytest.raises(ArtifactError):
        load_two_tower((1 << 62).to_bytes(8, "little") + raw)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_one_damaged_byte_gives_a_model_or_an_artifact_error(place: int, change: int) -> None:
    damaged = bytearray(DATA)
    damaged[place] ^= change
    try:
        model = load_two_tower(bytes(damaged))
    except ArtifactError:
        return
    assert all(np.isfinite(array).all() for array in arrays_of(model))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        load_two_tower(data)
