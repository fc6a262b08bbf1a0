"""Rating while typing, starting again, rows below the list, and search while typing."""

import re

import pytest
from playwright.sync_api import Route, expect

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from recommendations.selectors import SEARCH_METHOD
from tests.web.browser.conftest import PHONE, OpenPage, intercept, turn_down
from tests.web.browser.test_access import LONG, UNBROKEN, faults_in_both
from tests.web.conftest import MakeItem

pytestmark = pytest.mark.browser
Films = dict[str, list[Item]]


def like(person: User, *films: Item) -> None:
    for film in films:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")


@pytest.mark.slow
@pytest.mark.parametrize("with_script", [True, False], ids=["script", "no script"])
def test_a_title_is_rated_and_the_taste_is_reset(
    site: str, person: User, two_tastes: Films, open_page: OpenPage, with_script: bool
) -> None:
    page = open_page(person, java_script_enabled=with_script)
    page.goto("/")
    page.get_by_role("link", name="Taste", exact=True).click()
    page.get_by_role("searchbox").fill("letter 7")
    if not with_script:
        page.get_by_role("button", name="Find").click()
    page.get_by_role("radio", name="Letter 7").check()
    if with_script:
        page.get_by_role("slider").fill("9")
    else:
        page.get_by_role("radio", name="9", exact=True).check(force=True)
    page.get_by_role("button", name="Save rating").click()
    expect(page.get_by_text("You rated Letter 7 9 of 10.")).to_be_visible()
    expect(page.get_by_role("heading", name="Hopeless Romantic")).to_be_visible()
    assert UserInteraction.objects.get(user=person).rating == 9.0

    page.get_by_role("link", name="Reset my taste").click()
    page.get_by_role("button", name="Reset my taste").click()
    expect(page.get_by_text("Your taste is reset.")).to_be_visible()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()


@pytest.mark.slow
def test_a_row_is_loaded_when_it_comes_near_and_carries_its_own_session(
    site: str, person: User, two_tastes: Films, taste_model: None, open_page: OpenPage
) -> None:
    like(person, two_tastes["Romance"][0])
    page = open_page(person)
    page.clock.install()
    page.goto("/", wait_until="networkidle")
    assert RecommendationSession.objects.count() == 1
    with page.expect_response(re.compile("/because/rows/")):
        page.locator("[data-rows]").scroll_into_view_if_needed()
    row = page.get_by_role("region", name="Because you liked Letter 0")
    with page.expect_response(re.compile("/seen$")):
        row.scroll_into_view_if_needed()
        page.mouse.wheel(0, 500)
    session = RecommendationSession.objects.latest("created_at")
    shown = [entry["item_id"] for entry in session.recommendations_shown]
    assert session.method == "similar"

    # By button, and by the keyboard alone.
    reel = row.get_by_role("list")
    row.get_by_role("button", name="On along the row").click()
    page.wait_for_function("(list) => list.scrollLeft > 0", arg=reel.element_handle())
    row.locator('[data-rank="1"]').get_by_role("link").focus()
    page.wait_for_function("(list) => list.scrollLeft === 0", arg=reel.element_handle())

    turn_down(page, row.locator('[data-rank="2"]'))
    expect(page.get_by_text("Dislike recorded.")).to_be_visible()
    dislike = Dislike.objects.get()
    assert (dislike.session_id, dislike.rank, dislike.item_id) == (session.pk, 2, shown[1])
    page.clock.fast_forward(2500)
    expect(row.locator('[data-rank="2"]')).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row.locator('[data-rank="2"]')).to_have_count(1)
    session.refresh_from_db()
    assert session.seen_rank >= 1


def test_what_is_like_an_item_claims_no_list(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto(f"/items/{two_tastes['Romance'][3].pk}/")
    card = page.get_by_role("region", name="More like this").get_by_role("article").first
    card.get_by_role("button", name="Like:").click()
    expect(card.get_by_role("button", name="Like:")).to_have_attribute("aria-pressed", "true")
    assert UserInteraction.objects.get(type="like", user=person).recommendation_session is None


@pytest.mark.slow
def test_search_answers_while_typing_and_the_last_answer_wins(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    intercept(page)
    page.goto("/search/")
    page.evaluate("window.same = true")
    held: list[Route] = []
    page.route("**/search/?q=letter**", lambda route: held.append(route))
    with page.expect_request("**/search/?q=letter**"):
        page.get_by_role("searchbox").fill("letter")
    page.get_by_role("searchbox").fill("orbit 7")
    expect(page.locator(".card-title").first).to_have_text("Orbit 7")
    for route in held:
        route.abort()
    expect(page).to_have_url(re.compile(r"q=orbit\+7"))
    expect(page.get_by_text("for “orbit 7”")).to_be_visible()
    assert page.evaluate("window.same")
    # Results seen while typing are no list; a search that was sent is one.
    assert not RecommendationSession.objects.exists()
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("[data-seen]")).to_have_count(1)
    card = page.locator('[data-rank="1"]')
    card.get_by_role("button", name="Like:").click()
    expect(card.get_by_role("button", name="Like:")).to_have_attribute("aria-pressed", "true")
    row = UserInteraction.objects.get(type="like", user=person)
    assert row.recommendation_session in RecommendationSession.objects.filter(method=SEARCH_METHOD)
    assert row.recommendation_rank == 1
    page.get_by_role("searchbox").fill("qqqqzzzz")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_search_says_what_it_understood(site: str, two_tastes: Films, open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/search/")
    page.get_by_role("searchbox").fill("romance after 1990")
    page.get_by_role("button", name="Search").click()
    chips = page.get_by_role("list", name="Understood as").get_by_role("listitem")
    expect(chips).to_have_text(["Genre: Romance", "after 1990"])
    expect(page.locator(".card-title").first).to_contain_text("Letter")
    chips.first.get_by_role("link").click()
    expect(page.get_by_text("15 titles with Romance")).to_be_visible()


@pytest.mark.slow
def test_axe_finds_nothing_serious(
    site: str, person: User, two_tastes: Films, taste_model: None, open_page: OpenPage
) -> None:
    like(person, *two_tastes["Romance"][:3])
    page = open_page(person, reduced_motion="reduce")
    faults = []
    for path in ("/taste/?title=letter", "/taste/reset/", "/because/", "/search/?q=romance after 1990"):
        page.goto(path)
        if path.startswith("/taste/?"):
            page.get_by_text("Your taste vector").click()
        faults += faults_in_both(page)
    assert faults == []


def test_long_words_stay_within_the_page(
    site: str, person: User, make_item: MakeItem, open_page: OpenPage
) -> None:
    films = [
        make_item(title[:300], genre=[UNBROKEN], actor=[UNBROKEN * 2, LONG], theme=[UNBROKEN])
        for title in (LONG * 3, UNBROKEN * 3, (UNBROKEN * 4)[:299])
    ]
    like(person, films[0])
    page = open_page(person, viewport=PHONE)
    paths = ("/taste/?title=" + UNBROKEN, "/because/", f"/items/{films[1].pk}/", "/search/?q=" + UNBROKEN)
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
