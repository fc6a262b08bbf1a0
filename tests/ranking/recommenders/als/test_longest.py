"""Lists from the longest factors are those of all factors."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranking.recommenders.als import longest
from ranking.recommenders.als.longest import LARGE, LongestFactors
from ranking.recommenders.als.model import AlsModel, gram_matrix
from ranking.recommenders.als.recommender import Als
from ranking.recommenders.barred import Barred
from tests.ranking.builders import bare_context, person_with

patching = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NOBODY = Barred(np.empty(0, dtype=np.int64))


def model_of(size: int, seed: int, spread: float = 2.0) -> AlsModel:
    """A model of items whose factors are long for few and short for most."""
    rng = np.random.default_rng(seed)
    lengths = np.exp(spread * rng.normal(size=(size, 1)))
    factors = (rng.normal(size=(size, 4)) * lengths).astype(np.float32)
    return AlsModel(np.arange(size) + 1, factors, gram_matrix(factors), 1.0, 10.0, 1.0)


@patching
@given(
    size=st.integers(8, 300), limit=st.integers(1, 12), spread=st.floats(0.0, 3.0), seed=st.integers(0, 1000)
)
def test_no_better_item_is_missed(
    size: int, limit: int, spread: float, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(longest, "LARGE", 4)
    rng = np.random.default_rng(seed)
    model, vector = model_of(size, seed, spread), rng.normal(size=4).astype(np.float32)
    allowed, barred = rng.random(size) < 0.9, Barred(rng.integers(1, size + 1, size=5))
    some = LongestFactors.of(model, allowed)
    rows = None if some is None else some.best(vector, limit, barred)
    if rows is None:
        return
    is_open = allowed & ~barred.holds(model.item_ids)
    scores = model.item_factors @ vector
    best = np.sort(scores[is_open])[::-1][:limit]
    np.testing.assert_allclose(np.sort(scores[rows])[::-1][:limit], best, rtol=1e-5)
    assert is_open[rows].all()


def test_where_few_items_are_long_they_alone_are_met() -> None:
    model = model_of(LARGE, 1)
    some = LongestFactors.of(model, np.ones(LARGE, dtype=np.bool_))
    assert some is not None
    assert len(some.rows) == LARGE // 4
    vector = np.array([1.0, -1.0, 0.5, 0.0], dtype=np.float32)
    rows = some.best(vector, 20, NOBODY)
    assert rows is not None
    best = np.argsort(-(model.item_factors @ vector))[:20]
    assert set(best.tolist()) <= set(rows.tolist())


def test_where_all_are_of_a_length_nothing_is_promised() -> None:
    model = model_of(LARGE, 1, spread=0.0)
    flat = model.item_factors / np.linalg.norm(model.item_factors, axis=1, keepdims=True)
    model = replace(model, item_factors=flat)
    some = LongestFactors.of(model, np.ones(LARGE, dtype=np.bool_))
    assert some is not None
    assert some.best(np.ones(4, dtype=np.float32), LARGE // 8, NOBODY) is None


@pytest.mark.parametrize("spread", [0.0, 2.0])
@pytest.mark.parametrize("excluded", [[], [3, 5, 8]])
def test_a_list_of_a_large_catalog_is_that_of_a_small_one(
    spread: float, excluded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(400, 2, spread)
    catalog = bare_context(model.item_ids.tolist()).catalog
    person, barred = person_with([(7, 2.0), (9, 2.0)]), Barred(np.array(excluded, dtype=np.int64))
    lists, scores = [], []
    for large in (4, 1_000_000):
        monkeypatch.setattr(longest, "LARGE", large)
        one = Als.build(model, catalog)
        seen = one.represent(person)
        assert seen is not None
        brought = one.retrieve(seen, 30, barred)
        np.testing.assert_array_equal(one.score(seen, brought.item_ids), brought.scores)
        assert (brought.scores >= one.floor(seen) - 1e-6).all()
        assert not len(one.retrieve(seen, 0, barred).item_ids)
        lists.append(brought.item_ids.tolist())
        scores.append(brought.scores)
    assert lists[0] == lists[1]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
