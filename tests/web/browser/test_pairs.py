"""A first taste by pairs, in the browser: by the arrow keys, by Tab and Enter, and by touch."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_in_both
from web.pairs import ENOUGH

pytestmark = pytest.mark.browser


def wait_for(page: Page, answers: int) -> None:
    """Waits until so many are answered and the page listens to keys: its script comes after its words."""
    expect(page.get_by_text(f"{answers} of {ENOUGH} answers")).to_be_visible()
    page.wait_for_load_state()


@pytest.mark.slow
def test_five_answers_by_keyboard_lead_to_a_list(
    site: str, person: User, two_tastes: dict[str, list[Item]], open_page: OpenPage
) -> None:
    page = open_page(person, viewport=DESKTOP)
    page.goto("/welcome/")
    wait_for(page, 0)
    faults = faults_in_both(page)
    page.keyboard.press("ArrowRight")
    wait_for(page, 1)
    expect(page.locator(".pair-one").first).to_be_focused()
    page.keyboard.press("Enter")
    wait_for(page, 2)
    first = page.locator(".pair-one .pick-title").first
    title = first.inner_text()
    page.get_by_role("button", name="Neither").press("Enter")
    expect(first).not_to_have_text(title)
    wait_for(page, 2)
    page.get_by_role("button", name="Take the last answer back").press("Enter")
    expect(first).to_have_text(title)
    wait_for(page, 2)
    faults += faults_in_both(page)
    page.keyboard.press("ArrowLeft")
    for answers in (3, 4):
        wait_for(page, answers)
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("This list follows your answers.")).to_be_visible()
    acts = UserInteraction.objects.filter(user=person, withdrawn_at=None)
    assert sorted(acts.values_list("type", flat=True)) == ["like"] * ENOUGH
    assert faults == []


@pytest.mark.slow
def test_a_tap_on_a_phone_is_an_answer(
    site: str, person: User, two_tastes: dict[str, list[Item]], open_page: OpenPage
) -> None:
    page = open_page(person, viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto("/welcome/")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Both of the two and the way past them are on the first screen.
    for place in (page.locator(".pair-one").last, page.get_by_role("button", name="Neither")):
        box = place.bounding_box()
        bar = page.locator(".bar").bounding_box()
        assert box is not None
        assert bar is not None
        assert box["y"] + box["height"] <= bar["y"]
    page.get_by_role("checkbox").first.tap()
    page.locator(".pair-one").last.tap()
    wait_for(page, 1)
    assert UserInteraction.objects.filter(user=person, type="like").count() == 2
    assert faults_in_both(page) == []
