"""Profiles of an account, in the browser, by keyboard."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_in_both

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_a_profile_is_made_changed_to_and_deleted(
    site: str,
    person: User,
    two_tastes: dict[str, list[Item]],
    open_page: OpenPage,
    viewport: dict[str, int],
) -> None:
    page = open_page(person, viewport=viewport)
    page.goto("/accounts/profiles/")
    faults = faults_in_both(page)
    page.get_by_label("Name", exact=False).first.fill("With the kids")
    page.get_by_label("For kids").press("Space")
    page.get_by_label("What it never shows").fill("no romance")
    page.get_by_role("button", name="Make the profile").press("Enter")
    expect(page.get_by_text("You are With the kids now.")).to_be_visible()
    page.goto("/")
    page.locator("summary.tool").press("Enter")
    expect(page.locator(".account-name")).to_have_text("With the kids")
    faults += faults_in_both(page)
    assert page.get_by_role("link", name="Letter").count() == 0
    page.get_by_role("button", name="Change to ada").press("Enter")
    page.wait_for_url("**/")
    page.locator("summary.tool").press("Enter")
    expect(page.locator(".account-name")).to_have_text("ada")
    page.get_by_role("button", name="Change to With the kids").press("Enter")
    page.goto("/accounts/profiles/")
    expect(page.get_by_text("You are it now")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    faults += faults_in_both(page)
    page.get_by_role("link", name="Delete With the kids").press("Enter")
    expect(page.get_by_role("heading", name="Delete With the kids?")).to_be_visible()
    faults += faults_in_both(page)
    page.get_by_role("button", name="Delete it").press("Enter")
    expect(page.get_by_text("With the kids is deleted")).to_be_visible()
    assert faults == []
