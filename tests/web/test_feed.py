"""`/`: the list for a person, the landing page for a visitor."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from pytest_django.asserts import assertContains, assertNotContains, assertTemplateUsed

from accounts.models import User
from accounts.services import set_roles
from catalog.models import Item
from core.domain import ROLES
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from serving.live import forget_state
from tests.web.conftest import MakeItem

# login session, person, history, taste, cards, and the row that records the list
FEED_QUERIES = 5


def test_a_visitor_sees_popular_titles_and_nothing_is_recorded(
    client: Client, two_tastes: dict[str, list[Item]]
) -> None:
    response = client.get("/")
    assertTemplateUsed(response, "web/landing.html")
    assertContains(response, "Sign up")
    assertContains(response, 'class="card"', count=12)
    assert not RecommendationSession.objects.exists()


def test_a_person_sees_the_recorded_list(
    client: Client, person: User, taste_model: None, two_tastes: dict[str, list[Item]]
) -> None:
    liked = two_tastes["Romance"][0]
    record_interaction(user_id=person.pk, item_id=liked.pk, type_name="like")
    client.force_login(person)
    response = client.get("/")
    session = RecommendationSession.objects.get()
    assert session.user == person
    shown = [entry["item_id"] for entry in session.recommendations_shown]
    assert [slot.item.id for slot in response.context["served"].slots] == shown
    assertContains(response, f"?session={session.pk}", count=len(shown))
    assertContains(response, "data-rank=", count=len(shown))
    assertContains(response, f"Because you liked {liked.title}, also ")
    boosts = [slot.boost.percent for slot in response.context["served"].slots if slot.boost.percent]
    assertContains(response, " match: ", count=len(boosts))
    assertContains(response, " match: genre</span>")
    assertContains(response, ">Personalized</a>")
    assertContains(response, "for somebody new it is 70 %")


def test_popularity_is_called_neither_a_match_nor_personal(
    client: Client, person: User, two_tastes: dict[str, list[Item]]
) -> None:
    client.force_login(person)
    response = client.get("/")
    assertNotContains(response, " match: ")
    assertNotContains(response, "Personalized")
    assertContains(response, "Popular titles to begin with")


def test_the_number_of_queries_does_not_grow_with_the_cards(
    client: Client,
    person: User,
    make_item: MakeItem,
    settings: Settings,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    # As in production, where a thread looks for models and experiments.
    settings.MODEL_CHECK_SECONDS = 3600.0
    client.force_login(person)
    make_item("Film 0", genre=["Drama", "War"])
    client.get("/")  # the catalog is read once per process
    with django_assert_num_queries(FEED_QUERIES):
        assertContains(client.get("/"), "data-rank=", count=1)
    for number in range(1, 20):
        make_item(f"Film {number}", genre=["Drama", "Crime"], actor=["A", "B"])
    forget_state()
    client.get("/")
    with django_assert_num_queries(FEED_QUERIES):
        assertContains(client.get("/"), "data-rank=", count=20)


def test_kinds_and_use_cases_are_chosen_in_the_address(
    client: Client, person: User, make_item: MakeItem
) -> None:
    make_item("Heat")
    make_item("Quillowen", kind="startup", is_synthetic=True)
    set_roles(user=person, roles=ROLES)
    client.force_login(person)
    assert [slot.item.title for slot in client.get("/").context["served"].slots] == ["Heat"]
    response = client.get("/?kind=startups")
    assert response.context["use_case"].name == "developer_startup"
    assertContains(response, "Synthetic")
    response = client.get("/?kind=startups&use_case=investor_startup")
    assert response.context["use_case"].name == "investor_startup"


@pytest.mark.parametrize(
    "query", ["kind=nothing", "kind=dramas", "kind=%00", "use_case=developer_startup", "use_case=x"]
)
def test_a_list_that_does_not_exist_is_not_found(
    client: Client, person: User, make_item: MakeItem, query: str
) -> None:
    make_item("Heat")
    client.force_login(person)
    response = client.get(f"/?{query}")
    assert response.status_code == 404
    assertTemplateUsed(response, "404.html")


def test_an_empty_catalog_says_so(client: Client, person: User) -> None:
    assertContains(client.get("/"), "The catalog is empty")
    client.force_login(person)
    assertContains(client.get("/"), "There is nothing to recommend yet")


def test_a_catalog_seen_to_the_end_says_so(client: Client, person: User, make_item: MakeItem) -> None:
    record_interaction(user_id=person.pk, item_id=make_item("Heat").pk, type_name="like")
    client.force_login(person)
    assertContains(client.get("/"), "You have been through everything here")


def test_titles_are_escaped(client: Client, person: User, make_item: MakeItem) -> None:
    make_item("<script>alert(1)</script>", genre=["<i>"], description="<b>bold</b>")
    client.force_login(person)
    response = client.get("/")
    assertNotContains(response, "<script>alert")
    assertNotContains(response, "<b>bold")
    assertNotContains(response, "<i>")
