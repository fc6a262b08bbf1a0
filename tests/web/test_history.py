"""The page of everything a person did: what stands on it, searching and paging in it, and taking it back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from core.domain import USE_CASES
from feedback.models import Dislike
from feedback.selectors import active_dislikes
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from profiles.selectors import get_taste
from recommendations.models import RecommendationSession
from serving.pipeline import recommend
from tests.factories import make_items, make_user
from tests.web.conftest import MakeItem
from web.history import LENGTH

PAGE = "/history/"
LOOKS = f"{PAGE}?what=looked-at"


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def did(
    person: User, item_id: int, type_name: str = "like", *, days_ago: int = 0, **more: float
) -> UserInteraction:
    when = timezone.now() - timedelta(days=days_ago)
    return record_interaction(
        user_id=person.pk,
        item_id=item_id,
        type_name=type_name,
        occurred_at=when,
        **more,  # type: ignore[arg-type]
    ).interaction


def titles_on(client: Client, query: str = "") -> list[str]:
    page = client.get(f"{PAGE}{query}")
    assert page.status_code == 200
    return [act.item.title for act, _ in page.context.get("acts") or []]


class TestSeeing:
    def test_it_shows_what_stands_newest_first_and_nobody_elses(
        self, ada: Client, person: User, make_item: MakeItem
    ) -> None:
        heat, ran, dune, up = (make_item(title) for title in ("Heat", "Ran", "Dune", "Up"))
        did(person, heat.pk, days_ago=400)
        did(person, ran.pk, "watched", rating=8.5)
        did(person, dune.pk, "watchlist_add", days_ago=3)
        did(person, up.pk, "view")
        did(make_user("bob"), up.pk)
        assert titles_on(ada) == ["Ran", "Dune", "Heat"]
        assertContains(ada.get(PAGE), "rated 8.5 of 10")
        assert titles_on(ada, "?what=like") == ["Heat"]
        assert titles_on(ada, "?what=rated") == ["Ran"]
        assertContains(ada.get("/watchlist/"), f'href="{PAGE}"')

    def test_it_searches_in_both_titles(self, ada: Client, person: User, make_item: MakeItem) -> None:
        did(person, make_item("Parasite", original_title="기생충").pk)
        did(person, make_item("100% Wolf").pk)
        assert titles_on(ada, "?q=paras") == ["Parasite"]
        assert titles_on(ada, "?q=기생충") == ["Parasite"]
        assert titles_on(ada, "?q=%25") == ["100% Wolf"]
        assertContains(ada.get(f"{PAGE}?q=zzz"), "You did nothing like that")

    def test_what_is_hidden_by_now_is_named_without_a_link_and_can_be_taken_back(
        self, ada: Client, person: User, make_item: MakeItem
    ) -> None:
        item = make_item("Heat")
        act = did(person, item.pk)
        item.is_active = False
        item.save()
        assertNotContains(ada.get(PAGE), f'href="/items/{item.pk}/"')
        ada.post(f"{PAGE}{act.pk}/undo/")
        assert titles_on(ada) == []

    def test_pages_neither_repeat_nor_leave_out_where_something_is_done_meanwhile(
        self, ada: Client, person: User
    ) -> None:
        items = make_items(LENGTH + 12)
        moment = timezone.now() - timedelta(days=1)
        for item in items[: LENGTH + 10]:  # all at one moment, so that the id decides
            record_interaction(user_id=person.pk, item_id=item.pk, type_name="like", occurred_at=moment)
        first = ada.get(PAGE)
        did(person, items[-1].pk)
        second = ada.get(f"{PAGE}?{first.context['next']}")
        shown = [act.item_id for page in (first, second) for act, _ in page.context["acts"]]
        assert len(shown) == len(set(shown)) == LENGTH + 10
        assert second.context["next"] == ""

    def test_it_costs_few_queries_however_much_was_done(self, ada: Client, person: User) -> None:
        for item in make_items(LENGTH + 5):
            did(person, item.pk)
        ada.get(PAGE)
        for query in ("", "?what=passed-over", "?what=looked-at", "?q=a&what=like"):
            with CaptureQueriesContext(connection) as queries:
                ada.get(f"{PAGE}{query}")
            assert len(queries) <= 6

    @pytest.mark.parametrize(
        "query",
        [
            *(
                "?what=nothing",
                "?after=x",
                "?after=1",
                "?after=1.",
                "?after=.1",
                "?after=1.²",
                "?after=1_0.1",
            ),
            *("?after=" + "9" * 30 + ".1", "?after=-9999999999999999999.1", "?q=" + "x" * 201, "?q=%00"),
        ],
    )
    def test_what_cannot_be_meant_is_said(self, ada: Client, query: str) -> None:
        assert ada.get(f"{PAGE}{query}").status_code == 400

    def test_it_is_for_those_who_are_logged_in(self, client: Client, db: None) -> None:
        assertRedirects(client.get(PAGE), f"/accounts/login/?next={PAGE}")
        assert client.post(f"{PAGE}1/undo/").status_code == 302


class TestPassedOver:
    def test_it_counts_the_lists_and_leaves_out_what_was_acted_on(
        self, ada: Client, person: User, two_tastes: object
    ) -> None:
        served = [recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=6) for _ in range(3)]
        RecommendationSession.objects.filter(user=person).update(seen_rank=4)
        first, second = served[0].slots[:2]
        did(person, first.item.id)
        page = ada.get(f"{PAGE}?what=passed-over")
        rows = {row.item.id: row.times for row in page.context["passed_over"]}
        assert first.item.id not in rows
        assert rows[second.item.id] == 3
        assertContains(page, "Passed over 3 times")
        ada.post(f"/items/{second.item.id}/dislike/", {"only": "title", "next": PAGE})
        assert Dislike.objects.get().title_only
        again = ada.get(f"{PAGE}?what=passed-over")
        assert second.item.id not in {row.item.id for row in again.context["passed_over"]}


class TestLookedAt:
    def test_it_names_each_title_once_newest_first_and_nobody_elses(
        self, ada: Client, person: User, make_item: MakeItem
    ) -> None:
        heat, ran, dune = (make_item(title) for title in ("Heat", "Ran", "Dune"))
        did(person, heat.pk, "view", days_ago=9)
        did(person, ran.pk, "view", days_ago=3)
        did(person, heat.pk, "click", days_ago=1)
        did(person, dune.pk)
        did(make_user("bob"), dune.pk, "view")
        page = ada.get(LOOKS)
        assert [(row.title, row.times) for row in page.context["looked_at"]] == [("Heat", 2), ("Ran", 1)]
        assertContains(page, "Looked at 2 times")
        found = ada.get(f"{LOOKS}&q=ra").context["looked_at"]
        assert [row.title for row in found] == ["Ran"]

    def test_what_is_forgotten_is_no_reason_any_more(
        self, ada: Client, person: User, make_item: MakeItem
    ) -> None:
        heat, ran = make_item("Heat", genre=["Crime"]), make_item("Ran", genre=["War"])
        did(person, heat.pk, "view", days_ago=2)
        did(person, heat.pk, "click")
        did(person, ran.pk)
        other = did(make_user("bob"), heat.pk, "view")
        assert set(get_taste(person.pk).top_categories) == {"Crime", "War"}
        for _ in range(2):
            assertRedirects(ada.post(f"{PAGE}looks/{heat.pk}/forget/", {"next": LOOKS}), LOOKS)
        assert not ada.get(LOOKS).context["looked_at"]
        assert titles_on(ada) == ["Ran"]
        assert set(get_taste(person.pk).top_categories) == {"War"}
        other.refresh_from_db()
        assert other.withdrawn_at is None

    def test_once_more_is_said_and_changes_nothing(self, ada: Client, make_item: MakeItem) -> None:
        for item_id in (make_item("Heat").pk, 999_999):
            page = ada.post(f"{PAGE}looks/{item_id}/forget/", follow=True)
            assertContains(page, "That is taken back already.")

    def test_what_is_hidden_by_now_can_be_forgotten(
        self, ada: Client, person: User, make_item: MakeItem
    ) -> None:
        item = make_item("Heat")
        did(person, item.pk, "view")
        item.is_active = False
        item.save()
        assertNotContains(ada.get(LOOKS), f'href="/items/{item.pk}/"')
        ada.post(f"{PAGE}looks/{item.pk}/forget/")
        assert not ada.get(LOOKS).context["looked_at"]

    def test_it_takes_a_login_and_a_post(self, client: Client, ada: Client) -> None:
        assert ada.get(f"{PAGE}looks/1/forget/").status_code == 405
        client.logout()
        assert client.post(f"{PAGE}looks/1/forget/").status_code == 302


class TestUndoing:
    @pytest.mark.parametrize("type_name", ["like", "favorite", "watched", "watchlist_add"])
    def test_it_is_taken_back_at_any_age_once(
        self, ada: Client, person: User, make_item: MakeItem, type_name: str
    ) -> None:
        act = did(person, make_item("Heat").pk, type_name, days_ago=900)
        for _ in range(2):
            assertRedirects(
                ada.post(f"{PAGE}{act.pk}/undo/", {"next": f"{PAGE}?what=like"}), f"{PAGE}?what=like"
            )
        assert titles_on(ada) == []
        assert UserInteraction.objects.get(pk=act.pk).withdrawn_at is not None

    def test_a_dislike_goes_with_all_that_it_holds_back(
        self, ada: Client, person: User, make_item: MakeItem
    ) -> None:
        item = make_item("Heat", genre=["Crime"])
        save_dislike(user_id=person.pk, item=item)
        act = UserInteraction.objects.get(type="dislike")
        ada.post(f"{PAGE}{act.pk}/undo/")
        assert not active_dislikes(person.pk)

    def test_nobody_takes_back_what_another_did(self, ada: Client, make_item: MakeItem) -> None:
        act = did(make_user("bob"), make_item("Heat").pk)
        assertContains(ada.post(f"{PAGE}{act.pk}/undo/", follow=True), "That is taken back already.")
        assert UserInteraction.objects.get(pk=act.pk).withdrawn_at is None

    def test_it_leads_nowhere_else(self, ada: Client, person: User, make_item: MakeItem) -> None:
        act = did(person, make_item("Heat").pk)
        response = ada.post(f"{PAGE}{act.pk}/undo/", {"next": "https://evil.example/"})
        assertRedirects(response, PAGE)
