"""The page of everything one did, in the browser."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from interactions.services import record_interaction
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_of

pytestmark = pytest.mark.browser


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
    expect(page.get_by_text("You no longer like Letter 2.")).to_be_visible()
    expect(page.get_by_text("You did nothing like that")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/history/?what=passed-over")
    faults += faults_of(page)
    assert faults == []
