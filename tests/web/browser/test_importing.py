"""One's history from another service, in the browser: on a phone and a desktop, by keyboard alone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from search.state import forget_search
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_in_both

pytestmark = pytest.mark.browser

FILE = (
    "Date,Name,Year,Letterboxd URI,Rating\n2021-05-03,Letter 2,1982,x,4.5\n2020-01-01,Leter 3,1983,x,1\n"
    "2020-01-01,Orbit 4,1950,x,3\n2020-01-01,Nothing Like It,1985,x,3\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_a_file_is_looked_at_corrected_and_recorded_by_keyboard(
    site: str,
    person: User,
    two_tastes: dict[str, list[Item]],
    open_page: OpenPage,
    viewport: dict[str, int],
    tmp_path: Path,
) -> None:
    forget_search()
    file = tmp_path / "ratings.csv"
    file.write_text(FILE)
    page = open_page(person, viewport=viewport)
    page.goto("/history/import/")
    faults = faults_in_both(page)
    page.get_by_label("The file").set_input_files(file)
    page.get_by_role("button", name="See what is found").press("Enter")
    expect(page.get_by_role("heading", name="What was found")).to_be_visible()
    faults += faults_in_both(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_role("checkbox", name="Letter 2").press("Space")
    page.get_by_role("textbox", name="Nothing Like It").fill("Orbit 9")
    page.keyboard.press("Enter")
    expect(page.get_by_role("checkbox", name="Orbit 9")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Letter 2")).not_to_be_checked()
    page.get_by_role("button", name="Record what is ticked").press("Enter")
    expect(page.get_by_text("2 titles added to what you did.")).to_be_visible()
    acts = UserInteraction.objects.filter(user=person).order_by("item__title")
    assert list(acts.values_list("item__title", "rating")) == [("Letter 3", 2.0), ("Orbit 9", 6.0)]
    page.goto("/history/import/")
    file.write_bytes(b"PK")
    page.get_by_label("The file").set_input_files(file)
    page.get_by_role("button", name="See what is found").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("ratings.csv is a zip archive, not text.")
    expect(page.get_by_label("The file")).to_be_focused()
    faults += faults_in_both(page)
    assert faults == []
