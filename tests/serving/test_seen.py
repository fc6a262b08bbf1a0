"""Lists after something was seen: what they pass over again and again sinks, and doubles of the known."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from feedback.services import undo_dislike
from interactions.models import ItemPopularity
from recommendations.models import RecommendationSession
from tests.factories import make_interaction
from tests.feedback.builders import dislike, make_film

pytestmark = pytest.mark.django_db
ADDRESS = "/api/recommendations/personalized/movies?limit=4"


@pytest.fixture
def films(db: None) -> list[Item]:
    """Eight films by falling popularity, each of a genre of its own, the first of a series."""
    films = [make_film(genre=[f"Genre {n}"]) for n in range(8)]
    for n, film in enumerate(films):
        ItemPopularity.objects.create(
            item=film,
            use_case="movie_home",
            score=1 - n / 100,
            approvals=10**6,
            refreshed_at=timezone.now(),
        )
    return films


def ask(api: APIClient, *, seen: int = 0) -> list[int]:
    """The items of the next list, of which so many places are then seen."""
    answer = api.get(ADDRESS).json()
    if seen:
        told = f"/api/recommendations/session/{answer['recommendation_session_id']}/seen"
        assert api.post(told, {"rank": seen}, format="json").status_code == 200
    return [slot["item"]["id"] for slot in answer["recommendations"]]


def ids(films: list[Item], *places: int) -> list[int]:
    return [films[place].pk for place in places]


def test_what_was_seen_and_passed_over_gives_way_to_what_was_not(api: APIClient, films: list[Item]) -> None:
    assert ask(api, seen=2) == ids(films, 0, 1, 2, 3)
    # 1 times 0.95 is less than 0.97, and 0.99 times 0.95 than 0.96.
    assert ask(api) == ids(films, 2, 3, 4, 0)


def test_what_was_shown_below_the_deepest_place_seen_stays(api: APIClient, films: list[Item]) -> None:
    assert ask(api) == ask(api) == ids(films, 0, 1, 2, 3)


def test_each_list_counts_and_the_answer_says_by_how_much(api: APIClient, films: list[Item]) -> None:
    for times in range(3):
        slot = api.get(ADDRESS).json()
        first = next(one for one in slot["recommendations"] if one["item"]["id"] in ids(films, 0, 1, 2, 3))
        assert first["boost_details"]["seen"] <= 1.0
        for one in slot["recommendations"]:
            assert one["boost_multiplier"] == pytest.approx(one["boost_details"]["seen"])
            assert one["score"] == pytest.approx(one["base_score"] * one["boost_multiplier"])
        RecommendationSession.objects.update(seen_rank=4)
        assert times < 3


def test_what_was_opened_is_not_passed_over(api: APIClient, person: User, films: list[Item]) -> None:
    ask(api, seen=2)
    make_interaction(person, films[0], "view")
    assert ask(api)[0] == films[0].pk


def test_lists_of_long_ago_others_and_searches_count_for_nothing(
    api: APIClient, person: User, other_person: User, films: list[Item]
) -> None:
    before = ask(api, seen=4)
    session = RecommendationSession.objects.get()
    for change in (
        {"created_at": session.created_at - timedelta(days=15)},
        {"user": other_person},
        {"method": "search"},
        {"use_case": "drama_home"},
    ):
        RecommendationSession.objects.all().delete()
        session.save(force_insert=True)
        RecommendationSession.objects.update(**change)
        assert ask(api) == before


def test_five_lists_are_the_most(api: APIClient, films: list[Item]) -> None:
    for _ in range(9):
        ask(api, seen=4)
    factors = [slot["boost_details"]["seen"] for slot in api.get(ADDRESS).json()["recommendations"]]
    assert min(factors) >= 0.95**5 - 1e-9


def test_a_share_of_0_heeds_nothing(api: APIClient, films: list[Item], settings: Settings) -> None:
    settings.PASSED_OVER_SHARE = 0.0
    assert ask(api, seen=4) == ask(api)


def test_the_double_of_a_known_film_sinks_and_comes_back(
    api: APIClient, person: User, films: list[Item]
) -> None:
    known = make_film(genre=["Genre 0"])
    before = ask(api)
    row = dislike(person, known, "already_watched")
    slots = api.get("/api/recommendations/personalized/movies?limit=8").json()["recommendations"]
    assert [slot["item"]["id"] for slot in slots] == ids(films, 1, 2, 3, 4, 5, 6, 7, 0)
    assert slots[-1]["boost_details"]["seen"] == pytest.approx(0.9)
    assert slots[-1]["boost_details"]["dislikes"] == 1.0
    assert {slot["boost_details"]["seen"] for slot in slots[:-1]} == {1.0}
    undo_dislike(user_id=person.pk, dislike_id=row.pk)
    assert ask(api) == before


def test_to_know_a_film_changes_no_taste(api: APIClient, person: User, films: list[Item]) -> None:
    dislike(person, films[0], "already_watched")
    profile = api.get(f"/api/profile/{person.pk}").json()
    assert profile["avoided"] == {kind: [] for kind in profile["avoided"]}
