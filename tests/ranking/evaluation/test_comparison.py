"""The evaluation set, the part that a contender may know, and the figures on it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from core.domain import USE_CASES
from core.progress import Progress
from profiles.boosts import personal_alpha
from profiles.reduction import CODES, Event, Rules, no_taste, reduce_events
from profiles.selectors import STRANGER, PersonalTaste
from ranking.context import ScoringContext
from ranking.datasets.shown_lists import no_lists
from ranking.evaluation import shown as shown_module
from ranking.evaluation.comparison import evaluate_contenders
from ranking.evaluation.contenders import (
    AS_SHOWN,
    POPULARITY,
    RANDOM,
    Contender,
    ContenderScores,
    contender_scores,
)
from ranking.evaluation.evaluation_set import EvaluationSet, evaluation_set
from ranking.evaluation.results import ContenderEvaluation
from ranking.recommenders.als.file import load_als
from ranking.recommenders.ranker.file import load_ranker
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import Events
from ranking.statistics.lists import ShownLists
from tests.factories import make_als_bytes, ranker_bytes
from tests.ranking.builders import bare_context
from tests.ranking.statistics.builders import dislike, like, make_content, make_events

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
DAY = 86_240.0
EVEN, ODD = (2, 4, 6, 8), (1, 3, 5, 7)


def models(*, ranker: bool = False) -> ModelSet:
    both = {
        "als": LoadedModel(1, "als", load_als(make_als_bytes([EVEN, ODD]))),
        "ranker": LoadedModel(2, "ranker", load_ranker(ranker_bytes("model_score"))),
    }
    return ModelSet(both if ranker else {"als": both["als"]})


def catalog(item_ids: Sequence[int] = range(1, 9)) -> CatalogSnapshot:
    return bare_context(list(item_ids)).catalog


def lists_of(rows: Sequence[tuple[int, float, Sequence[tuple[int, int]]]], **columns: Any) -> ShownLists:
    """Lists from (person, time, (item, relevance) by rank)."""
    slots = [slot for _, _, part in rows for slot in part]
    sizes = [len(part) for _, _, part in rows]
    defaults: dict[str, Any] = {
        "sizes": np.array(sizes, dtype=np.int64),
        "user_ids": np.array([user for user, _, _ in rows], dtype=np.int64),
        "times": np.array([time for _, time, _ in rows], dtype=np.float64),
        "item_ids": np.array([item for item, _ in slots], dtype=np.int64),
        "ranks": np.concatenate([np.arange(1, size + 1) for size in sizes]),
        "scores": np.linspace(0.9, 0.1, len(slots)),
        "relevance": np.array([relevance for _, relevance in slots], dtype=np.int64),
        "propensities": np.full(len(slots), np.nan),
        "explored": np.zeros(len(slots), dtype=np.bool_),
    }
    return ShownLists(**defaults | columns)


def make_set(
    events: Events, lists: ShownLists | None = None, *, start: float = DAY, items: Sequence[int] = range(1, 9)
) -> EvaluationSet:
    return evaluation_set(
        events=events, lists=no_lists() if lists is None else lists, catalog=catalog(items), start=start
    )


def evening_people(count: int = 12) -> Events:
    """People who liked three even items before the cut, and afterwards the fourth and disliked an odd one.

    Many more like odd items, so that these are the popular ones.
    """
    rows = [like(1000 + user, item, 50.0) for user in range(30) for item in ODD]
    for user in range(count):
        later = EVEN[user % 4]
        rows += [like(user, item, 100.0 + item) for item in EVEN if item != later]
        rows += [like(user, later, DAY + 10), dislike(user, ODD[user % 4], DAY + 20)]
    return make_events(rows)


def evaluated(data: EvaluationSet, *contenders: Contender) -> dict[str, ContenderEvaluation]:
    found = evaluate_contenders(list(contenders), data, MOVIES, seed=0, progress=QUIET)
    return {one.name: one for one in found}


def mean(evaluation: ContenderEvaluation, figure: str) -> float:
    return float(np.nanmean(evaluation.figures[figure].values))


@pytest.mark.parametrize("ranker", [False, True])
def test_a_model_that_knows_the_taste_beats_popularity_and_chance(ranker: bool, settings: Settings) -> None:
    settings.POPULARITY_SHARE = 0.0
    data = make_set(evening_people())
    found = evaluated(data, Contender("model", models(ranker=ranker)), Contender(POPULARITY))
    assert mean(found["model"], "ndcg") > max(mean(found[name], "ndcg") for name in (POPULARITY, RANDOM))
    assert mean(found["model"], "order") == 1.0
    # Everybody's later dislike is among what is popular.
    assert mean(found["model"], "ndcg_gap") > 0 > mean(found[POPULARITY], "ndcg_gap")
    assert mean(found["model"], "candidate_recall") == 1.0
    assert mean(found[RANDOM], "order") == 0.5
    assert {name: one.people for name, one in found.items()} == {"model": 12, POPULARITY: 12, RANDOM: 12}
    assert 0 < found["model"].coverage.mean <= 1
    assert mean(found["model"], "novelty") >= 0


def test_the_gap_of_ndcg_is_between_what_one_person_liked_and_disliked() -> None:
    """Popularity puts the odd items first; who turned nothing down has no gap."""
    events = evening_people()
    someone = np.isin(events.user_ids, [0]) & (events.weights < 0)
    gap, ndcg = (
        evaluated(make_set(events.select(~someone)), Contender(POPULARITY))[POPULARITY].figures[name]
        for name in ("ndcg_gap", "ndcg")
    )
    assert np.isnan(gap.values).tolist() == [True] + [False] * 11
    assert not np.isnan(ndcg.values).any()
    assert (gap.values[1:] < ndcg.values[1:]).all()


def test_popularity_is_that_of_before_the_cut() -> None:
    rows = [like(user, 2, 10.0) for user in range(5)] + [like(5, 4, 20.0)]
    rows += [like(user, 8, DAY + user) for user in range(6)]
    data = make_set(make_events(rows))
    assert data.catalog.demand.popularity.tolist() == pytest.approx([0, 1, 0, 0.2, 0, 0, 0, 0], abs=1e-3)
    assert data.catalog.item_ids[data.catalog.by_popularity].tolist() == [2, 4]


def test_a_history_ends_strictly_before_its_moment() -> None:
    data = make_set(make_events([like(1, 2, 5.0), like(1, 4, 6.0), like(1, 6, 7.0), like(2, 8, 1.0)]))
    assert data.history(1, 6.0).item_ids.tolist() == [2]
    assert data.history(1, 6.5).item_ids.tolist() == [2, 4]
    assert data.history(2, 1.0).item_ids.tolist() == []
    assert data.history(3, 100.0).item_ids.tolist() == []


def test_what_happens_after_a_list_changes_nothing_about_its_scores() -> None:
    lists = lists_of([(1, DAY + 100, [(2, 3), (1, 0), (8, 1)])])
    before = [like(1, 4, 10.0), like(2, 6, 20.0), like(2, 2, 30.0)]
    after = [like(1, 2, DAY + 100), dislike(1, 1, DAY + 101), like(1, 8, DAY + 500), like(2, 1, DAY + 1)]
    everything = evaluated(make_set(make_events(before + after), lists), Contender("model", models()))[
        "model"
    ]
    before_only = evaluated(make_set(make_events(before), lists), Contender("model", models()))["model"]
    assert everything.calibration is not None
    assert before_only.calibration is not None
    np.testing.assert_array_equal(everything.calibration.predicted, before_only.calibration.predicted)
    assert mean(everything, "list_ndcg") == mean(before_only, "list_ndcg")


def test_lists_from_before_the_cut_are_not_evaluated() -> None:
    lists = lists_of([(1, DAY - 1, [(2, 3), (1, 1)]), (2, DAY, [(2, 3), (1, 1)])])
    data = make_set(evening_people(), lists)
    assert data.lists.user_ids.tolist() == [2]
    assert data.found == (12, 1)


def test_an_item_taken_out_of_the_catalog_is_evaluated_for_nobody() -> None:
    lists = lists_of([(1, DAY + 1, [(99, 3), (2, 3), (1, 1)]), (2, DAY + 1, [(99, 4)])])
    data = make_set(evening_people(), lists, items=[1, 2, 3, 4, 5])
    assert data.lists.item_ids.tolist() == [2, 1]
    found = evaluated(data, Contender("als", models()), Contender("both", models(ranker=True)))
    assert all(mean(one, "list_ndcg") > 0 for one in found.values())
    # The model knows 6 and 8, which are in the catalog no more.
    for one in (models(), models(ranker=True)):
        context = ScoringContext.of(MOVIES, catalog([1, 2, 3, 4, 5]), one)
        wanted = np.array([2, 6, 99])
        seen = contender_scores(wanted, make_events([like(1, 4)]), context, DAY, retrieve=True)
        assert np.isnan(seen.scores).tolist() == [False, True, True]
        assert np.isin(seen.retrieved, [1, 2, 3, 5]).all()


@pytest.mark.parametrize("ranker", [False, True])
def test_a_score_is_the_same_with_and_without_retrieving(ranker: bool) -> None:
    context = ScoringContext.of(MOVIES, catalog(), models(ranker=ranker))
    history, items = make_events([like(1, 4), dislike(1, 1)]), np.arange(8, 0, -1)
    one, other = (
        contender_scores(items, history, context, DAY, retrieve=retrieve) for retrieve in (True, False)
    )
    np.testing.assert_allclose(one.scores, other.scores)
    assert set(one.retrieved) == {2, 3, 5, 6, 7, 8}
    assert len(other.retrieved) == 0


def test_what_als_does_not_know_stands_behind_by_popularity(settings: Settings) -> None:
    settings.POPULARITY_SHARE = 0.0
    data = make_set(
        make_events([like(1, 11, 1.0), like(2, 11, 1.0), like(2, 12, 1.0), like(3, 2, 1.0)]),
        items=range(1, 14),
    )
    context = ScoringContext.of(MOVIES, data.catalog, models())
    items = np.array([13, 12, 11, 1, 2])
    seen = contender_scores(items, make_events([like(1, 4)]), context, DAY, retrieve=False)
    assert items[np.argsort(-seen.scores)].tolist() == [2, 1, 11, 12, 13]
    settings.POPULARITY_SHARE = 1.0
    demand = replace(data.catalog.demand, verdicts=np.full(13, 1e9))
    context = ScoringContext.of(MOVIES, replace(data.catalog, demand=demand), models())
    blended = contender_scores(items, make_events([like(1, 4)]), context, DAY, retrieve=False)
    assert items[np.argmax(blended.scores)] == 11
    np.testing.assert_array_equal(seen.probabilities, blended.probabilities)
    assert np.isnan(seen.probabilities).tolist() == [True, True, True, False, False]
    # Of somebody unknown the model says nothing, so everything goes by popularity.
    stranger = contender_scores(items, make_events([]), context, DAY, retrieve=True)
    assert items[np.argmax(stranger.scores)] == 11
    assert np.isnan(stranger.probabilities).all()


NOBODY = make_events([])


@pytest.mark.parametrize(
    ("events", "lists", "names"),
    [
        (NOBODY, None, {"model", POPULARITY}),
        (make_events([like(1, 2, 5.0)]), None, {"model", POPULARITY}),
        (make_events([dislike(1, 2, DAY + 5.0)]), None, {"model", POPULARITY}),
        (make_events([like(1, 2, 5.0), like(1, 4, DAY + 5)]), None, {"model", POPULARITY, RANDOM}),
        (NOBODY, [(1, DAY, [(2, 3)])], {"model", POPULARITY, RANDOM, AS_SHOWN}),
        (NOBODY, [(1, DAY, [(2, 1), (4, 1)])], {"model", POPULARITY, RANDOM, AS_SHOWN}),
    ],
)
@pytest.mark.parametrize("ranker", [False, True])
@pytest.mark.parametrize("items", [range(1, 9), []])
def test_however_little_there_is_it_is_evaluated(
    events: Events, lists: Any, names: set[str], ranker: bool, items: Sequence[int]
) -> None:
    shown = None if lists is None else lists_of(lists)
    data = make_set(events, shown, items=items)
    found = evaluated(data, Contender("model", models(ranker=ranker)), Contender(POPULARITY))
    if items:
        assert set(found) == names


def test_a_model_that_saw_what_is_held_out_is_marked() -> None:
    data = make_set(evening_people())
    found = evaluated(
        data,
        Contender("clean", models(), seen_until=DAY),
        Contender("late", models(), seen_until=DAY + 1),
        Contender("unknown", models()),
    )
    assert [found[name].leaked for name in ("clean", "late", "unknown", RANDOM)] == [
        False,
        True,
        False,
        False,
    ]


def test_one_seed_gives_one_evaluation() -> None:
    lists = lists_of([(user, DAY + 1, [(2, 3), (1, 1), (3, 0)]) for user in range(6)])
    data = make_set(evening_people(), lists)
    one, again = (evaluated(data, Contender("model", models())) for _ in range(2))
    assert one["model"].coverage == again["model"].coverage
    np.testing.assert_array_equal(one[RANDOM].figures["ndcg"].values, again[RANDOM].figures["ndcg"].values)


def shown_to_many(**columns: Any) -> ShownLists:
    """Everybody saw two items; whoever was shown an even one first engaged with it."""
    rows = [
        (user, DAY + 10, [(EVEN[user % 4], 3), (ODD[user % 4], 0)] if user % 2 else [(ODD[user % 4], 1)])
        for user in range(240)
    ]
    return lists_of(rows, **columns)


def test_without_propensities_nothing_is_said_of_what_would_have_been() -> None:
    found = evaluated(make_set(evening_people(), shown_to_many()), Contender("model", models()))
    assert all(one.engagement is None and one.dislikes is None for one in found.values())


@pytest.mark.parametrize("propensity", [0.0, 1e-12, 1.5, -1.0, np.inf])
def test_impossible_propensities_are_as_good_as_none(propensity: float) -> None:
    lists = shown_to_many()
    bad = replace(lists, propensities=np.full(len(lists.item_ids), propensity))
    assert (
        evaluated(make_set(evening_people(), bad), Contender("model", models()))["model"].engagement is None
    )


def test_the_value_of_a_model_is_that_of_the_slots_it_would_have_filled_so() -> None:
    # People with one even item behind them; each saw one even or odd item, drawn evenly.
    rng = np.random.default_rng(0)
    history = [like(user, EVEN[(user + 1) % 4], 5.0) for user in range(240)]
    items = [EVEN[user % 4] if rng.random() < 0.5 else ODD[user % 4] for user in range(240)]
    rows = [(user, DAY + 10, [(item, 3 if item % 2 == 0 else 1)]) for user, item in enumerate(items)]
    lists = lists_of(rows, propensities=np.full(240, 0.125))
    found = evaluated(make_set(make_events(history), lists), Contender("model", models()))
    engagement, logged = found["model"].engagement, found[AS_SHOWN].engagement
    assert engagement is not None
    assert logged is not None
    # It puts an even item first for everybody, so only such slots count, and all of these were engaged with.
    assert engagement.value.mean == 1.0
    assert logged.value.mean == pytest.approx(np.mean(np.array(items) % 2 == 0))
    assert logged.effective_slots == pytest.approx(240)
    assert 0 < engagement.effective_slots < 120


def test_what_was_explored_counts_as_often_as_it_could_have_been_shown() -> None:
    """The estimate is that of the contender where a log of a known policy is drawn again and again.

    A list of four shows three fixed items and, in one of the places 2 to 4, with a chance of 0.3 each, one of
    two others. A contender lists all of the first three and one of the others. People engage with an item by
    its own rate.
    """
    rng = np.random.default_rng(1)
    rates = {1: 0.9, 2: 0.5, 3: 0.5, 4: 0.5, 5: 0.1, 6: 0.1}
    lists = 8_000
    items = np.tile([1, 2, 3, 4], (lists, 1))
    explored = np.zeros((lists, 4), dtype=np.bool_)
    explored[:, 1:] = rng.random((lists, 3)) < 0.2
    explored[explored.sum(axis=1) > 2] = False
    for row in np.flatnonzero(explored.any(axis=1)):
        places = np.flatnonzero(explored[row])
        items[row, places] = rng.permutation([5, 6])[: len(places)]
    # P(two or fewer) is left out of the chances; so they are measured instead of computed.
    base = np.array([1.0, *(1 - explored.mean(axis=0)[1:])])
    propensities = np.where(explored, explored[:, 1:].mean() / 2, base)
    engaged = rng.random((lists, 4)) < np.vectorize(rates.get)(items)
    log = ShownLists(
        sizes=np.full(lists, 4),
        user_ids=np.arange(lists),
        times=np.zeros(lists),
        item_ids=items.ravel(),
        ranks=np.tile([1, 2, 3, 4], lists),
        scores=np.full(lists * 4, np.nan),
        relevance=np.where(engaged, 3, 1).ravel(),
        propensities=propensities.ravel(),
        explored=explored.ravel(),
    )
    wanted = [1, 2, 3, 5]
    targets = np.isin(log.item_ids, wanted).astype(np.float64)
    estimate = shown_module._counterfactual(log, targets, log.relevance == 3, rng)
    assert estimate is not None
    truth = np.mean([rates[item] for item in wanted])
    assert estimate.value.mean == pytest.approx(truth, abs=0.02)
    assert estimate.value.low < truth < estimate.value.high


def test_boosts_raise_what_fits_the_taste_of_that_moment(settings: Settings) -> None:
    settings.BOOST_STRENGTH, settings.POPULARITY_SHARE = 1.0, 0.0
    content = make_content([(0,), (0,), (1,), (1,)], groups=["genre", "genre"], item_ids=[1, 2, 3, 4])
    demand = ItemDemand.from_counts(np.array([1.0, 0.9, 0.95, 0.8]), np.zeros(4), np.zeros(4))
    context = ScoringContext.of(MOVIES, CatalogSnapshot.build(content, demand, np.array([10, 20])))
    taste = reduce_events(
        no_taste(), [Event(1, "like", 2.0, False, "", ((20, CODES["genre"], "B"),))] * 9, Rules(3, ())
    )
    personal = PersonalTaste(taste, personal_alpha(taste), (), {})
    items = np.array([1, 2, 3, 4])

    def seen(*, boosted: bool) -> ContenderScores:
        history = make_events([])
        return contender_scores(items, history, context, DAY, retrieve=True, taste=personal, boosted=boosted)

    assert seen(boosted=False).retrieved.tolist() == [1, 3, 2, 4]
    assert seen(boosted=True).retrieved.tolist() == [3, 1, 4, 2]
    np.testing.assert_allclose(seen(boosted=False).scores, demand.popularity)
    boosts = seen(boosted=True).scores / seen(boosted=False).scores
    assert boosts[0] == boosts[1] == 1.0
    assert boosts[2] == pytest.approx(boosts[3])
    assert boosts[2] > 1.1


def test_what_is_believed_of_people_is_asked_for_the_moment_before_what_they_are_evaluated_on() -> None:
    asked: list[tuple[int, float, list[int]]] = []

    def taste_at(user_id: int, moment: float, also: Collection[int]) -> PersonalTaste:
        asked.append((user_id, moment, sorted(also)))
        return STRANGER

    rows = [like(1, 2, 50.0), like(1, 4, DAY + 5)]
    newcomer = [like(2, item, DAY + 10.0) for item in (2, 4, 6, 8)]
    events = make_events(rows + newcomer)
    lists = lists_of([(1, DAY + 100, [(2, 3), (1, 0)])])
    data = evaluation_set(events=events, lists=lists, catalog=catalog(), start=DAY, taste_at=taste_at)
    evaluate_contenders([Contender("model", models())], data, MOVIES, seed=0, progress=QUIET)
    assert asked == [(1, DAY, [2]), (2, DAY + 10.0, [2, 4]), (1, DAY + 100, [])]


class TestThere:
    """The items that were there at the cut: by their date, or because somebody had met them."""

    def held(self, since: Sequence[float], events: Events, lists: ShownLists | None = None) -> EvaluationSet:
        dated = replace(catalog(), there_since=np.array(since))
        return evaluation_set(
            events=events, lists=no_lists() if lists is None else lists, catalog=dated, start=DAY
        )

    def there(self, held: EvaluationSet) -> list[int]:
        return sorted(set(held.catalog.item_ids.tolist()) - set(held.not_there_at(held.start).tolist()))

    def test_what_anybody_met_is_there_whatever_its_date_says(self) -> None:
        """Items 1 to 4 are dated long after; 1 was liked, 2 shown, 3 disliked, 4 met at the cut itself."""
        events = make_events([like(1, 1, 5.0), dislike(2, 3, 6.0), like(1, 4, DAY), like(1, 7, 1.0)])
        lists = lists_of([(3, 9.0, [(2, 1)])])
        held = self.held([9 * DAY] * 4 + [0.0] * 4, events, lists)
        assert self.there(held) == [1, 2, 3, 5, 6, 7, 8]

    def test_a_date_after_the_whole_log_changes_no_figure(self) -> None:
        dated, late = (
            evaluated(self.held([moment] * 8, evening_people()), Contender("model", models()))["model"]
            for moment in (0.0, 99 * DAY)
        )
        assert mean(late, "ndcg") == mean(dated, "ndcg") > 0.5
        assert mean(late, "order") == mean(dated, "order")

    def test_what_is_first_shown_later_is_scored_then_and_retrieved_by_nobody_before(self) -> None:
        """Item 8 comes with a list a day after the cut."""
        lists = lists_of(
            [(0, DAY + 1, [(2, 3), (1, 1)]), (2, 2 * DAY, [(8, 3), (1, 1)])],
            propensities=np.ones(4),
        )
        events = evening_people()
        events = events.select(events.item_ids != 8)
        held = self.held([0.0] * 7 + [np.inf], events, lists)
        assert held.not_there_at(DAY).tolist() == held.not_there_at(DAY + 1).tolist() == [8]
        assert held.not_there_at(2 * DAY).tolist() == []
        assert held.lists.item_ids.tolist() == [2, 1, 8, 1]
        context = ScoringContext.of(MOVIES, held.catalog, models())
        for moment, expected in ((DAY + 1, False), (2 * DAY, True)):
            answer = contender_scores(
                np.array([8]), make_events([like(1, 4)]), context, moment,
                retrieve=True, not_there=held.not_there_at(moment),
            )  # fmt: skip
            assert (8 in answer.retrieved) is expected
            assert not np.isnan(answer.scores).any()

    def test_random_lists_and_coverage_are_of_what_was_there(self) -> None:
        held = self.held([0.0] * 4 + [np.inf] * 4, make_events([like(1, 2, 5.0), like(1, 4, DAY + 5)]))
        found = evaluated(held, Contender(POPULARITY))
        assert found[RANDOM].coverage.mean == pytest.approx(3 / 4)


def test_it_is_noted_for_whom_a_model_made_a_list() -> None:
    events = make_events([like(1, 2, 5.0), like(1, 4, DAY + 5), like(2, 99, 5.0), like(2, 4, DAY + 5)])
    lists = lists_of([(1, DAY + 9, [(6, 3), (1, 1)]), (2, DAY + 9, [(6, 3), (1, 1)])])
    found = evaluated(make_set(events, lists), Contender("model", models()), Contender(POPULARITY))
    assert {name: ids.tolist() for name, ids in found["model"].by_models.items()} == {
        "ndcg": [1],
        "list_ndcg": [1, 2],
    }
    assert all(len(ids) == 0 for ids in found[POPULARITY].by_models.values())
