"""A list for two by the API: only with the invitation of the other."""

from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import create_profile
from catalog.models import Item
from feedback.services import save_dislike
from recommendations.models import RecommendationSession
from tests.answers import assert_refused
from tests.factories import make_item, make_user

pytestmark = pytest.mark.django_db

INVITE, LIST = "/api/recommendations/together", "/api/recommendations/together/movies"


def client_of(person: User) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_login(person)
    return client


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def bob() -> User:
    for title, genre in (("Fright", "Horror"), ("Front", "War"), ("Meadow", "Family"), ("Trail", "Western")):
        make_item(title, genres=[genre])
    return make_user("bob")


def invitation_of(person: User) -> str:
    answer = client_of(person).post(INVITE)
    assert answer.status_code == 201
    assert answer.json()["expires_in"] == 86_400
    return str(answer.json()["invitation"])


def titles(answer: object) -> set[str]:
    return {slot["item"]["title"] for slot in answer.json()["recommendations"]}  # type: ignore[attr-defined]


def test_the_list_leaves_out_what_either_turned_down(ann: User, bob: User) -> None:
    save_dislike(user_id=ann.pk, item=Item.objects.get(title="Fright"))
    save_dislike(user_id=bob.pk, item=Item.objects.get(title="Front"))
    answer = client_of(ann).get(LIST, {"invitation": invitation_of(bob)})
    assert titles(answer) == {"Meadow", "Trail"}
    assert answer.json()["together_with"] == "bob"
    assert "next" not in answer.json()
    assert RecommendationSession.objects.get().user_id == ann.pk


def test_conditions_hold_in_a_query_and_in_a_body(ann: User, bob: User) -> None:
    invitation = invitation_of(bob)
    client = client_of(ann)
    asked = {"invitation": invitation, "exclude": "genre:Horror|War", "limit": "3"}
    assert titles(client.get(LIST, asked)) == {"Meadow", "Trail"}
    body = {"invitation": invitation, "filter": {"genre": ["War", "Family"]}, "limit": 1}
    assert len(titles(client.post(LIST, body, format="json"))) == 1


@pytest.mark.parametrize(
    "given",
    ["x", "\0", "1", "é" * 100, signing.dumps(1), signing.dumps(1, salt="heed.other")],
    ids=["word", "nul", "number", "letters", "signed", "signed for another purpose"],
)
def test_what_is_no_invitation_shows_nothing(ann: User, bob: User, given: str) -> None:
    assert_refused(client_of(ann).post(LIST, {"invitation": given}, format="json"), 400)
    assert not RecommendationSession.objects.exists()


def test_one_s_own_none_and_one_of_yesterday_are_refused(
    ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, theirs = client_of(ann), invitation_of(bob)
    assert "your own" in assert_refused(client.get(LIST, {"invitation": invitation_of(ann)}), 400)
    assert_refused(client.get(LIST), 400)
    assert_refused(client.get(LIST, {"invitation": theirs, "offset": "1"}), 400)
    later = (timezone.now() + timedelta(hours=25)).timestamp()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: later)
        assert_refused(client.get(LIST, {"invitation": theirs}), 400, 401, 403)
    bob.is_active = False
    bob.save()
    assert_refused(client.get(LIST, {"invitation": theirs}), 400)


def test_a_new_password_ends_invitations_of_the_account_and_its_profiles(ann: User, bob: User) -> None:
    kids = create_profile(account=bob, name="With the kids")
    given = [
        client_of(bob).post(INVITE, headers=headers).json()["invitation"]
        for headers in ({}, {"X-Profile": str(kids.pk)})
    ]
    for invitation in given:
        assert client_of(ann).get(LIST, {"invitation": invitation}).status_code == 200
    bob.set_password("another one")
    bob.save()
    for invitation in given:
        assert_refused(client_of(ann).get(LIST, {"invitation": invitation}), 400)


def test_one_of_an_earlier_release_is_refused(ann: User, bob: User) -> None:
    earlier = signing.dumps(bob.pk, salt="heed.together")
    assert_refused(client_of(ann).get(LIST, {"invitation": earlier}), 400)


def test_a_profile_invites_too_and_ends_with_its_account(ann: User, bob: User) -> None:
    kids = create_profile(account=bob, name="With the kids")
    invitation = client_of(bob).post(INVITE, headers={"X-Profile": str(kids.pk)}).json()["invitation"]
    answer = client_of(ann).get(LIST, {"invitation": invitation})
    assert answer.json()["together_with"] == "With the kids"
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert_refused(client_of(ann).get(LIST, {"invitation": invitation}), 400)
