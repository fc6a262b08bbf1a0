"""Accounts that anybody can make in a minute move little, however many they are."""

from collections.abc import Collection
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from feedback.training import get_retraining
from interactions.models import ItemPopularity, UserInteraction
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction
from ranking.datasets.event_log import read_events
from tests.factories import EPOCH, make_interaction, make_item, make_items
from tests.interactions.test_responses import act, show

pytestmark = pytest.mark.django_db
ITEMS = 60


def accounts(how_many: int, *, days: float, password: bool = True, asleep: bool = False) -> list[User]:
    """People who joined so many days ago and have acted since, who log in or whom an app keeps."""
    joined, hashed = timezone.now() - timedelta(days=days), make_password("x" if password else None)
    start = User.objects.count()
    people = [
        User(
            username=f"p{start + number}",
            date_joined=joined,
            first_acted_at=None if asleep else joined,
            password=hashed,
        )
        for number in range(how_many)
    ]
    return User.objects.bulk_create(people)


def like(people: Collection[User], item: Item, type_name: str = "like") -> None:
    now = timezone.now()
    weight = 2.0 if type_name == "like" else -1.0
    UserInteraction.objects.bulk_create(
        UserInteraction(user=person, item=item, type=type_name, weight=weight, occurred_at=now)
        for person in people
    )


@pytest.fixture
def films() -> list[Item]:
    """The first is liked by 120 people, each further one by two fewer, the last by one or two."""
    settled = accounts(2 * ITEMS, days=30, password=False)
    films = make_items(ITEMS)
    for place, film in enumerate(films):
        like(settled[: 2 * (ITEMS - place)], film)
    return films


def place_of(item: Item) -> int:
    """The place of an item among the most popular ones, from 1."""
    refresh_popularity(use_case="movie_home")
    in_order = ItemPopularity.objects.filter(use_case="movie_home").order_by("-score", "item_id")
    return list(in_order.values_list("item_id", flat=True)).index(item.pk) + 1


@pytest.mark.parametrize("how_many", [1, 5, 50, 500])
def test_however_many_new_accounts_lift_an_item_by_the_word_of_six(films: list[Item], how_many: int) -> None:
    # The last is liked by two. A twentieth of the first one's 120 is six people's word.
    like(accounts(how_many, days=1), films[-1])
    assert place_of(films[-1]) >= ITEMS - 4


@pytest.mark.parametrize(("days", "password"), [(8, True), (0, False)])
def test_accounts_that_are_older_or_of_an_app_count_in_full(
    films: list[Item], days: float, password: bool
) -> None:
    like(accounts(100, days=days, password=password), films[-1])
    assert place_of(films[-1]) < 12


def test_accounts_made_in_stock_are_new_when_they_wake(films: list[Item]) -> None:
    sleepers = accounts(30, days=90, asleep=True)
    for person in sleepers:
        record_interaction(user_id=person.pk, item_id=films[-1].pk, type_name="like")
    assert place_of(films[-1]) >= ITEMS - 4
    # A week later they are as settled as anybody.
    woke = timezone.now() - timedelta(days=8)
    User.objects.filter(pk__in=[person.pk for person in sleepers]).update(first_acted_at=woke)
    assert place_of(films[-1]) < ITEMS - 10


def test_the_first_act_is_noted_once(films: list[Item]) -> None:
    (person,) = accounts(1, days=90, asleep=True)
    record_interaction(user_id=person.pk, item_id=films[0].pk, type_name="like")
    person.refresh_from_db()
    first = person.first_acted_at
    assert first is not None
    assert abs(timezone.now() - first) < timedelta(minutes=1)
    record_interaction(user_id=person.pk, item_id=films[1].pk, type_name="like")
    person.refresh_from_db()
    assert person.first_acted_at == first


def test_new_accounts_bury_nothing(films: list[Item]) -> None:
    before = place_of(films[5])
    like(accounts(300, days=1), films[5], "dislike")
    assert place_of(films[5]) <= before + 8


def test_a_site_begins_with_new_accounts() -> None:
    well_liked, liked = make_items(2)
    like(accounts(40, days=0), well_liked)
    like(accounts(10, days=0), liked)
    assert (place_of(well_liked), place_of(liked)) == (1, 2)
    scores = dict(ItemPopularity.objects.filter(use_case="movie_home").values_list("item_id", "score"))
    assert scores[liked.pk] < 0.3 * scores[well_liked.pk]


@pytest.mark.slow
def test_new_accounts_alone_ask_for_no_new_model(settings: Settings) -> None:
    films = make_items(5)
    make_interaction(accounts(1, days=30)[0], make_item())
    for person in accounts(12, days=1):
        for film in films:
            save_dislike(user_id=person.pk, item=film)
    movies = USE_CASES["movie_home"]
    assert get_retraining(movies).untrained == settings.DISLIKE_RETRAIN_THRESHOLD // 2
    assert not get_retraining(movies).due
    for person in accounts(2, days=30):
        for film in films:
            save_dislike(user_id=person.pk, item=film)
    assert get_retraining(movies).due


@pytest.mark.parametrize(("type_name", "sign"), [("like", 1.0), ("dislike", -1.0)])
def test_models_learn_of_new_accounts_what_popularity_does(
    films: list[Item], type_name: str, sign: float
) -> None:
    # Of the first film 120 speak for it, and nobody against any.
    if sign < 0.0:
        like(accounts(120, days=30), films[0], "dislike")
    like(accounts(50, days=1), films[-1], type_name)
    events = read_events(USE_CASES["movie_home"], timezone.now())
    theirs = events.weights[(events.item_ids == films[-1].pk) & (np.sign(events.weights) == sign)]
    plain = 2.0 if sign > 0.0 else 1.0
    others = 2 * plain if sign > 0.0 else 0.0
    # A twentieth of 120, or five of the strongest word.
    most = max(6 * plain, 5 * (3.5 if sign > 0.0 else 1.0))
    assert abs(theirs.sum()) == pytest.approx(others + most, rel=1e-3)


def test_models_learn_from_a_site_of_new_accounts() -> None:
    film = make_item()
    like(accounts(30, days=1), film)
    assert read_events(USE_CASES["movie_home"], timezone.now()).weights.tolist() == [2.0] * 30


def test_responses_of_new_accounts_move_little(films: list[Item]) -> None:
    """However often they are shown something and like it."""
    today = (timezone.now() - EPOCH) / timedelta(days=1)
    for people, film in ((accounts(40, days=30), films[0]), (accounts(60, days=1), films[1])):
        for person in people:
            act(show(person, [film], day=today, seen=1), film, "like", day=today, rank=1)
    refresh_popularity(use_case="movie_home")
    of_item = {one.item_id: one for one in ItemPopularity.objects.filter(use_case="movie_home")}
    first, second = of_item[films[0].pk], of_item[films[1].pk]
    assert first.examined == pytest.approx(40.0, rel=0.05)
    assert second.examined == pytest.approx(5.0, rel=0.05)
    assert second.engaged == pytest.approx(second.examined)
