"""Lists from the log alone: what is in them, and that nothing of the time after is."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from core.domain import USE_CASES
from ranking.datasets.bootstrap import (
    DISLIKE_WEIGHT,
    DISLIKED,
    FIRST_ITEMS,
    LIKED,
    TOUCHED,
    UNTOUCHED,
    BootstrapList,
    BootstrapPlan,
    at_arrival,
    bootstrap_lists,
    context_before,
    plan_windows,
    ranker_data,
    ranker_rows,
)
from ranking.datasets.ranker_rows import RankerWriter
from ranking.features import FEATURES
from ranking.item_content import ItemContent
from ranking.recommenders.als.model import AlsModel, AlsParameters, fit_als
from ranking.registry.loading import NO_MODELS, LoadedModel, ModelSet
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import demand_of
from ranking.statistics.events import SECONDS_PER_DAY, Events
from ranking.statistics.split import Person
from tests.ranking.statistics.builders import Row, dislike, like, make_events

MOVIES = USE_CASES["movie_home"]
ITEMS = np.arange(100, 160)
PLAN = BootstrapPlan(windows=3, first=0.4)


@pytest.fixture(scope="module")
def events() -> Events:
    """Forty people of two tastes over a hundred days, some of them new in each part of it."""
    rng = np.random.default_rng(3)
    users, items, weights, times = [], [], [], []
    for user in range(40):
        liked = rng.choice(ITEMS[:30] if user % 2 else ITEMS[30:], size=14, replace=False)
        other = rng.choice(ITEMS[30:] if user % 2 else ITEMS[:30], size=4, replace=False)
        since = rng.uniform(0, 60)
        taken = np.concatenate([liked, other])
        users.append(np.full(len(taken), user))
        items.append(taken)
        weights.append(np.repeat([2.0, 1.0, -1.0], [10, 4, 4]))
        times.append(rng.uniform(since, 100, size=len(taken)))
    values = np.concatenate(weights).astype(np.float32)
    return Events(
        user_ids=np.concatenate(users),
        item_ids=np.concatenate(items),
        weights=values,
        times=np.concatenate(times) * SECONDS_PER_DAY,
        relevant=values == 2.0,
    )


@pytest.fixture(scope="module")
def catalog(events: Events) -> CatalogSnapshot:
    """Two genres, as the tastes are, the demand of the end of the log, and years alone for dates."""
    genre = np.arange(len(ITEMS)) // 30
    content = ItemContent(
        item_ids=ITEMS,
        published=np.linspace(-500, 100, len(ITEMS)) * SECONDS_PER_DAY,
        facets=csr_matrix((np.ones(len(ITEMS)), (np.arange(len(ITEMS)), genre))),
        groups=np.zeros(2, dtype=np.int64),
    )
    demand = demand_of(events, ITEMS, half_life_days=365.0)
    return CatalogSnapshot.build(content, demand, np.array([1, 2]), np.full(len(ITEMS), np.inf))


def make_lists(events: Events, catalog: CatalogSnapshot, plan: BootstrapPlan = PLAN) -> list[BootstrapList]:
    lists = bootstrap_lists(
        events,
        catalog=catalog,
        use_case=MOVIES,
        plan=plan,
        seed=1,
        hyper_parameters={"als": {"factors": 4, "iterations": 3}},
    )
    return list(lists)


def _alone(als: AlsModel) -> ModelSet:
    return NO_MODELS.with_model("als", LoadedModel(0, "past", als))


def by_session(lists: Iterable[BootstrapList]) -> dict[str, BootstrapList]:
    return {str(one.session_id): one for one in lists}


@pytest.fixture(scope="module")
def made(events: Events, catalog: CatalogSnapshot) -> list[BootstrapList]:
    """The lists of all events, to be read alone: models of each window are trained for them."""
    return make_lists(events, catalog)


def test_every_window_follows_the_one_before_and_the_last_holds_the_last_event(events: Events) -> None:
    windows = plan_windows(events.times, PLAN)
    assert len(windows) == 3
    assert [one.end for one in windows[:-1]] == [one.start for one in windows[1:]]
    assert windows[-1].end > events.times.max()
    assert np.mean(events.times < windows[0].start) == pytest.approx(0.4, abs=0.01)


def test_labels_say_what_was_done_in_the_window(events: Events, made: list[BootstrapList]) -> None:
    windows = plan_windows(events.times, PLAN)
    lists = made
    assert {one.window for one in lists} == {0, 1, 2}
    for one in lists:
        window = windows[one.window]
        assert one.time == window.start
        theirs = events.between(window.start, window.end)
        theirs = theirs.select(theirs.user_ids == one.user_id)
        expected = np.full(len(one.candidates), UNTOUCHED)
        for value, which in (
            (TOUCHED, theirs.weights == 1),
            (LIKED, theirs.relevant),
            (DISLIKED, theirs.weights < 0),
        ):
            expected[np.isin(one.candidates.item_ids, theirs.item_ids[which])] = value
        assert one.relevance.tolist() == expected.tolist()
        assert (one.relevance > UNTOUCHED).any()


def test_the_scores_of_every_kind_are_features(made: list[BootstrapList]) -> None:
    """A ranker weighs what it has seen: of a kind that scores in service it must have met the scores."""
    features = ranker_data(made).features
    for kind in ("als", "transitions", "ease", "content", "verdict"):
        assert np.isfinite(features[:, FEATURES.index(f"{kind}_score")]).any(), kind


def test_nothing_known_to_the_person_before_is_a_candidate(events: Events, made: list[BootstrapList]) -> None:
    for one in made:
        known = events.item_ids[(events.user_ids == one.user_id) & (events.times < one.time)]
        assert not np.isin(one.candidates.item_ids, known).any()


@pytest.mark.slow
def test_what_comes_later_changes_no_candidate_and_no_feature(
    events: Events, catalog: CatalogSnapshot, made: list[BootstrapList]
) -> None:
    """The rest of the log is thrown about: other items, weights and verdicts from the window's start on."""
    start = plan_windows(events.times, PLAN)[-1].start
    later = events.times >= start
    returning = np.unique(events.user_ids[~later])
    rng = np.random.default_rng(9)
    weights = np.where(later, rng.choice([2.0, -1.0, 9.0], size=len(events)), events.weights).astype(
        np.float32
    )
    changed = replace(
        events,
        item_ids=np.where(later, rng.permutation(events.item_ids), events.item_ids),
        weights=weights,
        relevant=np.where(later, weights > 0, events.relevant),
    )
    demand = demand_of(changed, ITEMS, half_life_days=365.0)
    before, after = (
        by_session(made),
        by_session(make_lists(changed, catalog.at(demand))),
    )
    compared = 0
    for session, one in before.items():
        if session in after and one.user_id in returning:
            other = after[session].candidates
            assert one.candidates.item_ids.tolist() == other.item_ids.tolist()
            assert np.array_equal(one.features, after[session].features, equal_nan=True)
            compared += one.window == 2
    assert compared > 5


