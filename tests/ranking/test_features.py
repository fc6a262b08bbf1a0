"""The features: what each says on examples worked out by hand, and what holds whatever comes in."""

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Doubles, Floats, Rows
from core.domain import NUMBERS
from ranking.features import (
    FEATURES,
    LIKING_PRIOR,
    NOTHING_SEEN,
    RECENCY_HALF_LIFE_DAYS,
    RECENT,
    History,
    ModelScores,
    Seen,
    compute_features,
    item_features,
)
from ranking.item_content import GROUPS, ItemContent
from ranking.kinds import MODELS
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import SECONDS_PER_DAY
from ranking.statistics.responses import ItemResponses
from tests.ranking.statistics.builders import make_content

NOW = 1.7e9
YEAR = 365.25 * SECONDS_PER_DAY
UNKNOWN = -np.inf

RANGES = {
    "model_score": (0, 1),
    "model_place": (0, 1),
    "popularity_score": (0, 1),
    "approval_score": (0, 1),
    "evidence": (0, 20),
    "recency_score": (0, 1),
    "date_gap": (0, 200),
    "diversity_score": (0, 1),
    "neighbour_score": (-1, 1),
    "content_affinity": (0, 1),
    "genre_affinity": (0, 1),
    "theme_affinity": (0, 1),
    "people_affinity": (0, 1),
    "genre_liking": (-2, 2),
    "theme_liking": (-2, 2),
    "people_liking": (-2, 2),
    "history_size": (0, 10),
    "dislike_share": (0, 1),
    "trend_1": (0, 1),
    "trend_7": (0, 1),
    "trend_30": (0, 1),
    "response_rate": (0, 20),
    "response_lately": (0, 20),
    "refusal_rate": (0, 20),
    "examined": (0, 20),
    "genre_response": (0, 20),
    "theme_response": (0, 20),
    "people_response": (0, 20),
    "genre_interest": (-100, 2),
    "theme_interest": (-100, 2),
    "people_interest": (-100, 2),
    "person_response": (0, 20),
    "slots_seen": (0, 10),
    "passed_over": (0, 20),
    "passed_over_age": (0, 20),
    **{f"{kind}_score": (0, 1) for kind in MODELS},
    **{f"number_{name}": (-1e16, 1e16) for name in NUMBERS},
}
# These may be unknown, which is not 0.
UNKNOWABLE = {
    "model_score",
    "model_place",
    "response_rate",
    "response_lately",
    "refusal_rate",
    "genre_response",
    "theme_response",
    "people_response",
    "passed_over_age",
    *(f"{kind}_score" for kind in MODELS),
    *(f"number_{name}" for name in NUMBERS),
}


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """All that `compute_features` is given."""

    content: ItemContent
    demand: ItemDemand
    history: History
    neighbors: Doubles
    rows: Rows
    scores: Doubles
    places: Doubles
    seen: Seen = NOTHING_SEEN

    def compute(self, which: Rows | None = None) -> Floats:
        """The features of all candidates, or of those at these positions, in that order."""
        which = np.arange(len(self.rows)) if which is None else which
        return compute_features(
            self.rows[which],
            ModelScores(
                self.scores[which],
                self.places[which],
                self.neighbors[which],
                np.repeat(self.scores[which][:, None], len(MODELS), axis=1),
            ),
            history=self.history,
            seen=self.seen,
            content=self.content,
            demand=self.demand,
            of_items=item_features(self.content, self.demand),
            now=NOW,
        )

    def columns(self, rows: list[int]) -> dict[str, list[float]]:
        """Each feature of these rows by its name; the model scores none of them."""
        nothing = np.full(len(rows), np.nan)
        features = replace(
            self,
            rows=np.array(rows, dtype=np.intp),
            scores=nothing,
            places=nothing,
            neighbors=np.zeros(len(rows)),
        ).compute()
        return {name: features[:, place].tolist() for place, name in enumerate(FEATURES)}


def history(*pairs: tuple[int, float]) -> History:
    rows = np.array([row for row, _ in pairs], dtype=np.intp)
    return History(rows, np.array([weight for _, weight in pairs], dtype=np.float64))


def quiet(items: int) -> ItemDemand:
    nothing = np.zeros(items)
    return ItemDemand.from_counts(nothing, nothing, nothing)


