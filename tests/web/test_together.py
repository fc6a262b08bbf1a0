"""The page of a list for two: a link for the other, and what both see by it."""

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from catalog.models import Item
from recommendations.models import RecommendationSession
from tests.factories import make_user

PAGE = "/together/"


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def link_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    page = client.get(PAGE).content.decode()
    (link,) = re.findall(r'value="http://testserver(/together/\?with=[^"]+)"', page)
    return str(link)


def test_visitors_log_in_first(client: Client, db: None) -> None:
    assertRedirects(client.get(PAGE), f"/accounts/login/?next={PAGE}")


def test_the_link_of_another_shows_a_list_of_both(
    ada: Client, person: User, two_tastes: dict[str, list[Item]]
) -> None:
    page = ada.get(link_of(make_user("bob")))
    assertContains(page, "For you and bob")
    assert len(page.context["served"].slots) == 25
    assert RecommendationSession.objects.get().user_id == person.pk
    # A no is followed by a list of one's own on the feed alone.
    assertNotContains(page, "data-again")
    assertContains(page, "data-seen")


def test_ones_own_link_is_told_apart(ada: Client, person: User, two_tastes: dict[str, list[Item]]) -> None:
    assertContains(ada.get(link_of(person)), "This link is your own.", status_code=400)
    assert not RecommendationSession.objects.exists()


@pytest.mark.parametrize(
    "given",
    ["x", "\0", "1", signing.dumps(1), signing.dumps(1, salt="heed.other")],
    # A signature holds its moment, and the names of tests must be the same in every worker.
    ids=["word", "nul", "number", "signed", "signed for another purpose"],
)
def test_what_is_no_link_shows_nothing(ada: Client, two_tastes: dict[str, list[Item]], given: str) -> None:
    assertContains(ada.get(PAGE, {"with": given}), "This link is no longer good.", status_code=400)


def test_a_link_ends_after_a_day_and_with_the_account(
    ada: Client, two_tastes: dict[str, list[Item]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = make_user("bob")
    link = link_of(bob)
    later = (timezone.now() + timedelta(hours=25)).timestamp()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: later)
        assert ada.get(link).status_code == 400
    assert ada.get(link).status_code == 200
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert ada.get(link).status_code == 400
    bob.delete()
    assert ada.get(link).status_code == 400
