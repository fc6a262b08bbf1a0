"""Item to item: what is like an item, and the rows of "because you watched"."""

from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from core.errors import NotFound
from core.progress import Progress
from feedback.services import save_dislike
from interactions.services import record_interaction
from ranking.datasets.event_log import generate_als_dataset, load_als_events
from ranking.feature_rows import features_of
from ranking.features import FEATURE_SET, FEATURES
from ranking.recommenders.als.file import dump_als
from ranking.recommenders.als.model import AlsParameters, fit_als
from ranking.registry.versions import activate_version
from recommendations.models import RecommendationSession
from search.pipeline import search_items
from serving.carousels import Carousel, because_you_watched, similar_items
from serving.live import get_context
from serving.opening import open_request
from tests.answers import assert_refused
from tests.factories import (
    EXCLUDING,
    give_facets,
    make_active_als,
    make_interaction,
    make_item,
    make_users,
    make_version,
    new_item,
)
from tests.feedback.builders import make_film

MOVIES = USE_CASES["movie_home"]
ROWS = "/api/because-you-watched"

pytestmark = pytest.mark.django_db


def titles(items: object) -> list[str]:
    return [one.item.title for one in items]  # type: ignore[attr-defined]


def rows_of(person: User, carousels: int = 3, limit: int = 12) -> list[Carousel]:
    return because_you_watched(user_id=person.pk, use_case=MOVIES, carousels=carousels, limit=limit)


@pytest.fixture
def films(db: None) -> dict[str, list[Item]]:
    """Eight films each of three genres that share nothing."""
    genres = ("Crime", "Western", "Musical")
    films = {genre: [new_item(f"{genre} {n}") for n in range(8)] for genre in genres}
    Item.objects.bulk_create([film for one in films.values() for film in one])
    give_facets(
        [
            (film, {"genre": [genre], "theme": [f"{genre} life"]})
            for genre, one in films.items()
            for film in one
        ]
    )
    return films