def world(content: ItemContent, history: History, *, demand: ItemDemand | None = None) -> World:
    items = len(content.item_ids)
    unknown = np.full(items, np.nan)
    rows = np.arange(items, dtype=np.intp)
    return World(content, demand or quiet(items), history, np.zeros(items), rows, unknown, unknown)


# Two genres, a theme, two people and a franchise; the last item has nothing.
FACETS = ((0, 3), (0,), (1, 2), (0, 1, 3), (4, 5), ())
KINDS = ("genre", "genre", "theme", "people", "people", "other")
CONTENT = make_content(FACETS, groups=KINDS)
# log((items + 1) / (items with the facet + 1)), six items in all
GENRE_0, GENRE_1, THEME, PERSON = np.log(7 / 4), np.log(7 / 3), np.log(7 / 2), np.log(7 / 3)


def cosine(left: dict[int, float], right: dict[int, float]) -> float:
    product = sum(value * right.get(key, 0.0) for key, value in left.items())
    return float(product / np.sqrt(sum(v * v for v in left.values()) * sum(v * v for v in right.values())))


class TestOfTheModel:
    def test_score_and_place(self) -> None:
        scores = np.array([0.2, np.nan, 0.9, 0.5, np.nan, 0.0])
        places = np.array([3, np.nan, 1, 2, np.nan, 1000])
        features = replace(world(CONTENT, history()), scores=scores, places=places).compute()
        assert features[:, 0] == pytest.approx([0.2, np.nan, 0.9, 0.5, np.nan, 0.0], nan_ok=True)
        expected = [1 / np.log2(4), np.nan, 1.0, 1 / np.log2(3), np.nan, 1 / np.log2(1001)]
        assert features[:, 1] == pytest.approx(expected, nan_ok=True)
        for kind in MODELS:
            column = features[:, FEATURES.index(f"{kind}_score")]
            assert column == pytest.approx(features[:, 0], nan_ok=True)

    def test_what_the_model_does_not_know_is_unknown_and_not_0(self) -> None:
        features = world(CONTENT, history((0, 2.0))).compute()
        columns = [FEATURES.index(name) for name in ("model_score", "model_place", "als_score")]
        assert np.isnan(features[:, columns]).all()
        assert not features[:, FEATURES.index("neighbour_score")].any()


class TestOfTheItem:
    def test_the_numbers_that_the_domain_names(self) -> None:
        assert NUMBERS[:2] == ("votes", "rating")
        known = np.full((6, len(NUMBERS)), np.nan)
        known[1, :2] = 269.0, 6.5
        columns = world(replace(CONTENT, known_numbers=known), history()).columns([0, 1])
        assert columns["number_votes"] == pytest.approx([np.nan, 269.0], nan_ok=True)
        assert columns["number_rating"] == pytest.approx([np.nan, 6.5], nan_ok=True)

    def test_where_no_item_has_a_number_none_is_known(self) -> None:
        columns = world(CONTENT, history()).columns([0, 5])
        assert np.isnan([columns[f"number_{name}"] for name in NUMBERS]).all()

    def test_numbers_stay_with_their_items(self) -> None:
        known = np.arange(6.0 * len(NUMBERS)).reshape(6, len(NUMBERS))
        part = replace(CONTENT, known_numbers=known).of_items(np.array([3, 99]))
        assert part.numbers[0].tolist() == known[3].tolist()
        assert np.isnan(part.numbers[1]).all()

    def test_demand(self) -> None:
        demand = ItemDemand.from_counts(
            np.array([1.0, 0.25, 0, 0, 0, 0]),
            np.array([6.0, 0, 0, 0, 0, 0]),
            np.array([0.0, 2.0, 0, 0, 0, 0]),
        )
        columns = world(CONTENT, history(), demand=demand).columns([0, 1, 2])
        assert columns["popularity_score"] == [1.0, 0.25, 0.0]
        # 6 of 8 verdicts are approvals, so five of that kind stand in: (6 + 3.75) / 11, 3.75 / 7, 3.75 / 5.
        assert columns["approval_score"] == pytest.approx([9.75 / 11, 3.75 / 7, 0.75])
        assert columns["evidence"] == pytest.approx([np.log(7), np.log(3), 0.0])

    def test_recency_halves_per_half_life_and_is_full_for_what_is_to_come(self) -> None:
        half_life = RECENCY_HALF_LIFE_DAYS * SECONDS_PER_DAY
        dates = [NOW, NOW - half_life, NOW - 3 * half_life, NOW + half_life, UNKNOWN]
        content = make_content([()] * 5, groups=[], published=dates)
        assert world(content, history()).columns([0, 1, 2, 3, 4])["recency_score"] == pytest.approx(
            [1.0, 0.5, 0.125, 1.0, 0.0]
        )

    def test_date_gap_is_to_the_weighted_mean_of_the_approved(self) -> None:
        dates = [NOW, NOW - 10 * YEAR, NOW - 40 * YEAR, UNKNOWN, NOW + YEAR]
        content = make_content([()] * 5, groups=[], published=dates)
        # The mean lies 7.5 years back; what was disliked and what has no date is not in it.
        met = history((0, 1.0), (1, 3.0), (2, -1.0), (3, 2.0))
        assert world(content, met).columns([0, 1, 2, 3, 4])["date_gap"] == pytest.approx(
            [7.5, 2.5, 32.5, 0.0, 8.5], rel=1e-5
        )
        for nothing_known in (history(), history((3, 2.0)), history((0, -1.0))):
            assert world(content, nothing_known).columns([0, 1, 2])["date_gap"] == [0.0, 0.0, 0.0]


