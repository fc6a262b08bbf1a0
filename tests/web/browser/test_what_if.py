"""The list as it would be, on a phone and on a wide window, in both themes."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from catalog.models import Item
from feedback.services import save_dislike
from interactions.services import record_interaction
from tests.web.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.web.browser.test_access import faults_in_both

pytestmark = [pytest.mark.browser, pytest.mark.any_database]


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["390", "1440"])
def test_a_dislike_is_left_out_and_then_undone(
    person: User,
    two_tastes: dict[str, list[Item]],
    taste_model: None,
    open_page: OpenPage,
    viewport: dict[str, int],
) -> None:
    record_interaction(user_id=person.pk, item_id=two_tastes["Science Fiction"][0].pk, type_name="like")
    disliked = two_tastes["Science Fiction"][4]
    save_dislike(user_id=person.pk, item=disliked, reason="wrong_genre")
    page = open_page(person, viewport=viewport)
    page.goto("/feedback/")
    page.get_by_role("link", name=f"What if not: {disliked.title}").click()
    expect(page.get_by_role("heading", name=f"If you had not turned down {disliked.title}")).to_be_visible()
    then = page.get_by_role("list").filter(has_text="new")
    expect(then.get_by_role("link", name=disliked.title)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert faults_in_both(page) == []
    page.get_by_label("Leave out").select_option(label=two_tastes["Science Fiction"][0].title)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Without “Liked: ")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Undo the dislike").click()
    expect(page.get_by_role("link", name=disliked.title).first).to_be_visible()
