"""Taste over HTTP: what it answers, to whom, and that what is refused leaves nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import set_roles
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction
from profiles.models import TasteProfile
from tests.answers import assert_refused
from tests.factories import allow, make_interaction, make_item
from tests.feedback.builders import make_film
from tests.recommendations.builders import make_session

pytestmark = pytest.mark.django_db
NOBODY = 10**17
NO_SUCH_PERSON = "There is no such person, or none that you may ask for."
NOT_TAKEN: dict[str, list[Any]] = {
    "item_id": ["1", 1.0, True, 0, -1, 2**63, 10**400, [], {}, "\0", ""],
    "kind": ["", "films", "MOVIE", 5, True, [], {}, "\0"],
    "recommendation_session_id": ["", "x", 5, True, [], {}, "\0", "0" * 31],
}
TITLES: list[Any] = [None, 5, True, [], {}, "\0", "x" * 301]


def profile(client: APIClient, person: User) -> Any:
    return client.get(f"/api/profile/{person.pk}")


def rate(client: APIClient, person: User, **body: object) -> Any:
    return client.post(f"/api/profile/{person.pk}/rate", body, format="json")


def feed_back(client: APIClient, **body: object) -> Any:
    return client.post("/api/feedback", body, format="json")


def test_a_profile_says_what_is_liked_and_what_is_not(api: APIClient, person: User) -> None:
    liked = make_film(genre=["Medical"], actor=["Ann Lee"], theme=["hospital"], publisher=["North"])
    record_interaction(user_id=person.pk, item_id=liked.pk, type_name="like")
    save_dislike(user_id=person.pk, item=make_item(genres=["War"]), reason="wrong_genre")
    rated = record_interaction(
        user_id=person.pk, item_id=make_item(genres=["War"]).pk, type_name="watched", rating=2
    )
    answer = profile(api, person)
    assert answer.status_code == 200
    body = answer.json()
    assert body["user_id"] == person.pk
    assert (body["persona"], body["persona_name"]) == (["Medical Fan"], "Medical Fan")
    assert body["personalization"]["original_alpha"] == 0.7
    assert 0.5 < body["personalization"]["personalized_alpha"] < 0.7
    assert body["preferences"]["genres"] == [{"name": "Medical", "score": pytest.approx(0.12)}]
    assert body["top_preferences"]["genres"] == {"Medical": pytest.approx(0.12)}
    assert {kind: body["preferences"][kind] for kind in body["avoided"]} == {
        "genre": [{"name": "Medical", "score": pytest.approx(0.12)}],
        "actor": [{"name": "Ann Lee", "score": pytest.approx(0.12)}],
        "director": [],
        "theme": [{"name": "hospital", "score": pytest.approx(0.12)}],
        "publisher": [{"name": "North", "score": pytest.approx(0.12)}],
    }
    assert body["avoided"]["genre"] == [{"name": "War", "score": pytest.approx(0.8 * -0.12 - 0.12)}]
    assert body["statistics"]["interactions"] == {"dislike": 1, "like": 1, "watched": 1}
    assert (body["statistics"]["ratings"], body["statistics"]["mean_rating"]) == (1, 2.0)
    assert body["statistics"]["since"] < rated.interaction.occurred_at.isoformat()
    assert body["reset_at"] is None


def test_of_nobody_known_there_is_nothing_to_say(api: APIClient, person: User) -> None:
    body = profile(api, person).json()
    assert (body["persona"], body["persona_name"]) == ([], None)
    kinds = ("genre", "actor", "director", "theme", "publisher")
    assert body["preferences"] == {key: [] for kind in kinds for key in (kind, f"{kind}s")}
    assert body["statistics"] == {"interactions": {}, "ratings": 0, "mean_rating": None, "since": None}
    assert body["personalization"] == {"original_alpha": 0.7, "personalized_alpha": 0.7}


@pytest.mark.parametrize("history", [3, 40])
def test_reading_a_profile_costs_a_constant_number_of_queries(
    api: APIClient, person: User, history: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(history):
        film = make_film(genre=["Drama", f"Genre {number}"], actor=[f"Actor {number}"])
        make_interaction(person, film, "like", day=number)
    profile(api, person)
    with django_assert_num_queries(6):  # session, user, profile, reset, names, statistics
        profile(api, person)
    with django_assert_num_queries(4):
        api.get(f"/api/user/{person.pk}/profile")


def test_rating_records_that_it_was_watched_once(api: APIClient, person: User) -> None:
    film = make_item("Night Ferry", genres=["Drama"])
    first = rate(api, person, item_id=film.pk, rating=9)
    assert first.status_code == 201
    again = rate(api, person, title="night ferry", rating=9.0)
    assert again.status_code == 200
    assert again.json()["interaction_id"] == first.json()["interaction_id"]
    better = rate(api, person, item_id=film.pk, rating=10)
    assert (better.status_code, better.json()["rating"]) == (201, 10.0)
    active = UserInteraction.objects.get(user=person, withdrawn_at=None)
    assert (active.type, active.rating) == ("watched", 10.0)
    assert profile(api, person).json()["preferences"]["genre"] == [
        {"name": "Drama", "score": pytest.approx(0.2)}
    ]


def test_a_rating_names_the_list_it_came_from(api: APIClient, person: User, other_person: User) -> None:
    film = make_item()
    shown = make_session(person, [film])
    answer = rate(api, person, item_id=film.pk, rating=7, recommendation_session_id=str(shown.pk))
    assert answer.json()["recommendation_rank"] == 1
    others = make_session(other_person, [film])
    for session_id in (others.pk, uuid4()):
        refused = rate(api, person, item_id=film.pk, rating=1, recommendation_session_id=str(session_id))
        assert_refused(refused, 404)


def test_a_title_is_an_item_only_where_one_has_it(api: APIClient, person: User) -> None:
    film, drama = make_item("Signal"), make_item("Signal", kind="drama")
    make_item("Hidden", is_active=False)
    refused = rate(api, person, title="Signal", rating=5)
    assert assert_refused(refused, 400).startswith(
        "title: several items have this title. Send one as item_id"
    )
    assert rate(api, person, title="Signal", kind="drama", rating=5).json()["item_id"] == drama.pk
    assert_refused(rate(api, person, item_id=film.pk, kind="drama", rating=5), 404)
    for title in ("Hidden", "Nowhere"):
        assert_refused(rate(api, person, title=title, rating=5), 404)
    assert_refused(rate(api, person, rating=5), 400)
    assert assert_refused(feed_back(api, movie_name="Signal", rating=1), 400).startswith(
        "movie_name: several"
    )


def test_what_is_not_watched_is_not_rated(api: APIClient, person: User) -> None:
    startup = make_item(kind="startup")
    sentence = assert_refused(rate(api, person, item_id=startup.pk, rating=5), 400)
    assert sentence == "rating: Start-ups take no rating."
    set_roles(user=person, roles=["developer"])
    assert feed_back(api, item_id=startup.pk, rating=1).status_code == 201


@pytest.mark.parametrize("rating", [None, "5", -0.01, 10.01, True, [], {}, 10**400])
def test_a_rating_is_a_number_from_0_to_10(api: APIClient, person: User, rating: object) -> None:
    assert_refused(rate(api, person, item_id=make_item().pk, rating=rating), 400)
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize("rating", [None, "1", -1, 2, 0.5, 1.0, True, [], {}, 10**400])
def test_feedback_is_0_or_1(api: APIClient, rating: object) -> None:
    assert_refused(feed_back(api, item_id=make_item().pk, rating=rating), 400)
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name, values in NOT_TAKEN.items() for value in values]
)
def test_what_is_not_of_its_type_is_refused(api: APIClient, person: User, field: str, value: object) -> None:
    body = {"item_id": make_item("Night Ferry").pk, "rating": 1, field: value}
    assert_refused(rate(api, person, **body), 400)
    assert_refused(feed_back(api, **body), 400)
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_a_text(api: APIClient, person: User, title: object) -> None:
    assert_refused(rate(api, person, title=title, rating=1), 400)
    assert_refused(feed_back(api, movie_name=title, rating=1), 400)


def test_every_third_piece_of_feedback_moves_the_vector(api: APIClient, person: User) -> None:
    films = [make_film(genre=["Drama"], theme=["heist"]) for _ in range(2)]
    answers = [feed_back(api, item_id=film.pk, rating=1).json() for film in films]
    assert [(one["updated"], one["changes"], one["next_update_in"]) for one in answers] == [
        (False, [], 2),
        (False, [], 1),
    ]
    war = make_film(genre=["War"])
    third = feed_back(api, item_id=war.pk, rating=0)
    assert third.status_code == 201
    assert third.json() == {
        "success": True,
        "created": True,
        "item_id": war.pk,
        "updated": True,
        "changes": [
            {"kind": "genre", "name": "Drama", "before": 0.5, "after": pytest.approx(0.755)},
            {"kind": "theme", "name": "heist", "before": 0.5, "after": pytest.approx(0.755)},
            {"kind": "genre", "name": "War", "before": 0.5, "after": pytest.approx(0.35)},
        ],
        "feedback_count": 3,
        "next_update_in": 3,
    }
    state = api.get(f"/api/user/{person.pk}/profile").json()
    assert state == {
        "user_id": person.pk,
        "vector": [
            {"kind": "genre", "name": "Drama", "value": pytest.approx(0.755)},
            {"kind": "theme", "name": "heist", "value": pytest.approx(0.755)},
            {"kind": "genre", "name": "War", "value": pytest.approx(0.35)},
        ],
        "feedback_count": 3,
        "next_update_in": 3,
    }
    assert Dislike.objects.get().reason == "not_interested"


def test_feedback_that_stands_already_moves_nothing(api: APIClient) -> None:
    film = make_item("Night Ferry", genres=["Drama"])
    for rating in (1, 0):
        assert feed_back(api, movie_name="Night Ferry", rating=rating).status_code == 201
        again = feed_back(api, item_id=film.pk, rating=rating)
        assert again.status_code == 200
        assert (again.json()["created"], again.json()["updated"], again.json()["feedback_count"]) == (
            False,
            False,
            1,
        )


def test_the_vector_of_nobody_known_is_empty(api: APIClient, person: User) -> None:
    assert api.get(f"/api/user/{person.pk}/profile").json() == {
        "user_id": person.pk,
        "vector": [],
        "feedback_count": 0,
        "next_update_in": 3,
    }


def test_a_reset_forgets_the_profile_and_keeps_the_log(api: APIClient, person: User) -> None:
    film = make_item(genres=["Drama"])
    rate(api, person, item_id=film.pk, rating=9)
    assert api.delete(f"/api/profile/{person.pk}").status_code == 204
    body = profile(api, person).json()
    assert (body["persona"], body["preferences"]["genre"]) == ([], [])
    assert body["statistics"]["interactions"] == {}
    assert body["reset_at"] is not None
    assert UserInteraction.objects.filter(user=person, withdrawn_at=None).count() == 1
    assert api.delete(f"/api/profile/{person.pk}").status_code == 204


def requests_about(client: APIClient, user_id: int, film_id: int) -> list[Any]:
    """Everything that can be asked about a person: two reads, two writes."""
    return [
        client.get(f"/api/profile/{user_id}"),
        client.get(f"/api/user/{user_id}/profile"),
        client.post(f"/api/profile/{user_id}/rate", {"item_id": film_id, "rating": 5}, format="json"),
        client.delete(f"/api/profile/{user_id}"),
    ]


def test_anothers_profile_and_one_that_does_not_exist_are_answered_alike(
    api: APIClient, other_person: User
) -> None:
    film = make_item()
    for user_id in (other_person.pk, NOBODY, 0):
        for answer in requests_about(api, user_id, film.pk):
            assert assert_refused(answer, 404) == NO_SUCH_PERSON
    assert not UserInteraction.objects.exists()
    assert not TasteProfile.objects.exists()


def test_who_may_read_others_may_not_write_for_them(api: APIClient, person: User, other_person: User) -> None:
    allow(person, "view_others_profile")
    statuses = [answer.status_code for answer in requests_about(api, other_person.pk, make_item().pk)]
    assert statuses == [200, 200, 404, 404]


def test_who_may_write_for_others_does(api: APIClient, person: User, other_person: User) -> None:
    allow(person, "view_others_profile", "change_others_profile")
    statuses = [answer.status_code for answer in requests_about(api, other_person.pk, make_item().pk)]
    assert statuses == [200, 200, 201, 204]
    assert UserInteraction.objects.get().user == other_person
    assert all(answer.status_code == 404 for answer in requests_about(api, NOBODY, make_item().pk))


def test_nobody_logged_in_is_asked_who_they_are(person: User) -> None:
    client = APIClient()
    for answer in (
        *requests_about(client, person.pk, make_item().pk),
        feed_back(client, item_id=1, rating=1),
    ):
        assert_refused(answer, 401, 403)


def test_what_was_rated_before_the_reset_is_not_in_the_statistics(api: APIClient, person: User) -> None:
    api.delete(f"/api/profile/{person.pk}")
    yesterday = timezone.now() - timedelta(days=1)
    record_interaction(
        user_id=person.pk, item_id=make_item().pk, type_name="watched", rating=3, occurred_at=yesterday
    )
    assert profile(api, person).json()["statistics"]["ratings"] == 0
