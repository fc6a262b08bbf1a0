"""Taste profiles of people at moments of the past."""

import numpy as np
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from catalog.models import Item
from feedback.services import save_dislike
from interactions.services import record_interaction, withdraw_state
from profiles.historical_taste import HistoricalTastes
from profiles.selectors import STRANGER, PersonalTaste, get_taste
from profiles.services import reset_profile
from tests.factories import EPOCH, make_interaction, make_user
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db
DAY = 86_400.0
START = EPOCH.timestamp()


@pytest.fixture
def films() -> list[Item]:
    return [
        make_film(genre=["Drama"], actor=["Ann Lee"], franchise=["Saga"]),
        make_film(genre=["Drama", "Crime"]),
        make_film(genre=["Comedy"]),
    ]


def same(one: PersonalTaste, other: PersonalTaste) -> bool:
    pairs = zip(
        (one.taste.facet_ids, one.taste.scores, one.taste.values),
        (other.taste.facet_ids, other.taste.scores, other.taste.values),
        strict=True,
    )
    return one.alpha == other.alpha and all(np.array_equal(a, b) for a, b in pairs)


def test_up_to_now_it_is_the_taste_of_now(person: User, films: list[Item]) -> None:
    make_interaction(person, films[0], "watched", day=1.0, rating=9.0)
    record_interaction(user_id=person.pk, item_id=films[1].pk, type_name="like")
    save_dislike(user_id=person.pk, item=films[2], reason="wrong_genre")
    record_interaction(user_id=person.pk, item_id=films[0].pk, type_name="favorite")
    withdraw_state(user_id=person.pk, item_id=films[0].pk, type_name="favorite")
    found = HistoricalTastes().at(person.pk, timezone.now().timestamp() + 1)
    assert len(found.taste.facet_ids) == 4
    assert same(found, get_taste(person.pk))


def test_nothing_of_the_moment_or_later_is_in_it(person: User, films: list[Item]) -> None:
    for day, film in enumerate(films, 1):
        make_interaction(person, film, day=float(day))
    tastes = HistoricalTastes()
    assert same(tastes.at(person.pk, START + 1 * DAY), STRANGER)
    before = tastes.at(person.pk, START + 3 * DAY)
    assert not same(before, tastes.at(person.pk, START + 3.1 * DAY))
    assert same(before, tastes.at(person.pk, START + 2.1 * DAY))


def test_of_the_very_moment_only_what_is_named_counts(person: User, films: list[Item]) -> None:
    for film in films:
        make_interaction(person, film, day=1.0)
    tastes, moment = HistoricalTastes(), START + DAY
    assert len(tastes.at(person.pk, moment, [films[2].pk]).taste.facet_ids) == 1
    assert len(tastes.at(person.pk, moment, [films[0].pk, films[2].pk]).taste.facet_ids) == 3
    assert len(tastes.at(person.pk, moment, [films[0].pk]).taste.facet_ids) == 2


def test_a_reset_does_not_reach_back(person: User, films: list[Item]) -> None:
    make_interaction(person, films[0], day=1.0)
    reset_profile(user_id=person.pk)
    assert len(HistoricalTastes().at(person.pk, START + 2 * DAY).taste.facet_ids) == 2
    assert same(get_taste(person.pk), STRANGER)


def test_somebody_who_did_nothing_is_a_stranger(person: User) -> None:
    assert same(HistoricalTastes().at(person.pk, START), STRANGER)
    assert same(HistoricalTastes().at(10**9, START), STRANGER)


def test_each_log_is_read_once(
    person: User, films: list[Item], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for day, film in enumerate(films, 1):
        make_interaction(person, film, day=float(day))
    tastes = HistoricalTastes()
    with django_assert_num_queries(2):
        for day in range(6):
            tastes.at(person.pk, START + day * DAY)


def test_facets_of_an_item_are_read_once_for_all_people(
    person: User, films: list[Item], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    other = make_user()
    for one in (person, other):
        make_interaction(one, films[0], day=1.0)
    tastes = HistoricalTastes()
    tastes.at(person.pk, START + 2 * DAY)
    with django_assert_num_queries(1):
        found = tastes.at(other.pk, START + 2 * DAY)
    assert same(found, tastes.at(person.pk, START + 2 * DAY))
    assert len(found.taste.facet_ids)
