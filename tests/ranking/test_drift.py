"""Drift of a ranker: lists like those it learned from have none, others do, and staff see and are told."""

from copy import deepcopy
from datetime import datetime, timedelta
from functools import cache
from uuid import uuid4

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from console.alerts.finding import FINDERS
from console.models import Alert
from core.arrays import Floats
from core.progress import Progress
from ranking import drift as module
from ranking.drift import LEAST_LISTS, get_drift
from ranking.features import FEATURE_SET, FEATURES
from ranking.models import ModelVersion
from ranking.recommenders.ranker.file import dump_ranker
from ranking.recommenders.ranker.model import RankerParameters
from ranking.recommenders.ranker.train import FittedRanker, fit_calibrated_ranker
from ranking.registry.versions import activate_version, register_version
from recommendations.models import RecommendationSession
from tests.factories import allow, make_user, make_version
from tests.ranking.statistics.builders import lists_by

pytestmark = pytest.mark.django_db
SLOTS = 8
MOVED = FEATURES.index("recency_score")


@cache
def fitted() -> FittedRanker:
    """A ranker that learned, from 400 lists of even numbers, that what is recent is preferred."""
    parameters = RankerParameters(
        rounds=20, num_leaves=8, learning_rate=0.2, min_data_in_leaf=2, lambda_l2=0.1
    )
    lists = lists_by("recency_score", lists=400)
    return fit_calibrated_ranker(lists, parameters, seed=0, progress=Progress(quiet=True))


@pytest.fixture
def version() -> ModelVersion:
    """The ranker in service."""
    registered = register_version(
        kind="ranker",
        use_case="movie_home",
        data=dump_ranker(fitted().ranker),
        dataset_manifest={},
        hyper_parameters={},
        metrics=deepcopy(fitted().metrics(of_shown=True)),
        why="made by a test",
    )
    return activate_version(version=registered, why="made by a test")


def serve(
    label: str,
    features: Floats,
    *,
    ago: timedelta = timedelta(hours=1),
    feature_set: str = FEATURE_SET,
    method: str = "ranker",
) -> None:
    """Lists of SLOTS slots with these features."""
    person = make_user()
    RecommendationSession.objects.bulk_create(
        RecommendationSession(
            id=uuid4(),
            user=person,
            use_case="movie_home",
            method=method,
            model_version=f"als-movie_home-9+{label}",
            recommendations_shown=[],
            features=rows.astype("<f4").tobytes(),
            feature_set=feature_set,
            created_at=timezone.now() - ago,
        )
        for rows in features.reshape(-1, SLOTS, len(FEATURES))
    )


def alike(lists: int = LEAST_LISTS, seed: int = 7) -> Floats:
    return np.random.default_rng(seed).random((lists * SLOTS, len(FEATURES)), dtype=np.float32)


def moved(lists: int = LEAST_LISTS) -> Floats:
    features = alike(lists)
    features[:, MOVED] *= 0.2
    return features


def now() -> datetime:
    return timezone.now()


def test_lists_like_those_of_training_have_no_drift(version: ModelVersion) -> None:
    serve(version.label, alike())
    found = get_drift(version, now=now())
    assert found.why_not == ""
    assert (found.lists, found.slots, found.trained_on) == (LEAST_LISTS, LEAST_LISTS * SLOTS, 400)
    assert {one.name for one in found.shifts} == {*FEATURES, "score"}
    assert {one.says for one in found.shifts} == {"as in training"}


def test_a_feature_that_moved_comes_first_and_moves_the_score(version: ModelVersion) -> None:
    serve(version.label, moved())
    found = get_drift(version, now=now())
    assert {one.name for one in found.shifts[:2]} == {"recency_score", "score"}
    assert {one.says for one in found.shifts[:2]} == {"another population"}
    first = next(one for one in found.shifts if one.name == "recency_score")
    assert first.median_then == pytest.approx(0.5, abs=0.05)
    assert first.median_now == pytest.approx(0.1, abs=0.05)
    assert {one.says for one in found.shifts[2:]} == {"as in training"}


def test_a_feature_that_is_no_longer_known_is_told(version: ModelVersion) -> None:
    features = alike()
    features[:, MOVED] = np.nan
    serve(version.label, features)
    first = get_drift(version, now=now()).shifts[0]
    assert first.name in ("recency_score", "score")
    (gone,) = [one for one in get_drift(version, now=now()).shifts if one.name == "recency_score"]
    assert (gone.unknown_then, gone.unknown_now, gone.median_now) == (0.0, 1.0, None)


def test_only_its_own_lists_of_the_window_count(version: ModelVersion) -> None:
    serve(f"{version.label}1", alike())
    serve(version.label, alike(), ago=timedelta(days=8))
    serve(version.label, alike(), feature_set="older")
    serve(version.label, alike(), method="search")
    serve(version.label, alike(3))
    found = get_drift(version, now=now())
    assert found.lists == 3
    assert found.why_not == "Not enough lists yet: 3 of the last 7 days, and 200 are needed."


@pytest.mark.parametrize(
    "kept",
    [None, {}, [], "x", {"feature_set": FEATURE_SET, "of": {"score": {"edges": [1], "shares": [1]}}}],
    ids=["none", "empty", "list", "text", "broken"],
)
def test_a_version_without_a_record_says_so(version: ModelVersion, kept: object) -> None:
    version.metrics = {**version.metrics, "distribution": kept}
    assert "has no record of the features" in get_drift(version, now=now()).why_not


def test_another_set_of_features_and_a_file_that_is_gone(version: ModelVersion) -> None:
    serve(version.label, moved())
    version.sha256 = "0" * 64
    found = get_drift(version, now=now())
    assert found.score is None
    assert found.shifts[0].name == "recency_score"
    version.metrics["distribution"]["feature_set"] = "older"
    assert "other features" in get_drift(version, now=now()).why_not


def test_staff_see_it_on_the_page_of_the_version(client: Client, staff: User, version: ModelVersion) -> None:
    allow(staff, "view_modelversion")
    address = f"/admin/ranking/modelversion/{version.pk}/change/"
    assert "Not enough lists yet: 0 of the last 7 days" in client.get(address).content.decode()
    serve(version.label, moved())
    page = client.get(address).content.decode()
    assert "200 lists of the last 7 days (1,600 slots) beside 400 lists." in page
    assert "another population" in page
    other = make_version(b"1")
    assert client.get(f"/admin/ranking/modelversion/{other.pk}/change/").status_code == 200


def test_an_alert_tells_of_scores_that_moved(version: ModelVersion, settings: Settings) -> None:
    def found() -> list[str]:
        return [one.text for one in FINDERS[Alert.Kind.DRIFT](now())]

    assert found() == []
    serve(version.label, alike())
    assert found() == []
    serve(version.label, moved(800), ago=timedelta(minutes=1))
    (text,) = found()
    assert text.startswith(
        f"{version.label}: the scores of the last 1,000 lists are not those that it learned"
    )
    assert "recency_score" in text
    settings.ALERT_DRIFT = 50.0
    assert found() == []
    settings.ALERT_DRIFT = 0.0
    assert found() == []
    settings.ALERT_DRIFT = 0.25
    # Lists made up from the log are others in any case.
    version.metrics["distribution"]["of_shown"] = False
    version.save(update_fields=["metrics"])
    assert found() == []


def test_no_more_lists_are_read_than_are_compared(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LISTS", 250)
    serve(version.label, alike(400))
    assert get_drift(version, now=now()).lists == 250
