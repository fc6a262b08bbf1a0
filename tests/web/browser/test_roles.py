"""Start-ups in the browser: saying what one comes for, and the list that follows."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.services import set_roles
from catalog.models import Item
from core.domain import ROLES
from interactions.models import UserInteraction
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_in_both
from tests.web.conftest import MakeItem

pytestmark = pytest.mark.browser
FEED = "/?kind=startups"


@pytest.fixture
def startups(make_item: MakeItem) -> list[Item]:
    return [
        make_item(f"Quillowen {number}", kind="startup", genre=["Health"], description="It helps.")
        for number in range(8)
    ]


def actions_of(page: Page) -> list[str]:
    """The names of the buttons on the first card of the list."""
    labels = page.locator('[data-rank="1"] .card-actions .act').evaluate_all(
        "buttons => buttons.map(button => button.getAttribute('aria-label'))"
    )
    return [label.split(":")[0] for label in labels]


@pytest.mark.slow
def test_from_saying_what_one_comes_for_to_an_application(
    site: str, person: User, startups: list[Item], open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto(FEED)
    expect(page.get_by_role("heading", name="What do you come for?")).to_be_visible()
    page.get_by_role("checkbox", name="I look for work").check()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", name="Start-ups to work for")).to_be_visible()
    assert actions_of(page) == ["Like", "Apply"]
    title = page.locator('[data-rank="1"] .card-title').inner_text()
    page.locator('[data-rank="1"]').get_by_role("button", name="Apply").click()
    expect(page.get_by_text(f"You applied to {title}.")).to_be_visible()
    row = UserInteraction.objects.get(type="apply")
    assert (row.item.title, row.recommendation_rank) == (title, 1)

    page.get_by_role("link", name="Change").click()
    page.get_by_role("checkbox", name="I look for work").uncheck()
    page.get_by_role("checkbox", name="I invest").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Start-ups to invest in")).to_be_visible()
    assert actions_of(page) == ["Favorite", "Interested"]


def test_a_button_of_a_role_that_was_left_elsewhere_says_why_it_does_nothing(
    site: str, person: User, startups: list[Item], open_page: OpenPage
) -> None:
    set_roles(user=person, roles=["developer"])
    page = open_page(person)
    page.goto(FEED)
    set_roles(user=person, roles=["investor"])
    page.locator('[data-rank="1"]').get_by_role("button", name="Apply").click()
    expect(page.get_by_text("This is for the role developer: choose it at /roles/")).to_be_visible()
    assert not UserInteraction.objects.filter(type="apply").exists()


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_pages_hold_at_every_width_and_in_both_colors(
    site: str, person: User, startups: list[Item], open_page: OpenPage, viewport: dict[str, int]
) -> None:
    page = open_page(person, viewport=viewport)
    faults = []
    for roles, path in ((ROLES, "/roles/"), ((), FEED), (ROLES, FEED), (ROLES, f"/items/{startups[0].pk}/")):
        set_roles(user=person, roles=roles)
        page.goto(path)
        faults += faults_in_both(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
    assert faults == []
