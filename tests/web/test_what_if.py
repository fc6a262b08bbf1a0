"""The page of one's list as it would be: whose acts, what it shows, and that a look changes nothing."""

import pytest
from django.test import Client
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from tests.factories import make_user

PAGE = "/what-if/"
Films = dict[str, list[Item]]


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def no(person: User, two_tastes: Films, taste_model: None) -> Dislike:
    """A fan of space who turned down a romance for its genre, and one space film."""
    record_interaction(user_id=person.pk, item_id=two_tastes["Science Fiction"][0].pk, type_name="like")
    save_dislike(user_id=person.pk, item=two_tastes["Romance"][3], reason="wrong_genre")
    return save_dislike(
        user_id=person.pk, item=two_tastes["Science Fiction"][1], reason="not_interested"
    ).dislike


def test_visitors_log_in_first(client: Client, db: None) -> None:
    assertRedirects(client.get(PAGE), f"/accounts/login/?next={PAGE}")


def test_who_said_nothing_yet_is_told_so(ada: Client, two_tastes: Films) -> None:
    assertContains(ada.get(PAGE), "Nothing to leave out yet")


def test_a_dislike_is_left_out(ada: Client, no: Dislike) -> None:
    before = UserInteraction.objects.order_by("pk").values_list()
    kept = list(before)
    page = ada.get(PAGE, {"without": no.interaction_id})
    assertContains(page, f"If you had not turned down {no.title}")
    came = [one.slot.item.title for one in page.context["compared"].came]
    assert no.title in came
    assertContains(page, '<span class="ranks-note ranks-note--good">new</span>')
    assert list(before.all()) == kept
    assert not RecommendationSession.objects.exists()
    assert Dislike.objects.filter(interaction__withdrawn_at=None).count() == 2


def test_undoing_it_from_there_leads_to_the_list(ada: Client, no: Dislike) -> None:
    page = ada.get(PAGE, {"without": no.interaction_id})
    assertContains(page, f'action="/history/{no.interaction_id}/undo/"')
    again = ada.get(PAGE, {"without": no.interaction_id})
    assert again.status_code == 200
    ada.post(f"/history/{no.interaction_id}/undo/", {"next": "/?kind=movies"})
    assertContains(ada.get(PAGE, {"without": no.interaction_id}), "does not stand any more", status_code=404)


def test_a_like_is_left_out(ada: Client, no: Dislike, person: User) -> None:
    like = UserInteraction.objects.get(user=person, type="like")
    page = ada.get(PAGE, {"without": like.pk})
    assertContains(page, "Without “Liked: ")
    assertNotContains(page, "Undo the dislike")


def test_it_is_reached_from_what_was_turned_down_and_from_the_taste(ada: Client, no: Dislike) -> None:
    assertContains(ada.get("/feedback/"), f'href="{PAGE}?without={no.interaction_id}"')
    assertContains(ada.get("/taste/"), f'href="{PAGE}"')


def test_acts_of_others_are_not_there(ada: Client, no: Dislike, two_tastes: Films) -> None:
    bob = make_user("bob")
    theirs = save_dislike(user_id=bob.pk, item=two_tastes["Romance"][9], reason="not_interested").dislike
    page = ada.get(PAGE, {"without": theirs.interaction_id})
    assert page.status_code == 404
    assertNotContains(page, theirs.title, status_code=404)
    assertNotContains(ada.get(PAGE), theirs.title)


@pytest.mark.parametrize(
    "given",
    ["x", "\0", "-1", "²", "9" * 18, "9" * 400, "1 OR 1", "\udc80"],
    ids=["word", "nul", "negative", "superscript", "huge", "endless", "sql", "surrogate"],
)
def test_what_is_no_act_is_answered(ada: Client, no: Dislike, given: str) -> None:
    address = f"{PAGE}?without=%ED%B2%80" if given == "\udc80" else PAGE
    answer = ada.get(address) if given == "\udc80" else ada.get(address, {"without": given})
    assertContains(answer, "Choose another title.", status_code=404)


@pytest.mark.parametrize("query", ["kind=nothing", "kind=%00", "use_case=nothing&without=1"])
def test_what_is_no_list_is_not_found(ada: Client, no: Dislike, query: str) -> None:
    assert ada.get(f"{PAGE}?{query}").status_code == 404


def test_titles_are_text(ada: Client, person: User, two_tastes: Films) -> None:
    bad = two_tastes["Romance"][0]
    Item.objects.filter(pk=bad.pk).update(title="<script>alert(1)</script>")
    bad.refresh_from_db()
    act = save_dislike(user_id=person.pk, item=bad, reason="not_interested").dislike.interaction_id
    page = ada.get(PAGE, {"without": act}).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_it_counts_as_a_list(ada: Client, no: Dislike, settings: Settings) -> None:
    settings.RATE_LIMIT_FACTOR = 1.0
    settings.RATE_LIMITS = ["lists=2/3600"]
    answers = [ada.get(PAGE, {"without": no.interaction_id}).status_code for _ in range(4)]
    assert answers[0] == 200
    assert answers[-1] == 429
