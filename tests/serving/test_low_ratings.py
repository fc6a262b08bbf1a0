"""Tests of lists after ratings from 0 to 10: a low one brings no more of it, and list and taste agree."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from interactions.models import ItemPopularity, UserInteraction
from interactions.services import record_interaction
from profiles.models import TasteProfile
from profiles.selectors import get_profile
from serving.pipeline import ServedList, recommend
from tests.factories import make_active_als, make_interaction
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> dict[str, list[Item]]:
    """Twenty films each of War, Comedy and Drama by falling popularity, and a model that knows them apart."""
    films: dict[str, list[Item]] = {"War": [], "Comedy": [], "Drama": []}
    for place in range(20):
        for genre, some in films.items():
            film = make_film(f"{genre} {place}", genre=[genre])
            ItemPopularity.objects.create(
                item=film,
                use_case="movie_home",
                score=1 - place / 40,
                approvals=40 - place,
                refreshed_at=timezone.now(),
            )
            some.append(film)
    make_active_als([[film.pk for film in some] for some in films.values()])
    return films


def serve(person: User) -> ServedList:
    return recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=20)


def war_in(served: ServedList) -> int:
    return sum("War" in slot.item.facets.get("genre", ()) for slot in served.slots)


@pytest.mark.parametrize("other_likes", [0, 2])
def test_what_is_rated_low_brings_no_more_of_it(
    person: User, world: dict[str, list[Item]], other_likes: int
) -> None:
    for film in world["Comedy"][:other_likes]:
        make_interaction(person, film)
    before = war_in(serve(person))
    for film in world["War"][:8]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="watched", rating=1.0)
    served = serve(person)
    assert war_in(served) < max(before, 1)
    assert not any("War" in slot.why for slot in served.slots)
    profile = get_profile(person.pk)
    assert [figure.name for figure in profile.disliked["genre"]] == ["War"]


def test_the_list_rises_with_the_rating(world: dict[str, list[Item]]) -> None:
    found, scores = [], []
    for rating in range(11):
        one = User.objects.create(username=f"rates-{rating}")
        make_interaction(one, world["Comedy"][0])
        for film in world["War"][:3]:
            record_interaction(user_id=one.pk, item_id=film.pk, type_name="watched", rating=float(rating))
        found.append(war_in(serve(one)))
        profile = get_profile(one.pk)
        known = {
            figure.name: figure.value for figure in (*profile.liked["genre"], *profile.disliked["genre"])
        }
        scores.append(known.get("War", 0.0))
    assert found == sorted(found)
    assert found[0] < found[10]
    assert scores == sorted(scores)
    assert scores[4] < 0.0 < scores[6]


@pytest.mark.parametrize("no", ["dislikes", "ratings"])
def test_a_year_later_the_refused_has_not_come_back(
    person: User, world: dict[str, list[Item]], no: str, settings: Settings
) -> None:
    settings.POPULARITY_SHARE = 1.0
    for place in range(6):
        make_interaction(person, world["Comedy"][place])
        if no == "dislikes":
            save_dislike(user_id=person.pk, item=world["War"][place], reason="wrong_genre")
        else:
            record_interaction(
                user_id=person.pk, item_id=world["War"][place].pk, type_name="watched", rating=1.0
            )
    now = war_in(serve(person))
    year = timedelta(days=365)
    for row in UserInteraction.objects.filter(user=person):
        UserInteraction.objects.filter(pk=row.pk).update(occurred_at=row.occurred_at - year)
    person.dislikes.update(created_at=timezone.now() - year)
    TasteProfile.objects.all().delete()
    assert war_in(serve(person)) == now
