"""The best of a large catalog are those that a look at every item finds."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranking.recommenders import rows
from ranking.recommenders.barred import Barred
from ranking.recommenders.rows import retrieve_above, retrieve_rows

patching = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@patching
@given(
    size=st.integers(0, 700),
    limit=st.integers(0, 8),
    above=st.sampled_from([-np.inf, 0.0, 0.5]),
    different=st.sampled_from([2, 5, 10_000]),
    open_share=st.sampled_from([0.0, 0.05, 0.9]),
    seed=st.integers(0, 1000),
)
def test_as_of_a_small_one(
    size: int,
    limit: int,
    above: float,
    different: int,
    open_share: float,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-different, different, size=size) / different
    item_ids = np.arange(size) * 3 + 1
    allowed = rng.random(size) < open_share
    barred = Barred(rng.permutation(item_ids)[: size // 3])
    found = []
    for large in (1, 1_000_000):
        monkeypatch.setattr(rows, "LARGE", large)
        found.append(retrieve_rows(scores, item_ids, limit, barred, allowed, above=above).tolist())
        found.append(retrieve_rows(scores, item_ids, limit, barred, above=above).tolist())
    assert found[:2] == found[2:]


def test_the_least_score_itself_is_brought() -> None:
    brought = retrieve_above(np.array([0.1, 0.3, 0.2]), np.array([1, 2, 3]), 5, Barred(np.array([0])), 0.2)
    assert brought.item_ids.tolist() == [2, 3]
