"""Whoever comes with a keyboard, a screen reader, a phone or a long title finds pages that hold."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from tests.web.browser.conftest import PHONE, OpenPage
from tests.web.conftest import MakeItem

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
Films = dict[str, list[Item]]

LONG = "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb, and "
UNBROKEN = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


# Rules that find nothing serious are left out, and so is reading style sheets for a rule about sound.
LOOK = """async () => {
  if (!window.axe) return null;
  const slight = axe._audit.rules.filter(({ impact }) => ["minor", "moderate"].includes(impact));
  const rules = Object.fromEntries(slight.map(({ id }) => [id, { enabled: false }]));
  const { violations } = await axe.run({ resultTypes: ["violations"], preload: false, rules });
  return violations;
}"""


def faults_of(page: Page) -> list[str]:
    """The serious and critical findings of axe-core on the page as it stands."""
    found = page.evaluate(LOOK)
    if found is None:
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate(LOOK)
    return [
        f"{page.url} {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


# What fades to the colors of another scheme is there at once.
SETTLED = """() => document.getAnimations()
  .filter((one) => one instanceof CSSTransition).forEach((one) => one.finish())"""


def faults_in_both(page: Page) -> list[str]:
    """The same in dark colors, then in light ones, of one page: the way to it is gone once."""
    faults = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        faults += [f"{scheme}: {one}" for one in faults_of(page)]
    return faults


def shift_of(page: Page, *, after_input: bool = False) -> float:
    """The share of the page that has jumped so far, as browsers measure it (cumulative layout shift).

    They leave out what follows within half a second of an input; `after_input` counts it as well.
    """
    shift: float = page.evaluate(
        """(afterInput) => new Promise((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const { value, hadRecentInput } of list.getEntries())
              if (afterInput || !hadRecentInput) sum += value;
          }).observe({ type: "layout-shift", buffered: true });
          requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
        })""",
        after_input,
    )
    return shift


@pytest.mark.slow
def test_axe_finds_nothing_serious(
    site: str, person: User, two_tastes: Films, taste_model: None, open_page: OpenPage
) -> None:
    item = two_tastes["Romance"][0]
    Item.objects.filter(pk=item.pk).update(is_synthetic=True, description="Two people write to each other.")
    page = open_page(person)
    faults = []
    for path in ("/welcome/", "/", f"/items/{item.pk}/", "/search/?q=letter", "/watchlist/", "/items/0/"):
        page.goto(path)
        if path == "/":
            page.locator('[data-rank="1"]').get_by_role("button", name="Like:").click()
            expect(page.get_by_role("button", name="Undo")).to_be_visible()
            page.locator("summary.tool").click()
        faults += faults_in_both(page)
    visitor = open_page()
    for path in ("/", "/accounts/login/", "/accounts/signup/"):
        visitor.goto(path)
        if path == "/accounts/signup/":
            visitor.get_by_role("button", name="Sign up").click()
            expect(visitor.get_by_text("This field is required.").first).to_be_visible()
        faults += faults_in_both(visitor)
    assert faults == []


@pytest.mark.slow
def test_the_keyboard_alone_is_enough(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.clock.install()
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    card = page.locator('[data-rank="1"]')
    title, dislike = card.get_by_role("link"), card.get_by_role("button", name="Not for me")
    for _ in range(4):  # "Pick a few favorites", a wish in words, its button, and the filters
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(title).to_be_focused()
    page.keyboard.press("Tab")
    expect(dislike).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog .chip").first).to_be_focused()
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.clock.fast_forward(2500)
    expect(card).to_have_count(0)
    page.keyboard.press("Enter")
    expect(dislike).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(card.get_by_role("button", name="Like:")).to_have_attribute("aria-pressed", "true")
    assert [row.type for row in UserInteraction.objects.filter(user=person, withdrawn_at=None)] == ["like"]


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_long_titles_stay_within_the_page(
    site: str, person: User, make_item: MakeItem, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    for number, title in enumerate((LONG * 3, UNBROKEN, "슬기로운 의사생활 " * 8, UNBROKEN * 3)):
        item = make_item(
            title[:300], genre=["Science Fiction", UNBROKEN], actor=[UNBROKEN, LONG], year=1980 + number
        )
    page = open_page(person, viewport=viewport)
    for path in ("/", f"/items/{item.pk}/", "/welcome/", "/search/?q=" + UNBROKEN, f"/search/?actor={LONG}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


def test_nothing_moves_while_the_list_loads(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto("/", wait_until="networkidle")
    assert shift_of(page) == 0
