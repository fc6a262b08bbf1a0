"""Lists for a role: whose they are, and that what one role did is no success of the other."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token, set_roles
from catalog.models import Item
from core.domain import ROLES, USE_CASES
from core.progress import Progress
from feedback.services import save_dislike
from interactions.models import ItemPopularity
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction
from ranking.datasets.backfill import fill_in_features
from ranking.datasets.event_log import generate_als_dataset
from ranking.datasets.ranker import generate_ranker_dataset
from ranking.features import FEATURES
from ranking.retraining.decision import decide
from recommendations.models import RecommendationSession
from recommendations.services import report_seen
from serving.live import get_context
from serving.opening import load_person
from serving.pipeline import recommend
from tests.answers import assert_refused
from tests.factories import allow, make_interaction, make_item, make_items, make_user
from tests.recommendations.builders import list_body

LIST = "/api/recommendations/personalized/startups"
DEVELOPERS, INVESTORS = USE_CASES["developer_startup"], USE_CASES["investor_startup"]
OF_ROLE = {"developer": "developer_startup", "investor": "investor_startup"}
QUIET = Progress(quiet=True)

pytestmark = pytest.mark.django_db


@pytest.fixture
def startups(db: None) -> list[Item]:
    return make_items(6, kind="startup", genres=["Health"])


@pytest.fixture
def both(person: User) -> User:
    set_roles(user=person, roles=list(OF_ROLE))
    return person


class TestWhoGetsWhichList:
    @pytest.mark.parametrize("role", list(OF_ROLE))
    def test_the_role_chooses_the_use_case(
        self, api: APIClient, person: User, startups: list[Item], role: str
    ) -> None:
        set_roles(user=person, roles=[role])
        for query in ({}, {"use_case": OF_ROLE[role]}):
            answer = api.get(LIST, query)
            assert answer.status_code == 200
            assert answer.json()["use_case"] == OF_ROLE[role]
            assert len(answer.json()["recommendations"]) == len(startups)
        other = next(name for name in OF_ROLE.values() if name != OF_ROLE[role])
        sentence = assert_refused(api.get(LIST, {"use_case": other}), 403)
        assert sentence.startswith(f"This is for the role {USE_CASES[other].role}: choose it")
        assert set(RecommendationSession.objects.values_list("use_case", flat=True)) == {OF_ROLE[role]}

    def test_without_a_role_there_is_none_and_films_are_as_ever(
        self, api: APIClient, startups: list[Item]
    ) -> None:
        assert "developer or investor" in assert_refused(api.get(LIST), 403)
        for name in OF_ROLE.values():
            assert_refused(api.get(LIST, {"use_case": name}), 403)
        assert not RecommendationSession.objects.exists()
        assert api.get("/api/recommendations/personalized/movies").status_code == 200

    def test_with_both_the_first_stands_and_the_other_can_be_named(
        self, api: APIClient, both: User, startups: list[Item]
    ) -> None:
        assert api.get(LIST).json()["use_case"] == "developer_startup"
        assert api.get(LIST, {"use_case": "investor_startup"}).json()["use_case"] == "investor_startup"
        assert_refused(api.get(LIST, {"use_case": "movie_home"}), 400)

    def test_a_query_cannot_bring_a_role_along(self, api: APIClient, startups: list[Item]) -> None:
        assert_refused(api.get(f"{LIST}?role=investor&roles=investor&user_id=1"), 400)

    @pytest.mark.parametrize("address", ["because-you-watched", "recommend", "recommend/{id}"])
    def test_every_other_address_with_a_use_case_asks_for_its_role(
        self, api: APIClient, person: User, startups: list[Item], address: str
    ) -> None:
        address = f"/api/{address.format(id=person.pk)}"
        set_roles(user=person, roles=["developer"])
        for name, status in (("investor_startup", 403), ("developer_startup", 200)):
            words = {"title": "x"} if address == "/api/recommend" else {}
            assert api.get(address, {"use_case": name, **words}).status_code == status

    def test_a_list_made_elsewhere_is_one_for_the_role(
        self, api: APIClient, person: User, startups: list[Item]
    ) -> None:
        set_roles(user=person, roles=["developer"])
        for name, status in (("investor_startup", 403), ("developer_startup", 201)):
            body = list_body(startups, use_case=name, roles=["investor"])
            assert api.post("/api/recommendations/session", body, format="json").status_code == status
        assert RecommendationSession.objects.get().use_case == "developer_startup"

    def test_searching_needs_no_role(self, api: APIClient, person: User) -> None:
        make_item("Quillowen", kind="startup")
        query = {"title": "quillowen", "kind": "startup"}
        assert api.get("/api/recommend", query).json()["use_case"] == "developer_startup"
        set_roles(user=person, roles=["investor"])
        assert api.get("/api/recommend", query).json()["use_case"] == "investor_startup"

    def test_who_asks_for_another_gets_what_their_role_opens(
        self, api: APIClient, both: User, other_person: User, startups: list[Item]
    ) -> None:
        allow(both, "recommend_for_others")
        address, query = f"/api/recommend/{other_person.pk}", {"use_case": "investor_startup"}
        assert_refused(api.get(address, query), 403)
        set_roles(user=other_person, roles=["investor"])
        assert api.get(address, query).status_code == 200
        assert RecommendationSession.objects.get().user == other_person

    def test_somebody_who_may_not_ask_learns_nothing_of_roles(
        self, api: APIClient, both: User, other_person: User, startups: list[Item]
    ) -> None:
        query = {"use_case": "investor_startup"}
        answers = {
            api.get(f"/api/recommend/{user_id}", query).content for user_id in (other_person.pk, 10**9)
        }
        assert len(answers) == 1

    def test_a_service_gets_the_list_of_whom_it_acts_for(self, person: User, startups: list[Item]) -> None:
        service = make_user("service", roles=list(ROLES))
        token = issue_service_token(user=service, may_act_for_others=True)
        client = APIClient(headers={"Authorization": f"Token {token}", "X-User-ID": str(person.pk)})
        assert_refused(client.get(LIST), 403)
        set_roles(user=person, roles=["investor"])
        assert client.get(LIST).json()["use_case"] == "investor_startup"
        assert_refused(client.get(LIST, {"use_case": "developer_startup"}), 403)

    def test_a_list_for_a_role_makes_six_queries_too(
        self, api: APIClient, both: User, startups: list[Item], settings: Settings
    ) -> None:
        settings.MODEL_CHECK_SECONDS = 3600.0
        api.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            api.get(LIST, {"use_case": "developer_startup"})
        assert len(queries) <= 6, [query["sql"] for query in queries]


def als_rows(name: str) -> set[tuple[int, str, bool]]:
    """(item, type, success) of each row of the ALS dataset."""
    folder = generate_als_dataset(use_case=USE_CASES[name], progress=QUIET).folder
    rows = pq.read_table(Path(folder) / "data.parquet").to_pylist()
    return {(row["item_id"], row["type"], row["relevant"]) for row in rows}


class TestWhatTeachesWhichModel:
    def test_the_successes_of_a_role_are_its_own(self, both: User, startups: list[Item]) -> None:
        for item, name in zip(startups, ("like", "apply", "favorite", "interest"), strict=False):
            make_interaction(both, item, name)
        made = [item.pk for item in startups]
        assert als_rows("developer_startup") == {(made[0], "like", True), (made[1], "apply", True)}
        assert als_rows("investor_startup") == {(made[2], "favorite", True), (made[3], "interest", True)}

    def test_views_and_dislikes_go_with_their_list_and_without_one_to_both(
        self, both: User, startups: list[Item]
    ) -> None:
        listed = {
            name: recommend(user_id=both.pk, use_case=USE_CASES[name]).session_id for name in OF_ROLE.values()
        }
        viewed, turned_down, plain, plain_no = startups[:4]
        record_interaction(
            user_id=both.pk, item_id=viewed.pk, type_name="view", session_id=listed["investor_startup"]
        )
        save_dislike(
            user_id=both.pk, item=turned_down, reason="irrelevant", session_id=listed["developer_startup"]
        )
        record_interaction(user_id=both.pk, item_id=plain.pk, type_name="click")
        save_dislike(user_id=both.pk, item=plain_no, reason="irrelevant")
        # Nothing that a role does is on record, so what speaks for an item at all counts as a success.
        shared = {(plain.pk, "click", True), (plain_no.pk, "dislike", False)}
        assert als_rows("investor_startup") == {(viewed.pk, "view", True), *shared}
        assert als_rows("developer_startup") == {(turned_down.pk, "dislike", False), *shared}

    def test_a_success_counts_wherever_the_item_was_met(self, both: User, startups: list[Item]) -> None:
        listed = recommend(user_id=both.pk, use_case=INVESTORS).session_id
        item = startups[0]
        record_interaction(user_id=both.pk, item_id=item.pk, type_name="apply", session_id=listed)
        assert als_rows("developer_startup") == {(item.pk, "apply", True)}
        assert als_rows("investor_startup") == set()

    def test_films_take_in_everything(self, person: User) -> None:
        film = make_item()
        for name in ("view", "like", "favorite", "watched"):
            make_interaction(person, film, name)
        assert {name for _, name, _ in als_rows("movie_home")} == {"view", "like", "favorite", "watched"}

    def test_in_a_list_another_roles_act_is_no_label(self, both: User, startups: list[Item]) -> None:
        served = recommend(user_id=both.pk, use_case=DEVELOPERS)
        report_seen(user_id=both.pk, session_id=served.session_id, rank=3)
        first, second, third = (slot.item for slot in served.slots[:3])
        for item, name in ((first, "apply"), (second, "interest"), (third, "view")):
            record_interaction(user_id=both.pk, item_id=item.id, type_name=name, session_id=served.session_id)
        folder = generate_ranker_dataset(use_case=DEVELOPERS, progress=QUIET).folder
        rows = pq.read_table(Path(folder) / "data.parquet").to_pylist()
        assert [(row["item_id"], row["relevance"]) for row in rows] == [
            (first.id, 4),
            (second.id, 1),
            (third.id, 2),
        ]

    def test_popularity_is_a_role_s_own(self, both: User, startups: list[Item]) -> None:
        wanted_by_investors, wanted_by_developers = startups[:2]
        for user in (both, make_user(), make_user()):
            make_interaction(user, wanted_by_investors, "interest")
        make_interaction(both, wanted_by_developers, "apply")
        refresh_popularity()
        known = ItemPopularity.objects.values_list("use_case", "item_id", "score", "approvals")
        assert set(known) == {
            ("developer_startup", wanted_by_developers.pk, 1.0, 1),
            ("investor_startup", wanted_by_investors.pk, 1.0, 3),
        }

    def test_a_first_model_waits_for_something_of_its_own(self, both: User, startups: list[Item]) -> None:
        make_interaction(both, startups[0], "interest")
        assert decide(INVESTORS, timezone.now()).due
        assert not decide(DEVELOPERS, timezone.now()).due

    def test_features_of_the_past_know_only_the_role(self, both: User, startups: list[Item]) -> None:
        make_interaction(both, startups[0], "interest")
        make_interaction(both, startups[1], "apply")
        for name in OF_ROLE.values():
            RecommendationSession.objects.create(
                pk=uuid4(),
                user=both,
                use_case=name,
                method="elsewhere",
                recommendations_shown=[{"item_id": startups[2].pk, "rank": 1, "score": 0.5, "method": "x"}],
                created_at=timezone.now() + timedelta(days=1),
            )
            fill_in_features(
                use_case=USE_CASES[name], progress=QUIET, until=timezone.now() + timedelta(days=2)
            )
        place = FEATURES.index("history_size")
        for features in RecommendationSession.objects.values_list("features", flat=True):
            assert np.frombuffer(bytes(features or b""), dtype="<f4")[place] == pytest.approx(np.log1p(1))


class TestWhatIsKnownOfAPerson:
    def history(self, person: User, name: str) -> tuple[set[int], set[int]]:
        """(items that say something, items that are not shown again)"""
        state = load_person(person.pk, get_context(name), timezone.now())
        return set(state.item_ids.tolist()), set(state.excluded.tolist())

    def test_it_is_what_they_did_in_the_role(self, both: User, startups: list[Item]) -> None:
        applied, favorite, seen = (item.pk for item in startups[:3])
        for item_id, name in ((applied, "apply"), (favorite, "favorite"), (seen, "view")):
            record_interaction(user_id=both.pk, item_id=item_id, type_name=name)
        assert self.history(both, "developer_startup") == ({applied, seen}, {applied})
        assert self.history(both, "investor_startup") == ({favorite, seen}, {favorite})

    def test_a_no_in_one_role_is_a_no_in_the_other(self, both: User, startups: list[Item]) -> None:
        served = recommend(user_id=both.pk, use_case=INVESTORS)
        save_dislike(user_id=both.pk, item=startups[0], reason="other", session_id=served.session_id)
        for use_case in (DEVELOPERS, INVESTORS):
            shown = [slot.item.id for slot in recommend(user_id=both.pk, use_case=use_case).slots]
            assert startups[0].pk not in shown
            assert len(shown) == len(startups) - 1
