"""Turning something down: the dialog, what fails, the way back, the keyboard alone, without a script."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike, FeatureAdjustment
from feedback.services import save_dislike
from recommendations.models import RecommendationSession
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage, intercept, turn_down
from tests.web.browser.test_access import LONG, UNBROKEN, faults_in_both
from tests.web.browser.test_flows import titles
from tests.web.conftest import MakeItem

pytestmark = pytest.mark.browser
Films = dict[str, list[Item]]

SURE = "Are you sure you want to dislike this movie?"
COMMENT = "Too many orbits.\nToo few letters."


def fill_in(page: Page, rank: int = 3) -> None:
    """Opens the dialog of the card at that rank, chooses a reason and writes a comment."""
    page.locator(f'[data-rank="{rank}"]').get_by_role("button", name="Not for me").click()
    if not page.get_by_label("Comment").is_visible():
        page.get_by_text("Another reason, or a comment").click()
    page.get_by_role("radio", name="Wrong genre for me").check()
    page.get_by_label("Comment").fill(COMMENT)


def active_dislikes() -> list[Dislike]:
    return list(Dislike.objects.filter(interaction__withdrawn_at=None))


@pytest.mark.slow
def test_a_reason_and_a_comment_are_recorded_and_the_next_list_follows(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.clock.install()
    page.goto("/")
    title = titles(page)[2]
    genre = "Science Fiction" if title.startswith("Orbit") else "Romance"
    fill_in(page)
    dialog = page.get_by_role("dialog", name=SURE, description=title)
    expect(dialog).to_be_visible()
    expect(page.get_by_text(f"{len(COMMENT)} of 2000 characters.")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    said = page.locator(".toast")
    expect(said).to_contain_text("Dislike recorded. We'll improve recommendations")
    expect(said).to_contain_text(f"less {genre}, −15 %")
    [dislike] = active_dislikes()
    shown = RecommendationSession.objects.earliest("created_at")
    assert (dislike.title, dislike.reason, dislike.feedback_text) == (title, "wrong_genre", COMMENT)
    assert (dislike.session_id, dislike.rank) == (shown.pk, 3)

    expect(page.locator('[data-rank="3"]')).to_be_visible()
    page.clock.fast_forward(2500)
    expect(page.locator('[data-rank="3"]')).to_have_count(0)
    page.reload()
    expect(page.locator('[data-rank="3"]')).to_be_visible()
    assert title not in titles(page)


def test_what_holds_nothing_back_says_nothing_of_it(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person, reduced_motion="reduce")
    page.goto(f"/items/{two_tastes['Romance'][0].pk}/")
    turn_down(page, page.get_by_role("article").first, "I know it already")
    expect(page.locator(".toast p")).to_have_text("✓ Dislike recorded. We'll improve recommendations!")
    pressed = page.get_by_role("button", name="Not for me", exact=True)
    expect(pressed).to_have_attribute("aria-pressed", "true")
    assert not FeatureAdjustment.objects.exists()


@pytest.mark.slow
def test_cancel_and_escape_record_nothing_and_give_the_focus_back(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto("/")
    ways_out: list[Callable[[], None]] = [
        lambda: page.get_by_role("button", name="Cancel").click(),
        lambda: page.keyboard.press("Escape"),
    ]
    for leave in ways_out:
        fill_in(page)
        leave()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator('[data-rank="3"]').get_by_role("button", name="Not for me")).to_be_focused()
    # Another title is asked about from the start.
    page.locator('[data-rank="4"]').get_by_role("button", name="Not for me").click()
    expect(page.get_by_label("Comment")).to_have_value("")
    expect(page.get_by_role("radio", checked=True)).to_have_count(1)
    expect(page.get_by_role("radio", name="From now on")).to_be_checked()
    assert not Dislike.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("by_keyboard", [False, True], ids=["click", "keyboard"])
def test_it_is_confirmed_without_a_reason(
    site: str, person: User, two_tastes: Films, open_page: OpenPage, viewport: Any, by_keyboard: bool
) -> None:
    page = open_page(person, viewport=viewport, reduced_motion="reduce")
    page.goto("/")
    title = titles(page)[0]
    no = page.locator('[data-rank="1"]').get_by_role("button", name="Not for me")
    confirm = page.get_by_role("button", name="Confirm")
    if by_keyboard:
        no.focus()
        page.keyboard.press("Enter")
    else:
        no.click()
    dialog = page.get_by_role("dialog", name=SURE, description=title)
    expect(dialog.get_by_text("Confirm without a choice counts as “Not interested”.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    with page.expect_request("**/api/dislike") as sent:
        if by_keyboard:
            confirm.focus()
            page.keyboard.press("Enter")
        else:
            confirm.click()
    expect(page.get_by_text("Dislike recorded.")).to_be_visible()
    assert "reason" not in (sent.value.post_data_json or {"reason": "nothing sent"})
    assert [(one.title, one.reason) for one in active_dislikes()] == [(title, "not_interested")]


def test_each_kind_is_called_by_its_name(
    site: str, person: User, make_item: MakeItem, open_page: OpenPage
) -> None:
    page = open_page(person)
    for kind, name in (("drama", "drama"), ("startup", "start-up")):
        page.goto(f"/items/{make_item('Lumen', kind=kind).pk}/")
        page.get_by_role("button", name="Not for me", exact=True).click()
        sure = f"Are you sure you want to dislike this {name}?"
        expect(page.get_by_role("dialog", name=sure)).to_be_visible()


@pytest.mark.slow
def test_a_failure_keeps_what_was_typed_until_it_works(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    intercept(page)
    page.goto("/")
    fill_in(page)
    page.route("**/api/dislike", lambda route: route.abort())
    page.get_by_role("button", name="Confirm").click()
    error = page.get_by_role("alert")
    expect(error).to_contain_text("The server could not be reached.")
    page.get_by_role("button", name="Dismiss").click()
    expect(error).to_be_empty()
    expect(page.get_by_label("Comment")).to_have_value(COMMENT)

    page.unroute("**/api/dislike")
    page.route("**/api/dislike", lambda route: route.fulfill(status=503, json={"error": "Come back soon."}))
    page.get_by_role("button", name="Confirm").click()
    expect(error).to_contain_text("Come back soon.")
    expect(error).to_have_css("color", "rgb(163, 33, 31)")
    expect(page.get_by_role("button", name="Retry")).to_be_focused()
    expect(page.get_by_role("radio", name="Wrong genre for me")).to_be_checked()
    # Closed and opened again, it is still there.
    page.keyboard.press("Escape")
    page.locator('[data-rank="3"]').get_by_role("button", name="Not for me").click()
    page.get_by_role("button", name="Confirm").click()
    expect(error).to_contain_text("Come back soon.")
    assert not Dislike.objects.exists()

    page.unroute("**/api/dislike")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Dislike recorded.")).to_be_visible()
    [dislike] = active_dislikes()
    assert (dislike.reason, dislike.feedback_text, dislike.rank) == ("wrong_genre", COMMENT, 3)


@pytest.mark.slow
@pytest.mark.parametrize("is_gone", [False, True], ids=["at once", "when it has gone"])
def test_undo_puts_it_back(
    site: str, person: User, two_tastes: Films, open_page: OpenPage, is_gone: bool
) -> None:
    page = open_page(person, reduced_motion="reduce")
    page.clock.install()
    page.goto("/")
    before = titles(page)
    card = page.locator('[data-rank="3"]')
    turn_down(page, card)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    if is_gone:
        page.clock.fast_forward(2500)
        expect(card).to_have_count(0)
    undo.click()
    expect(page.get_by_text(f"{before[2]} is no longer turned down.")).to_be_visible()
    page.clock.fast_forward(2500)
    assert titles(page) == before
    no = card.get_by_role("button", name="Not for me")
    expect(no).to_have_attribute("aria-pressed", "false")
    expect(no).to_be_focused()
    assert active_dislikes() == []


def test_the_focus_stays_in_the_dialog(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto("/")
    page.locator('[data-rank="2"]').get_by_role("button", name="Not for me").focus()
    page.keyboard.press("Enter")
    chip = page.get_by_role("dialog").locator(".chip").first
    expect(chip).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Confirm")).to_be_focused()
    page.keyboard.press("Tab")
    expect(chip).to_be_focused()
    for _ in range(9):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(page.locator('[data-rank="2"]').get_by_role("button", name="Not for me")).to_be_focused()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["Escape", "Enter"])
@pytest.mark.parametrize("is_gone", [False, True], ids=["at once", "when it has gone"])
def test_the_focus_goes_back_from_the_toast_to_the_card(
    site: str, person: User, two_tastes: Films, open_page: OpenPage, key: str, is_gone: bool
) -> None:
    page = open_page(person, reduced_motion="reduce")
    intercept(page)
    page.clock.install()
    page.goto("/")
    button = page.locator('[data-rank="2"]').get_by_role("button", name="Not for me")
    next_title = page.locator('[data-rank="3"] a').first
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Another reason, or a comment").click()
    page.get_by_role("radio", name="Something else").check()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    # Else the card goes by itself where the machine is slow.
    page.clock.pause_at(page.evaluate("Date.now() / 1000") + 0.05)
    if is_gone:
        page.clock.fast_forward(2500)
        expect(button).to_have_count(0)
    # The toast has gone, what it does has not been answered: the focus is in the list already.
    page.route("**/api/dislike/*", lambda route: None)
    page.keyboard.press(key)
    page.clock.run_for(100)
    expect(page.locator(".toast")).to_have_count(0)
    expect(next_title if is_gone else button).to_be_focused()
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.slow
def test_without_a_script_it_is_a_form(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person, java_script_enabled=False)
    page.goto("/")
    title = titles(page)[4]
    page.locator('[data-rank="5"]').get_by_role("button", name="Not for me").click()
    expect(page.get_by_role("heading", name=SURE)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(title)
    page.get_by_text("Another reason, or a comment").click()
    page.get_by_label("Comment").fill(COMMENT)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Dislike recorded. We'll improve recommendations")).to_be_visible()
    assert title not in titles(page)
    [dislike] = active_dislikes()
    assert (dislike.title, dislike.reason, dislike.feedback_text) == (title, "not_interested", COMMENT)
    assert dislike.rank == 5
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"{title} is no longer turned down.")).to_be_visible()
    assert active_dislikes() == []


@pytest.mark.slow
def test_axe_finds_nothing_serious(site: str, person: User, two_tastes: Films, open_page: OpenPage) -> None:
    for film in two_tastes["Romance"][:3]:
        save_dislike(user_id=person.pk, item=film, reason="wrong_genre", feedback_text=COMMENT)
    page = open_page(person, reduced_motion="reduce")
    intercept(page)
    page.goto("/feedback/")
    faults = faults_in_both(page)
    page.get_by_role("button", name="Undo: Letter 1").click()
    expect(page.get_by_text("Letter 1 is no longer turned down.")).to_be_visible()
    faults += faults_in_both(page)
    page.goto(f"/items/{two_tastes['Romance'][4].pk}/dislike/")
    faults += faults_in_both(page)
    page.goto("/")
    fill_in(page)
    faults += faults_in_both(page)
    page.route("**/api/dislike", lambda route: route.abort())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    faults += faults_in_both(page)
    page.unroute("**/api/dislike")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    faults += faults_in_both(page)
    assert faults == []


def test_long_words_stay_within_the_page(
    site: str, person: User, make_item: MakeItem, open_page: OpenPage
) -> None:
    for title in (LONG * 3, UNBROKEN * 3):
        item = make_item(title[:300], genre=[UNBROKEN], actor=[UNBROKEN * 2, LONG])
        save_dislike(user_id=person.pk, item=item, reason="not_interested", feedback_text=UNBROKEN * 4)
    other = make_item((UNBROKEN * 4)[:300])
    page = open_page(person, viewport=PHONE)
    for path in ("/feedback/", f"/items/{other.pk}/dislike/", f"/items/{other.pk}/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    page.get_by_role("button", name="Not for me", exact=True).click()
    assert page.get_by_role("dialog").evaluate("(box) => box.scrollWidth <= box.clientWidth")
