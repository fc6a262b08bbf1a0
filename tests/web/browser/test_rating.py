"""Rating with the slider, by mouse, finger and keyboard, and the balloons that follow."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from profiles.services import rate_item
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_in_both
from tests.web.conftest import MakeItem

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

MOVING = "document.getAnimations().filter((one) => one.animationName === 'rise').length"
END = "document.getAnimations().forEach((one) => one.finish())"


@pytest.fixture
def film(make_item: MakeItem) -> Item:
    return make_item("Heat", genre=["Crime"])


def ratings() -> list[float | None]:
    return list(UserInteraction.objects.filter(type="watched").values_list("rating", flat=True))


def rate_on_its_page(page: Page, film: Item) -> None:
    page.goto(f"/items/{film.pk}/")
    page.get_by_role("slider").fill("9.5")
    page.get_by_role("button", name="I watched it").click()
    expect(page.get_by_text("You watched Heat.")).to_be_visible()


def rate_on_the_taste_page(page: Page, film: Item) -> None:
    page.goto(f"/taste/?title={film.title}")
    page.get_by_role("slider").fill("9.5")
    page.get_by_role("button", name="Save rating").click()
    expect(page.get_by_text("You rated Heat 9.5 of 10.")).to_be_visible()


@pytest.mark.parametrize("rate", [rate_on_its_page, rate_on_the_taste_page])
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_balloons_follow_a_rating_but_not_where_no_motion_is_wanted(
    site: str, person: User, film: Item, open_page: OpenPage, rate: object, motion: str
) -> None:
    assert callable(rate)
    page = open_page(person, reduced_motion=motion)
    rate(page, film)
    assert ratings() == [9.5]
    if motion == "reduce":
        assert page.evaluate(MOVING) == 0
        expect(page.locator(".balloons span:visible")).to_have_count(0)
        return
    expect(page.locator(".balloons span:visible")).to_have_count(7)
    assert page.evaluate(MOVING) == 7
    # Nothing under them is out of reach, and they go.
    assert page.locator(".balloons").evaluate("(one) => getComputedStyle(one).pointerEvents") == "none"
    page.evaluate(END)
    assert page.evaluate(MOVING) == 0


def test_without_a_rating_there_is_nothing_to_celebrate(
    site: str, person: User, film: Item, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto(f"/items/{film.pk}/")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "Not rated")
    page.get_by_role("button", name="I watched it").click()
    expect(page.get_by_text("You watched Heat.")).to_be_visible()
    expect(page.locator(".balloons")).to_have_count(0)
    assert ratings() == [None]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_slider_is_moved_by_keyboard_and_pressed_where_it_stands(
    site: str, person: User, film: Item, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    page = open_page(person, viewport=viewport, reduced_motion="reduce")
    page.goto(f"/items/{film.pk}/")
    slider = page.get_by_role("slider", name="Your rating, 0 to 10")
    expect(page.get_by_role("radio", name="9")).to_have_count(0)
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "5.5 of 10")
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "10 of 10")
    page.reload()
    slider.click()  # On its middle, where it stands already.
    expect(slider).to_have_attribute("aria-valuetext", "5 of 10")
    box = slider.bounding_box()
    assert box is not None
    assert (box["width"] > 150, box["height"] >= 40) == (True, True)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_on_the_taste_page_a_rating_is_needed(
    site: str, person: User, film: Item, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto(f"/taste/?title={film.title}")
    page.get_by_role("button", name="Save rating").click()
    missing = page.get_by_role("slider").evaluate("(one) => one.validationMessage")
    assert missing == "Move the slider to your rating."
    assert ratings() == []


def test_without_a_script_there_are_eleven_values_and_the_balloons(
    site: str, person: User, film: Item, open_page: OpenPage
) -> None:
    page = open_page(person, java_script_enabled=False)
    page.goto(f"/items/{film.pk}/")
    expect(page.get_by_role("slider")).to_have_count(0)
    page.get_by_role("radio", name="9").check(force=True)
    page.get_by_role("button", name="I watched it").click()
    expect(page.get_by_text("You watched Heat.")).to_be_visible()
    expect(page.locator(".balloons")).to_have_count(1)
    expect(page.get_by_role("radio", name="9")).to_be_checked()
    assert ratings() == [9.0]


@pytest.mark.slow
def test_axe_finds_nothing_serious(site: str, person: User, film: Item, open_page: OpenPage) -> None:
    rate_item(user_id=person.pk, item=film, rating=9.5)
    page = open_page(person, reduced_motion="reduce")
    page.goto(f"/items/{film.pk}/")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "9.5 of 10")
    assert faults_in_both(page) == []
