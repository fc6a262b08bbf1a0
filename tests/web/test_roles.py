"""Roles on the pages: asked where a list needs it, changed at any time."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects, assertTemplateUsed

from accounts.models import User
from accounts.services import set_roles
from catalog.models import Item
from core.domain import KINDS, ROLES, USE_CASES
from interactions.models import UserInteraction
from interactions.popularity import refresh_popularity
from interactions.selectors import active_interactions
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from tests.web.conftest import MakeItem

FEED = "/?kind=startups"
OWN = {"developer": {"like", "apply"}, "investor": {"favorite", "interest"}}
OTHER = {"developer": "investor", "investor": "developer"}


@pytest.fixture
def startups(make_item: MakeItem) -> list[Item]:
    return [make_item(f"Quillowen {number}", kind="startup", genre=["Health"]) for number in range(3)]


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def offered(page: object) -> set[str]:
    """The actions for which the page has a button, the one for a dislike apart."""
    html = page.content.decode()  # type: ignore[attr-defined]
    return {
        name for name in ("like", "favorite", "apply", "interest") if f'value="{name}" aria-pressed' in html
    }


def _of_page(response: Any) -> str:
    """The text of a page before the dialog that every page has."""
    text: str = response.content.decode()
    return text.partition("<dialog")[0]


class TestAsking:
    def test_without_a_role_the_feed_asks_for_one(self, ada: Client, startups: list[Item]) -> None:
        page = ada.get(FEED)
        assert page.status_code == 200
        assertTemplateUsed(page, "web/roles.html")
        assertContains(page, "I look for work")
        assertContains(page, "I invest")
        assertContains(page, 'name="next" value="/?kind=startups"')
        assertContains(page, 'href="/?kind=startups" aria-current="page"')
        assert not RecommendationSession.objects.exists()

    @pytest.mark.parametrize(
        "path", ["/because/?kind=startups", "/because/rows/?kind=startups", "/welcome/?kind=startups"]
    )
    def test_so_does_every_page_that_is_made_for_one(
        self, ada: Client, startups: list[Item], path: str
    ) -> None:
        assertTemplateUsed(ada.get(path), "web/roles.html")

    def test_picks_that_are_sent_without_one_are_refused(self, ada: Client, startups: list[Item]) -> None:
        page = ada.post("/welcome/?kind=startups", {"pick": startups[0].pk})
        assert page.status_code == 403
        assert not UserInteraction.objects.exists()

    @pytest.mark.parametrize("role", list(OWN))
    def test_the_list_of_another_role_is_refused_and_the_role_offered(
        self, ada: Client, person: User, startups: list[Item], role: str
    ) -> None:
        set_roles(user=person, roles=[role])
        page = ada.get(f"{FEED}&use_case={OTHER[role]}_startup")
        assert page.status_code == 403
        assertContains(page, f'value="{role}" checked', status_code=403)
        assert not RecommendationSession.objects.exists()

    def test_visitors_are_not_asked(self, client: Client, startups: list[Item]) -> None:
        assertTemplateUsed(client.get(FEED), "web/landing.html")
        assertRedirects(client.get("/roles/"), "/accounts/login/?next=/roles/")


class TestChoosing:
    def test_leads_on_to_the_list_that_was_wanted(
        self, ada: Client, person: User, startups: list[Item]
    ) -> None:
        page = ada.post("/roles/", {"role": ["investor"], "next": FEED}, follow=True)
        assertRedirects(page, FEED)
        assertContains(page, "Start-ups to invest in")
        assertContains(page, "You said: I invest.")
        person.refresh_from_db()
        assert person.roles == ["investor"]

    def test_shows_what_is_chosen_and_takes_it_back(
        self, ada: Client, person: User, startups: list[Item]
    ) -> None:
        set_roles(user=person, roles=ROLES)
        assert _of_page(ada.get("/roles/")).count(" checked") == len(ROLES)
        ada.post("/roles/", {})
        person.refresh_from_db()
        assert person.roles == []

    @pytest.mark.parametrize(
        "form", [{"role": "admin"}, {"role": ["investor", "x"]}, {"role": "\x00"}, {"role": "investor "}]
    )
    def test_what_is_no_role_changes_nothing(self, ada: Client, person: User, form: dict[str, str]) -> None:
        set_roles(user=person, roles=["developer"])
        assertContains(ada.post("/roles/", form, follow=True), 'class="message error"')
        person.refresh_from_db()
        assert person.roles == ["developer"]

    def test_nothing_else_of_the_account_can_be_sent_along(self, ada: Client, person: User) -> None:
        ada.post("/roles/", {"role": "investor", "is_staff": "on", "username": "root", "user": "1"})
        person.refresh_from_db()
        assert (person.roles, person.is_staff, person.username) == (["investor"], False, "ada")

    @pytest.mark.parametrize(
        "target", ["https://example.com/", "//example.com", "javascript:alert(1)", "\x00/"]
    )
    def test_never_leaves_the_site(self, ada: Client, startups: list[Item], target: str) -> None:
        response = ada.post("/roles/", {"role": "investor", "next": target})
        assertRedirects(response, "/", fetch_redirect_response=False)
        assertContains(ada.get("/roles/", {"next": target}), '<input type="hidden" name="next" value="/">')

    def test_needs_the_form_s_token(self, person: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(person)
        assert client.post("/roles/", {"role": "investor"}).status_code == 403
        person.refresh_from_db()
        assert person.roles == []


@pytest.mark.parametrize("role", list(OWN))
class TestInOneRole:
    @pytest.fixture(autouse=True)
    def _role(self, person: User, role: str) -> None:
        set_roles(user=person, roles=[role])

    def test_the_feed_is_that_of_the_role(self, ada: Client, startups: list[Item], role: str) -> None:
        page = ada.get(FEED)
        assert page.context["use_case"] == USE_CASES[f"{role}_startup"]
        assert offered(page) == OWN[role]
        assertNotContains(page, 'aria-label="What for"')

    def test_every_page_offers_what_the_role_does(
        self, ada: Client, person: User, startups: list[Item], make_item: MakeItem, role: str
    ) -> None:
        record_interaction(user_id=person.pk, item_id=startups[0].pk, type_name=min(OWN[role]))
        make_item("Tarnebo", kind="startup", genre=["Energy"])
        refresh_popularity()
        for path in (
            f"/items/{startups[1].pk}/",
            "/search/?q=quillowen",
            "/search/?genre=Health",
            "/because/?kind=startups",
            "/because/rows/?kind=startups",
        ):
            page = ada.get(path)
            assertContains(page, "Quillowen")
            assert offered(page) == OWN[role], path

    def test_an_action_of_the_other_is_refused_in_words(
        self, ada: Client, startups: list[Item], role: str
    ) -> None:
        for name in OWN[OTHER[role]]:
            page = ada.post(f"/items/{startups[0].pk}/act/", {"action": name}, follow=True)
            assertContains(page, f"This is for the role {OTHER[role]}: choose it at /roles/")
        assert set(active_interactions().values_list("type", flat=True)) == {"view"}
        for name in OWN[role]:
            ada.post(f"/items/{startups[0].pk}/act/", {"action": name})
        assert set(active_interactions().values_list("type", flat=True)) == {"view", *OWN[role]}

    def test_picks_are_what_the_role_does_first(self, ada: Client, startups: list[Item], role: str) -> None:
        picked = startups[1].pk
        form = {"pick": picked, "shown": [item.pk for item in startups]}
        response = ada.post("/welcome/?kind=startups", form)
        assertRedirects(response, f"/?kind=startups&use_case={role}_startup")
        assert _of_page(ada.get("/welcome/?kind=startups")).count(" checked") == 1
        wanted = {"developer": "like", "investor": "favorite"}[role]
        assert list(active_interactions().values_list("item_id", "type")) == [(picked, wanted)]

    def test_what_was_done_in_a_role_that_was_left_can_be_taken_back(
        self, ada: Client, person: User, startups: list[Item], role: str
    ) -> None:
        name = min(OWN[role])
        record_interaction(user_id=person.pk, item_id=startups[0].pk, type_name=name)
        set_roles(user=person, roles=[OTHER[role]])
        page = ada.get(f"/items/{startups[0].pk}/")
        assertContains(page, f'name="undo" value="{name}"')
        ada.post(f"/items/{startups[0].pk}/act/", {"undo": name})
        assert not active_interactions().filter(type=name).exists()


def test_without_a_role_an_item_can_be_turned_down_and_says_how_to_do_more(
    ada: Client, startups: list[Item]
) -> None:
    page = ada.get(f"/items/{startups[0].pk}/")
    assert offered(page) == set()
    assertContains(page, "Not for me")
    assertContains(page, f'href="/roles/?next=%2Fitems%2F{startups[0].pk}%2F"')
    ada.post(f"/items/{startups[0].pk}/act/", {"action": "dislike"})
    assert active_interactions().filter(type="dislike").exists()


def test_with_both_roles_a_list_offers_what_it_is_for(
    ada: Client, person: User, startups: list[Item]
) -> None:
    set_roles(user=person, roles=ROLES)
    assertContains(ada.get(FEED), 'aria-label="What for"')
    for role, own in OWN.items():
        assert offered(ada.get(f"{FEED}&use_case={role}_startup")) == own
    assert offered(ada.get(f"/items/{startups[0].pk}/")) == OWN["developer"] | OWN["investor"]


def test_only_a_kind_with_a_watchlist_sends_people_to_it_at_the_end(
    ada: Client, person: User, startups: list[Item]
) -> None:
    set_roles(user=person, roles=["developer"])
    for item in startups:
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="apply")
    page = ada.get(FEED)
    assertContains(page, "You have been through everything here")
    assert (b"See your watchlist" in page.content) == ("watchlist" in KINDS["startup"].actions)


def test_films_ask_for_nothing(ada: Client, make_item: MakeItem) -> None:
    film = make_item("Heat")
    assertTemplateUsed(ada.get("/"), "web/feed.html")
    assertNotContains(ada.get("/"), "You said:")
    assertNotContains(ada.get(f"/items/{film.pk}/"), "Say what you come for")
