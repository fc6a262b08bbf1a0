"""A person takes their data along and leaves, on a phone and at a desk, in both themes."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage, turn_down
from tests.web.browser.test_access import faults_of
from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.browser
Films = dict[str, list[Item]]


@pytest.mark.slow
@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desk"])
def test_from_a_dislike_to_the_file_and_out(
    site: str,
    person: User,
    two_tastes: Films,
    open_page: OpenPage,
    tmp_path: Path,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    page = open_page(person, viewport=viewport, color_scheme=scheme)
    page.goto("/")
    turned_down = page.locator('[data-rank="2"]').get_by_role("heading").inner_text()
    turn_down(page, page.locator('[data-rank="2"]'))
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.locator("summary").first.click()
    page.get_by_role("link", name="Your data").click()
    faults = faults_of(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "heed-ada.json"
    assert [row["title"] for row in json.loads(path.read_text())["dislikes"]] == [turned_down]

    page.get_by_role("link", name="Delete my account").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Type your password.")).to_be_visible()
    faults += faults_of(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("checkbox", name="Delete my account").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Your account is deleted")).to_be_visible()
    expect(page.get_by_role("link", name="Sign up")).to_be_visible()
    assert not User.objects.filter(pk=person.pk).exists()
    assert faults == []