class TestOfPersonAndItem:
    def test_diversity_is_the_distance_to_the_nearest_approved(self) -> None:
        columns = world(CONTENT, history((1, 2.0), (4, 2.0), (2, -1.0))).columns([0, 1, 2, 3, 4, 5])
        first = cosine({0: GENRE_0, 3: PERSON}, {0: GENRE_0})
        fourth = cosine({0: GENRE_0, 1: GENRE_1, 3: PERSON}, {0: GENRE_0})
        assert columns["diversity_score"] == pytest.approx(
            [1 - first, 0.0, 1.0, 1 - fourth, 0.0, 1.0], abs=1e-6
        )

    def test_only_the_last_few_count_as_recent(self) -> None:
        facets = [(row,) for row in range(RECENT + 1)]
        content = make_content(facets, groups=["genre"] * len(facets))
        met = history(*((row, 2.0) for row in range(RECENT + 1)))
        assert world(content, met).columns([0, 1])["diversity_score"] == pytest.approx([1.0, 0.0])

    def test_affinity_is_the_cosine_with_the_weighted_history(self) -> None:
        columns = world(CONTENT, history((0, 2.0), (2, 1.0), (1, -1.0))).columns([0, 2, 3, 4, 5])
        profile = {0: 2 * GENRE_0, 3: 2 * PERSON, 1: GENRE_1, 2: THEME}
        items = ({0: GENRE_0, 3: PERSON}, {1: GENRE_1, 2: THEME}, {0: GENRE_0, 1: GENRE_1, 3: PERSON})
        assert columns["content_affinity"] == pytest.approx(
            [*(cosine(item, profile) for item in items), 0.0, 0.0]
        )
        genres = {0: 2 * GENRE_0, 1: GENRE_1}
        assert columns["genre_affinity"] == pytest.approx(
            [
                cosine({0: 1.0}, genres),
                cosine({1: 1.0}, genres),
                cosine({0: GENRE_0, 1: GENRE_1}, genres),
                0.0,
                0.0,
            ]
        )
        assert columns["theme_affinity"] == pytest.approx([0.0, 1.0, 0.0, 0.0, 0.0])
        assert columns["people_affinity"] == pytest.approx([1.0, 0.0, 1.0, 0.0, 0.0])

    def test_a_facet_that_everything_has_says_nothing(self) -> None:
        content = make_content([(0,), (0,)], groups=["genre"])
        columns = world(content, history((0, 2.0))).columns([1])
        assert (columns["genre_affinity"], columns["diversity_score"]) == ([0.0], [1.0])

    def test_liking_is_how_verdicts_on_the_facets_lie_above_the_average(self) -> None:
        # Verdicts 1, 1 / 3 and -1, on average 1 / 9.
        columns = world(CONTENT, history((0, 9.0), (1, 1.0), (2, -1.0))).columns([0, 1, 2, 3, 4])
        first = (8 / 9 + 2 / 9) / (2 + LIKING_PRIOR)
        second = (-10 / 9) / (1 + LIKING_PRIOR)
        person = (8 / 9) / (1 + LIKING_PRIOR)
        assert columns["genre_liking"] == pytest.approx(
            [first, first, second, (first + second) / 2, 0.0], abs=1e-6
        )
        assert columns["theme_liking"] == pytest.approx([0.0, 0.0, second, 0.0, 0.0], abs=1e-6)
        assert columns["people_liking"] == pytest.approx([person, 0.0, 0.0, person, 0.0], abs=1e-6)