@pytest.mark.slow
def test_an_item_that_nobody_had_met_is_no_candidate(events: Events, catalog: CatalogSnapshot) -> None:
    """Ten items, the newest in the catalog, are touched in the last days of the log only."""
    late = np.isin(events.item_ids, ITEMS[-10:])
    events = replace(events, times=np.where(late, 95 * SECONDS_PER_DAY + events.times / 20, events.times))
    lists = make_lists(events, catalog)
    for one in lists:
        met = events.before(one.time).item_ids
        assert np.isin(one.candidates.item_ids, met).all()
    assert {one.window for one in lists if one.time < events.times[late].min()} >= {0, 1}


def test_the_live_state_of_a_moment_holds_what_was_met_and_wanted_by_then(
    events: Events, catalog: CatalogSnapshot
) -> None:
    start = float(np.quantile(events.times, 0.02))
    training = events.before(start)
    als = fit_als(training, AlsParameters(factors=2, iterations=1), seed=0)
    context = context_before(events, start, catalog, MOVIES, _alone(als))
    met = np.unique(training.item_ids)
    assert 0 < len(met) < len(ITEMS)
    assert context.catalog.item_ids.tolist() == met.tolist()
    assert context.catalog.demand.verdicts.sum() == np.count_nonzero(
        training.relevant | (training.weights < 0)
    )


def test_an_item_is_there_from_its_date_whoever_met_it(events: Events, catalog: CatalogSnapshot) -> None:
    start = float(np.quantile(events.times, 0.02))
    als = fit_als(events.before(start), AlsParameters(factors=2, iterations=1), seed=0)
    dated = replace(catalog, there_since=np.where(ITEMS < 110, start, np.inf))
    context = context_before(events, start, dated, MOVIES, _alone(als))
    met = events.before(start).item_ids
    assert context.catalog.item_ids.tolist() == np.union1d(ITEMS[:10], met).tolist()


@pytest.mark.slow
def test_equal_input_gives_equal_lists_and_sessions(
    events: Events, catalog: CatalogSnapshot, made: list[BootstrapList]
) -> None:
    first, again = made, make_lists(events, catalog)
    assert [one.session_id for one in first] == [one.session_id for one in again]
    assert len({one.session_id for one in first}) == len(first)
    assert np.array_equal(ranker_data(first).features, ranker_data(again).features, equal_nan=True)


