"""Successes follow what a history has: those of the use case, else ratings, else clicks."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from core.domain import USE_CASES
from core.progress import Progress
from interactions.models import ItemPopularity
from interactions.popularity import refresh_popularity
from interactions.successes import successes_of
from ranking.datasets.backfill import _LogReplay
from ranking.datasets.event_log import generate_als_dataset, load_als_events
from tests.factories import EPOCH, make_interaction, make_item, make_user

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]
USUAL = MOVIES.positive_interactions


def history(*acts: tuple[str, float | None]) -> None:
    person = make_user()
    for day, (type_name, rating) in enumerate(acts):
        make_interaction(person, make_item(), type_name, day=float(day), rating=rating)


def successes(until: datetime | None = None) -> tuple[str, ...]:
    return successes_of(MOVIES, until or timezone.now())


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ([], USUAL),
        ([("like", None), ("click", None), ("watched", 9.0)], USUAL),
        ([("watched", 9.0), ("watched", 2.0)], ("watched",)),
        ([("watched", 9.0), ("click", None), ("view", None)], ("watched",)),
        ([("click", None)], ("click",)),
        ([("click", None), ("view", None), ("dislike", None)], ("view", "click")),
        ([("dislike", None), ("watched", 0.0), ("watchlist_remove", None)], USUAL),
    ],
)
def test_they_are_the_strongest_sign_that_a_history_has(
    acts: list[tuple[str, float | None]], expected: tuple[str, ...]
) -> None:
    history(*acts)
    assert successes() == expected


def test_what_comes_later_or_was_taken_back_decides_nothing() -> None:
    history(("click", None), ("like", None))
    assert successes(EPOCH + timedelta(hours=1)) == ("click",)
    person = make_user()
    like = make_interaction(person, make_item(), "like")
    like.withdrawn_at = timezone.now()
    like.save()
    assert successes(EPOCH + timedelta(hours=1)) == ("click",)


def test_another_roles_doings_are_none_of_it() -> None:
    person = make_user()
    make_interaction(person, make_item(kind="startup"), "favorite")
    make_interaction(person, make_item(kind="startup"), "click")
    found = successes_of(USE_CASES["developer_startup"], timezone.now())
    assert found == ("click",)


@pytest.mark.parametrize(
    ("acts", "relevant"),
    [
        ([("watched", 9.0), ("watched", 2.0), ("click", None)], [True, False, False]),
        ([("click", None), ("click", None)], [True, True]),
        ([("click", None), ("like", None)], [False, True]),
    ],
)
def test_dataset_features_of_the_past_and_popularity_count_alike(
    acts: list[tuple[str, float | None]], relevant: list[bool]
) -> None:
    history(*acts)
    refresh_popularity(use_case=MOVIES.name)
    dataset = generate_als_dataset(use_case=MOVIES, progress=Progress(quiet=True))
    _, events = load_als_events(Path(dataset.folder), MOVIES)
    assert events.relevant.tolist() == relevant
    replay = _LogReplay(MOVIES, np.array([], dtype=np.int64), timezone.now(), np.empty(0))
    refused = int((events.weights < 0.0).sum())
    verdicts = replay.context_at(timezone.now().timestamp() + 1.0).catalog.demand.verdicts
    assert verdicts.sum() == sum(relevant) + refused
    assert sum(ItemPopularity.objects.values_list("approvals", flat=True)) == sum(relevant)
