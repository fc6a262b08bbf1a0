"""Ways of a person through the pages, from signing up to turning something down."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession
from tests.web.browser.conftest import OpenPage, intercept, turn_down
from tests.web.conftest import PASSWORD, MakeItem

pytestmark = pytest.mark.browser
Films = dict[str, list[Item]]


def titles(page: Page) -> list[str]:
    return page.locator(".wall .card-title").all_inner_texts()


@pytest.mark.slow
def test_from_signing_up_to_a_list_that_learns(
    site: str, two_tastes: Films, taste_model: None, open_page: OpenPage
) -> None:
    page = open_page()
    page.goto("/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill("grace")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()

    expect(page.get_by_role("heading", name="Pick some favorites")).to_be_visible()
    for number in (3, 4, 5):
        page.locator("label.pick", has_text=f"Letter {number}").click()
    expect(page.get_by_text("3 picked")).to_be_visible()
    page.get_by_role("button", name="Show me my list").click()

    expect(page.get_by_text("This list follows your 3 picks.")).to_be_visible()
    first_list = titles(page)
    assert len(first_list) == 25
    assert all(title.startswith("Letter") for title in first_list[:10])

    card = page.locator('[data-rank="2"]')
    like = card.get_by_role("button", name="Like:")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text(f"You like {first_list[1]}.")).to_be_visible()
    shown = RecommendationSession.objects.get()
    row = UserInteraction.objects.get(user__username="grace", type="like", item__title=first_list[1])
    assert (row.recommendation_session_id, row.recommendation_rank) == (shown.pk, 2)

    page.reload()
    expect(page.locator("[data-rank]")).to_have_count(25)
    assert first_list[1] not in titles(page)


@pytest.mark.slow
def test_a_dislike_leaves_the_list_and_comes_back_when_undone(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.clock.install()
    page.goto("/")
    before = titles(page)
    dislikes = UserInteraction.objects.filter(type="dislike", withdrawn_at=None)
    turn_down(page, page.locator('[data-rank="3"]'))
    expect(page.get_by_text("Dislike recorded.")).to_be_visible()
    page.clock.fast_forward(2500)
    expect(page.locator('[data-rank="3"]')).to_have_count(0)
    assert dislikes.get().recommendation_rank == 3

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"{before[2]} is no longer turned down.")).to_be_visible()
    assert titles(page) == before
    assert not dislikes.exists()


@pytest.mark.slow
def test_a_list_returned_to_is_as_it_was_left(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    page.goto("/")
    turned_down = titles(page)[1]
    turn_down(page, page.locator('[data-rank="2"]'))
    expect(page.get_by_text("Dislike recorded.")).to_be_visible()
    page.locator("[data-rank] h2 a").nth(3).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.go_back()
    expect(page.locator("[data-rank]").nth(2)).to_be_visible()
    expect(page.get_by_role("link", name=turned_down, exact=True)).to_have_count(0)


@pytest.mark.slow
def test_the_deepest_rank_seen_is_reported(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    with page.expect_response(re.compile("/seen$")) as first:
        page.goto("/")
    assert first.value.ok
    shown = RecommendationSession.objects.get()
    assert 1 <= shown.seen_rank < 25
    with page.expect_response(
        lambda response: response.url.endswith("/seen") and response.json()["seen_rank"] == 25
    ):
        page.locator('[data-rank="25"]').scroll_into_view_if_needed()
        page.mouse.wheel(0, 2000)
    shown.refresh_from_db()
    assert shown.seen_rank == 25


def test_what_fails_is_said_and_can_be_tried_again(
    site: str, person: User, two_tastes: Films, open_page: OpenPage
) -> None:
    page = open_page(person)
    intercept(page)
    page.goto("/")
    page.route("**/like", lambda route: route.abort())
    like = page.locator('[data-rank="1"]').get_by_role("button", name="Like:")
    like.click()
    expect(page.get_by_text("The server could not be reached.")).to_be_visible()
    expect(like).to_have_attribute("aria-pressed", "false")
    page.unroute("**/like")
    page.get_by_role("button", name="Retry").click()
    expect(like).to_have_attribute("aria-pressed", "true")
    assert UserInteraction.objects.get(type="like", user=person).recommendation_rank == 1


def test_rating_on_the_page_of_an_item(
    site: str, person: User, make_item: MakeItem, open_page: OpenPage
) -> None:
    film = make_item("Heat", genres=["Crime"])
    page = open_page(person)
    page.goto(f"/items/{film.pk}/")
    page.get_by_role("slider", name="Your rating, 0 to 10").fill("8")
    page.get_by_role("button", name="I watched it").click()
    expect(page.get_by_role("button", name="Save rating")).to_be_visible()
    assert UserInteraction.objects.get(type="watched").rating == 8.0
    page.get_by_role("button", name="I have not watched it").click()
    expect(page.get_by_role("button", name="I watched it")).to_be_visible()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "Not rated")
    assert not UserInteraction.objects.filter(type="watched", withdrawn_at=None).exists()


def test_dark_and_light(site: str, db: None, open_page: OpenPage) -> None:
    page = open_page(color_scheme="light")
    page.goto("/")
    body, toggle = page.locator("body"), page.get_by_role("button", name="Dark colors")
    expect(body).to_have_css("background-color", "rgb(250, 248, 245)")
    toggle.click()
    expect(body).to_have_css("background-color", "rgb(19, 18, 17)")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(body).to_have_css("background-color", "rgb(19, 18, 17)")
    toggle.click()
    expect(body).to_have_css("background-color", "rgb(250, 248, 245)")
    # Chosen back to what the system says, it follows the system again.
    page.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", "rgb(19, 18, 17)")


@pytest.mark.slow
def test_the_essentials_without_javascript(
    site: str, person: User, two_tastes: Films, taste_model: None, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/accounts/login/?next=/welcome/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.get_by_role("checkbox", name="Orbit 3").check()
    page.get_by_role("button", name="Show me my list").click()
    expect(page.get_by_text("This list follows your pick.")).to_be_visible()
    first = titles(page)
    assert first[0].startswith("Orbit")

    page.locator('[data-rank="2"]').get_by_role("button", name="Like:").click()
    expect(page.get_by_text(f"You like {first[1]}.")).to_be_visible()
    row = UserInteraction.objects.get(user=person, type="like", item__title=first[1])
    assert row.recommendation_rank == 2
    page.locator('[data-rank="1"]').get_by_role("button", name="Not for me").click()
    page.get_by_text("Another reason, or a comment").click()
    page.get_by_role("radio", name="Not interested").check()
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("is no longer turned down")).to_be_visible()

    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox").fill("letter 1")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".card-title").first).to_have_text("Letter 1")
