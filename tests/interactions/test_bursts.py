"""Bursts of new accounts are found, discounted and counted again."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from feedback.training import get_retraining
from interactions.bursts import accounts_of, count_again, discount, discounted_groups, find_bursts
from interactions.models import ItemPopularity
from interactions.popularity import refresh_popularity
from ranking.datasets.event_log import read_events
from ranking.datasets.session_log import sessions_until
from serving.pipeline import recommend
from tests.factories import EPOCH, make_items
from tests.interactions.test_new_accounts import accounts, like
from tests.interactions.test_responses import act, show

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


@pytest.fixture
def films() -> list[Item]:
    """The first is liked by forty settled people, each further one by ten fewer."""
    films, settled = make_items(4), accounts(40, days=30, password=False)
    for place, film in enumerate(films):
        like(settled[10 * place :], film)
    return films


def test_many_likes_of_new_accounts_are_a_burst(films: list[Item]) -> None:
    new = accounts(50, days=1)
    like(new, films[-1])
    now = timezone.now()
    with CaptureQueriesContext(connection) as queries:
        (burst,) = find_bursts(now)
    assert len(queries) == 2
    assert (burst.item_id, burst.speaks_for, burst.accounts) == (films[-1].pk, True, 50)
    assert now - timedelta(minutes=1) < burst.first <= burst.last <= now
    # Five of the strongest word, of fifty of a plain one.
    assert burst.share == pytest.approx(5 * 3.5 / 100)
    assert set(accounts_of(burst, now)) == set(new)


def test_noes_are_a_burst_of_their_own_and_the_largest_comes_first(films: list[Item]) -> None:
    like(accounts(20, days=1), films[-1])
    like(accounts(30, days=1), films[-1], "dislike")
    found = [(one.speaks_for, one.accounts) for one in find_bursts(timezone.now())]
    assert found == [(False, 30), (True, 20)]


def test_settled_people_and_few_accounts_make_none(films: list[Item], settings: Settings) -> None:
    like(accounts(50, days=30), films[-1])
    like(accounts(50, days=1, password=False), films[-1])
    with CaptureQueriesContext(connection) as queries:
        assert find_bursts(timezone.now()) == []
    assert len(queries) == 1
    like(accounts(settings.NEW_ACCOUNT_PEOPLE, days=1), films[-1])
    assert find_bursts(timezone.now()) == []
    like(accounts(1, days=1), films[-1])
    (burst,) = find_bursts(timezone.now())
    assert (burst.accounts, burst.share) == (6, 1.0)


def said() -> dict[str, Any]:
    """All that is made of what people say for others."""
    refresh_popularity(use_case="movie_home")
    columns = [
        field.name for field in ItemPopularity._meta.fields if field.name not in ("id", "refreshed_at")
    ]
    events = read_events(MOVIES, timezone.now())
    in_order = np.lexsort((events.user_ids, events.item_ids))
    return {
        "popularity": list(ItemPopularity.objects.order_by("use_case", "item_id").values(*columns)),
        "events": [
            column[in_order].tolist() for column in (events.user_ids, events.item_ids, events.weights)
        ],
        "lists": sorted(sessions_until(MOVIES, timezone.now()).values_list("user_id", flat=True)),
        "noes": get_retraining(MOVIES).untrained,
    }


def test_discounted_accounts_count_nothing_until_they_are_counted_again(films: list[Item]) -> None:
    without = said()
    new, today = accounts(50, days=1), (timezone.now() - EPOCH) / timedelta(days=1)
    like(new, films[-1])
    for person in new[:10]:
        act(show(person, [films[1]], day=today, seen=1), films[1], "like", day=today, rank=1)
        save_dislike(user_id=person.pk, item=films[2])
    counted = said()
    assert counted != without
    bursts, now = find_bursts(timezone.now()), timezone.now()
    assert bursts[0].item_id == films[-1].pk
    assert discount(bursts[0], now) == 50
    assert discount(bursts[0], timezone.now()) == 0
    assert find_bursts(timezone.now()) == []
    assert said() == without
    (group,) = discounted_groups()
    assert (group.at, group.accounts) == (now, 50)
    assert count_again(group) == 50
    assert count_again(group) == 0
    assert discounted_groups() == []
    assert not User.objects.exclude(discounted_at=None).exists()
    assert said() == counted
    assert find_bursts(timezone.now()) == bursts


def test_their_own_lists_go_on(films: list[Item]) -> None:
    new = accounts(50, days=1)
    like(new, films[-1])
    refresh_popularity(use_case="movie_home")
    (burst,) = find_bursts(timezone.now())

    def listed() -> list[int]:
        return [slot.item.id for slot in recommend(user_id=new[0].pk, use_case=MOVIES).slots]

    before = listed()
    assert before
    discount(burst, timezone.now())
    assert set(listed()) == set(before)
    assert films[-1].pk not in before
