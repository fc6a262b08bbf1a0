"""The review of dislikes in the admin by keyboard, and without a script."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike
from feedback.services import save_dislike
from tests.factories import make_user
from tests.web.browser.conftest import OpenPage
from tests.web.browser.test_access import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
QUEUE = "/admin/feedback/dislike/?review_state__exact=new&stands=yes"
State = Dislike.ReviewState


@pytest.fixture
def reviewer(db: None) -> User:
    return make_user("reviewer", is_staff=True, is_superuser=True)


@pytest.fixture
def queue(two_tastes: dict[str, list[Item]]) -> list[Dislike]:
    """Three dislikes, in the order of the list: the newest first."""
    films = two_tastes["Romance"][:3]
    made = [
        save_dislike(user_id=make_user().pk, item=film, reason="not_interested").dislike for film in films
    ]
    return made[::-1]


def states(queue: list[Dislike]) -> list[str]:
    found = dict(Dislike.objects.values_list("pk", "review_state"))
    return [found[one.pk] for one in queue]


def said(page: Page, words: str) -> None:
    expect(page.locator("[data-review-said]")).to_have_text(words)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keys_decide_move_and_undo(
    reviewer: User, queue: list[Dislike], open_page: OpenPage, scheme: str
) -> None:
    page = open_page(reviewer, color_scheme=scheme)
    page.goto(QUEUE)
    expect(page.get_by_text("By keyboard:")).to_be_visible()
    rows = page.locator("#result_list tr.data-row")
    page.keyboard.press("j")
    expect(rows.nth(0).locator("a").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    page.keyboard.press("r")
    said(page, f"{queue[0].title}: Reviewed. u undoes it.")
    expect(rows.nth(1).locator("a").first).to_be_focused()
    page.keyboard.press("x")
    said(page, f"{queue[1].title}: excluded from training. u undoes it.")
    assert states(queue) == [State.REVIEWED, State.EXCLUDED, State.NEW]
    expect(rows.nth(1).locator(".field-review_state")).to_have_text("excluded from training")
    page.keyboard.press("u")
    said(page, f"{queue[1].title}: New again.")
    expect(rows.nth(1).locator("a").first).to_be_focused()
    assert states(queue) == [State.REVIEWED, State.NEW, State.NEW]
    # Faster than the server answers.
    page.keyboard.press("u")
    page.keyboard.press("u")
    said(page, "There is nothing to undo.")
    assert states(queue) == [State.NEW] * 3
    page.locator("#searchbar").first.fill("r")
    page.locator("#searchbar").first.press("r")
    assert states(queue) == [State.NEW] * 3
    # What is the admin's own is not ours to judge.
    assert [one for one in faults_of(page) if "data-review" in one or "kbd" in one] == []


@pytest.mark.slow
def test_what_fails_is_said(reviewer: User, queue: list[Dislike], open_page: OpenPage) -> None:
    page = open_page(reviewer)
    page.goto(QUEUE)
    page.context.clear_cookies()
    page.keyboard.press("j")
    page.keyboard.press("r")
    said(page, "That did not work. Load the page again.")
    assert states(queue) == [State.NEW] * 3


def test_without_a_script_the_actions_do_the_same(
    reviewer: User, queue: list[Dislike], open_page: OpenPage
) -> None:
    page = open_page(reviewer, java_script_enabled=False)
    page.goto(QUEUE)
    expect(page.get_by_text("By keyboard:")).to_be_hidden()
    expect(page.locator("option[value=mark_new]")).to_have_text("Put back to be reviewed")
