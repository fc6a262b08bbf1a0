"""The feed in the browser: narrowed, and read on without a repeat."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from recommendations.models import RecommendationSession
from tests.factories import make_items
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_of, shift_of

pytestmark = pytest.mark.browser
BOTH = pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desk"]
)

# The names of the buttons under the toast.
COVERED = """(() => {
  const toast = document.querySelector(".toast").getBoundingClientRect();
  return [...document.querySelectorAll("main button")].filter((button) => {
    const box = button.getBoundingClientRect();
    const beside = box.left >= toast.right || box.right <= toast.left;
    return !beside && box.top < toast.bottom && box.bottom > toast.top;
  }).map((button) => button.ariaLabel);
})()"""

SCROLLED = """() => new Promise((resolve) => {
  document.addEventListener("scrollend", () => requestAnimationFrame(resolve), { once: true });
  scrollBy({ top: 300, behavior: "instant" });
})"""


@pytest.mark.slow
@BOTH
def test_a_list_is_narrowed_and_shown_whole_again(
    site: str,
    person: User,
    two_tastes: dict[str, list[Item]],
    open_page: OpenPage,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    page = open_page(person, viewport=viewport, color_scheme=scheme)
    page.goto("/")
    page.get_by_text("Filter and sort").click()
    faults = faults_of(page)
    page.locator("#filter-genre").select_option("Romance")
    page.locator("#filter-sort").select_option("Newest first")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Only: Romance, newest first.")).to_be_visible()
    expect(page.locator(".card-title").first).to_have_text("Letter 14")
    faults += faults_of(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".filters-said")).to_have_count(0)
    assert faults == []


@pytest.mark.slow
@BOTH
def test_more_joins_the_list_without_a_repeat_and_is_reported_as_seen(
    site: str, person: User, open_page: OpenPage, viewport: dict[str, int], scheme: str
) -> None:
    make_items(40)
    page = open_page(person, viewport=viewport, color_scheme=scheme)
    page.goto("/")
    more = page.get_by_role("link", name="Show more")
    more.focus()
    # Browsers forgive a page that jumps within half a second of a key; this answer comes later.
    slow = page.context.new_cdp_session(page)
    line = {"offline": False, "latency": 600, "downloadThroughput": -1, "uploadThroughput": -1}
    slow.send("Network.emulateNetworkConditions", line)
    page.keyboard.press("Enter")
    expect(page.locator(".wall .card")).to_have_count(40)
    slow.detach()
    expect(more).to_have_count(0)
    titles = page.locator(".wall .card-title").all_inner_texts()
    assert len(set(titles)) == 40
    assert page.locator("li", has=page.locator(":focus")).count() == 1
    page.locator(".wall .card").last.scroll_into_view_if_needed()
    with page.expect_request(lambda one: one.url.endswith("/seen"), timeout=10_000):
        page.locator(".wall .card").last.scroll_into_view_if_needed()
    second = RecommendationSession.objects.order_by("created_at").last()
    assert second
    last = page.locator(".wall .card").last
    last.get_by_role("button", name="Like:").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert str(second.interactions.get().recommendation_session_id) == str(second.pk)
    assert shift_of(page) < 0.1


@pytest.mark.parametrize("rank", [3, 4, 7, 12])
def test_a_toast_lies_over_no_button_of_a_phone(
    site: str, person: User, two_tastes: dict[str, list[Item]], open_page: OpenPage, rank: int
) -> None:
    page = open_page(person, viewport=PHONE, has_touch=True)
    page.goto("/")
    card = page.locator(f'[data-rank="{rank}"]')
    # At the lower edge, where a toast would stand.
    card.get_by_role("button", name="Like:").evaluate("button => button.scrollIntoView({ block: 'end' })")
    page.mouse.wheel(0, 24)
    card.get_by_role("button", name="Like:").tap()
    expect(page.locator(".toast")).to_be_visible()
    assert page.evaluate(COVERED) == []
    page.evaluate(SCROLLED)
    assert page.evaluate(COVERED) == []
