"""Small event sets, catalogs, lists and models for the tests of the mathematics."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from ranking.features import FEATURES
from ranking.item_content import GROUPS, ItemContent
from ranking.recommenders.als.model import AlsModel, AlsParameters, fit_als, gram_matrix
from ranking.recommenders.ranker.model import RankerData
from ranking.statistics.events import Events

Row = tuple[int, int, float, float, bool]  # person, item, weight, time, relevant


def make_events(rows: Sequence[Row]) -> Events:
    users, items, weights, times, relevant = zip(*rows, strict=True) if rows else ([], [], [], [], [])
    return Events(
        user_ids=np.array(users, dtype=np.int64),
        item_ids=np.array(items, dtype=np.int64),
        weights=np.array(weights, dtype=np.float32),
        times=np.array(times, dtype=np.float64),
        relevant=np.array(relevant, dtype=np.bool_),
    )


def like(user: int, item: int, time: float = 0.0) -> Row:
    return (user, item, 2.0, time, True)


def view(user: int, item: int, time: float = 0.0) -> Row:
    return (user, item, 0.5, time, False)


def dislike(user: int, item: int, time: float = 0.0) -> Row:
    return (user, item, -1.0, time, False)


def two_tastes(people_each: int = 12, items_each: int = 6) -> Events:
    """People 0 to 11 like items 0 to 5 but one each, people 12 to 23 items 6 to 11 but one each.

    The item left out differs from person to person, so the right first recommendation is evident: it.
    """
    return make_events(
        [
            like(group * people_each + person, group * items_each + item)
            for group in range(2)
            for person in range(people_each)
            for item in range(items_each)
            if item != person % items_each
        ]
    )


def random_events(seed: int, people: int = 40, items: int = 30, count: int = 600) -> Events:
    rng = np.random.default_rng(seed)
    weights = rng.choice(
        np.array([0.5, 2.0, 2.5, -1.0], dtype=np.float32), size=count, p=[0.4, 0.3, 0.2, 0.1]
    )
    return Events(
        user_ids=rng.integers(people, size=count),
        item_ids=rng.integers(items, size=count) * 7 + 3,
        weights=weights,
        times=rng.uniform(0, 1e8, size=count),
        relevant=weights >= 2.0,
    )


def small_model(seed: int = 0, factors: int = 8) -> AlsModel:
    return fit_als(random_events(seed), AlsParameters(factors=factors), seed=seed, threads=1)


def model_of(item_factors: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> AlsModel:
    return AlsModel(
        item_ids=np.arange(len(item_factors), dtype=np.int64),
        item_factors=item_factors,
        gram=gram_matrix(item_factors),
        regularization=0.5,
        alpha=1.0,
        negative_scale=1.0,
    )


def make_content(
    facets: Sequence[Sequence[int]],
    *,
    groups: Sequence[str],
    published: Sequence[float] | None = None,
    item_ids: Sequence[int] | None = None,
) -> ItemContent:
    """The facets (columns) of each item and their groups; unless given, no dates, and ids 0, 1, …"""
    rows = np.repeat(np.arange(len(facets)), [len(one) for one in facets])
    columns = np.array([facet for one in facets for facet in one], dtype=np.int64)
    dates = [-np.inf] * len(facets) if published is None else published
    return ItemContent(
        item_ids=np.array(range(len(facets)) if item_ids is None else item_ids, dtype=np.int64),
        published=np.array(dates, dtype=np.float64),
        facets=csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(facets), len(groups))),
        groups=np.array([GROUPS.index(group) for group in groups], dtype=np.int64),
    )


def lists_by(feature: str, *, lists: int = 60, size: int = 8, seed: int = 0, sign: int = 1) -> RankerData:
    """Lists of random features in which people chose the two slots with the highest (or lowest) `feature`."""
    rng = np.random.default_rng(seed)
    features = rng.random((lists * size, len(FEATURES)), dtype=np.float32)
    values = sign * features[:, FEATURES.index(feature)].reshape(lists, size)
    places = np.argsort(np.argsort(-values, axis=1), axis=1)
    ranks = np.arange(1, size + 1)
    return RankerData(
        features=features,
        relevance=np.where(places == 0, 4, np.where(places == 1, 3, 1)).ravel().astype(np.int64),
        weights=np.ones(lists * size),
        ranks=np.tile(ranks, lists),
        exposure=np.tile(1 / np.log2(ranks + 1), lists),
        sizes=np.full(lists, size),
        user_ids=np.arange(lists) % 15,
        times=np.arange(lists, dtype=np.float64),
    )


event_rows = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(0, 8),
        st.sampled_from([0.5, 2.0, -1.0, 0.0]),
        st.integers(0, 20).map(float),
        st.booleans(),
    ).map(lambda row: (*row[:4], row[4] and row[2] > 0)),
    max_size=60,
)
