"""The draft of an experiment in the admin: what its arms offer follows the use case."""

import pytest
from playwright.sync_api import Locator, expect

from accounts.models import User
from tests.factories import make_als_bytes, make_user, make_version
from tests.web.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.any_database]
ADD = "/admin/ranking/experiment/add/"


@pytest.fixture
def writer(db: None) -> User:
    return make_user("writer", is_staff=True, is_superuser=True)


def offered(select: Locator, *labels: str) -> None:
    expect(select.locator("option")).to_have_text(list(labels))


@pytest.mark.slow
def test_arms_offer_the_versions_of_the_chosen_use_case(writer: User, open_page: OpenPage) -> None:
    film = make_version(make_als_bytes([[1, 2]])).label
    drama = make_version(make_als_bytes([[3, 4]]), use_case="drama_home").label
    page = open_page(writer)
    page.goto(ADD)
    first = page.locator("[name=arms-0-versions]")
    offered(first, film)
    first.select_option(label=film)
    page.select_option("#id_use_case", "drama_home")
    offered(first, drama)
    page.get_by_role("link", name="Add another Arm").click()
    added = page.locator("[name=arms-2-versions]")
    offered(added, drama)
    page.select_option("#id_use_case", "movie_home")
    for select in (first, page.locator("[name=arms-1-versions]"), added):
        offered(select, film)
    # What was chosen of another use case is not chosen still.
    expect(first).to_have_values([])


def test_without_a_script_all_are_offered(writer: User, open_page: OpenPage) -> None:
    labels = [
        make_version(make_als_bytes([[1, 2]])).label,
        make_version(make_als_bytes([[3, 4]]), use_case="drama_home").label,
    ]
    page = open_page(writer, java_script_enabled=False)
    page.goto(ADD)
    expect(page.locator("[name=arms-0-versions] option")).to_have_text(labels[::-1])
