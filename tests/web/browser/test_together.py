"""A list for two, in the browser."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from serving.together import invite
from tests.factories import make_user
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_in_both

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_the_link_of_another_leads_to_a_list_of_both(
    site: str,
    person: User,
    two_tastes: dict[str, list[Item]],
    open_page: OpenPage,
    viewport: dict[str, int],
) -> None:
    page = open_page(person, viewport=viewport)
    page.clock.install()
    page.goto("/")
    page.locator("summary.tool").press("Enter")
    page.get_by_role("link", name="A list for two").press("Enter")
    expect(page.get_by_label("Your link")).to_be_visible()
    faults = faults_in_both(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"/together/?with={invite(make_user('bob'))}")
    expect(page.get_by_role("heading", name="For you and bob")).to_be_visible()
    card = page.locator('[data-rank="2"]')
    card.get_by_role("button", name="Not for me").press("Enter")
    page.get_by_role("button", name="Only this title").press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.clock.fast_forward(2500)
    # Nothing of it is made anew: that would be a list for one.
    expect(page.locator(".wall [data-rank]")).to_have_count(24)
    faults += faults_in_both(page)
    assert faults == []
