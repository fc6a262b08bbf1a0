"""One headless Chromium for all browser tests; for each test a server, a database and fresh pages."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.threads import threads_db  # noqa: F401  a fixture

# The headless shell is the same browser without windows, and takes a quarter less time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

OpenPage = Callable[..., Page]


class PromptServer(ThreadedWSGIServer):
    """A server that notices soon that it is to stop. Others look twice a second, and tests wait for it."""

    def serve_forever(self, poll_interval: float = 0.02) -> None:
        super().serve_forever(poll_interval)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = (os.environ.get("CHROMIUM") or NAMES[0], *NAMES)
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        pytest.fail(
            "The browser tests need Chromium: install chromium-headless-shell, or set CHROMIUM to its path.",
            pytrace=False,
        )
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setattr(LiveServerThread, "server_class", PromptServer)
        # Playwright keeps an event loop in this thread; the database is used outside of it all the same.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        # A busy machine is no failure.
        expect.set_options(timeout=20_000)
        yield browser
        browser.close()


@pytest.fixture
def site(threads_db: None, settings: LazySettings) -> Iterator[str]:  # noqa: F811
    """The address of a server on the test's own database."""
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    server = LiveServer("localhost")
    yield server.url
    server.stop()


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[OpenPage]:
    """Opens pages, logged in as the person given. At the end no page may have failed or asked elsewhere."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def note_console(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    def open_one(person: User | None = None, **options: Any) -> Page:
        context = browser.new_context(base_url=site, **{"viewport": DESKTOP, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        if person is not None:
            client = Client()
            client.force_login(person)
            cookie = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", note_console)
        page.on("request", lambda request: faults.extend(_elsewhere(request.url, site)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


def intercept(page: Page) -> None:
    """Turns interception on; called before the page loads. Turned on by the first route of a page that is
    open, it misses what the page asks in the next moment.
    """
    page.route("**/never-asked", lambda route: route.abort())


def turn_down(page: Page, card: Locator, reason: str = "Something else") -> None:
    """Says no to a card's title, with a reason."""
    card.get_by_role("button", name="Not for me").click()
    page.get_by_text("Another reason, or a comment").click()
    page.get_by_role("radio", name=reason).check()
    page.get_by_role("button", name="Confirm").click()


def _elsewhere(url: str, site: str) -> list[str]:
    return [] if url.startswith((site, "data:")) else [f"asked {url}"]
