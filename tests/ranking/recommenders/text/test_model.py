"""Vectors of texts: axes that keep what tells items apart, and a model over them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.recommenders.text.model import DIMENSIONS, Axes, unit_texts


@given(st.integers(1, 90), st.integers(1, 100), st.integers(0, 2**31))
def test_vectors_have_length_one_or_none(count: int, size: int, seed: int) -> None:
    embeddings = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    vectors = Axes.of(embeddings).vectors(embeddings)
    assert vectors.shape == (count, DIMENSIONS)
    lengths = np.linalg.norm(vectors, axis=1)
    assert (np.isclose(lengths, 1.0, atol=1e-4) | (lengths == 0.0)).all()


def test_what_all_texts_share_makes_none_of_them_alike() -> None:
    rng = np.random.default_rng(1)
    topics = rng.normal(size=(2, 300))
    embeddings = (20.0 + topics.repeat(30, axis=0) + 0.1 * rng.normal(size=(60, 300))).astype(np.float32)
    plain = embeddings @ embeddings.T / np.outer(*[np.linalg.norm(embeddings, axis=1)] * 2)
    assert plain.min() > 0.99
    vectors = Axes.of(embeddings).vectors(embeddings)
    alike = vectors @ vectors.T
    assert alike[:30, :30].min() > 0.9
    assert alike[:30, 30:].max() < -0.9


def test_items_without_a_vector_have_an_empty_one() -> None:
    vectors = np.eye(2, DIMENSIONS, dtype=np.float32)
    units = unit_texts(np.array([3, 5, 9]), np.array([5, 7]), vectors)
    assert units.values.toarray()[1].tolist() == vectors[0].tolist()
    assert units.values[[0, 2]].nnz == 0
    assert units.values.shape == (3, DIMENSIONS)


def test_one_text_alone_has_no_direction() -> None:
    embeddings = np.ones((1, 8), dtype=np.float32)
    assert Axes.of(embeddings).vectors(embeddings).tolist() == [pytest.approx([0.0] * DIMENSIONS)]
