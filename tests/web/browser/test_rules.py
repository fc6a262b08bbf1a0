"""Staff make a rule, see what it would do, save it, see it in the feed, and end it; by keyboard."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from curation.models import Rule
from tests.factories import allow, make_user
from tests.web.browser.conftest import PHONE, OpenPage
from tests.web.browser.test_access import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
Films = dict[str, list[Item]]


@pytest.fixture
def editor(site: str) -> User:
    editor = make_user("editor", is_staff=True)
    allow(editor, "view_rule", "add_rule", "change_rule", "view_as_person")
    return editor


@pytest.mark.slow
def test_a_rule_from_its_preview_to_its_end(
    site: str, person: User, two_tastes: Films, taste_model: None, editor: User, open_page: OpenPage
) -> None:
    film = two_tastes["Romance"][14]
    reader, page = open_page(person), open_page(editor, java_script_enabled=False)
    page.goto("/admin/curation/rule/add/")
    page.get_by_label("Rule", exact=True).select_option("pin")
    page.get_by_label("Item, by id or title").fill(str(film.pk))
    page.get_by_label("Number").fill("1")
    page.get_by_label("Preview for").fill(person.username)
    page.get_by_label("Preview for").press("Enter")
    table = page.get_by_role("region", name="The list without the rule and with it")
    expect(table.get_by_role("rowheader").first).to_have_text(film.title)
    expect(table).to_contain_text("by this rule")
    assert not Rule.objects.exists()
    page.get_by_role("button", name="Save the rule").press("Enter")
    expect(page.get_by_text("is saved: pin")).to_be_visible()
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    reader.goto("/")
    expect(reader.get_by_text("Picked by the editors.")).to_be_visible()
    assert faults_of(reader) == []
    page.get_by_role("button", name="End it now").press("Enter")
    expect(page.get_by_text("It is over, so it stays as it is.")).to_be_visible()
    reader.reload()
    expect(reader.get_by_text("Picked by the editors.")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_rule(
    site: str, two_tastes: Films, editor: User, open_page: OpenPage, scheme: str
) -> None:
    page = open_page(editor, color_scheme=scheme, viewport=PHONE)
    page.goto("/admin/curation/rule/add/")
    page.get_by_label("Rule", exact=True).select_option("block")
    page.get_by_label("About").select_option("filter")
    page.get_by_label("Filter").fill("year:..9999")
    page.get_by_role("button", name="Show what it does").click()
    expect(page.get_by_text("It would leave nothing for any list")).to_be_visible()
    assert faults_of(page) == []
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= PHONE["width"]