def test_as_training_data_everything_counts_as_examined(made: list[BootstrapList]) -> None:
    lists = made
    data = ranker_data(lists)
    assert len(data) == len(lists)
    assert (data.exposure == 1).all()
    assert (data.weights == np.where(data.relevance == DISLIKED, DISLIKE_WEIGHT, 1.0)).all()
    assert data.ranks[: data.sizes[0]].tolist() == list(range(1, int(data.sizes[0]) + 1))
    assert (np.diff(data.times) >= 0).all()


def test_rows_fit_the_ranker_dataset(tmp_path: Path, made: list[BootstrapList]) -> None:
    lists = made
    with RankerWriter(tmp_path / "data.parquet") as writer:
        rows = sum(writer.write(ranker_rows(one)) for one in lists)
    assert rows == sum(len(one.candidates) for one in lists)
    assert writer.counts["sessions"] == len(lists)


def test_of_many_people_so_many_are_drawn(events: Events, catalog: CatalogSnapshot) -> None:
    lists = make_lists(events, catalog, replace(PLAN, people=4))
    assert np.bincount([one.window for one in lists]).max() <= 4


def test_without_anything_before_there_are_no_lists(events: Events, catalog: CatalogSnapshot) -> None:
    nothing = events.select(np.zeros(len(events), dtype=np.bool_))
    assert make_lists(nothing, catalog) == []
    only_dislikes = replace(events, weights=-np.abs(events.weights), relevant=np.zeros_like(events.relevant))
    assert make_lists(only_dislikes, catalog) == []
    assert len(ranker_data([])) == 0


def test_where_no_model_serves_there_are_the_lists_of_the_other_sources(
    events: Events, catalog: CatalogSnapshot
) -> None:
    without = replace(MOVIES, models=())
    lists = list(bootstrap_lists(events, catalog=catalog, use_case=without, plan=PLAN, seed=1))
    assert {one.window for one in lists} == {0, 1, 2}
    assert ranker_data(lists).can_teach_order
    scores = [FEATURES.index(f"{kind}_score") for kind in ("als", "ease", "content")]
    assert all(np.isnan(one.features[:, scores]).all() for one in lists)


@pytest.mark.parametrize("wrong", [{"windows": 0}, {"people": 0}, {"first": 0.0}, {"first": 1.0}])
def test_a_plan_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        BootstrapPlan(**wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_newcomers_stand_there_once_more_as_they_were_at_arrival(
    events: Events, catalog: CatalogSnapshot
) -> None:
    late = events.user_ids % 4 == 0
    last_days = 80 * SECONDS_PER_DAY + events.times / 5
    events = replace(events, times=np.where(late, last_days, events.times))
    size = FEATURES.index("history_size")
    found: dict[tuple[int, int], list[float]] = {}
    for one in make_lists(events, catalog):
        known = float(np.expm1(one.features[0, size]))
        found.setdefault((one.window, one.user_id), []).append(known)
    starts = [window.start for window in plan_windows(events.times, PLAN)]
    new = {
        (window, user): bool(events.times[events.user_ids == user].min() >= starts[window])
        for window, user in found
    }
    assert any(len(sizes) == 2 for sizes in found.values())
    for key, sizes in found.items():
        assert len(sizes) == 1 or new[key]
        if len(sizes) == 2:
            assert round(sizes[1]) in FIRST_ITEMS
            assert sizes[1] < sizes[0]


class TestAtArrival:
    def person(self, history: Events) -> Person:
        return Person(1, history, np.array([50]), np.array([60]))

    def test_the_rest_of_the_history_is_what_they_did_afterwards(self) -> None:
        history = make_events(
            [like(1, 9, 10.0), like(1, 3, 11.0), dislike(1, 5, 12.0), like(1, 9, 13.0), like(1, 4, 14.0)]
        )
        (known,) = at_arrival(self.person(history), 10.0, 1)
        assert known.history.item_ids.tolist() == [9, 9]
        assert known.relevant_items.tolist() == [3, 4, 50]
        assert known.disliked_items.tolist() == [5, 60]

    @pytest.mark.parametrize(
        ("history", "start", "items"),
        [
            ([], 10.0, 1),
            ([like(1, 9, 9.0), like(1, 3, 11.0)], 10.0, 1),
            ([like(1, 9, 10.0), like(1, 3, 11.0)], 10.0, 2),
            ([dislike(1, 9, 10.0), like(1, 3, 11.0)], 10.0, 1),
        ],
        ids=["no history", "a past", "no more than that", "nothing speaks for an item"],
    )
    def test_of_others_there_is_no_second_list(self, history: list[Row], start: float, items: int) -> None:
        assert at_arrival(self.person(make_events(history)), start, items) == []
