"""Rows of what is like something: `/because/`, and "More like this" on the page of an item."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from serving.live import forget_state
from tests.web.conftest import MakeItem

Films = dict[str, list[Item]]
# login session, person, kinds, models, history, cards, the rows of the sessions in a transaction
ROWS_QUERIES = 8


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def test_the_rows_are_sessions_of_their_own(ada: Client, person: User, two_tastes: Films) -> None:
    liked, saved = two_tastes["Romance"][0], two_tastes["Science Fiction"][0]
    record_interaction(user_id=person.pk, item_id=liked.pk, type_name="like")
    record_interaction(user_id=person.pk, item_id=saved.pk, type_name="watchlist_add")
    part = ada.get("/because/rows/?kind=movies")
    assertNotContains(part, "<html")
    assertContains(
        part, f'Because <a href="/items/{saved.pk}/">{saved.title}</a> is on your watchlist', html=True
    )
    assertContains(part, f'Because you liked <a href="/items/{liked.pk}/">{liked.title}</a>', html=True)
    sessions = RecommendationSession.objects.filter(user=person)
    assert sessions.count() == 2
    for session in sessions:
        assertContains(part, f'data-session="{session.pk}"', count=1)
        assertContains(part, f"/api/recommendations/session/{session.pk}/seen", count=1)
        assertContains(part, f'name="session" value="{session.pk}"', count=2)
    assertContains(part, 'data-rank="1"', count=2)
    assertContains(ada.get("/because/?kind=movies"), "Because you liked")


def test_actions_without_a_script_carry_the_session_of_the_row(
    ada: Client, person: User, two_tastes: Films
) -> None:
    record_interaction(user_id=person.pk, item_id=two_tastes["Romance"][0].pk, type_name="like")
    page = ada.get("/because/")
    session = RecommendationSession.objects.get()
    first = session.recommendations_shown[0]["item_id"]
    assertContains(page, 'id="actions1"')
    assertContains(page, f'form="actions1" formaction="/items/{first}/act/"')
    assertContains(page, f'form="dislikes1" formaction="/items/{first}/dislike/"')
    form = {"action": "like", "session": session.pk, "next": "/because/"}
    assertRedirects(ada.post(f"/items/{first}/act/", form), "/because/")
    row = UserInteraction.objects.get(item_id=first, user=person)
    assert (row.recommendation_session_id, row.recommendation_rank) == (session.pk, 1)


def test_a_stranger_gets_no_rows_and_visitors_a_login(
    client: Client, person: User, two_tastes: Films
) -> None:
    assertRedirects(client.get("/because/rows/"), "/accounts/login/?next=/because/rows/")
    client.force_login(person)
    assertNotContains(client.get("/because/rows/"), "data-session")
    assertContains(client.get("/because/"), "Nothing to go by yet")
    assertNotContains(client.get("/"), "/because/")
    assert client.get("/because/?kind=fish").status_code == 404
    assert client.get("/because/?use_case=drama_home").status_code == 404


def test_the_feed_of_somebody_known_leads_to_the_rows(
    ada: Client, person: User, two_tastes: Films, taste_model: None
) -> None:
    record_interaction(user_id=person.pk, item_id=two_tastes["Romance"][0].pk, type_name="like")
    page = ada.get("/")
    assertContains(page, 'data-rows="/because/rows/?kind=movies"')
    assertContains(page, "More like what you chose")
    # The rows themselves are made when they are asked for.
    assert RecommendationSession.objects.count() == 1


def test_the_page_of_an_item_shows_what_is_like_it(ada: Client, person: User, two_tastes: Films) -> None:
    film, *others = two_tastes["Romance"]
    record_interaction(user_id=person.pk, item_id=others[0].pk, type_name="like")
    page = ada.get(f"/items/{film.pk}/")
    assertContains(page, "More like this")
    near = page.context["similar"]
    assert {card.categories for card, _ in near} == {("Romance",)}
    assert film.pk not in {card.id for card, _ in near}
    # The filter between the person and each of them is shown, and no list is claimed for them.
    assert [states for card, states in near if card.id == others[0].pk] == [{"like"}]
    assertContains(page, 'data-session=""')
    assert not RecommendationSession.objects.exists()


def test_an_item_that_the_models_do_not_know_has_no_row(client: Client, make_item: MakeItem) -> None:
    make_item("Old")
    client.get("/")
    film = make_item("New")
    assertNotContains(client.get(f"/items/{film.pk}/"), "More like this")


def test_the_number_of_queries_does_not_grow_with_the_rows(
    ada: Client, person: User, two_tastes: Films, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for film in two_tastes["Romance"][:3]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    forget_state()
    ada.get("/because/rows/")
    with django_assert_max_num_queries(ROWS_QUERIES):
        ada.get("/because/rows/")
    ada.get(f"/items/{two_tastes['Romance'][5].pk}/")
    with django_assert_max_num_queries(14):
        ada.get(f"/items/{two_tastes['Romance'][5].pk}/")
