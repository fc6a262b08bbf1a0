"""Pictures in a browser: what comes lies over the poster, what does not come leaves it as it was drawn."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, BrowserContext, Page, Route

from catalog.models import Item
from tests.web.browser.conftest import DESKTOP, PHONE
from tests.web.conftest import MakeItem

pytestmark = [pytest.mark.browser, pytest.mark.any_database]

ORIGIN = "https://images.example"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
BOX = "(element) => JSON.stringify(element.getBoundingClientRect())"


@pytest.fixture
def film(make_item: MakeItem, settings: LazySettings) -> Item:
    settings.IMAGE_ORIGINS = [ORIGIN, "https://forbidden.example"]
    directives: Any = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    pictures = [*directives["img-src"], ORIGIN]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**directives, "img-src": pictures}}
    return make_item("Heat", genre=["Crime"], year=1995, description="A thief.")


def answer(route: Route) -> None:
    what: dict[str, dict[str, Any]] = {
        "/good.png": {"body": PNG, "content_type": "image/png"},
        "/broken.png": {"body": b"no picture", "content_type": "image/png"},
    }
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/away.png":
        route.abort()
    else:
        route.fulfill(**what.get(path, {"status": 404, "body": ""}))


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(browser: Browser, site: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(base_url=site, viewport=request.param)
    context.route(f"{ORIGIN}/**", answer)
    yield context.new_page()
    context.close()


def render(page: Page, film: Item, address: str) -> tuple[bytes, str]:
    """The art of the item's page as it is seen with this picture, and the place of the title beside it."""
    Item.objects.filter(pk=film.pk).update(image_url=address)
    page.goto(f"/items/{film.pk}/")
    page.evaluate("() => Promise.allSettled([...document.images].map((image) => image.decode()))")
    return page.locator(".item-art").screenshot(), page.locator("h1").evaluate(BOX)


@pytest.mark.slow
def test_a_picture_covers_the_poster_and_moves_nothing(page: Page, film: Item) -> None:
    poster, place = render(page, film, "")
    picture, same_place = render(page, film, f"{ORIGIN}/good.png")
    assert picture != poster
    assert same_place == place
    over, under = (page.locator(f".picture > {tag}").evaluate(BOX) for tag in ("img", "svg"))
    assert over == under


@pytest.mark.slow
def test_a_picture_that_does_not_come_leaves_the_poster(page: Page, film: Item) -> None:
    poster_alone = render(page, film, "")
    for address in (
        f"{ORIGIN}/missing.png",
        f"{ORIGIN}/broken.png",
        f"{ORIGIN}/away.png",
        "https://forbidden.example/a.png",
    ):
        assert render(page, film, address) == poster_alone, address
        assert page.locator(".picture img").count() == 1
