"""A person's history from another service: found here, recorded once, and never against their own word."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from interactions.services import record_interaction
from search.histories import RecordedHistory, already_there, correct_title, find_history, record_history
from search.state import forget_search
from tests.answers import assert_refused
from tests.factories import make_item, make_user

WATCHED = "Date,Name,Year,Letterboxd URI"
RATINGS = f"{WATCHED},Rating"


@pytest.fixture
def films(db: None) -> dict[str, Item]:
    forget_search()
    return {title: make_item(title, year=year) for title, year in (("Heat", 1995), ("Ran", 1985))}


@pytest.fixture
def ann(db: None) -> User:
    return make_user("ann")


def take(person: User, text: str, name: str = "mine.csv") -> RecordedHistory:
    history = find_history(text.encode(), name)
    return record_history(user_id=person.pk, action=history.action, titles=history.titles)


def standing(person: User) -> list[tuple[str, str, float | None, datetime]]:
    acts = active_interactions().filter(user=person).order_by("item__title", "type")
    return [(act.type, act.item.title, act.rating, act.occurred_at) for act in acts.select_related("item")]


def at(day: str, second: int = 0) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, second=second, tzinfo=UTC)


class TestRecording:
    def test_ratings_become_ratings_with_their_dates_and_the_same_file_again_changes_nothing(
        self, films: dict[str, Item], ann: User
    ) -> None:
        text = f"{RATINGS}\n2021-05-03,Heat,1995,x,4.5\n2020-01-01,Ran,1985,x,1\n2020-01-01,No,1985,x,1\n"
        assert take(ann, text) == RecordedHistory(recorded=2, unchanged=0)
        expected = [
            ("watched", "Heat", 9.0, at("2021-05-03", 1)),
            ("watched", "Ran", 2.0, at("2020-01-01", 1)),
        ]
        assert standing(ann) == expected
        weights = dict(UserInteraction.objects.values_list("item__title", "weight"))
        assert weights["Heat"] > 0 > weights["Ran"]
        assert take(ann, text) == RecordedHistory(recorded=0, unchanged=2)
        assert standing(ann) == expected
        assert UserInteraction.objects.count() == 2

    def test_in_whichever_order_the_files_come_the_rating_stands(
        self, films: dict[str, Item], ann: User
    ) -> None:
        watched = f"{WATCHED}\n2021-05-03,Heat,1995,x\n"
        ratings = f"{RATINGS}\n2021-05-03,Heat,1995,x,4.5\n"
        bob = make_user("bob")
        for person, files in ((ann, (watched, ratings, watched)), (bob, (ratings, watched, ratings))):
            for text in files:
                take(person, text)
            assert standing(person) == [("watched", "Heat", 9.0, at("2021-05-03", 1))]

    def test_a_rating_from_before_it_was_merely_watched_here_counts_from_then(
        self, films: dict[str, Item], ann: User
    ) -> None:
        record_interaction(
            user_id=ann.pk, item_id=films["Heat"].pk, type_name="watched", occurred_at=at("2024-01-01")
        )
        text = f"{RATINGS}\n2021-05-03,Heat,1995,x,4.5\n"
        assert take(ann, text) == RecordedHistory(recorded=1, unchanged=0)
        assert take(ann, text) == RecordedHistory(recorded=0, unchanged=1)
        assert standing(ann) == [("watched", "Heat", 9.0, at("2024-01-01", 1))]

    def test_what_was_rated_here_since_stays(self, films: dict[str, Item], ann: User) -> None:
        record_interaction(
            user_id=ann.pk,
            item_id=films["Heat"].pk,
            type_name="watched",
            rating=3.0,
            occurred_at=at("2024-01-01"),
        )
        text = f"{RATINGS}\n2021-05-03,Heat,1995,x,4.5\n"
        assert take(ann, text) == RecordedHistory(recorded=0, unchanged=1)
        assert standing(ann) == [("watched", "Heat", 3.0, at("2024-01-01"))]

    @pytest.mark.parametrize(
        ("name", "type_name"), [("watchlist.csv", "watchlist_add"), ("films.csv", "like")]
    )
    def test_a_watchlist_and_likes_are_what_they_are(
        self, films: dict[str, Item], ann: User, name: str, type_name: str
    ) -> None:
        take(ann, f"{WATCHED}\n2021-05-03,Heat,1995,x\n", name)
        assert standing(ann) == [(type_name, "Heat", None, at("2021-05-03"))]

    def test_titles_that_are_one_item_here_are_one_act(self, films: dict[str, Item], ann: User) -> None:
        text = 'Title,Date\n"Heat","5/3/21"\n"HEAT: Season 2: X","5/4/21"\n'
        assert take(ann, text) == RecordedHistory(recorded=1, unchanged=0)
        assert standing(ann) == [("watched", "Heat", None, at("2021-05-04"))]

    def test_what_was_hidden_meanwhile_is_left_out(self, films: dict[str, Item], ann: User) -> None:
        history = find_history(f"{WATCHED}\n2021-05-03,Heat,1995,x\n".encode(), "x.csv")
        Item.objects.filter(pk=films["Heat"].pk).update(is_active=False)
        done = record_history(user_id=ann.pk, action=history.action, titles=history.titles)
        assert done == RecordedHistory(0, 0)

    def test_the_number_of_queries_does_not_depend_on_the_titles(
        self, films: dict[str, Item], ann: User
    ) -> None:
        for number in range(60):
            make_item(f"Film number {number}", year=2000)
        forget_search()
        # Somebody's first act is noted by a query of its own.
        for person in (make_user("bob"), ann):
            take(person, f"{WATCHED}\n2021-05-03,Heat,1995,x\n")
        counts = []
        for titles in (range(2), range(2, 60)):
            rows = "".join(f"2021-05-03,Film number {number},2000,x\n" for number in titles)
            with CaptureQueriesContext(connection) as queries:
                assert take(ann, f"{WATCHED}\n{rows}").recorded == len(titles)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 12


class TestFinding:
    def test_an_id_that_the_catalog_has_counts_before_the_title(self, films: dict[str, Item]) -> None:
        other = make_item("Another Name", year=1950)
        Item.objects.filter(pk=other.pk).update(external_id="tt0113277")
        head = "Const,Your Rating,Date Rated,Title,Year"
        history = find_history(f"{head}\ntt0113277,9,2020-02-10,Heat,1995\n".encode(), "ratings.csv")
        assert [(one.item_id, one.doubt) for one in history.titles] == [(other.pk, "")]

    def test_a_typed_title_takes_the_place_of_what_was_found(self, films: dict[str, Item]) -> None:
        history = find_history(f"{WATCHED}\n2021-05-03,Chaos,1985,x\n".encode(), "x.csv")
        (title,) = history.titles
        assert title.item_id is None
        assert correct_title(title, "ran (1985)", "watched").item_id == films["Ran"].pk
        assert correct_title(title, "Ran", "watched").item_id == films["Ran"].pk
        assert correct_title(title, "Ran (1950)", "watched").doubt == "another year"
        assert correct_title(title, "(1985)", "watched").item_id is None

    def test_what_is_on_record_is_known(self, films: dict[str, Item], ann: User) -> None:
        text = f"{RATINGS}\n2021-05-03,Heat,1995,x,4.5\n2021-05-03,Ran,1985,x,4.5\n"
        history = find_history(text.encode(), "x.csv")
        assert already_there(user_id=ann.pk, history=history) == set()
        record_interaction(user_id=ann.pk, item_id=films["Heat"].pk, type_name="watched", rating=9.0)
        record_interaction(user_id=ann.pk, item_id=films["Ran"].pk, type_name="watched")
        assert already_there(user_id=ann.pk, history=history) == {films["Heat"].pk}


class TestByTheApi:
    URL = "/api/history/read"

    def test_its_rows_are_what_the_interactions_take(self, films: dict[str, Item], ann: User) -> None:
        client = APIClient()
        client.force_login(ann)
        text = f"{RATINGS}\n2021-05-03,Heat,1995,x,4.5\n2021-05-03,Nothing,1985,x,4.5\n"
        answer = client.post(self.URL, {"name": "ratings.csv", "text": text}, format="json").json()
        assert answer["format"] == "Letterboxd ratings"
        assert [(row["item_title"], row["doubt"]) for row in answer["titles"]] == [("Heat", ""), ("", "")]
        assert not UserInteraction.objects.exists()
        row = answer["titles"][0]
        act = {name: row[name] for name in ("item_id", "type", "rating", "occurred_at")}
        assert client.post("/api/interactions", {"interactions": [act]}, format="json").status_code == 201
        assert standing(ann) == [("watched", "Heat", 9.0, at("2021-05-03", 1))]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": "x.csv"},
            {"name": "x.csv", "text": ""},
            {"name": "x.csv", "text": "<html>"},
            {"name": "x.csv", "text": "PK\x03\x04"},
            {"name": "", "text": "Title,Date\nHeat,1/1/20\n"},
            {"name": "x.csv", "text": 5},
            {"name": "x.csv", "text": "Title,Date\nHeat,1/1/20\n", "more": 1},
        ],
    )
    def test_what_is_no_such_file_is_refused(self, ann: User, body: dict[str, object]) -> None:
        client = APIClient()
        client.force_login(ann)
        assert_refused(client.post(self.URL, body, format="json"), 400)
