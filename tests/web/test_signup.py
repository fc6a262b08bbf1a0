"""Signing up, logging in, and the first favorites."""

import pytest
from django.conf import LazySettings
from django.test import Client
from pytest_django.asserts import assertContains, assertRedirects

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from interactions.services import record_interaction
from tests.web.conftest import PASSWORD, MakeItem


def sign_up(client: Client, username: str, password: str = PASSWORD):  # type: ignore[no-untyped-def]
    return client.post(
        "/accounts/signup/", {"username": username, "password1": password, "password2": password}
    )


@pytest.mark.parametrize(
    "name",
    [
        "Наташа",
        "Ελένη",
        "김민수",
        "김tom",
        "José",
        "田中",
        "ann_1@x.y",
        "Ødegård",
        "サトー",
        "佐々木",
        "علی۳",
        "เอ",
        "Ştefan",
        "user_x",
        "Đặng",
        "aydın",
        "əli",
        "kɛlɛ",
        "ᏣᎳᎩ",
    ],
)
def test_names_of_every_script_may_sign_up(client: Client, db: None, name: str) -> None:
    assert sign_up(client, name).status_code == 302


def test_signing_up_logs_in_and_leads_to_the_picks(client: Client, make_item: MakeItem) -> None:
    make_item("Heat")
    assertRedirects(sign_up(client, "grace"), "/welcome/")
    person = User.objects.get(username="grace")
    assert client.session["_auth_user_id"] == str(person.pk)
    assert not person.is_staff
    assertRedirects(client.get("/accounts/signup/"), "/")


@pytest.mark.parametrize(
    ("username", "password", "says"),
    [
        ("movielens-12", PASSWORD, "kept for imported people"),
        ("MovieLens-12", PASSWORD, "kept for imported people"),
        ("demo-person-7", PASSWORD, "kept for imported people"),
        ("ADA", PASSWORD, "already exists"),
        ("grace", "12345678", "entirely numeric"),
        ("gr ace", PASSWORD, "Enter a valid username"),
        ("аda", PASSWORD, "looks like one in other letters"),  # the first letter is Cyrillic
        ("сосо", PASSWORD, "looks like one in other letters"),  # all of them are
        ("αda", PASSWORD, "looks like one in other letters"),
        ("ada\u3164", PASSWORD, "looks like one in other letters"),  # a letter that nobody sees
        ("ada\u115f", PASSWORD, "looks like one in other letters"),
        ("ɑda", PASSWORD, "looks like one in other letters"),  # Latin, as phoneticians write
        ("bᴏb", PASSWORD, "looks like one in other letters"),
        ("adaـ", PASSWORD, "looks like one in other letters"),
        ("\ua4ee\ua4d3\ua4ee", PASSWORD, "looks like one in other letters"),  # ADA in the script of Lisu
        ("b\u0966b", PASSWORD, "looks like one in other letters"),  # a zero of Devanagari
        ("1\u0661", PASSWORD, "looks like one in other letters"),
        ("17", PASSWORD, "the number of somebody"),
        ("user_17", PASSWORD, "the number of somebody"),
        ("USER_17", PASSWORD, "the number of somebody"),
        ("", PASSWORD, "required"),
        ("a\x00b", PASSWORD, "Null characters"),
    ],
)
def test_what_cannot_be_an_account_is_said_at_its_field(
    client: Client, person: User, username: str, password: str, says: str
) -> None:
    response = sign_up(client, username, password)
    assertContains(response, says)
    field = "password2" if password != PASSWORD else "username"
    assertContains(response, f'id="id_{field}_error"')
    assert User.objects.count() == 1


def test_logging_in_goes_where_the_person_was_headed_on_this_site_only(client: Client, person: User) -> None:
    form = {"username": "ada", "password": PASSWORD}
    assertRedirects(client.post("/accounts/login/", {**form, "next": "/watchlist/"}), "/watchlist/")
    assertRedirects(client.post("/accounts/logout/"), "/")
    response = client.post("/accounts/login/", {**form, "next": "https://example.com/"})
    assertRedirects(response, "/")


