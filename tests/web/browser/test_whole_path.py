"""A new person from signing up to leaving, and what every page costs on the way."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.services import set_roles
from catalog.models import Item
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage, turn_down
from tests.web.browser.test_access import faults_of, shift_of
from tests.web.conftest import PASSWORD, MakeItem

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Films = dict[str, list[Item]]

# As transferred, without a cache. Every page has style and script of its own.
LEAST_BYTES, MOST_BYTES = 20_000, 100_000
MOST_SHIFT = 0.05


@pytest.fixture
def startups(make_item: MakeItem) -> list[Item]:
    return [make_item(f"Quillowen {number}", kind="startup", genre=["Health"]) for number in range(8)]


# Two frames: by then all that watches what comes into view has had its turn.
FRAMES = "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"


class Visit:
    """A page whose console and traffic are watched."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self._bytes = 0.0
        self._document = ""
        self._under_way: set[str] = set()
        self._browser = browser = page.context.new_cdp_session(page)
        browser.send("Network.enable")
        browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
        browser.on("Network.requestWillBeSent", self._begin)
        browser.on("Network.loadingFinished", self._end)
        browser.on("Network.loadingFailed", self._end)
        page.on(
            "console",
            lambda message: (
                self.faults.append(f"{page.url}: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )

    def _begin(self, event: dict[str, Any]) -> None:
        if event["requestId"] == event["loaderId"] != self._document:
            self._document = event["loaderId"]
            self._under_way.clear()
        # What a page sends as it is left has nobody to say that it arrived.
        if event["loaderId"] == self._document:
            self._under_way.add(event["requestId"])

    def _end(self, event: dict[str, Any]) -> None:
        self._under_way.discard(event["requestId"])
        self._bytes += event.get("encodedDataLength", 0)

    def settle(self) -> None:
        """Waits until the page has loaded, and all that it asked for then."""
        self.page.wait_for_load_state()
        is_quiet = False
        while not is_quiet:
            self._browser.send("Runtime.evaluate", {"expression": FRAMES, "awaitPromise": True})
            is_quiet = not self._under_way

    def check(self) -> None:
        """Notes what is wrong with the page as it stands: its weight, what moved, what axe-core finds."""
        page = self.page
        self.settle()
        if not LEAST_BYTES < self._bytes < MOST_BYTES:
            self.faults.append(f"{page.url} weighs {self._bytes:.0f} bytes")
        if (shift := shift_of(page)) > MOST_SHIFT:
            self.faults.append(f"{page.url} moves by {shift}")
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            self.faults.append(f"{page.url} is wider than the screen")
        self.faults += faults_of(page)
        self._bytes = 0.0

    def go(self, path: str, heading: str) -> None:
        """Opens a page and checks it."""
        self.settle()
        self._bytes = 0.0
        self.page.goto(path)
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        self.check()


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desk"])
def test_from_signing_up_to_leaving(
    site: str,
    two_tastes: Films,
    startups: list[Item],
    taste_model: None,
    open_page: OpenPage,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    page = open_page(viewport=viewport, color_scheme=scheme)
    visit = Visit(page)
    visit.go("/", "Films, dramas and start-ups, picked for you")
    page.get_by_role("link", name="Sign up").click()
    visit.check()
    page.get_by_label("Username").fill("grace")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()

    expect(page.get_by_role("heading", name="Pick some favorites")).to_be_visible()
    visit.check()
    for number in (3, 4, 5):
        page.locator("label.pick", has_text=f"Letter {number}").click()
    page.get_by_role("button", name="Show me my list").click()
    expect(page.get_by_text("This list follows your 3 picks.")).to_be_visible()
    visit.check()

    for rank, name in ((1, "Like"), (2, "Watchlist")):
        button = page.locator(f'[data-rank="{rank}"]').get_by_role("button", name=f"{name}:")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
    turned_down = page.locator('[data-rank="3"] .card-title').inner_text()
    turn_down(page, page.locator('[data-rank="3"]'), "Wrong genre for me")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"{turned_down} is no longer turned down.")).to_be_visible()
    turn_down(page, page.locator('[data-rank="3"]'), "Wrong genre for me")
    expect(page.get_by_text("Dislike recorded.")).to_be_visible()
    # The list below is made anew; a card that moves away under the pointer is not followed.
    visit.settle()
    page.locator('[data-rank="4"] .card-title a').click()
    page.get_by_role("slider").fill("8")
    page.get_by_role("button", name="I watched it").click()
    expect(page.get_by_role("button", name="Save rating")).to_be_visible()

    visit.go("/because/", "More like what you chose")
    visit.go("/search/?q=orbit", "Search")
    visit.go("/taste/", "")
    visit.go("/feedback/", "What you turned down")
    expect(page.get_by_role("link", name=turned_down).first).to_be_visible()
    visit.go("/?kind=startups", "What do you come for?")
    page.get_by_role("checkbox", name="I look for work").check()
    page.get_by_role("button", name="Save").click()
    page.locator('[data-rank="1"]').get_by_role("button", name="Apply").click()
    expect(page.get_by_text("You applied to")).to_be_visible()
    visit.go("/watchlist/", "Watchlist")
    page.get_by_role("navigation", name="What you kept").get_by_role("link", name="Start-ups").click()
    expect(page.locator(".card")).to_have_count(1)
    states = UserInteraction.objects.filter(user__username="grace", withdrawn_at=None).exclude(type="view")
    assert sorted(states.values_list("type", flat=True)) == [
        "apply", "dislike", "like", "like", "like", "like", "watched", "watchlist_add",
    ]  # fmt: skip

    page.locator("summary").first.click()
    page.get_by_role("link", name="Your data").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data").click()
    assert download.value.suggested_filename == "heed-grace.json"
    page.get_by_role("link", name="Delete my account").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("checkbox", name="Delete my account").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Your account is deleted")).to_be_visible()
    assert not User.objects.filter(username="grace").exists()
    assert visit.faults == []


@pytest.mark.any_database
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
def test_every_page_is_light_still_and_quiet(
    site: str,
    person: User,
    two_tastes: Films,
    startups: list[Item],
    taste_model: None,
    open_page: OpenPage,
    viewport: dict[str, int],
) -> None:
    romance = two_tastes["Romance"]
    visit = Visit(open_page(person, viewport=viewport))
    empty = {
        "/welcome/": "Pick some favorites",
        "/": "Films for the evening",
        "/watchlist/": "Watchlist",
        "/because/": "More like what you chose",
        "/feedback/": "What you turned down",
        "/taste/": "Your taste",
    }
    for path, heading in empty.items():
        visit.go(path, heading)
    set_roles(user=person, roles=["developer", "investor"])
    record_interaction(user_id=person.pk, item_id=startups[0].pk, type_name="interest")
    for place, type_name in enumerate(("like", "watchlist_add", "favorite", "watched")):
        record_interaction(user_id=person.pk, item_id=romance[place].pk, type_name=type_name)
    save_dislike(user_id=person.pk, item=two_tastes["Science Fiction"][0], reason="wrong_genre")
    filled = {
        "/": "Films for the evening",
        "/?kind=startups": "Start-ups to work for",
        "/?kind=startups&use_case=investor_startup": "Start-ups to invest in",
        f"/items/{romance[9].pk}/": "Letter 9",
        f"/items/{startups[1].pk}/": "Quillowen 1",
        f"/items/{romance[9].pk}/dislike/": "Are you sure you want to dislike this movie?",
        "/because/": "More like what you chose",
        "/watchlist/": "Watchlist",
        "/watchlist/?kind=startups": "Start-ups you kept",
        "/search/": "Search",
        "/search/?q=letter": "Search",
        "/search/?q=zzqx": "Search",
        "/search/?genre=Romance": "Search",
        "/taste/": "",
        "/taste/reset/": "Reset your taste?",
        "/feedback/": "What you turned down",
        "/roles/": "What do you come for?",
        "/accounts/data/": "Your data",
        "/accounts/data/erase/": "Delete your account?",
    }
    for path, heading in filled.items():
        visit.go(path, heading)
    assert visit.faults == []


def test_a_list_closes_up_without_a_jump(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto("/", wait_until="networkidle")
    page.clock.install()
    page.locator('[data-rank="3"]').get_by_role("button", name="Not for me").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Dislike recorded.")).to_be_visible()
    page.clock.run_for(3000)
    expect(page.locator('[data-rank="3"]')).to_have_count(0)
    assert shift_of(page, after_input=True) <= MOST_SHIFT
