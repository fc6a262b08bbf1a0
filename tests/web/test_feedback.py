"""Turning something down without a script, and `/feedback/`."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from catalog.models import Facet, Item
from core.domain import REASONS, USE_CASES
from core.values import COMMENT
from feedback.models import Dislike, OwnRule
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from ranking.models import ModelVersion
from recommendations.models import RecommendationSession
from serving.live import get_state
from serving.pipeline import recommend
from tests.answers import ABSENT
from tests.web.conftest import MakeItem
from web.feedback import PAGE_LENGTH

# session, person, kinds, count and page of dislikes, five of patterns, four of what is held back, pushed out;
# the wishes, what the dislikes hold back, and three of what they keep out
FEEDBACK_QUERIES = 21


@pytest.fixture
def film(make_item: MakeItem) -> Item:
    return make_item("Heat", genre=["Crime", "Thriller"], actor=["Al Pacino"])


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def test_the_form_keeps_the_list_and_the_way_back(ada: Client, person: User, film: Item) -> None:
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"])
    assertContains(ada.get("/"), f'form="dislikes" formaction="/items/{film.pk}/dislike/"')
    page = ada.get(f"/items/{film.pk}/dislike/?session={served.session_id}&next=/watchlist/")
    assertContains(
        page, '<h1>Are you sure you want to dislike this movie?</h1>\n<p class="dialog-title">Heat</p>'
    )
    assertContains(page, f'name="session" value="{served.session_id}"')
    assertContains(page, 'name="next" value="/watchlist/"')
    assertContains(page, 'type="radio"', count=len(REASONS) + 5)
    assertContains(page, '<button class="chip" name="about" value="genre:Crime">Crime</button>')
    assert not Dislike.objects.exists()

    form = {
        "reason": "wrong_genre",
        "feedback_text": "a\r\nb",
        "session": served.session_id,
        "next": "/watchlist/",
    }
    response = ada.post(f"/items/{film.pk}/dislike/", form, follow=True)
    assertRedirects(response, "/watchlist/")
    dislike = Dislike.objects.get()
    assert (dislike.session_id, dislike.rank, dislike.reason) == (served.session_id, 1, "wrong_genre")
    assert dislike.feedback_text == "a\nb"
    assertContains(response, "Dislike recorded. We&#x27;ll improve recommendations!")
    assertContains(response, "From now on: less Crime and Thriller, −15 %.")

    response = ada.post(f"/feedback/{dislike.pk}/undo/", {"next": "/"}, follow=True)
    assertContains(response, "Heat is no longer turned down.")
    dislike.interaction.refresh_from_db()
    assert dislike.interaction.withdrawn_at is not None
    assertContains(ada.post(f"/feedback/{dislike.pk}/undo/", follow=True), "no such dislike")


@pytest.mark.parametrize(
    "form",
    [
        {"reason": "fly"},
        {"reason": "other\x00"},
        {"reason": "other", "feedback_text": "x" * (COMMENT.max_length + 1)},
        {"reason": "other", "feedback_text": "\x00"},
        {"reason": "other", "session": "nonsense"},
        {"reason": "other", "session": str(ABSENT)},
    ],
)
def test_what_cannot_be_recorded_is_said_and_nothing_typed_is_lost(
    ada: Client, film: Item, form: dict[str, str]
) -> None:
    response = ada.post(f"/items/{film.pk}/dislike/", {"feedback_text": "I typed this.", **form})
    assertContains(response, 'role="alert"', status_code=400)
    assertContains(response, form.get("feedback_text", "I typed this."), status_code=400)
    assert not UserInteraction.objects.exists()


def test_without_a_reason_it_is_the_plain_one(ada: Client, film: Item) -> None:
    form = {"reason": "", "feedback_text": "Just no."}
    assertRedirects(ada.post(f"/items/{film.pk}/dislike/", form), f"/items/{film.pk}/")
    dislike = Dislike.objects.get()
    assert (dislike.reason, dislike.feedback_text) == ("not_interested", "Just no.")


def test_line_ends_count_as_one_character(ada: Client, film: Item) -> None:
    text = "\r\n".join("x" * 1000)[: 3 * 999 + 1]
    ada.post(f"/items/{film.pk}/dislike/", {"reason": "other", "feedback_text": text})
    assert len(Dislike.objects.get().feedback_text) == 1999


def test_visitors_other_sites_and_other_people_stay_out(client: Client, person: User, film: Item) -> None:
    login = "/accounts/login/?next="
    assertRedirects(client.get(f"/items/{film.pk}/dislike/"), f"{login}/items/{film.pk}/dislike/")
    assertRedirects(client.get("/feedback/"), f"{login}/feedback/")
    assert client.post("/feedback/1/undo/").status_code == 302
    theirs = save_dislike(user_id=person.pk, item=film, reason="other").dislike
    client.force_login(User.objects.create_user("eve"))
    client.post(f"/feedback/{theirs.pk}/undo/")
    assert UserInteraction.objects.get().withdrawn_at is None
    assertContains(client.get("/feedback/"), "Nothing turned down yet")
    assert client.get("/feedback/1/undo/").status_code == 405
    assert client.get("/items/0/dislike/").status_code == 404
    form = {"reason": "other", "next": "https://example.com/"}
    assertRedirects(client.post(f"/items/{film.pk}/dislike/", form), f"/items/{film.pk}/")


def test_the_form_without_its_token_is_refused(person: User, film: Item) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    assert client.post(f"/items/{film.pk}/dislike/", {"reason": "other"}).status_code == 403


def test_the_plain_action_is_a_dislike_like_any_other(ada: Client, person: User, film: Item) -> None:
    ada.post(f"/items/{film.pk}/act/", {"action": "dislike"})
    dislike = Dislike.objects.select_related("interaction").get()
    assert dislike.reason == "not_interested"
    ada.post(f"/items/{film.pk}/act/", {"undo": "dislike"})
    dislike.interaction.refresh_from_db()
    assert dislike.interaction.withdrawn_at is not None
    # One that came by import has no row of its own.
    record_interaction(user_id=person.pk, item_id=film.pk, type_name="dislike")
    ada.post(f"/items/{film.pk}/act/", {"undo": "dislike"})
    assert not UserInteraction.objects.filter(type="dislike", withdrawn_at=None).exists()


def test_the_page_tells_what_was_said_and_what_it_changed(
    ada: Client, person: User, film: Item, make_item: MakeItem
) -> None:
    other, hidden = make_item("Ran", genre=["War"]), make_item("Gone")
    save_dislike(user_id=person.pk, item=film, reason="wrong_genre", feedback_text="<b>No</b>")
    save_dislike(user_id=person.pk, item=other, reason="already_watched")
    save_dislike(user_id=person.pk, item=hidden, reason="other")
    Item.objects.filter(pk=hidden.pk).update(is_active=False)
    page = ada.get("/feedback/")
    assertContains(page, f'<a href="/items/{film.pk}/">Heat</a>', html=True)
    assertNotContains(page, f"/items/{hidden.pk}/")
    assertContains(page, "&lt;b&gt;No&lt;/b&gt;")
    assertContains(page, "Wrong genre for me · ")
    assertContains(page, "<span>Crime</span><strong>−15 %</strong>", html=True)
    assertContains(page, "Because of Heat")
    assertContains(page, "No other title was pushed out")
    assertContains(page, "You turned down more in the last 30 days")
    assertNotContains(page, "A newer model has learned from this")
    charts = {heading: [(bar.label, bar.value) for bar in bars] for heading, bars in page.context["charts"]}
    assert ("I know it already", "1") in charts["Your reasons"]
    assert charts["Genres"] == [("Crime", "1"), ("Thriller", "1")]
    assert charts["People"] == [("Al Pacino", "1")]

    # A model in service has seen the log up to now; what merely was known already teaches nothing.
    ModelVersion.objects.create(
        kind="als",
        use_case="movie_home",
        version=1,
        status="active",
        dataset_manifest={"window_end": timezone.now().isoformat()},
        hyper_parameters={"negatives": "keep"},
    )
    for days, ids in ((0, [1, 2]), (5, [2, 3]), (40, [9])):
        RecommendationSession.objects.create(
            user=person,
            use_case="movie_home",
            method="popularity",
            recommendations_shown=[],
            pushed_out=ids,
            created_at=timezone.now() - timedelta(days=days),
        )
    page = ada.get("/feedback/")
    assertContains(page, "A newer model has learned from this", count=2)
    assertContains(page, "<strong>3</strong> different titles were pushed out")


def test_the_number_of_queries_does_not_grow_with_the_dislikes(
    ada: Client,
    person: User,
    make_item: MakeItem,
    settings: Settings,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    save_dislike(user_id=person.pk, item=make_item("Film", genre=["War"]), reason="wrong_genre")
    # As in production, where no request looks for models; those of all kinds are in memory.
    settings.MODEL_CHECK_SECONDS = 3600.0
    for use_case in USE_CASES:
        get_state(use_case)
    with django_assert_num_queries(FEEDBACK_QUERIES):
        ada.get("/feedback/")
    for number in range(PAGE_LENGTH + 3):
        film = make_item(f"Film {number}", genre=[f"Genre {number}", "War"], actor=["A", "B"])
        save_dislike(user_id=person.pk, item=film, reason="not_interested")
    with django_assert_num_queries(FEEDBACK_QUERIES - 1):  # the kinds are remembered
        page = ada.get("/feedback/")
    assert len(page.context["dislikes"]) == PAGE_LENGTH
    assertContains(page, "Page 1 of 2")
    assertContains(ada.get("/feedback/?page=2"), 'aria-label="Undo: ', count=4)


def test_one_tap_names_what_it_is_about(ada: Client, person: User, film: Item) -> None:
    response = ada.post(
        f"/items/{film.pk}/dislike/", {"about": "genre:Crime", "lasts": "always"}, follow=True
    )
    assertContains(response, "From now on: less Crime, −50 %.")
    assert Dislike.objects.get().about == Facet.objects.get(name="Crime")
    assertContains(ada.get("/feedback/"), "Less Crime · ")


def test_a_no_with_an_end_is_listed_and_ended(ada: Client, person: User, film: Item) -> None:
    response = ada.post(f"/items/{film.pk}/dislike/", {"only": "tonight", "lasts": "always"}, follow=True)
    assertContains(response, "Heat is left out until ")
    rule = OwnRule.objects.get()
    assertContains(ada.get("/feedback/"), f'formaction="/feedback/wishes/{rule.pk}/end/"')
    response = ada.post(f"/feedback/wishes/{rule.pk}/end/", follow=True)
    assertContains(response, "No longer: Heat is left out until ")
    assertContains(ada.post(f"/feedback/wishes/{rule.pk}/end/", follow=True), "no such wish")


def test_what_a_block_keeps_out_is_named_and_let_through(
    ada: Client, person: User, film: Item, make_item: MakeItem
) -> None:
    make_item("Ran", genre=["Crime"])
    ada.post(f"/items/{film.pk}/dislike/", {"about": "genre:Crime", "lasts": "never"})
    assertContains(ada.get("/"), "You never want Crime")
    ran = Item.objects.get(title="Ran")
    page = ada.get("/feedback/")
    assertContains(page, "Never Crime.")
    assertContains(page, f'formaction="/feedback/allow/{ran.pk}/"')
    assertContains(ada.post(f"/feedback/allow/{ran.pk}/", follow=True), "Ran is let through.")
    assertContains(ada.get("/"), "Ran")
    assertContains(ada.get("/search/?q=crime"), "Ran")


def test_the_list_is_made_anew_for_the_feed_to_take_over(ada: Client, person: User, film: Item) -> None:
    page = ada.get("/list/?kind=movies")
    assertContains(page, 'data-again="/list/?kind=movies"')
    assertContains(page, "data-chips=")
    assertNotContains(page, "<body")
    assert ada.get("/list/?kind=nonsense").status_code == 404
