"""Titles that lists leave out: passed over often, found by search, on pages of a facet, at the start."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from catalog.models import Facet, Item, ItemFacet
from core.domain import USE_CASES
from feedback.models import Dislike, OwnRule
from feedback.rules import Strength
from feedback.services import save_dislike
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from search.said_wishes import is_wish
from serving.pipeline import recommend
from tests.web.conftest import MakeItem


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def never(person: User, name: str) -> None:
    facet = Facet.objects.get(name=name)
    OwnRule.objects.create(user=person, facet=facet, strength=Strength.NEVER, created_at=timezone.now())


def test_what_was_passed_over_five_times_asks_to_be_hidden(
    ada: Client, person: User, make_item: MakeItem
) -> None:
    item = make_item("Heat")
    for _ in range(4):
        recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=5)
    RecommendationSession.objects.update(seen_rank=1)
    assertNotContains(ada.get("/"), "Hide it?")
    RecommendationSession.objects.update(seen_rank=1)
    assertContains(ada.get("/"), "You passed over this five times.")
    ada.post(f"/items/{item.pk}/dislike/", {"only": "title"})
    assert Dislike.objects.get().title_only


def test_a_search_hit_says_why_lists_leave_it_out(ada: Client, person: User, make_item: MakeItem) -> None:
    heat, up = make_item("Heat", genre=["Crime"]), make_item("Up")
    make_item("Ran", genre=["War"])
    save_dislike(user_id=person.pk, item=heat)
    record_interaction(user_id=person.pk, item_id=up.pk, type_name="like")
    never(person, "War")
    for title, says in (
        ("Heat", "you turned it down"),
        ("Ran", "one of your wishes"),
        ("Up", "you liked it"),
    ):
        assertContains(ada.get("/search/", {"q": title}), f"Your lists leave it out: {says}")


def test_pages_of_a_facet_heed_what_one_never_wants(ada: Client, person: User, make_item: MakeItem) -> None:
    make_item("Heat", genre=["Crime"])
    ran = make_item("Ran", genre=["Crime", "War"])
    visitor = Client()
    assertContains(visitor.get("/search/?genre=Crime"), "2 titles with Crime")
    never(person, "War")
    page = ada.get("/search/?genre=Crime")
    assertContains(page, "1 title with Crime")
    assertContains(page, "keep out 1 more")
    OwnRule.objects.create(user=person, item=ran, strength=Strength.ALLOW, created_at=timezone.now())
    assertContains(ada.get("/search/?genre=Crime"), "2 titles with Crime")


def test_the_start_offers_nothing_never_wanted(ada: Client, person: User, make_item: MakeItem) -> None:
    kept = make_item("Heat", genre=["Crime"])
    make_item("Ran", genre=["War"])
    never(person, "War")
    assert [card.id for card in ada.get("/welcome/").context["offered"]] == [kept.pk]


def test_a_wish_typed_in_the_search_box_is_offered_for_all_lists(ada: Client, make_item: MakeItem) -> None:
    make_item("Ran", genre=["War"])
    make_item("Heat", genre=["Crime"])
    page = ada.get("/search/", {"q": "no war this week"})
    assertContains(page, "For all your lists?")
    assertContains(page, "Never War, 7 days")
    assertNotContains(ada.get("/search/", {"q": "crime not war"}), "For all your lists?")
    assert is_wish("Please no war")
    assert not is_wish("more war")


def test_the_admin_names_items_and_facets(make_item: MakeItem) -> None:
    item = make_item("Heat", genre=["Crime"])
    assert str(ItemFacet.objects.get(item=Item.objects.get(pk=item.pk))) == "Heat has genre: Crime"