def test_too_many_wrong_passwords_lock_the_account_for_a_while(
    client: Client, person: User, settings: LazySettings
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    form = {"username": "ada", "password": "wrong"}
    for _ in range(2):
        assertContains(client.post("/accounts/login/", form), "Please enter a correct username")
    assertContains(client.post("/accounts/login/", form), "Too many tries", status_code=429)
    form["password"] = PASSWORD
    assertContains(client.post("/accounts/login/", form), "Too many tries", status_code=429)


def test_picks_become_likes_and_unticking_takes_them_back(
    client: Client, person: User, two_tastes: dict[str, list[Item]]
) -> None:
    client.force_login(person)
    page = client.get("/welcome/")
    offered = page.context["offered"]
    assert len(offered) == 24
    assert {card.categories[0] for card in offered[:2]} == {"Science Fiction", "Romance"}
    first, second = offered[0].id, offered[1].id
    form = {"pick": [first, second], "shown": [card.id for card in offered]}
    response = client.post("/welcome/", form)
    assertRedirects(response, "/?kind=movies", fetch_redirect_response=False)
    likes = UserInteraction.objects.filter(user=person, withdrawn_at=None)
    assert {(row.type, row.item_id) for row in likes} == {("like", first), ("like", second)}
    assert client.get("/welcome/").content.decode().partition("<dialog")[0].count("checked") == 2

    client.post("/welcome/", {**form, "pick": [second]})
    assert [row.item_id for row in likes.all()] == [second]


def test_the_first_list_follows_the_picks(
    client: Client, person: User, taste_model: None, two_tastes: dict[str, list[Item]]
) -> None:
    client.force_login(person)
    picked = [film.pk for film in two_tastes["Romance"][:2]]
    response = client.post("/welcome/", {"pick": picked}, follow=True)
    assertContains(response, "This list follows your 2 picks.")
    slots = response.context["served"].slots
    assert {slot.item.categories for slot in slots[:10]} == {("Romance",)}
    assert not set(picked) & {slot.item.id for slot in slots}


def test_what_was_turned_down_is_not_offered(client: Client, person: User, make_item: MakeItem) -> None:
    kept, gone = make_item("Heat"), make_item("Ran")
    record_interaction(user_id=person.pk, item_id=gone.pk, type_name="dislike")
    client.force_login(person)
    assert [card.id for card in client.get("/welcome/").context["offered"]] == [kept.pk]


@pytest.mark.parametrize("pick", ["", "x", "-1", "0", "99999999999999999999", "1e5", "\x00", "²"])
def test_picks_that_are_no_titles_are_passed_over(
    client: Client, person: User, make_item: MakeItem, pick: str
) -> None:
    make_item("Heat")
    client.force_login(person)
    assert client.post("/welcome/", {"pick": pick, "shown": pick}).status_code == 302
    assert not UserInteraction.objects.exists()


def test_picks_of_another_kind_have_their_own_page(client: Client, person: User, make_item: MakeItem) -> None:
    make_item("Heat")
    drama = make_item("Dark", kind="drama", is_synthetic=True)
    client.force_login(person)
    assertContains(client.get("/welcome/?kind=dramas"), "Synthetic")
    response = client.post("/welcome/?kind=dramas", {"pick": drama.pk})
    assertRedirects(response, "/?kind=dramas")


def test_without_a_catalog_there_is_nothing_to_pick(client: Client, person: User) -> None:
    assertRedirects(client.get("/welcome/"), "/accounts/login/?next=/welcome/")
    client.force_login(person)
    assertRedirects(client.get("/welcome/"), "/")


def test_a_simulated_person_is_marked(client: Client, db: None) -> None:
    simulated = User.objects.create(username="demo-person-1", is_synthetic=True)
    client.force_login(simulated)
    assertContains(client.get("/"), "A simulated person of the demo")
