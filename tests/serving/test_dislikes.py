"""The very next list reflects a dislike: what it holds back falls, and comes back when it is taken back."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Item
from feedback.services import save_dislike, undo_dislike
from interactions.models import ItemPopularity
from recommendations.models import RecommendationSession
from tests.factories import make_active_als, make_interaction
from tests.feedback.builders import dislike, make_film

pytestmark = pytest.mark.django_db
ADDRESS = "/api/recommendations/personalized/movies?limit=10"


def film_of_popularity(score: float, **facets: list[str]) -> Item:
    item = make_film("", **facets)
    ItemPopularity.objects.create(item=item, use_case="movie_home", score=score, refreshed_at=timezone.now())
    return item


@pytest.fixture
def films(db: None) -> list[Item]:
    """Twenty films by falling popularity, Action and Drama by turns, the most popular one of Action."""
    return [film_of_popularity(1 - n / 50, genre=[("Action", "Drama")[n % 2]]) for n in range(20)]


def ask(api: APIClient) -> list[dict[str, object]]:
    answer = api.get(ADDRESS)
    assert answer.status_code == 200
    slots: list[dict[str, object]] = answer.json()["recommendations"]
    return slots


def share_of(slots: list[dict[str, object]], genre: str) -> float:
    return sum(genre in slot["item"]["genres"] for slot in slots) / len(slots)  # type: ignore[index]


def test_the_share_of_the_genre_falls_with_each_and_comes_back(
    api: APIClient, person: User, films: list[Item]
) -> None:
    extras = [make_film(genre=["Action"]) for _ in range(3)]
    shares, rows = [share_of(ask(api), "Action")], []
    for extra in extras:
        rows.append(dislike(person, extra))
        shares.append(share_of(ask(api), "Action"))
    assert shares == [0.5, 0.4, 0.2, 0.0]
    for row in reversed(rows):
        undo_dislike(user_id=person.pk, dislike_id=row.pk)
        shares.append(share_of(ask(api), "Action"))
    assert shares[4:] == [0.2, 0.4, 0.5]


def test_the_answer_and_the_record_say_by_how_much(api: APIClient, person: User, films: list[Item]) -> None:
    dislike(person, make_film(genre=["Action"]))
    slots = ask(api)
    for slot in slots:
        is_action = "Action" in slot["item"]["genres"]  # type: ignore[index]
        expected = pytest.approx(0.85 if is_action else 1.0, abs=1e-6)
        assert slot["boost_multiplier"] == expected
        nothing = dict.fromkeys(("genre", "actor", "director", "theme"), 0.0)
        assert slot["boost_details"] == nothing | {"dislikes": expected, "seen": 1.0}
        assert slot["score"] == pytest.approx(slot["base_score"] * slot["boost_multiplier"])  # type: ignore[operator]
    scores = [slot["score"] for slot in slots]
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    row = RecommendationSession.objects.latest("created_at")
    assert [slot["score"] for slot in row.recommendations_shown] == scores
    # Eighth by popularity, behind two films of Drama now.
    assert row.pushed_out == [films[8].pk]


def test_without_dislikes_nothing_is_pushed_out(api: APIClient, films: list[Item]) -> None:
    assert {slot["boost_multiplier"] for slot in ask(api)} == {1.0}
    assert RecommendationSession.objects.get().pushed_out == []


def test_a_reason_that_says_nothing_takes_out_the_item_alone(
    api: APIClient, person: User, films: list[Item]
) -> None:
    before = [slot["item"]["id"] for slot in ask(api)]  # type: ignore[index]
    dislike(person, films[0], "other")
    slots = ask(api)
    assert [slot["item"]["id"] for slot in slots] == [*before[1:], films[10].pk]  # type: ignore[index]
    assert {slot["boost_multiplier"] for slot in slots} == {1.0}


def test_an_item_comes_back_when_its_dislike_is_taken_back(
    api: APIClient, person: User, films: list[Item]
) -> None:
    row = dislike(person, films[0])
    assert films[0].pk not in [slot["item"]["id"] for slot in ask(api)]  # type: ignore[index]
    undo_dislike(user_id=person.pk, dislike_id=row.pk)
    assert ask(api)[0]["item"]["id"] == films[0].pk  # type: ignore[index]


def test_people_of_a_film_are_held_back_too(api: APIClient, person: User) -> None:
    shared = film_of_popularity(1.0, actor=["Ann Lee"], director=["Bo Ray"])
    other = film_of_popularity(0.9, actor=["Di Fox"])
    dislike(person, make_film(actor=["Ann Lee"], director=["Bo Ray"]), "poor_quality")
    slots = ask(api)[:2]
    assert [slot["item"]["id"] for slot in slots] == [other.pk, shared.pk]  # type: ignore[index]
    assert slots[1]["boost_multiplier"] == pytest.approx(0.81, abs=1e-6)


def test_the_dislikes_of_others_change_nothing(api: APIClient, other_person: User, films: list[Item]) -> None:
    before = [slot["item"] for slot in ask(api)]
    dislike(other_person, films[0])
    assert [slot["item"] for slot in ask(api)] == before


@pytest.mark.parametrize("way", ["browser session", "token"])
def test_a_request_makes_six_queries_at_most(
    person: User, films: list[Item], settings: Settings, way: str
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    make_active_als([[film.pk for film in films]])
    make_interaction(person, films[1])
    for film in films[2:7]:
        save_dislike(user_id=person.pk, item=film, reason="not_interested")
    client = APIClient()
    if way == "token":
        client.credentials(HTTP_AUTHORIZATION=f"Token {issue_service_token(user=person)}")
    else:
        client.force_login(person)
    assert client.get(ADDRESS).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(ADDRESS)
    assert answer.json()["method_used"] == "als"
    assert answer.json()["recommendations"][-1]["boost_multiplier"] < 1
    assert len(queries) <= 6, [query["sql"] for query in queries]
