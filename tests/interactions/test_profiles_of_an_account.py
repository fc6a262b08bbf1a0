"""Profiles give an account no second voice: popularity, datasets and thresholds go by accounts."""

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import MAX_PROFILES, create_profile
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from feedback.training import get_retraining
from interactions.models import ItemPopularity, UserInteraction
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction
from ranking.datasets.event_log import read_events
from ranking.datasets.session_log import sessions_until
from recommendations.models import RecommendationSession
from tests.factories import make_item, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def household() -> list[User]:
    """An account and as many profiles as it may have."""
    account = make_user("ann")
    return [account, *(create_profile(account=account, name=f"P {n}") for n in range(MAX_PROFILES))]


def scores() -> dict[int, tuple[float, int, int, float]]:
    refresh_popularity(use_case="movie_home")
    rows = ItemPopularity.objects.filter(use_case="movie_home")
    return {row.item_id: (row.score, row.approvals, row.dislikes, row.examined) for row in rows}


def show(person: User, item: Item) -> None:
    RecommendationSession.objects.create(
        user=person,
        use_case="movie_home",
        method="popular",
        seen_rank=1,
        created_at=timezone.now(),
        recommendations_shown=[{"item_id": item.pk, "rank": 1, "score": 1.0, "base_score": 1.0}],
    )


def test_all_profiles_move_an_item_no_more_than_their_account(household: list[User]) -> None:
    alone, together = make_item("Alone"), make_item("Together")
    other = make_user("bob")
    for item, people in ((alone, [other]), (together, household)):
        for person in people:
            show(person, item)
            record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    found = scores()
    assert found[alone.pk] == found[together.pk]


def test_what_profiles_alone_do_makes_nothing_popular(household: list[User]) -> None:
    item = make_item("Theirs")
    for profile in household[1:]:
        record_interaction(user_id=profile.pk, item_id=item.pk, type_name="like")
    assert scores() == {}


def test_dislikes_of_profiles_ask_for_no_new_model(household: list[User]) -> None:
    item = make_item("Disliked")
    for person in household:
        save_dislike(user_id=person.pk, item=item)
    assert get_retraining(USE_CASES["movie_home"]).untrained == 1


def test_models_learn_from_accounts_alone(household: list[User]) -> None:
    item = make_item("Seen")
    for person in household:
        show(person, item)
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    now = timezone.now()
    lists = sessions_until(USE_CASES["movie_home"], now)
    assert set(lists.values_list("user_id", flat=True)) == {household[0].pk}
    assert UserInteraction.objects.count() == len(household)
    assert set(read_events(USE_CASES["movie_home"], now).user_ids.tolist()) == {household[0].pk}
