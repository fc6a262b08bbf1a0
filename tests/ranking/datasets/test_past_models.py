"""Models of the past: each knows only what came before its moment, and versions of then go before them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from core.domain import USE_CASES
from core.progress import Progress
from ranking.datasets import past_models
from ranking.datasets.backfill import fill_in_features
from ranking.datasets.past_models import PastModels
from ranking.features import FEATURES
from ranking.item_content import ItemContent
from ranking.models import ModelVersion
from ranking.statistics.events import Events
from ranking.statistics.split import Holdout
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_active_als, make_interaction, make_items, make_users
from tests.ranking.statistics.builders import make_events, random_events

MOVIES = USE_CASES["movie_home"]


@pytest.fixture(name="content")
def _content() -> ItemContent:
    """Thirty items of three genres."""
    genres = csr_matrix((np.ones(30), (np.arange(30), np.arange(30) % 3)), shape=(30, 3))
    return ItemContent(np.arange(30), np.zeros(30), genres, np.zeros(3, dtype=np.int64))


@pytest.fixture(name="past")
def _past(content: ItemContent) -> PastModels:
    return PastModels.of(MOVIES, {"als": {"factors": 3, "iterations": 2}}, 1, content)


@pytest.mark.slow
def test_every_kind_that_learns_from_events_is_there_at_every_moment(past: PastModels) -> None:
    assert set(past.trainers) >= {"als", "transitions", "ease", "content", "verdict"}
    assert not {"two_tower", "ranker"} & set(past.trainers)
    assert past.parameters["als"].factors == 3
    events = random_events(2)
    moments = np.quantile(events.times, [0.4, 0.7]).tolist()
    found = list(past.at(moments, events, float(np.quantile(events.times, 0.2))))
    assert [set(one.by_kind) for one in found] == [set(past.trainers)] * 2


def _noting(fit: Callable[..., Any], ends: list[float]) -> Callable[..., Any]:
    """The fit, which notes the time of the last event that it was given."""

    def noting(given: Events, *args: Any, **options: Any) -> Any:
        ends.append(float(given.times.max()))
        return fit(given, *args, **options)

    return noting


def test_a_kind_that_no_list_asks_is_not_fitted(content: ItemContent) -> None:
    use_case = replace(MOVIES, models=("als", "item_knn", "verdict"))
    assert set(PastModels.of(use_case, {}, 1, content).trainers) == {"als", "verdict"}
    use_case = replace(use_case, sources=("als", "item_knn"))
    assert set(PastModels.of(use_case, {}, 1, content).trainers) == {"als", "item_knn", "verdict"}


@pytest.mark.slow
def test_what_comes_later_changes_no_model(past: PastModels) -> None:
    events = random_events(3)
    since, moment = np.quantile(events.times, [0.3, 0.6]).tolist()
    later = events.times >= moment
    changed = replace(events, item_ids=np.where(later, 29 - events.item_ids, events.item_ids))
    (before,), (after,) = (list(past.at([moment], one, since)) for one in (events, changed))
    als, again = before.by_kind["als"].model, after.by_kind["als"].model
    assert np.array_equal(als.item_factors, again.item_factors)
    assert (als.slope, als.intercept) == (again.slope, again.intercept)
    (ease,) = (one.by_kind["ease"].model.matrix.toarray() for one in [before])
    assert np.array_equal(ease, after.by_kind["ease"].model.matrix.toarray())


def test_a_kind_that_is_slow_to_fit_stands_for_several_moments(
    past: PastModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other kind is fitted for each of them; none knows anything of its moment."""
    events = random_events(3)
    since, *moments = np.quantile(events.times, [0.2, 0.4, 0.5, 0.6, 0.7]).tolist()
    knew: dict[str, list[float]] = {"als": [], "ease": []}
    calibrated_on: list[tuple[float, float]] = []
    for name, ends in knew.items():
        trainer = past.trainers[name]

        def fit(
            given: Events, *args: Any, _fit: Any = trainer.fit_events, _ends: Any = ends, **more: Any
        ) -> Any:
            _ends.append(given.times.max())
            return _fit(given, *args, **more)

        monkeypatch.setattr(trainer, "fit_events", fit)
    slow = past.trainers["als"]
    monkeypatch.setattr(slow, "stands_for", 3)
    calibrate = slow.calibrated

    def calibrated(model: Any, earlier: Any, later: Holdout, *, seed: int) -> Any:
        calibrated_on.append((later.start, later.training.times.max()))
        return calibrate(model, earlier, later, seed=seed)

    monkeypatch.setattr(slow, "calibrated", calibrated)
    found = [one.by_kind for one in past.at(moments, events, since)]

    first, _, third, last = (one["als"].model for one in found)
    assert found[1]["als"] is found[0]["als"]
    assert third is first
    assert last is not first
    before = [float(events.times[events.times < moment].max()) for moment in (since, *moments)]
    assert knew == {"als": [before[0], before[1], before[4]], "ease": before}
    assert calibrated_on == [(since, before[0]), (moments[0], before[1])]
    assert len({id(one["ease"]) for one in found}) == len(moments)


