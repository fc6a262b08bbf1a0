"""Regression from traits to vectors, beside a plain solve of the same equations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from core.arrays import Doubles
from ranking.recommenders.sequence.regression import Learned, Regression, Strengths, Traits


def drawn_traits(rng: np.random.Generator, items: int, facets: int, texts: int) -> Traits:
    has = (rng.random((items, facets)) < 0.3).astype(np.float64)
    return Traits.of(csr_matrix(has), rng.normal(0, 0.5, (items, texts)).astype(np.float32))


def solved(learned: Learned, strengths: Strengths) -> Doubles:
    """The weights by the normal equations, in doubles."""
    known = learned.traits.facets.toarray().astype(np.float64)
    penalties = np.full(known.shape[1], strengths.facets)
    if strengths.texts is not None:
        known = np.hstack([known, learned.traits.texts])
        penalties = np.append(penalties, np.full(learned.traits.texts.shape[1], strengths.texts))
    trust = learned.trust[:, None].astype(np.float64)
    centered = learned.vectors - (trust * learned.vectors).sum(axis=0) / trust.sum()
    weights: Doubles = np.linalg.solve(
        known.T @ (trust * known) + np.diag(penalties), known.T @ (trust * centered)
    )
    return weights


@given(
    seed=st.integers(0, 2**31),
    items=st.integers(2, 60),
    facets=st.integers(0, 20),
    texts=st.integers(0, 6),
    of_facets=st.sampled_from([0.1, 1.0, 3.0]),
    of_texts=st.sampled_from([None, 1.0, 30.0]),
)
def test_weights_are_those_of_the_normal_equations(
    seed: int, items: int, facets: int, texts: int, of_facets: float, of_texts: float | None
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(1.0, 0.5, (items, 4)).astype(np.float32)
    trust = rng.uniform(0.05, 1, items).astype(np.float32)
    learned = Learned(drawn_traits(rng, items, facets, texts), vectors, trust)
    strengths = Strengths(of_facets, of_texts)
    found = Regression.of(learned, strengths)
    expected = solved(learned, strengths)
    np.testing.assert_allclose(found.facets, expected[:facets], atol=0.01)
    of_words = expected[facets:] if of_texts is not None else np.zeros((texts, 4))
    np.testing.assert_allclose(found.texts, of_words, atol=0.01)


def test_what_is_told_of_others_is_their_mean_and_the_weights_of_their_traits() -> None:
    rng = np.random.default_rng(3)
    learned = Learned(
        drawn_traits(rng, 40, 5, 3),
        rng.normal(size=(40, 4)).astype(np.float32),
        np.ones(40, dtype=np.float32),
    )
    regression = Regression.of(learned, Strengths(0.1, 1.0))
    others = Traits.of(
        csr_matrix(np.array([[1.0, 0, 0, 1, 0], [0, 0, 0, 0, 0]])),
        np.array([[1, 0, 2], [0, 0, 0]], dtype=np.float32),
    )
    told = regression.vectors(others)
    mean = learned.vectors.mean(axis=0)
    by_facets = (regression.facets[0] + regression.facets[3]) / np.sqrt(2)
    by_text = regression.texts[0] + 2 * regression.texts[2]
    np.testing.assert_allclose(told, [mean + by_facets + by_text, mean], rtol=1e-4, atol=1e-5)


def test_who_is_trusted_more_says_more() -> None:
    traits = Traits.of(csr_matrix(np.eye(2)[[0, 0, 1]]), np.zeros((3, 0), dtype=np.float32))
    vectors = np.array([[1.0], [-1.0], [0.0]], dtype=np.float32)

    def told(*trust: float) -> float:
        learned = Learned(traits, vectors, np.array(trust, dtype=np.float32))
        return float(Regression.of(learned, Strengths(0.1)).vectors(traits)[0, 0])

    assert told(1.0, 0.1, 1.0) > 0.5 > -0.5 > told(0.1, 1.0, 1.0)
    assert told(1.0, 1.0, 1.0) == pytest.approx(0.0, abs=1e-6)


def test_an_item_without_facets_has_an_empty_row_and_others_length_one() -> None:
    traits = Traits.of(csr_matrix(np.array([[2.0, 1.0], [0.0, 0.0]])), np.zeros((2, 0), dtype=np.float32))
    np.testing.assert_allclose(traits.facets.toarray(), [[0.5**0.5] * 2, [0.0, 0.0]], rtol=1e-6)
