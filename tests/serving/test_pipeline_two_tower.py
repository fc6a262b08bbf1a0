"""The two-tower model in the request path: what it brings, to whom, and what becomes of a damaged file."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Facet, Item
from core.arrays import Doubles, Floats
from core.domain import USE_CASES
from interactions.popularity import refresh_popularity
from ranking.models import ModelVersion
from ranking.recommenders.two_tower.input import MOST_FACETS, MOST_ITEMS, tower_input
from ranking.registry.loading import load_models
from ranking.registry.versions import activate_version, read_verified
from recommendations.models import RecommendationSession
from serving.live import forget_state, get_context
from serving.pipeline import ServedList, recommend
from tests.factories import (
    active_ranker,
    active_tower,
    make_active_als,
    make_interaction,
    make_item,
    make_items,
    make_user,
    make_version,
    tower_bytes,
)

MOVIES = USE_CASES["movie_home"]
ADDRESS = "/api/recommendations/personalized/movies?limit=5"


def serve(person: User, limit: int = 5) -> ServedList:
    return recommend(user_id=person.pk, use_case=MOVIES, limit=limit)


def ids(served: ServedList) -> list[int]:
    return [slot.item.id for slot in served.slots]


def groups_of(items: list[Item]) -> list[list[int]]:
    """The first half and the second."""
    middle = len(items) // 2
    return [[item.pk for item in items[:middle]], [item.pk for item in items[middle:]]]


@pytest.mark.django_db
class TestSource:
    def test_it_brings_what_goes_with_the_history_and_says_so(self, person: User) -> None:
        items = make_items(12)
        active = active_tower(groups_of(items))
        make_interaction(person, items[7], "like")
        served = serve(person)
        assert set(ids(served)) <= {item.pk for item in items[6:]} - {items[7].pk}
        assert (served.method_used, served.model_version) == ("two_tower", active.label)
        assert {slot.source for slot in served.slots} == {"two_tower"}
        assert served.slots[0].why == "It fits what you have chosen so far and what you like."
        assert RecommendationSession.objects.get(pk=served.session_id).model_version == active.label

    def test_it_knows_people_by_their_taste_alone(self, person: User) -> None:
        items = make_items(12)
        # A drama with a facet that leads to the second half of the films, of which the person met none.
        drama = make_item(kind="drama", genres=["Crime"])
        active_tower(groups_of(items), facets={Facet.objects.get(name="Crime").pk: 1})
        make_interaction(person, drama, "like")
        served = serve(person)
        assert served.method_used == "two_tower"
        assert set(ids(served)) <= {item.pk for item in items[6:]}

    def test_a_dislike_changes_the_next_list(self, person: User) -> None:
        items = make_items(12)
        active_tower(groups_of(items))
        make_interaction(person, items[0], "like", day=1)
        make_interaction(person, items[11], "like", day=2)
        first = {item.pk for item in items[:6]}
        assert first.intersection(ids(serve(person, 10)))
        make_interaction(person, items[1], "dislike", day=3)
        make_interaction(person, items[2], "dislike", day=4)
        assert not first.intersection(ids(serve(person, 5)))

    def test_somebody_it_knows_nothing_of_gets_the_other_sources(self, person: User) -> None:
        items = make_items(4)
        active_tower([[item.pk for item in items]])
        served = serve(person)
        assert (served.method_used, served.model_version) == ("fresh", "")

    def test_what_both_models_bring_comes_first(self, person: User) -> None:
        items = make_items(12)
        als = make_active_als(groups_of(items))
        tower = active_tower([[item.pk for item in items[::2]], [item.pk for item in items[1::2]]])
        make_interaction(person, items[0], "like")
        served = serve(person, 11)
        assert set(ids(served)[:2]) == {items[2].pk, items[4].pk}
        assert served.model_version == f"{als.label}+{tower.label}"

    def test_the_label_names_the_models_that_knew_the_person(self, person: User) -> None:
        items = make_items(9)
        als = make_active_als([[item.pk for item in items[:3]]])
        tower = active_tower([[item.pk for item in items[:6]]])
        stranger, watcher = make_user(), make_user()
        make_interaction(person, items[0], "like")
        make_interaction(watcher, items[4], "like")
        assert serve(person, 5).model_version == f"{als.label}+{tower.label}"
        assert serve(watcher, 5).model_version == tower.label
        assert serve(stranger, 5).model_version == ""

    def test_under_a_ranker_all_sources_compete(self, person: User) -> None:
        items = make_items(6)
        tower = active_tower([[item.pk for item in items]])
        ranker = active_ranker()
        make_interaction(person, items[0], "like")
        served = serve(person)
        assert (served.method_used, served.model_version) == ("ranker", f"{tower.label}+{ranker.label}")
        assert {slot.source for slot in served.slots} == {"two_tower"}

    def test_items_that_the_catalog_hides_are_not_brought(self, person: User) -> None:
        items = make_items(6)
        active_tower([[item.pk for item in items]])
        make_interaction(person, items[0], "like")
        Item.objects.filter(pk=items[3].pk).update(is_active=False)
        forget_state()
        assert items[3].pk not in ids(serve(person, 10))

    def test_each_use_case_has_its_own(self, person: User) -> None:
        items = make_items(3)
        active_tower([[item.pk for item in items]])
        assert "two_tower" in get_context("movie_home").recommenders
        assert "two_tower" not in get_context("drama_home").recommenders

    @pytest.mark.parametrize("with_ranker", [False, True])
    def test_a_request_still_makes_six_queries_at_most(
        self, api: APIClient, person: User, settings: Settings, with_ranker: bool
    ) -> None:
        settings.MODEL_CHECK_SECONDS = 3600.0
        films = [make_item(genres=["Drama", f"Genre {number % 5}"]) for number in range(60)]
        active_tower(groups_of(films))
        make_active_als(groups_of(films))
        if with_ranker:
            active_ranker()
        for film in films[:6]:
            make_interaction(person, film, "like")
        refresh_popularity(use_case="movie_home")
        assert api.get(ADDRESS).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            assert api.get(ADDRESS).status_code == 200
        assert len(queries) <= 6


def damage(version: ModelVersion, how: str) -> None:
    path = Path(django_settings.MODEL_DIR) / version.file
    data = path.read_bytes()
    match how:
        case "deleted":
            path.unlink()
        case "truncated":
            path.write_bytes(data[: len(data) // 2])
        case "flipped":
            path.write_bytes(data[:-5] + bytes([data[-5] ^ 1]) + data[-4:])
        case _:
            path.write_bytes(b"")


@pytest.mark.django_db
class TestFiles:
    @pytest.mark.parametrize("how", ["deleted", "truncated", "flipped", "empty"])
    def test_where_the_file_is_damaged_the_one_before_serves(
        self, person: User, client: Client, how: str
    ) -> None:
        items = make_items(6)
        whole = [[item.pk for item in items]]
        earlier, active = active_tower(whole), active_tower(groups_of(items))
        damage(active, how)
        make_interaction(person, items[0], "like")
        assert serve(person).model_version == earlier.label
        state = client.get("/ready").json()
        assert state["status"] == "degraded"
        assert state["use_cases"]["movie_home"]["model_version"] == earlier.label
        assert active.label in state["use_cases"]["movie_home"]["problem"]

    def test_a_whole_file_that_is_no_model_leaves_the_one_before(self) -> None:
        items = make_items(4)
        earlier = active_tower([[item.pk for item in items]])
        broken = make_version(b"its hash is right, and still it is no model", kind="two_tower")
        activate_version(version=broken, why="test")
        models = load_models("movie_home")
        assert models.label(["two_tower"]) == earlier.label
        assert broken.label in models.problem

    def test_with_no_whole_file_the_other_sources_go_on(self, person: User) -> None:
        items = make_items(4)
        damage(active_tower([[item.pk for item in items]]), "deleted")
        make_interaction(person, items[0], "like")
        served = serve(person)
        assert len(served.slots) == 3
        assert served.model_version == ""

    def test_the_next_request_serves_a_newly_activated_version_without_reading_it_twice(self) -> None:
        items = make_items(4)
        active_tower([[item.pk for item in items]])
        known = get_context("movie_home").models
        assert get_context("movie_home").models is known
        second = active_tower(groups_of(items))
        assert get_context("movie_home").models.label() == second.label

    def test_ready_names_it(self, client: Client) -> None:
        items = make_items(2)
        als, tower = make_active_als([[item.pk for item in items]]), active_tower([[items[0].pk]])
        state = client.get("/ready").json()["use_cases"]["movie_home"]
        assert state["model_version"] == f"{als.label}+{tower.label}"


@pytest.mark.django_db
class TestCommands:
    def test_the_newest_candidate_is_activated_and_rolled_back(self) -> None:
        first = make_version(tower_bytes([[1, 2]]), kind="two_tower")
        call_command("activate_model", kind="two_tower", quiet=True)
        second = make_version(tower_bytes([[1], [2]]), kind="two_tower")
        call_command("activate_model", second.label, quiet=True)
        assert read_verified(second)
        call_command("rollback_model", kind="two_tower", quiet=True)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.status, second.status) == ("active", "rejected")

    def test_with_none_before_it_it_is_taken_out(self, capsys: pytest.CaptureFixture[str]) -> None:
        version = active_tower([[1, 2]])
        call_command("rollback_model", kind="two_tower", why="odd lists")
        version.refresh_from_db()
        assert version.status == "rejected"
        assert version.why == "taken out, the other sources go on: odd lists"
        assert "None" in capsys.readouterr().out
        assert load_models("movie_home").by_kind == {}

    def test_without_a_candidate_there_is_a_sentence(self) -> None:
        with pytest.raises(CommandError, match="There is no two_tower candidate for movie_home"):
            call_command("activate_model", kind="two_tower", quiet=True)


class TestInput:
    @given(
        arrays.arrays(np.float32, st.integers(0, 3 * MOST_ITEMS), elements=st.sampled_from([-1.0, 0.0, 2.0])),
        arrays.arrays(np.float64, st.integers(0, 3 * MOST_FACETS), elements=st.floats(-1, 1)),
    )
    def test_it_keeps_the_last_items_and_the_clearest_facets(self, weights: Floats, scores: Doubles) -> None:
        item_ids = np.arange(len(weights)) + 10
        facet_ids = np.arange(len(scores)) + 500
        known = tower_input(item_ids, weights, facet_ids, scores)
        informative = [int(one) for one in item_ids[weights != 0]]
        assert known.item_ids.tolist() == informative[-MOST_ITEMS:]
        assert known.weights.tolist() == weights[known.item_ids - 10].tolist()
        assert len(known.facet_ids) == min(MOST_FACETS, int(np.count_nonzero(scores)))
        assert (np.diff(known.facet_ids) > 0).all()
        left_out = np.setdiff1d(facet_ids, known.facet_ids) - 500
        kept = np.abs(scores[known.facet_ids - 500])
        assert np.abs(scores[left_out]).max(initial=0.0) <= kept.min(initial=1.0)

    def test_a_cut_input_is_not_cut_again(self) -> None:
        rng = np.random.default_rng(1)
        once = tower_input(np.arange(80), np.ones(80, np.float32), np.arange(90), rng.uniform(-1, 1, 90))
        twice = tower_input(once.item_ids, once.weights, once.facet_ids, once.facet_scores.astype(np.float64))
        assert twice.item_ids.tolist() == once.item_ids.tolist()
        assert twice.facet_ids.tolist() == once.facet_ids.tolist()
