"""The distance from a taste to items, and how much nearer what is liked brings one."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

from core.sparse import Reversible
from profiles.reduction import no_taste
from profiles.taste import nearness, vector_for
from tests.profiles.builders import DRAMA, event, manhattan_distances, reduce_all


@given(
    arrays(np.float64, (5, 4), elements=st.sampled_from([0.0, 1.0])),
    arrays(np.float64, 4, elements=st.floats(0, 1)),
)
def test_nearness_is_told_by_the_distances(items: np.ndarray, values: np.ndarray) -> None:
    known = np.array([3, 5, 7, 9])
    taste = replace(no_taste(), facet_ids=known, kinds=np.zeros(4, dtype=np.uint8), values=values)
    catalog = np.array([1, 3, 5, 9])
    vector, facets = vector_for(taste, catalog), csr_matrix(items)
    expected = vector.sum() - manhattan_distances(facets, vector)
    np.testing.assert_allclose(nearness(Reversible.of(facets), vector), expected, atol=1e-12)


def test_the_vector_stands_in_the_columns_of_the_catalog() -> None:
    taste = reduce_all(*(event("like", DRAMA, (9, 0, "Gone"), number=number) for number in (1, 2, 3)))
    vector = vector_for(taste, np.array([1, 2, 7]))
    np.testing.assert_allclose(vector, [1 - 0.5 * 0.7**3, 0.5, 0.5])


def test_no_items_and_no_facets() -> None:
    assert nearness(Reversible.of(csr_matrix((0, 3))), np.full(3, 0.5)).shape == (0,)
    assert nearness(Reversible.of(csr_matrix((2, 0))), np.zeros(0)).tolist() == [0.0, 0.0]
