"""The weight and the layout shift of the pages, and the time from a tap on a no to the changed list.

    python benchmarks/pages.py --address http://127.0.0.1:8000 [--times 12] [--json]

Needs a running server with the demo and RATE_LIMIT_FACTOR=0, Playwright, and Chromium at `--chromium`. For
each width somebody signs up, answers five pairs, opens each page, and turns titles down on the feed.
"""

import argparse
import json
import secrets
import statistics
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = {"phone": (390, 844), "desktop": (1440, 900)}
PAGES = ("/", "/?genre=Thriller&sort=newest", "/welcome/", "/history/", "/history/import/", "/together/")
SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 400);
})"""
WEIGHT = "() => performance.getEntriesByType('navigation')[0].encodedBodySize"
# From the tap on the next thing that is clicked to the note that says what changed.
WATCH = """() => {
  window.changed = null;
  const tap = () => { window.tapped = performance.now(); };
  document.addEventListener("click", tap, { capture: true, once: true });
  new MutationObserver(() => {
    if (window.changed === null && document.querySelector(".wall-note"))
      window.changed = performance.now() - window.tapped;
  }).observe(document.body, { childList: true, subtree: true });
}"""


def sign_up(page: Page) -> None:
    """Makes an account of a random name and answers five pairs."""
    password = secrets.token_urlsafe()
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(f"measured-{secrets.token_hex(6)}")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password confirmation").fill(password)
    page.get_by_role("button", name="Sign up").click()
    for place in range(5):
        page.get_by_text(f"{place} of 5 answers").wait_for()
        page.locator(".pair-one").nth(place % 2).click()
    page.get_by_text("This list follows your answers.").wait_for()


def milliseconds_to_change(page: Page) -> float:
    """The time from the tap that says less of something to the list that follows it, in milliseconds."""
    page.goto("/", wait_until="networkidle")
    page.locator('[data-rank="3"]').get_by_role("button", name="Not for me").click()
    chip = page.locator("dialog .chip").first
    chip.wait_for()
    page.evaluate(WATCH)
    chip.click()
    page.locator(".wall-note").wait_for()
    return float(page.evaluate("window.changed"))


def measure(browser: Browser, address: str, size: tuple[int, int], times: int) -> dict[str, Any]:
    """All figures of one width."""
    width, height = size
    context = browser.new_context(base_url=address, viewport={"width": width, "height": height})
    page = context.new_page()
    sign_up(page)
    pages = {}
    for path in PAGES:
        page.goto(path, wait_until="networkidle")
        pages[path] = {"bytes": page.evaluate(WEIGHT), "shift": round(page.evaluate(SHIFT), 4)}
    taps = [milliseconds_to_change(page) for _ in range(times)]
    context.close()
    return {
        "pages": pages,
        "tap_to_changed_list_ms": {
            "times": times,
            "median": round(statistics.median(taps)),
            "least": round(min(taps)),
            "most": round(max(taps)),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--times", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        result = {
            name: measure(browser, options.address, size, options.times) for name, size in WIDTHS.items()
        }
        browser.close()
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


if __name__ == "__main__":
    main()
