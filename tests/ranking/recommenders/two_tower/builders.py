"""Small two-tower models, catalogs and examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from ranking.recommenders.two_tower.data import OBSERVED, States, TwoTowerExamples, TwoTowerItems
from ranking.recommenders.two_tower.model import Dense, TwoTower

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Example:
    """One example; `history` and `taste` are (row or column, weight or score) pairs."""

    user: int
    item: int
    label: float = 1.0
    weight: float = 1.0
    kind: int = OBSERVED
    time: float = 0.0
    history: tuple[tuple[int, float], ...] = ()
    taste: tuple[tuple[int, float], ...] = ()


def make_examples(rows: Sequence[Example]) -> TwoTowerExamples:
    histories = [entry for row in rows for entry in row.history]
    tastes = [entry for row in rows for entry in row.taste]
    return TwoTowerExamples(
        user_ids=np.array([row.user for row in rows], dtype=np.int64),
        item_rows=np.array([row.item for row in rows], dtype=np.intp),
        labels=np.array([row.label for row in rows], dtype=np.float32),
        rank_weights=np.array([row.weight for row in rows], dtype=np.float32),
        kinds=np.array([row.kind for row in rows], dtype=np.int8),
        times=np.array([row.time for row in rows], dtype=np.float64),
        state_of=np.arange(len(rows), dtype=np.intp),
        states=States(
            history_indptr=np.cumsum([0, *(len(row.history) for row in rows)], dtype=np.int64),
            history_rows=np.array([row for row, _ in histories], dtype=np.int32),
            history_weights=np.array([weight for _, weight in histories], dtype=np.float32),
            taste_indptr=np.cumsum([0, *(len(row.taste) for row in rows)], dtype=np.int64),
            facet_columns=np.array([column for column, _ in tastes], dtype=np.int32),
            facet_scores=np.array([score for _, score in tastes], dtype=np.float32),
        ),
    )


def states_of(examples: TwoTowerExamples) -> States:
    """The state of each example, in their order."""
    return examples.states.take(examples.state_of)


def make_items(facets: Sequence[Sequence[int]], *, kinds: int, words: int = 4) -> TwoTowerItems:
    """Items 10, 20, … with these facets (columns), a word each, and every third one without a year."""
    count = len(facets)
    rows = np.repeat(np.arange(count), [len(one) for one in facets])
    columns = np.array([facet for one in facets for facet in one], dtype=np.int64)
    years = np.arange(count, dtype=np.float64) + 1990
    years[::3] = np.nan
    return TwoTowerItems(
        item_ids=10 * np.arange(1, count + 1, dtype=np.int64),
        facets=csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(count, kinds)),
        facet_ids=100 + np.arange(kinds, dtype=np.int64),
        words=csr_matrix(
            (np.ones(count, dtype=np.float32), (np.arange(count), np.arange(count) % words)),
            shape=(count, words),
        ),
        years=years,
    )


ITEMS_EACH = 8


def two_camps_items() -> TwoTowerItems:
    """Items 0 to 7 have facet 0, 8 to 15 facet 1; nobody meets 16, which has facet 0, and 17, which has 1."""
    return make_items([[0]] * ITEMS_EACH + [[1]] * ITEMS_EACH + [[0], [1]], kinds=2)


def two_camps(people_each: int = 30, seed: int = 0, start: float = 0.0) -> TwoTowerExamples:
    """People who meet five items of their own camp, one a day, each with the state that this leaves."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(2 * people_each):
        camp = user % 2
        met = (camp * ITEMS_EACH + rng.permutation(ITEMS_EACH)[:5]).tolist()
        for place, item in enumerate(met):
            history = tuple((earlier, 2.0) for earlier in met[:place])
            taste = ((camp, 1 - 0.8**place), (1 - camp, 0.0)) if place else ()
            rows.append(Example(user, item, time=start + place * DAY + user, history=history, taste=taste))
    return make_examples(rows)


def random_model(seed: int = 0, items: int = 12, facets: int = 5, size: int = 4, hidden: int = 6) -> TwoTower:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        return rng.normal(size=shape).astype(np.float32)

    vectors = normal(items, size)
    return TwoTower(
        item_ids=10 * np.arange(1, items + 1, dtype=np.int64),
        item_vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        item_biases=-np.abs(normal(items)),
        history_ids=10 * np.arange(1, items - 1, dtype=np.int64),
        history_vectors=normal(items - 2, size),
        facet_ids=100 + np.arange(facets, dtype=np.int64),
        facet_vectors=normal(facets, size),
        hidden=Dense(normal(2 * size + 2, hidden), normal(hidden)),
        output=Dense(normal(hidden, size), normal(size)),
        slope=2.5,
        intercept=-0.5,
    )