class TestOfThePerson:
    def test_size_and_share_of_dislikes(self) -> None:
        columns = world(CONTENT, history((0, 2.0), (1, 0.0), (2, -1.0), (3, -2.0))).columns([4, 5])
        assert columns["history_size"] == pytest.approx([np.log(5)] * 2)
        assert columns["dislike_share"] == [0.5, 0.5]

    def test_of_a_stranger_nothing_is_said(self) -> None:
        columns = world(CONTENT, history()).columns([0, 1, 5])
        about_items = {"popularity_score", "approval_score", "evidence", "recency_score", "diversity_score"}
        for name, values in columns.items():
            if name in UNKNOWABLE:
                assert np.isnan(values).all(), name
            elif name == "person_response":
                assert values == [1.0] * 3
            elif name not in about_items:
                assert values == [0.0] * 3, name
        assert columns["diversity_score"] == [1.0] * 3


class TestOfWhatWasShown:
    # Item 0 (genre 0, a person) was examined 20 times, item 1 (genre 0) 5 times, the others never.
    RESPONSES = ItemResponses(
        np.array([[20.0, 10.0], [5.0, 0.0], *[[0.0, 0.0]] * 4]),
        np.array([[10.0, 9.0], [0.0, 0.0], *[[0.0, 0.0]] * 4]),
        np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    )
    DEMAND = ItemDemand.from_counts(
        *[np.zeros(6)] * 3,
        trends=np.array([[8.0, 4.0, 2.0], [2.0, 4.0, 1.0], *[[0.0] * 3] * 4]),
        responses=RESPONSES,
    )

    def test_of_the_item(self) -> None:
        columns = world(CONTENT, history(), demand=self.DEMAND).columns([0, 1, 2])
        # 10 of 25 examinations, so five of that kind stand in; lately 9 of 10.
        assert columns["response_rate"] == pytest.approx([12 / 25, 2 / 10, 0.4])
        assert columns["response_lately"] == pytest.approx([13.5 / 15, 0.9, 0.9])
        assert columns["refusal_rate"] == pytest.approx([0.2 / 25, 1.2 / 10, 0.04])
        assert columns["examined"] == pytest.approx([np.log(21), np.log(6), 0.0])
        assert columns["trend_1"] == [1.0, 0.25, 0.0]
        assert columns["trend_7"] == [1.0, 1.0, 0.0]

    def test_of_its_facets(self) -> None:
        columns = world(CONTENT, history(), demand=self.DEMAND).columns([1, 3, 5])
        # Genre 0 was examined 25 times and engaged with 10 times, which is average; the person 20 times.
        person = (10 + 5 * 0.4) / (20 + 5)
        assert columns["genre_response"] == pytest.approx([0.4, 0.4, 0.4])
        assert columns["people_response"] == pytest.approx([0.4, person, 0.4])

    def test_of_the_person(self) -> None:
        seen = Seen(np.array([0, 1]), np.array([1.0, 0.5]), np.array([NOW - 2 * SECONDS_PER_DAY] * 2))
        one = replace(world(CONTENT, history((0, 2.0)), demand=self.DEMAND), seen=seen)
        columns = one.columns([0, 1, 2])
        expected = np.array([0.48, 0.5 * 0.2])
        own = (1 + 1) / (expected.sum() + 1)
        assert columns["person_response"] == pytest.approx([own] * 3)
        assert columns["slots_seen"] == pytest.approx([np.log(3)] * 3)
        genre = (1 - own * expected.sum()) / (1.5 + LIKING_PRIOR)
        person = (1 - own * expected[0]) / (1.0 + LIKING_PRIOR)
        assert columns["genre_interest"] == pytest.approx([genre, genre, 0.0])
        assert columns["people_interest"] == pytest.approx([person, 0.0, 0.0])
        assert columns["passed_over"] == [0.0, 0.5, 0.0]
        assert columns["passed_over_age"] == pytest.approx([np.nan, np.log(3), np.nan], nan_ok=True)


