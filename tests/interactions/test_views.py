"""`GET /api/<kind>s/<id>`: an item, and the view that opening it records."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import User
from interactions.models import UserInteraction
from interactions.services import record_interaction
from tests.answers import assert_refused
from tests.factories import make_interaction, make_item, make_items
from tests.recommendations.builders import make_session


def test_the_item_is_shown_with_what_stands_between_it_and_the_person(
    api: APIClient, person: User, other_person: User
) -> None:
    attributes = {
        "runtime": 121,
        "country": ["France", "Italy"],
        "rated": "PG",
        "dubbed": False,
        "score": 7.5,
    }
    item = make_item("Alpha", genres=["War", "Drama"], year=1999, attributes=attributes)
    make_interaction(person, item, "like")
    make_interaction(person, item, "watched", rating=3.0)
    make_interaction(person, item, "click")
    make_interaction(other_person, item, "favorite")
    answer = api.get(f"/api/movies/{item.pk}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": item.pk,
        "external_id": item.external_id,
        "kind": "movie",
        "title": "Alpha",
        "original_title": "",
        "year": 1999,
        "description": "",
        "published_at": None,
        "url": "",
        "image_url": "",
        "is_synthetic": False,
        "genres": ["War", "Drama"],
        "facets": {"genre": ["War", "Drama"]},
        "attributes": attributes,
        "states": ["like", "watched"],
    }


def test_opening_it_is_a_view_and_opening_it_again_soon_is_the_same_view(
    api: APIClient, person: User
) -> None:
    item = make_item()
    for _ in range(3):
        assert api.get(f"/api/movies/{item.pk}").status_code == 200
    row = UserInteraction.objects.get()
    assert (row.user, row.item, row.type, row.weight) == (person, item, "view", 0.5)


def test_opening_it_from_another_list_is_another_view(api: APIClient, person: User) -> None:
    items = make_items(2)
    sessions = [make_session(person, items), make_session(person, items[::-1])]
    for context in [{}, *({"recommendation_session_id": str(session.pk)} for session in sessions)]:
        for _ in range(2):
            assert api.get(f"/api/movies/{items[0].pk}", context).status_code == 200
    rows = UserInteraction.objects.order_by("pk").values_list(
        "recommendation_session", "recommendation_rank", "recommendation_source"
    )
    assert list(rows) == [
        (None, None, ""),
        (sessions[0].pk, 1, "recommendation"),
        (sessions[1].pk, 2, "recommendation"),
    ]


@pytest.mark.parametrize(("minutes", "views"), [(0, 1), (29.9, 1), (30, 2), (31, 2), (-29.9, 1), (-31, 2)])
def test_the_window_is_as_long_as_the_setting_says(
    person: User, settings: Settings, minutes: float, views: int
) -> None:
    settings.VIEW_REPEAT_MINUTES = 30
    item = make_item()
    moment = timezone.now() - timedelta(days=1)
    for occurred_at in (moment, moment + timedelta(minutes=minutes)):
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="view", occurred_at=occurred_at)
    assert UserInteraction.objects.count() == views


def test_each_person_has_views_of_their_own(api: APIClient, other_person: User) -> None:
    item = make_item()
    stranger = APIClient()
    stranger.force_login(other_person)
    for client in (api, stranger):
        client.get(f"/api/movies/{item.pk}")
    assert UserInteraction.objects.count() == 2


def test_what_is_not_there_is_not_viewed(api: APIClient) -> None:
    hidden, drama = make_item(is_active=False), make_item(kind="drama")
    for item_id in (hidden.pk, drama.pk, 0, 10**18 - 1):
        assert_refused(api.get(f"/api/movies/{item_id}"), 404)
    assert not UserInteraction.objects.exists()


def test_a_stranger_is_not_shown_it(db: None) -> None:
    assert_refused(APIClient().get(f"/api/movies/{make_item().pk}"), 401)


@pytest.mark.parametrize("number", [1, 20])
def test_the_number_of_queries_does_not_grow_with_facets_or_history(
    api: APIClient, person: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    item = make_item(genres=[f"genre {index}" for index in range(number)])
    for index in range(number):
        make_interaction(person, item, "click", day=index)
    # Two for the login, the item, the savepoint around lock, two looks and insert, the states; the first act.
    with django_assert_num_queries(10):
        api.get(f"/api/movies/{item.pk}")
    UserInteraction.objects.filter(type="view").delete()
    with django_assert_num_queries(9):
        api.get(f"/api/movies/{item.pk}")