class TestSimilarItems:
    def test_it_finds_what_is_alike_and_not_the_item_itself(self, films: dict[str, list[Item]]) -> None:
        found = similar_items(item_id=films["Crime"][0].pk, use_case=MOVIES, limit=20)
        assert titles(found) == [f"Crime {n}" for n in range(1, 8)]
        assert all(0.0 < one.score <= 1.0 for one in found)

    def test_what_people_chose_together_counts(self, films: dict[str, list[Item]]) -> None:
        pair = [films["Crime"][0].pk, films["Western"][0].pk]
        others = [film.pk for film in films["Musical"]]
        make_active_als([pair, others])
        found = titles(similar_items(item_id=pair[0], use_case=MOVIES, limit=20))
        assert next(title for title in found if not title.startswith("Crime")) == "Western 0"

    def test_a_new_item_that_no_model_knows_has_neighbors(self, films: dict[str, list[Item]]) -> None:
        make_active_als([[film.pk for film in films["Crime"]], [film.pk for film in films["Western"]]])
        new = make_film("New", genre=["Crime"], theme=["Crime life"])
        found = titles(similar_items(item_id=new.pk, use_case=MOVIES, limit=20))
        assert found == [f"Crime {n}" for n in range(8)]
        assert "New" in titles(similar_items(item_id=films["Crime"][0].pk, use_case=MOVIES, limit=20))

    @pytest.mark.parametrize("refuse", ["a dislike", "a low rating"])
    def test_what_was_refused_is_nowhere(
        self, api: APIClient, browserless: Client, person: User, films: dict[str, list[Item]], refuse: str
    ) -> None:
        anchor, refused, *_ = films["Crime"]
        address = f"/api/movies/{anchor.pk}/similar"
        assert refused.title in [one["item"]["title"] for one in api.get(address).json()["similar"]]
        if refuse == "a dislike":
            save_dislike(user_id=person.pk, item=refused, reason="other")
        else:
            record_interaction(user_id=person.pk, item_id=refused.pk, type_name="watched", rating=1.0)
        assert refused.title not in [one["item"]["title"] for one in api.get(address).json()["similar"]]
        page = browserless.get(f"/items/{anchor.pk}/")
        assert refused.pk not in [card.id for card, _ in page.context["similar"]]
        found = titles(search_items(user_id=person.pk, use_case=MOVIES, query="Crime life").items)
        assert refused.title not in found
        # Who searches for it by its title finds it, and can take the no back.
        by_title = search_items(user_id=person.pk, use_case=MOVIES, query=refused.title)
        assert refused.title in titles(by_title.items)

    def test_an_item_that_was_only_refused_is_no_neighbor_by_behavior(
        self, films: dict[str, list[Item]]
    ) -> None:
        crime, western = films["Crime"], films["Western"]
        people = make_users(8)
        for one in people:
            for film in crime:
                make_interaction(one, film)
        make_interaction(people[0], western[0], "dislike")
        events = load_als_events(
            Path(generate_als_dataset(use_case=MOVIES, progress=Progress("als", quiet=True)).folder), MOVIES
        )[1]
        parameters = AlsParameters(factors=4, regularization=1.0, alpha=5.0)
        data = dump_als(fit_als(events, parameters, seed=0, threads=1))
        activate_version(version=make_version(data), why="made by a test")
        found = titles(similar_items(item_id=crime[0].pk, use_case=MOVIES, limit=20))
        assert found
        assert all(title.startswith("Crime") for title in found)

    def test_what_is_hidden_is_left_out_and_others_take_its_place(self, films: dict[str, list[Item]]) -> None:
        assert len(similar_items(item_id=films["Crime"][0].pk, use_case=MOVIES, limit=3)) == 3
        Item.objects.filter(pk=films["Crime"][1].pk).update(is_active=False)
        found = titles(similar_items(item_id=films["Crime"][0].pk, use_case=MOVIES, limit=3))
        assert found == ["Crime 2", "Crime 3", "Crime 4"]

    def test_what_is_not_in_the_catalog_is_not_found(self, films: dict[str, list[Item]]) -> None:
        drama = make_item(kind="drama")
        for item_id in (10**12, drama.pk):
            with pytest.raises(NotFound):
                similar_items(item_id=item_id, use_case=MOVIES, limit=3)

    def test_it_takes_one_query(
        self,
        films: dict[str, list[Item]],
        settings: Settings,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        settings.MODEL_CHECK_SECONDS = 3600.0
        get_context("movie_home")
        for limit in (1, 7):
            with django_assert_num_queries(1):
                similar_items(item_id=films["Crime"][0].pk, use_case=MOVIES, limit=limit)


class TestBecauseYouWatched:
    def test_a_newcomer_gets_no_rows_and_nothing_is_recorded(
        self, person: User, films: dict[str, list[Item]]
    ) -> None:
        assert rows_of(person) == []
        assert not RecommendationSession.objects.exists()

    def test_there_is_a_row_for_each_of_the_last_items_newest_first(
        self, person: User, films: dict[str, list[Item]]
    ) -> None:
        make_interaction(person, films["Crime"][0], "watched", rating=9, day=1)
        make_interaction(person, films["Western"][0], "like", day=2)
        rows = rows_of(person)
        assert [(row.because.title, row.type_name) for row in rows] == [
            ("Western 0", "like"),
            ("Crime 0", "watched"),
        ]
        assert titles(rows[0].items) == [f"Western {n}" for n in range(1, 8)]
        assert titles(rows[1].items) == [f"Crime {n}" for n in range(1, 8)]
        assert len(rows_of(person, carousels=1)) == 1

    def test_nothing_stands_in_two_rows(self, person: User, films: dict[str, list[Item]]) -> None:
        make_interaction(person, films["Crime"][0], day=1)
        make_interaction(person, films["Crime"][1], day=2)
        shown = [title for row in rows_of(person, limit=2) for title in titles(row.items)]
        assert len(shown) == len(set(shown))

    @pytest.mark.parametrize("type_name", EXCLUDING)
    def test_nothing_excluded_is_shown(
        self, person: User, films: dict[str, list[Item]], type_name: str
    ) -> None:
        make_interaction(person, films["Crime"][0], day=1)
        make_interaction(person, films["Crime"][1], type_name, day=0)
        shown = {title for row in rows_of(person) for title in titles(row.items)}
        assert not shown & {"Crime 0", "Crime 1"}
        assert shown

    @pytest.mark.parametrize(("type_name", "rating"), [("view", None), ("dislike", None), ("watched", 3.0)])
    def test_what_was_not_approved_makes_no_row(
        self, person: User, films: dict[str, list[Item]], type_name: str, rating: float | None
    ) -> None:
        make_interaction(person, films["Crime"][0], type_name, rating=rating)
        assert rows_of(person) == []

    def test_an_item_that_has_been_hidden_makes_no_row(
        self, person: User, films: dict[str, list[Item]]
    ) -> None:
        make_interaction(person, films["Crime"][0])
        assert len(rows_of(person)) == 1
        Item.objects.filter(pk=films["Crime"][0].pk).update(is_active=False)
        assert rows_of(person) == []

    def test_an_item_like_nothing_makes_no_row(self, person: User, films: dict[str, list[Item]]) -> None:
        make_interaction(person, make_film("Alone"))
        assert rows_of(person) == []

    def test_other_kinds_have_rows_of_their_own(self, person: User, films: dict[str, list[Item]]) -> None:
        dramas = [make_item(f"Drama {n}", kind="drama", genres=["Medical"]) for n in range(3)]
        make_item(kind="drama", genres=["History"])
        make_interaction(person, dramas[0])
        assert rows_of(person) == []
        (row,) = because_you_watched(
            user_id=person.pk, use_case=USE_CASES["drama_home"], carousels=3, limit=5
        )
        assert (row.use_case, titles(row.items)) == ("drama_home", ["Drama 1", "Drama 2"])

    def test_each_row_is_on_record_with_its_features(
        self, person: User, films: dict[str, list[Item]]
    ) -> None:
        make_active_als([[film.pk for film in films["Crime"]]])
        make_interaction(person, films["Crime"][0], day=1)
        make_interaction(person, films["Western"][0], day=2)
        now = timezone.now()
        rows = because_you_watched(user_id=person.pk, use_case=MOVIES, carousels=3, limit=4, now=now)
        assert RecommendationSession.objects.count() == 2
        request = open_request(person.pk, get_context("movie_home"), now)
        for row in rows:
            session = RecommendationSession.objects.get(pk=row.session_id)
            ids = [one.item.id for one in row.items]
            assert (session.user_id, session.method, session.use_case) == (person.pk, "similar", "movie_home")
            assert session.model_version == "als-movie_home-1"
            assert [slot["item_id"] for slot in session.recommendations_shown] == ids
            assert [slot["rank"] for slot in session.recommendations_shown] == [1, 2, 3, 4]
            assert session.feature_set == FEATURE_SET
            assert session.features is not None
            features = np.frombuffer(bytes(session.features), dtype="<f4").reshape(4, len(FEATURES))
            np.testing.assert_array_equal(features, features_of(request, np.array(ids)))
            done = record_interaction(
                user_id=person.pk, item_id=ids[1], type_name="like", session_id=row.session_id
            ).interaction
            assert (done.recommendation_rank, done.recommendation_source) == (2, "recommendation")


class TestApi:
    def test_similar_answers_as_described(self, api: APIClient, films: dict[str, list[Item]]) -> None:
        answer = api.get(f"/api/movies/{films['Crime'][0].pk}/similar", {"limit": 2}).json()
        assert [(one["item"]["title"], one["rank"]) for one in answer["similar"]] == [
            ("Crime 1", 1),
            ("Crime 2", 2),
        ]
        assert_refused(api.get(f"/api/dramas/{films['Crime'][0].pk}/similar"), 404)
        assert_refused(api.get(f"/api/movies/{films['Crime'][0].pk}/similar", {"limit": 0}), 400)

    def test_the_rows_answer_as_described(
        self, api: APIClient, person: User, films: dict[str, list[Item]]
    ) -> None:
        make_interaction(person, films["Crime"][0], "favorite")
        answer = api.get(ROWS, {"limit": 3}).json()
        assert answer["use_case"] == "movie_home"
        (row,) = answer["carousels"]
        assert (row["because"]["title"], row["did"]) == ("Crime 0", "favorite")
        assert [one["item"]["title"] for one in row["recommendations"]] == ["Crime 1", "Crime 2", "Crime 3"]
        seen = api.post(
            f"/api/recommendations/session/{row['recommendation_session_id']}/seen",
            {"rank": 3},
            format="json",
        )
        assert seen.status_code == 200

    def test_a_newcomer_gets_an_empty_answer(self, api: APIClient, films: dict[str, list[Item]]) -> None:
        answer = api.get(ROWS, {"use_case": "drama_home"})
        assert answer.json() == {"use_case": "drama_home", "carousels": []}

    @pytest.mark.parametrize(
        "parameters", [{"rows": "0"}, {"rows": "6"}, {"limit": "101"}, {"use_case": "nowhere"}]
    )
    def test_what_makes_no_sense_is_refused(self, api: APIClient, parameters: dict[str, str]) -> None:
        assert_refused(api.get(ROWS, parameters), 400)

    def test_nobody_is_refused(self, films: dict[str, list[Item]]) -> None:
        assert_refused(APIClient().get(ROWS), 401)
        assert_refused(APIClient().get(f"/api/movies/{films['Crime'][0].pk}/similar"), 401)

    def test_six_queries_at_most(
        self, api: APIClient, person: User, films: dict[str, list[Item]], settings: Settings
    ) -> None:
        settings.MODEL_CHECK_SECONDS = 3600.0
        for day, group in enumerate(films.values()):
            make_interaction(person, group[0], day=day)
        api.get(ROWS)
        with CaptureQueriesContext(connection) as queries:
            answer = api.get(ROWS, {"rows": 5, "limit": 50})
        assert len(answer.json()["carousels"]) == 3
        assert len(queries) <= 6, [query["sql"] for query in queries]
