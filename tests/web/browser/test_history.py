"""The page of everything one did, in the browser."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from serving.pipeline import recommend
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_of

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desk"])
def test_a_like_is_found_and_taken_back(
    site: str,
    person: User,
    two_tastes: dict[str, list[Item]],
    open_page: OpenPage,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    for film in two_tastes["Romance"][:4]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    page = open_page(person, viewport=viewport, color_scheme=scheme)
    page.goto("/watchlist/")
    page.locator("summary.tool").click()
    page.get_by_role("link", name="What you did").click()
    faults = faults_of(page)
    page.get_by_label("A part of a title").fill("letter 2")
    page.get_by_role("radio", name="Liked").check()
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".did-list > li")).to_have_count(1)
    page.get_by_role("button", name="Undo: Liked Letter 2").click()
    expect(page.locator(".toast").get_by_text("You no longer like Letter 2.")).to_be_visible()
    expect(page.get_by_text("You did nothing like that")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/history/?what=passed-over")
    faults += faults_of(page)
    assert faults == []


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_the_focus_stays_where_something_was_taken_back(
    site: str, person: User, two_tastes: dict[str, list[Item]], open_page: OpenPage, viewport: dict[str, int]
) -> None:
    for film in two_tastes["Romance"][:4]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    page = open_page(person, viewport=viewport)
    page.goto("/history/")
    undo = page.get_by_role("button", name="Undo: Liked")
    expect(undo).to_have_count(4)
    third = undo.nth(2).get_attribute("aria-label")
    undo.nth(1).press("Enter")
    expect(undo).to_have_count(3)
    expect(page.get_by_role("button", name=third or "", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(undo).to_have_count(2)
    expect(undo.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(undo).to_have_count(1)
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You did nothing yet")).to_be_visible()
    expect(page.get_by_role("main")).to_be_focused()
    assert faults_of(page) == []


def test_what_is_hidden_from_the_page_can_be_taken_back_from_its_toast(
    site: str, person: User, two_tastes: dict[str, list[Item]], open_page: OpenPage
) -> None:
    recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=6)
    RecommendationSession.objects.filter(user=person).update(seen_rank=4)
    page = open_page(person)
    page.goto("/history/?what=passed-over")
    hide = page.get_by_role("button", name="Hide:")
    expect(hide).to_have_count(4)
    hide.first.press("Enter")
    expect(hide).to_have_count(3)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(hide).to_have_count(4)
