"""`/taste/`: what is believed of a person, rating a title, and starting again."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from profiles.selectors import get_profile
from profiles.services import rate_item
from serving.live import get_state
from tests.web.conftest import MakeItem

# session, person, kinds, profile with its reset, names and statistics, vector with names, four: held back
TASTE_QUERIES = 12


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def films(make_item: MakeItem) -> dict[str, Item]:
    return {
        "Heat": make_item("Heat", genre=["Crime", "Thriller"], actor=["Al Pacino"], theme=["heist"]),
        "Notting Hill": make_item("Notting Hill", genre=["Romance"], actor=["Hugh Grant"]),
        "Ran": make_item("Ran", genre=["War"]),
    }


def test_a_stranger_is_led_to_the_favorites(ada: Client, films: dict[str, Item]) -> None:
    page = ada.get("/taste/")
    assertContains(page, "Nothing here yet")
    assertContains(page, "Try picking some favorites")
    assertContains(page, 'href="/welcome/"')
    assertContains(page, "Rate a title")
    assertNotContains(page, "Reset my taste")


def test_the_page_tells_what_is_believed_and_from_what(
    ada: Client, person: User, films: dict[str, Item]
) -> None:
    record_interaction(user_id=person.pk, item_id=films["Heat"].pk, type_name="like")
    rate_item(user_id=person.pk, item=films["Ran"], rating=1.0)
    save_dislike(user_id=person.pk, item=films["Notting Hill"], reason="wrong_genre")
    page = ada.get("/taste/")
    profile = get_profile(person.pk)
    assert profile.personas
    assertContains(page, profile.personas[0])
    assertContains(page, "<div><dt>Liked</dt><dd>1</dd></div>", html=True)
    assertContains(page, "<dt>Mean of 1 rating</dt><dd>1.0</dd>", html=True)
    assertContains(page, "70 % of a score for somebody new")
    charts = {chart.heading: chart for chart in page.context["charts"]}
    assert [(row.label, round(row.share, 3), row.length) for row in charts["Genres"].liked] == [
        ("Crime", 0.15, 75),
        ("Thriller", 0.15, 75),
    ]
    assert [(row.label, round(row.share, 3)) for row in charts["Genres"].disliked] == [
        ("War", -0.2),
        ("Romance", -0.15),
    ]
    assert [(row.label, row.note) for row in charts["People"].liked] == [("Al Pacino", "actor")]
    assert list(charts) == ["Genres", "People", "Themes"]
    assertContains(page, 'href="/search/?actor=Al%20Pacino"')
    assertContains(page, "−20 %")
    assertContains(page, "<span>Romance</span><strong>−15 %</strong>", html=True)
    assertContains(page, "Because of Notting Hill")
    assertContains(page, 'href="/feedback/"')
    assertContains(page, "Your taste vector")


def test_what_says_nothing_of_taste_is_told_as_such(
    ada: Client, person: User, films: dict[str, Item]
) -> None:
    save_dislike(user_id=person.pk, item=films["Ran"], reason="already_watched")
    assertContains(ada.get("/taste/"), "Too little to tell yet")


def test_a_title_is_found_and_rated(ada: Client, person: User, films: dict[str, Item]) -> None:
    page = ada.get("/taste/", {"title": "hea"})
    assert page.context["titles"][0][0].title == "Heat"
    assertContains(page, f'name="item" value="{films["Heat"].pk}"')
    form = {"item": films["Heat"].pk, "rating": "8"}
    page = ada.post("/taste/rate/", form, follow=True)
    assertRedirects(page, "/taste/")
    assertContains(page, "You rated Heat 8 of 10.")
    row = UserInteraction.objects.get(user=person)
    assert (row.type, row.rating, row.item) == ("watched", 8.0, films["Heat"])
    # The part that the script takes over says so, and holds no page around it.
    part = ada.get("/taste/titles/", {"title": "heat", "kind": "movies"})
    assertContains(part, "you rated it 8")
    assertNotContains(part, "<html")
    assertContains(ada.get("/taste/titles/", {"title": "zzzz"}), "No title here is like “zzzz”.")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"rating": "8"},
        {"item": "1"},
        {"item": "9" * 30, "rating": "8"},
        {"item": "\x00", "rating": "nan"},
        {"item": "1", "rating": "10.5"},
    ],
)
def test_what_cannot_be_rated_is_said_in_a_sentence(
    ada: Client, films: dict[str, Item], form: dict[str, str]
) -> None:
    page = ada.post("/taste/rate/", form, follow=True)
    assertContains(page, "Choose one of the titles and a rating from 0 to 10.")
    assert not UserInteraction.objects.exists()


def test_a_title_hidden_since_is_rated_by_who_knows_it(
    ada: Client, person: User, films: dict[str, Item]
) -> None:
    record_interaction(user_id=person.pk, item_id=films["Heat"].pk, type_name="like")
    Item.objects.update(is_active=False)
    page = ada.post("/taste/rate/", {"item": films["Heat"].pk, "rating": "3"}, follow=True)
    assertContains(page, "You rated Heat 3 of 10.")
    for unknown in (films["Ran"].pk, 999_999_999):
        page = ada.post("/taste/rate/", {"item": unknown, "rating": "3"}, follow=True)
        assertContains(page, "There is no item with the id")
    assert UserInteraction.objects.filter(type="watched").count() == 1


def test_what_is_not_watched_takes_no_rating(ada: Client, make_item: MakeItem) -> None:
    startup = make_item("Acme", kind="startup")
    page = ada.post("/taste/rate/", {"item": startup.pk, "rating": "8"}, follow=True)
    assertContains(page, "Start-ups take no rating.")
    assertNotContains(page, "Rate a title")
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize("title", ["x" * 201, "a\x00b", "\ud800"])
def test_any_title_gets_an_answer(ada: Client, films: dict[str, Item], title: str) -> None:
    data = {"title": title.encode("utf-8", "surrogatepass")}
    for path in ("/taste/", "/taste/titles/"):
        assert ada.get(path, data).status_code == 200
    assert ada.get("/taste/", {"kind": "fish"}).status_code == 404


def test_a_reset_asks_once_more_and_forgets(ada: Client, person: User, films: dict[str, Item]) -> None:
    record_interaction(user_id=person.pk, item_id=films["Heat"].pk, type_name="like")
    assertContains(ada.get("/taste/"), 'href="/taste/reset/"')
    assertContains(ada.get("/taste/reset/"), "This cannot be undone.")
    assert get_profile(person.pk).liked["genre"]
    page = ada.post("/taste/reset/", follow=True)
    assertRedirects(page, "/taste/")
    assertContains(page, "Your taste is reset.")
    assertContains(page, "Nothing here yet")
    assertContains(page, "What came before does not count")
    assert get_profile(person.pk).liked["genre"] == []
    assert UserInteraction.objects.filter(withdrawn_at=None).count() == 1


def test_visitors_and_other_sites_stay_out(client: Client, person: User, films: dict[str, Item]) -> None:
    for path in ("/taste/", "/taste/titles/", "/taste/reset/"):
        assertRedirects(client.get(path), f"/accounts/login/?next={path}")
    assert client.post("/taste/rate/").status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    assert strict.post("/taste/reset/").status_code == 403
    assert strict.post("/taste/rate/", {"item": films["Heat"].pk, "rating": "8"}).status_code == 403
    assert strict.get("/taste/rate/").status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_taste(
    ada: Client,
    person: User,
    make_item: MakeItem,
    settings: Settings,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    # As in production, where no request looks for models; those of all kinds are in memory.
    settings.MODEL_CHECK_SECONDS = 3600.0
    for use_case in USE_CASES:
        get_state(use_case)
    for number in range(12):
        film = make_item(f"Film {number}", genre=[f"Genre {number}", "War"], actor=["A", f"B {number}"])
        rate_item(user_id=person.pk, item=film, rating=float(number % 11))
    ada.get("/taste/", {"title": "film"})  # the profile is brought up to date, the texts are read
    with django_assert_max_num_queries(TASTE_QUERIES):
        ada.get("/taste/")
    with django_assert_max_num_queries(TASTE_QUERIES + 2):  # the cards and their ratings
        assert len(ada.get("/taste/", {"title": "film"}).context["titles"]) == 6
