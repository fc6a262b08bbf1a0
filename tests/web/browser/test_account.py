"""An account in the browser: an address, a forgotten password, and logging out everywhere else."""

import pytest
from playwright.sync_api import expect
from pytest_django import Settings

from accounts.models import User
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_of
from tests.web.conftest import PASSWORD
from tests.web.test_account import ADDRESS, NEW, link_in, sent

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desk"])
def test_from_an_address_to_a_new_password(
    site: str,
    person: User,
    settings: Settings,
    open_page: OpenPage,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    settings.SITE_ADDRESS = site
    page = open_page(person, viewport=viewport, color_scheme=scheme)
    page.goto("/watchlist/")
    page.locator("summary.tool").click()
    page.get_by_role("link", name="Your account").click()
    faults = faults_of(page)
    mail = page.locator("section", has=page.get_by_role("heading", name="E-mail"))
    mail.get_by_label("E-mail").fill(ADDRESS)
    mail.get_by_label("Your password").fill(PASSWORD)
    mail.get_by_role("button").click()
    expect(page.get_by_text("A link to confirm your address is on its way to it.")).to_be_visible()
    faults += faults_of(page)
    page.goto(link_in(sent()[0]))
    faults += faults_of(page)
    page.get_by_role("button", name="It is mine").click()
    expect(page.get_by_text(f"{ADDRESS} is confirmed.")).to_be_visible()

    guest = open_page(viewport=viewport, color_scheme=scheme)
    guest.goto("/accounts/login/")
    guest.get_by_role("link", name="Forgot your password?").click()
    faults += faults_of(guest)
    guest.get_by_label("Email").fill(ADDRESS)
    guest.get_by_role("button", name="Send me a link").click()
    expect(guest.get_by_text("a mail with a link is on its way")).to_be_visible()
    guest.goto(link_in(sent()[1]))
    faults += faults_of(guest)
    guest.get_by_label("New password", exact=True).fill(NEW)
    guest.get_by_label("New password confirmation").fill(NEW)
    guest.get_by_role("button", name="Change my password").click()
    guest.get_by_label("Username").fill("ada")
    guest.get_by_label("Password").fill(NEW)
    guest.get_by_role("button", name="Log in").click()
    expect(guest.locator("summary.tool")).to_be_visible()

    page.goto("/accounts/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    guest.goto("/accounts/password/")
    faults += faults_of(guest)
    assert guest.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults == []
