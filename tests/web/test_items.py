"""The page of an item, and the actions that work without JavaScript."""

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from accounts.services import set_roles
from catalog.models import Item
from core.domain import USE_CASES
from interactions.models import UserInteraction
from interactions.services import record_interaction
from serving.pipeline import recommend
from tests.answers import ABSENT
from tests.web.conftest import MakeItem


@pytest.fixture
def film(make_item: MakeItem) -> Item:
    return make_item(
        "Heat", genre=["Crime", "Thriller"], actor=["Al Pacino"], theme=["heist"], description="A thief."
    )


def test_the_page_tells_about_the_item_and_links_its_facets(client: Client, film: Item) -> None:
    response = client.get(f"/items/{film.pk}/")
    assertContains(response, "A thief.")
    assertContains(response, 'href="/search/?actor=Al%20Pacino"')
    assertContains(response, "Log in to say what you think of it")
    assertNotContains(response, 'aria-pressed="true"')
    assert not UserInteraction.objects.exists()


def test_opening_it_from_a_list_records_the_view_with_its_place(
    client: Client, person: User, film: Item
) -> None:
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"])
    client.force_login(person)
    response = client.get(f"/items/{film.pk}/?session={served.session_id}")
    view = UserInteraction.objects.get()
    assert (view.type, view.recommendation_session_id, view.recommendation_rank) == (
        "view",
        served.session_id,
        1,
    )
    assertContains(response, f'name="session" value="{served.session_id}"')


@pytest.mark.parametrize("session", ["nonsense", "%00", str(ABSENT), ""])
def test_a_session_that_is_none_of_theirs_is_passed_over(
    client: Client, person: User, film: Item, session: str
) -> None:
    client.force_login(person)
    response = client.get(f"/items/{film.pk}/?session={session}")
    assertContains(response, 'name="session" value=""')
    assert UserInteraction.objects.get().recommendation_session is None


def test_another_persons_session_is_passed_over(client: Client, person: User, film: Item) -> None:
    other = User.objects.create_user("eve")
    served = recommend(user_id=other.pk, use_case=USE_CASES["movie_home"])
    client.force_login(person)
    client.get(f"/items/{film.pk}/?session={served.session_id}")
    assert UserInteraction.objects.get(user=person).recommendation_session is None


@pytest.mark.parametrize("item_id", [0, 987654, 10**18 - 1])
def test_an_item_that_is_not_there_is_not_found(client: Client, db: None, item_id: int) -> None:
    assertContains(client.get(f"/items/{item_id}/"), "Nothing is here", status_code=404)


def test_a_hidden_item_is_not_found(client: Client, film: Item) -> None:
    Item.objects.update(is_active=False)
    assert client.get(f"/items/{film.pk}/").status_code == 404


def test_a_synthetic_item_is_marked(client: Client, make_item: MakeItem) -> None:
    item = make_item("Quillowen", kind="startup", is_synthetic=True)
    assertContains(client.get(f"/items/{item.pk}/"), "Invented for the demo")


def test_actions_are_those_of_the_kind(client: Client, person: User, film: Item, make_item: MakeItem) -> None:
    startup = make_item("Quillowen", kind="startup")
    set_roles(user=person, roles=["investor"])
    client.force_login(person)
    page = client.get(f"/items/{film.pk}/")
    assertContains(page, 'value="watchlist"')
    assertNotContains(page, 'value="apply"')
    page = client.get(f"/items/{startup.pk}/")
    assertContains(page, 'value="interest"')
    assertNotContains(page, 'value="watched"')


def test_an_action_and_taking_it_back(client: Client, person: User, film: Item) -> None:
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"])
    client.force_login(person)
    form = {"action": "like", "session": str(served.session_id), "next": f"/items/{film.pk}/"}
    response = client.post(f"/items/{film.pk}/act/", form, follow=True)
    assertContains(response, "You like Heat.")
    assertContains(response, 'name="undo" value="like" aria-pressed="true"')
    like = UserInteraction.objects.get(type="like")
    assert (like.recommendation_session_id, like.recommendation_rank) == (served.session_id, 1)
    response = client.post(f"/items/{film.pk}/act/", {"undo": "like"}, follow=True)
    assertContains(response, "You no longer like Heat.")
    assert not UserInteraction.objects.filter(type="like", withdrawn_at=None).exists()


def test_a_rating_is_recorded_and_shown(client: Client, person: User, film: Item) -> None:
    client.force_login(person)
    client.post(f"/items/{film.pk}/act/", {"action": "watched", "rating": "8"})
    assert UserInteraction.objects.get(type="watched").rating == 8.0
    assertContains(client.get(f"/items/{film.pk}/"), 'value="8" checked')


def test_a_dislike_says_where_it_can_be_undone(client: Client, person: User, film: Item) -> None:
    client.force_login(person)
    response = client.post(f"/items/{film.pk}/act/", {"action": "dislike", "next": "/"}, follow=True)
    assertContains(response, f'Heat will not be shown to you again. <a href="/items/{film.pk}/">')
    assertContains(response, "You have been through everything here")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "apply"},
        {"action": "fly"},
        {"action": "like", "undo": "like"},
        {"undo": "like"},
        {"undo": "view"},
        {"action": "like", "session": "nonsense"},
        {"action": "like", "session": str(ABSENT)},
        {"action": "watched", "rating": "11"},
        {"action": "watched", "rating": "nan"},
        {"action": "watched\x00"},
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    client: Client, person: User, film: Item, form: dict[str, str]
) -> None:
    client.force_login(person)
    response = client.post(f"/items/{film.pk}/act/", {**form, "next": "/watchlist/"}, follow=True)
    assertRedirects(response, "/watchlist/")
    assertContains(response, 'class="message error"')
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize(
    "target",
    [
        "https://example.com/",
        "//example.com",
        "javascript:alert(1)",
        "/\\example.com",
        "feed",
        "nowhere",
        "../",
        "\x00/",
        "",
    ],
)
def test_going_back_never_leaves_the_site(client: Client, person: User, film: Item, target: str) -> None:
    client.force_login(person)
    response = client.post(f"/items/{film.pk}/act/", {"action": "like", "next": target})
    assertRedirects(response, f"/items/{film.pk}/")


def test_a_visitor_is_sent_to_log_in_and_back_to_the_item(client: Client, film: Item) -> None:
    response = client.post(f"/items/{film.pk}/act/", {"action": "like"})
    assertRedirects(response, f"/accounts/login/?next=/items/{film.pk}/")
    assert client.get(f"/items/{film.pk}/act/").status_code == 405


def test_a_form_without_its_token_is_refused_in_plain_words(person: User, film: Item) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    response = client.post(f"/items/{film.pk}/act/", {"action": "like"})
    assertContains(response, "That form was too old", status_code=403)


def test_the_watchlist_shows_the_last_first(
    client: Client, person: User, film: Item, make_item: MakeItem
) -> None:
    assertRedirects(client.get("/watchlist/"), "/accounts/login/?next=/watchlist/")
    client.force_login(person)
    assertContains(client.get("/watchlist/"), "Nothing saved yet")
    other = make_item("Ran")
    for item in (film, other):
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="watchlist_add")
    response = client.get("/watchlist/")
    assert [card.title for card, _ in response.context["found"]] == ["Ran", "Heat"]
    assertContains(response, 'name="undo" value="watchlist"', count=2)
