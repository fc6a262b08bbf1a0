"""Sums over rows of sparse matrices by flat arrays are those of SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, random_array

from core import sparse
from core.sparse import Entries, Reversible, dense_row, products, weighted_sum


@given(
    shape=st.tuples(st.integers(1, 8), st.integers(1, 6)),
    density=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_they_are_those_of_scipy(
    shape: tuple[int, int], density: float, seed: int, data: st.DataObject
) -> None:
    matrix = csr_matrix(random_array(shape, density=density, rng=np.random.default_rng(seed)))
    rows = np.array(data.draw(st.lists(st.integers(0, shape[0] - 1), max_size=6)), dtype=np.intp)
    weights = np.random.default_rng(seed).normal(size=len(rows))
    groups = np.arange(shape[1]) % 3
    dense = matrix.toarray()[rows]

    entries = Entries.of(matrix, rows)
    values = matrix.data[entries.places]
    np.testing.assert_allclose(entries.sums(values), dense.sum(axis=1))
    by_group = [dense[:, groups == group].sum(axis=1) for group in range(3)]
    np.testing.assert_allclose(entries.sums_by(groups[entries.columns], values, 3), np.transpose(by_group))
    np.testing.assert_allclose(weighted_sum(matrix, rows, weights), weights @ dense, atol=1e-12)
    for row, expected in zip(rows.tolist(), dense, strict=True):
        np.testing.assert_array_equal(dense_row(matrix, row), expected)
    others = np.array(data.draw(st.lists(st.integers(0, shape[0] - 1), max_size=6)), dtype=np.intp)
    np.testing.assert_allclose(products(matrix, rows, others), dense @ matrix.toarray()[others].T, atol=1e-12)


@pytest.mark.parametrize("rows", [[], [0]])
def test_nothing_is_nothing(rows: list[int]) -> None:
    matrix = csr_matrix((2, 3))
    assert weighted_sum(matrix, np.array(rows, dtype=np.intp), np.ones(len(rows))).tolist() == [0.0, 0.0, 0.0]


def test_a_full_matrix_is_held_once() -> None:
    full = csr_matrix(np.ones((4, 3)))
    assert Reversible.of(full).by_column is None
    assert Reversible.of(full).product(np.array([1.0, 0.0, 2.0])).tolist() == [3.0] * 4


@given(share=st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]), seed=st.integers(0, 1000))
def test_a_product_is_the_same_by_rows_and_by_columns(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = csr_matrix(random_array((30, 50), density=0.2, rng=rng))
    vector = np.where(rng.random(50) < share, rng.normal(size=50), 0.0)
    for choosing in (0, 1_000_000):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sparse, "_CHOOSING", choosing)
            product = Reversible.of(matrix).product(vector)
        np.testing.assert_allclose(product, matrix.toarray() @ vector, atol=1e-12)
