"""Rows of a type or a reason that heed.toml no longer has: told by a plain name, never a failure."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from core.domain import USE_CASES
from feedback.models import Dislike
from feedback.services import save_dislike, undo_dislike
from interactions.models import UserInteraction
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction
from profiles.models import TasteProfile
from serving.live import forget_state
from tests.factories import make_items, make_user

pytestmark = pytest.mark.django_db
PAGES = [
    "/",
    "/because/",
    "/feedback/",
    "/taste/",
    "/watchlist/",
    "/accounts/data/",
    "/accounts/data/download/",
    "/search/?q=a",
]
ADDRESSES = [
    "/api/dislike-history",
    "/api/dislike-patterns",
    "/api/feedback-metrics",
    "/api/recommendations/personalized/movies",
    "/api/because-you-watched",
    "/api/profile/{}",
    "/api/user/{}/profile",
]


@pytest.fixture
def ann(db: None) -> User:
    """Somebody whose log has a type and a reason that are no more."""
    person = make_user("ann", is_superuser=True, is_staff=True)
    films = make_items(6)
    for film in films[:3]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    save_dislike(user_id=person.pk, item=films[4], reason="wrong_genre")
    UserInteraction.objects.filter(item=films[0]).update(type="poked_at")
    Dislike.objects.update(reason="too_long")
    TasteProfile.objects.all().delete()
    for use_case in USE_CASES:
        refresh_popularity(use_case=use_case)
    forget_state()
    return person


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_open(client: Client, ann: User, path: str) -> None:
    client.force_login(ann)
    assert client.get(path, follow=True).status_code == 200


def test_they_are_told_by_a_plain_name(client: Client, ann: User) -> None:
    client.force_login(ann)
    assert "too long" in client.get("/feedback/").content.decode()
    assert "poked at" in client.get("/taste/").content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_api_answers(ann: User, address: str) -> None:
    client = APIClient()
    client.force_authenticate(ann)
    assert client.get(address.format(ann.pk)).status_code == 200


def test_they_count_and_are_undone(ann: User) -> None:
    client = APIClient()
    client.force_authenticate(ann)
    patterns = client.get("/api/dislike-patterns").json()
    assert patterns["reason_distribution"] == {"too_long": 1}
    dislike = Dislike.objects.get()
    film = UserInteraction.objects.get(type="poked_at").item
    undo_dislike(user_id=ann.pk, dislike_id=dislike.pk)
    save_dislike(user_id=ann.pk, item=film)
    assert client.get("/api/dislike-history").json()["count"] == 1