def test_verdicts_are_bounded() -> None:
    weights = [(0, -4.0), (1, 0.0), (2, 1.5), (3, 3.0), (4, 500.0)]
    assert history(*weights).verdicts.tolist() == [-1.0, 0.0, 0.5, 1.0, 1.0]


def test_without_candidates_there_are_no_rows() -> None:
    one = world(CONTENT, history((0, 2.0)))
    assert one.compute(np.empty(0, dtype=np.intp)).shape == (0, len(FEATURES))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any catalog, person and model."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    items, facets = draw(st.integers(1, 12)), draw(st.integers(0, 8))
    content = make_content(
        [np.flatnonzero(rng.random(facets) < 0.4).tolist() for _ in range(items)],
        groups=[GROUPS[number] for number in rng.integers(len(GROUPS), size=facets)],
        published=np.where(
            rng.random(items) < 0.3, UNKNOWN, rng.uniform(NOW - 100 * YEAR, NOW + YEAR, items)
        ).tolist(),
        item_ids=np.sort(rng.choice(50, items, replace=False)).tolist(),
    )
    known = rng.permutation(items)[: draw(st.integers(0, items))]
    history = History(known.astype(np.intp), rng.choice([-2.0, -1.0, 0.0, 0.5, 3.0, 500.0], size=len(known)))
    rows = rng.permutation(items)[: draw(st.integers(0, items))].astype(np.intp)
    scores = np.where(rng.random(len(rows)) < 0.3, np.nan, rng.random(len(rows)))
    counts = rng.integers(0, 4, size=(2, items)).astype(np.float64)
    shown = rng.uniform(0.0, 9.0, size=(items, 2)) * draw(st.sampled_from([0.0, 1.0]))
    responses = ItemResponses(shown, shown * rng.random((items, 2)), shown[:, 0] * rng.random(items))
    demand = ItemDemand.from_counts(
        rng.random(items), *counts, trends=rng.random((items, 3)), responses=responses
    )
    places = np.where(np.isnan(scores), np.nan, rng.integers(1, 1001, size=len(rows)))
    neighbors = rng.uniform(-1, 1, size=len(rows))
    slots = draw(st.integers(0, 8))
    seen = Seen(
        rng.integers(items, size=slots), rng.uniform(0.1, 1.0, slots), NOW - np.sort(rng.random(slots))[::-1]
    )
    return World(content, demand, history, neighbors, rows, scores, places, seen)


@given(worlds())
def test_whatever_comes_in_features_are_numbers_in_their_ranges(one: World) -> None:
    features = one.compute()
    assert features.shape == (len(one.rows), len(FEATURES))
    assert features.dtype == np.float32
    assert set(RANGES) == set(FEATURES)
    for place, name in enumerate(FEATURES):
        column = features[:, place]
        if name in UNKNOWABLE:
            column = column[~np.isnan(column)]
        low, high = RANGES[name]
        assert (column >= low - 1e-6).all(), name
        assert (column <= high + 1e-6).all(), name


@given(worlds(), st.randoms(use_true_random=False))
def test_candidates_in_another_order_have_the_same_features(one: World, random: Random) -> None:
    order = np.array(random.sample(range(len(one.rows)), len(one.rows)), dtype=np.intp)
    assert one.compute(order) == pytest.approx(one.compute()[order], abs=1e-6, nan_ok=True)


@given(worlds())
def test_the_other_candidates_do_not_matter(one: World) -> None:
    together = one.compute()
    for place in range(len(one.rows)):
        assert one.compute(np.array([place]))[0] == pytest.approx(together[place], abs=1e-6, nan_ok=True)


@given(worlds())
def test_what_comes_in_stays_as_it_is(one: World) -> None:
    arrays = (one.rows, one.scores, one.places, one.history.rows, one.history.weights, one.content.published)
    before = [array.copy() for array in arrays]
    one.compute()
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(arrays, before, strict=True))