def test_before_anything_that_speaks_for_an_item_there_is_none(past: PastModels) -> None:
    events = make_events([(1, 1, -1.0, 5.0, False), (1, 2, 2.0, 9.0, True)])
    first, second = past.at([6.0, 10.0], events, 1.0)
    assert not first.by_kind
    assert "als" in second.by_kind


def test_of_a_long_log_some_people_are_learned_from(
    past: PastModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_models, "MOST_EVENTS", 100)
    events = random_events(4, people=400, count=4000)
    (models,) = past.at([float(events.times.max()) + 1.0], events, 0.0)
    verdicts = models.by_kind["verdict"].model
    assert 0 < verdicts.counts.sum() < 1000


# --- In the features of lists that were logged without them ------------------------------------------------


def _fill(sessions: list[RecommendationSession]) -> dict[int, NDArray[np.float32]]:
    """The scores of each kind, by day of the list, after filling in."""
    RecommendationSession.objects.update(features=None)
    fill_in_features(use_case=MOVIES, progress=Progress(quiet=True))
    found = {}
    for session in sessions:
        session.refresh_from_db()
        rows = np.frombuffer(bytes(session.features or b""), dtype="<f4").reshape(-1, len(FEATURES))
        found[(session.created_at - EPOCH).days] = rows[:, FEATURES.index("als_score")]
    return found


@pytest.fixture(name="sessions")
def _sessions(db: None, monkeypatch: pytest.MonkeyPatch) -> list[RecommendationSession]:
    """Lists on three days of a log of fifty, in which two groups of people like six items each."""
    monkeypatch.setattr(past_models, "LISTS_TO_FIT_FOR", 3)
    items = make_items(12, genres=["Drama"])
    people = make_users(10)
    for number, person in enumerate(people):
        for place in range(5):
            item = items[(number % 2) * 6 + (place + number) % 6]
            make_interaction(person, item, "like", day=place * 10 + number)
    return [
        RecommendationSession.objects.create(
            user=people[0],
            use_case="movie_home",
            method="elsewhere",
            recommendations_shown=[
                {"item_id": item.pk, "rank": rank} for rank, item in enumerate(items[6:], 1)
            ],
            seen_rank=6,
            created_at=EPOCH + timedelta(days=day, hours=12),
        )
        for day in (1, 25, 45)
    ]


def test_lists_get_scores_of_models_that_knew_what_came_before(
    sessions: list[RecommendationSession],
) -> None:
    found = _fill(sessions)
    assert np.isnan(found[1]).all(), "the first tenth of the log has no models before it"
    assert np.isfinite(found[25]).any()
    assert np.isfinite(found[45]).all()
    assert not np.array_equal(found[25], found[45])


def test_a_version_that_was_trained_by_then_goes_before_them(
    sessions: list[RecommendationSession],
) -> None:
    fitted = _fill(sessions)
    version = make_active_als([[slot["item_id"] for slot in sessions[0].recommendations_shown]])
    ModelVersion.objects.filter(pk=version.pk).update(
        dataset_manifest={"window_end": (EPOCH + timedelta(days=40)).isoformat()}
    )
    found = _fill(sessions)
    assert np.array_equal(found[25], fitted[25], equal_nan=True)
    assert not np.array_equal(found[45], fitted[45])


def test_for_a_few_lists_nothing_is_fitted(
    sessions: list[RecommendationSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_models, "LISTS_TO_FIT_FOR", 4)
    assert all(np.isnan(scores).all() for scores in _fill(sessions).values())


def test_lists_from_before_anything_was_done_have_no_scores(
    sessions: list[RecommendationSession],
) -> None:
    moved = EPOCH - timedelta(days=1)
    RecommendationSession.objects.update(created_at=moved)
    assert all(np.isnan(scores).all() for scores in _fill(sessions).values())
