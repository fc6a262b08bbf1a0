"""Lists, search, rows and neighbors keep to what a person never wants, or wants less of until an end."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Facet, Item
from core.domain import USE_CASES
from feedback.steering import WantedRule, add_rules, allow_item
from interactions.models import ItemPopularity
from search.pipeline import search_items
from serving.carousels import because_you_watched, similar_items
from serving.pipeline import recommend
from tests.factories import make_interaction
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


@pytest.fixture
def films(db: None) -> list[Item]:
    """Twenty films by falling popularity, of Action and of Drama by turns, all of one theme."""
    films = [
        make_film(
            f"Night {n}", genre=[("Action", "Drama")[n % 2]], theme=["Boats", *(["Tide"] if n < 6 else [])]
        )
        for n in range(20)
    ]
    now = timezone.now()
    ItemPopularity.objects.bulk_create(
        ItemPopularity(item=film, use_case="movie_home", score=1 - n / 50, refreshed_at=now)
        for n, film in enumerate(films)
    )
    return films


@pytest.fixture
def no_action(person: User, films: list[Item]) -> None:
    rule(person, "never")


def rule(person: User, strength: str, *, days: int | None = None) -> None:
    ends_at = None if days is None else timezone.now() + timedelta(days=days)
    action = Facet.objects.get(name="Action")
    add_rules(user_id=person.pk, wanted=[WantedRule(strength, action, ends_at=ends_at)])


def shown(person: User, **more: object) -> list[str]:
    served = recommend(user_id=person.pk, use_case=MOVIES, limit=20, **more)  # type: ignore[arg-type]
    return [slot.item.categories[0] for slot in served.slots]


@pytest.mark.usefixtures("no_action")
def test_what_is_blocked_is_nowhere(person: User, films: list[Item]) -> None:
    make_interaction(person, films[1], "like")
    assert set(shown(person)) == {"Drama"}
    near = similar_items(item_id=films[0].pk, use_case=MOVIES, limit=20, user_id=person.pk)
    assert {one.item.categories[0] for one in near} == {"Drama"}
    (row,) = because_you_watched(user_id=person.pk, use_case=MOVIES, carousels=1, limit=20)
    assert {one.item.categories[0] for one in row.items} == {"Drama"}
    found = search_items(user_id=person.pk, use_case=MOVIES, query="boats", limit=20)
    assert {one.item.categories[0] for one in found.items} == {"Drama"}
    assert found.left_out == 10
    assert [
        one.item.title for one in search_items(user_id=person.pk, use_case=MOVIES, query="Night 0").items
    ][:1] == ["Night 0"]


@pytest.mark.usefixtures("no_action")
def test_one_title_is_let_through(person: User, films: list[Item]) -> None:
    allow_item(user_id=person.pk, item=films[0])
    assert shown(person).count("Action") == 1


def test_less_of_it_until_the_end_and_then_the_old_list(person: User, films: list[Item]) -> None:
    before = shown(person)
    rule(person, "much_less", days=7)
    assert shown(person)[:10] == ["Drama"] * 10
    assert shown(person, now=timezone.now() + timedelta(days=8)) == before


def test_rules_cost_no_query(api: APIClient, person: User, films: list[Item]) -> None:
    address = "/api/recommendations/personalized/movies"
    api.get(address)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert api.get(address).status_code == 200
        return len(asked)

    before = queries()
    rule(person, "never")
    # Of somebody of whom anything is new the taste is read too.
    assert queries() == before + 1
    # With the login of the test client, and the looks for models, experiments and rules of staff.
    assert queries() == before <= 5 + 3
