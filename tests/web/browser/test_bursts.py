"""Staff discount a burst of new accounts and count them again, by keyboard."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.factories import allow, make_item, make_user
from tests.interactions.test_new_accounts import accounts, like
from tests.web.browser.conftest import PHONE, OpenPage
from tests.web.browser.test_access import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.any_database]


@pytest.mark.slow
def test_a_burst_from_the_page_to_its_end(site: str, open_page: OpenPage) -> None:
    keeper = make_user("keeper", is_staff=True)
    allow(keeper, "change_user", "view_user", "view_item")
    film = make_item("Loud")
    like(accounts(20, days=30), film)
    like(accounts(50, days=1), film)
    page = open_page(keeper)
    page.goto("/admin/bursts/")
    button = page.get_by_role("button", name="Discount 50 accounts that speak for Loud")
    expect(button).to_be_hidden()
    page.get_by_text("Discount these accounts").press("Enter")
    assert faults_of(page) == []
    button.press("Enter")
    expect(page.get_by_text("Discounted: 50 accounts.")).to_be_visible()
    expect(page.get_by_text("No item has many new accounts speak of it now.")).to_be_visible()
    assert User.objects.exclude(discounted_at=None).count() == 50
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Count 50 accounts").press("Enter")
    expect(page.get_by_text("Counted again: 50 accounts.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert not User.objects.exclude(discounted_at=None).exists()
