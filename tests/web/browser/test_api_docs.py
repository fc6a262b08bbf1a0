"""`/docs` and `/redoc` show the API from this server alone."""

import pytest
from django.test import Client
from playwright.sync_api import Browser, Request, expect

pytestmark = [pytest.mark.browser, pytest.mark.any_database]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "shown"), [("/docs", "/api/recommendations/personalized/{kind}"), ("/redoc", "Heed (1.0.0)")]
)
def test_the_api_is_shown_and_no_other_host_is_asked(
    site: str, db: None, browser: Browser, path: str, shown: str
) -> None:
    context = browser.new_context(base_url=site)
    page = context.new_page()
    elsewhere: list[Request] = []
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda one: elsewhere.append(one) if not one.url.startswith((site, "data:", "blob:")) else None,
    )
    page.goto(path, wait_until="networkidle")
    expect(page.get_by_text(shown).first).to_be_visible()
    # Redoc names a picture of its maker's host; the page's policy keeps the browser from asking for it.
    assert [(one.url, one.failure) for one in elsewhere if one.failure != "csp"] == []
    assert faults == []
    context.close()


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_page_names_no_other_host_and_forbids_all(client: Client, db: None, path: str) -> None:
    page = client.get(path)
    assert "https://" not in page.content.decode()
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "https:" not in policy
    assert "script-src" not in policy  # Neither scripts in the page nor any from elsewhere.
