"""Experiments at work: who gets which lists, what the record says, how they start and end."""

import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from core.errors import Conflict, HeedError, InvalidInput
from experiments.services import (
    ArmPlan,
    create_experiment,
    start_experiment,
    stop_experiment,
    switch_off_arm,
)
from feedback.effect import in_force
from feedback.services import save_dislike
from interactions.popularity import refresh_popularity
from ranking.assignment import Allocation, assign
from ranking.models import Arm, Experiment, ModelVersion, new_salt
from ranking.registry.versions import ModelFileError, reject_version
from recommendations.models import RecommendationSession
from serving.live import StateHolder, forget_state, get_context, get_state, refresh_now
from serving.pipeline import ServedList, recommend
from tests.factories import (
    make_active_als,
    make_als_bytes,
    make_interaction,
    make_item,
    make_items,
    make_user,
    make_users,
    make_version,
)

MOVIES = USE_CASES["movie_home"]


class TestAssignment:
    @given(
        st.integers(1, 2**63 - 1),
        st.floats(0.01, 1.0),
        st.lists(st.floats(0.01, 1000.0), min_size=2, max_size=10),
    )
    def test_a_person_is_always_in_the_same_arm(
        self, user_id: int, share: float, weights: list[float]
    ) -> None:
        allocation = Allocation("salt", share, tuple(weights))
        arm = assign(user_id, allocation)
        assert arm is None or 0 <= arm < len(weights)
        assert assign(user_id, Allocation("salt", share, tuple(weights))) == arm

    def test_people_fall_into_the_arms_by_their_weights(self) -> None:
        allocation = Allocation(new_salt(), 0.5, (1.0, 2.0, 1.0))
        arms = Counter(assign(user_id, allocation) for user_id in range(40_000))
        expected = {None: 0.5, 0: 0.125, 1: 0.25, 2: 0.125}
        # Five standard errors of the largest.
        for arm, share in expected.items():
            assert arms[arm] / 40_000 == pytest.approx(share, abs=5 * np.sqrt(0.25 / 40_000))

    def test_experiments_draw_independently_of_each_other(self) -> None:
        first, second = Allocation("one", 1.0, (1.0, 1.0)), Allocation("two", 1.0, (1.0, 1.0))
        pairs = Counter((assign(n, first), assign(n, second)) for n in range(20_000))
        for pair in pairs:
            assert pairs[pair] / 20_000 == pytest.approx(0.25, abs=5 * np.sqrt(0.1875 / 20_000))

    def test_taking_part_says_nothing_about_the_arm(self) -> None:
        whole, part = Allocation("salt", 1.0, (1.0, 1.0)), Allocation("salt", 0.2, (1.0, 1.0))
        for user_id in range(500):
            assert assign(user_id, part) in (None, assign(user_id, whole))


pytestmark = pytest.mark.django_db


def draft(
    *arms: ArmPlan, name: str = "trial", use_case: str = "movie_home", share: float = 1.0
) -> Experiment:
    plans = arms or (ArmPlan("feedback"), ArmPlan("no-feedback", feedback=False))
    return create_experiment(name=name, use_case=use_case, arms=plans, share=share)


def running(*arms: ArmPlan) -> Experiment:
    return start_experiment(experiment=draft(*arms))


def person_in(experiment: Experiment, arm: str) -> User:
    """Somebody who is drawn to this arm."""
    names = [one.name for one in experiment.arms.all()]
    allocation = Allocation(experiment.salt, experiment.share, tuple(1.0 for _ in names))
    while True:
        user = make_user()
        drawn = assign(user.pk, allocation)
        if drawn is not None and names[drawn] == arm:
            return user


def serve(user: User, limit: int = 5) -> ServedList:
    return recommend(user_id=user.pk, use_case=MOVIES, limit=limit)


def arm_on_record(served: ServedList) -> str:
    return RecommendationSession.objects.get(pk=served.session_id).experiment_arm


@pytest.fixture
def films(db: None) -> list[Item]:
    return [make_item(genres=["Crime"]), make_item(genres=["Comedy"])]


def test_without_an_experiment_no_list_names_an_arm(films: list[Item], person: User) -> None:
    draft()
    assert arm_on_record(serve(person)) == ""


def test_each_list_says_the_arm_it_was_made_by(films: list[Item]) -> None:
    experiment = running()
    people = make_users(12)
    arms = [arm_on_record(serve(user)) for user in people]
    assert set(arms) == {"trial/feedback", "trial/no-feedback"}
    forget_state()
    assert [arm_on_record(serve(user)) for user in people] == arms
    stop_experiment(experiment=experiment)
    assert {arm_on_record(serve(user)) for user in people} == {""}


def test_who_does_not_take_part_gets_the_usual_lists(films: list[Item]) -> None:
    start_experiment(experiment=draft(share=0.5))
    arms = Counter(arm_on_record(serve(make_user()))[:6] for _ in range(30))
    assert set(arms) == {"", "trial/"}


def test_another_use_case_is_not_touched(films: list[Item], person: User) -> None:
    start_experiment(experiment=draft(use_case="drama_home"))
    assert arm_on_record(serve(person)) == ""


def test_dislikes_hold_back_in_one_arm_only_and_what_is_disliked_is_gone_in_both() -> None:
    experiment = running()
    disliked, like_them = make_items(4, genres=["Crime"]), make_item(genres=["Crime"])
    multipliers = {}
    for arm in ("feedback", "no-feedback"):
        user = person_in(experiment, arm)
        for item in disliked:
            save_dislike(user_id=user.pk, item=item, reason="wrong_genre")
        served = serve(user, limit=100)
        assert [slot.item.id for slot in served.slots] == [like_them.pk]
        multipliers[arm] = served.slots[0].multiplier
    assert multipliers["feedback"] < 1.0
    assert multipliers["no-feedback"] == 1.0


def test_dislikes_of_twice_the_strength_act_as_two_and_are_told_so(films: list[Item]) -> None:
    experiment = running(ArmPlan("usual"), ArmPlan("twice", policy={"dislikes_strength": 2}))
    disliked, like_it = make_item(genres=["Crime"]), make_item(genres=["Crime"])
    multipliers, told = {}, {}
    for arm in ("usual", "twice"):
        user = person_in(experiment, arm)
        saved = save_dislike(user_id=user.pk, item=disliked, reason="wrong_genre")
        multipliers[arm] = next(s.multiplier for s in serve(user, limit=100).slots if s.item.id == like_it.pk)
        (told[arm],) = [one.delta for one in in_force(saved.deltas, user_id=user.pk, kind="movie")]
    assert multipliers["usual"] == pytest.approx(0.85, abs=1e-4)
    assert multipliers["twice"] == pytest.approx(0.85**2, abs=1e-4)
    assert told == {"usual": -0.15, "twice": pytest.approx(0.85**2 - 1.0, abs=1e-4)}


def test_taste_boosts_in_one_arm_only(settings: Settings) -> None:
    settings.BOOST_STRENGTH = 1.0
    experiment = running(ArmPlan("boosted"), ArmPlan("plain", boosts=False))
    liked, like = make_items(6, genres=["Crime"]), make_item(genres=["Crime"])
    boosts = {}
    for arm in ("boosted", "plain"):
        user = person_in(experiment, arm)
        for item in liked:
            make_interaction(user, item, "favorite")
        served = serve(user)
        boosts[arm] = next(slot.boost.taste for slot in served.slots if slot.item.id == like.pk)
    assert boosts["boosted"] > 1.0
    assert boosts["plain"] == 1.0


def test_an_arm_explores_by_its_own_share_and_logs_it(settings: Settings) -> None:
    settings.EXPLORATION_SHARE = 0.0
    make_items(60)
    experiment = running(ArmPlan("usual"), ArmPlan("bold", exploration_share=0.5))
    bold = serve(person_in(experiment, "bold"), limit=20)
    usual = serve(person_in(experiment, "usual"), limit=20)
    assert any(slot.method == "exploration" for slot in bold.slots)
    assert not any(slot.method == "exploration" for slot in usual.slots)
    shown = RecommendationSession.objects.get(pk=bold.session_id).recommendations_shown
    assert {slot["propensity"] for slot in shown[1:]} == {0.5, 0.5 / 35}


def test_any_field_of_the_policy_can_be_what_an_arm_tries() -> None:
    popular, new = (
        make_item(published_at="2001-01-01T00:00:00Z"),
        make_item(published_at="2020-01-01T00:00:00Z"),
    )
    make_interaction(make_user(), popular)
    refresh_popularity(use_case="movie_home")
    experiment = running(ArmPlan("usual"), ArmPlan("new-first", policy={"sources": ["fresh"]}))
    first = {arm: serve(person_in(experiment, arm)).slots[0] for arm in ("usual", "new-first")}
    assert (first["usual"].item.id, first["usual"].source) == (popular.pk, "popular")
    assert (first["new-first"].item.id, first["new-first"].source) == (new.pk, "fresh")


def test_an_arm_serves_the_model_version_that_it_names(person: User) -> None:
    group = make_items(6)
    active = make_active_als([[item.pk for item in group]], seed=1)
    candidate = make_version(make_als_bytes([[item.pk for item in group]], seed=2))
    experiment = running(ArmPlan("active"), ArmPlan("candidate", versions=[candidate]))
    labels = {}
    for arm in ("active", "candidate"):
        user = person_in(experiment, arm)
        make_interaction(user, group[0])
        labels[arm] = serve(user).model_version
    assert labels == {"active": active.label, "candidate": candidate.label}
    # To everybody else, and to /ready, the active one serves as before.
    assert get_context("movie_home").models.label() == active.label


def test_an_arm_that_names_no_version_follows_the_active_one() -> None:
    group = make_items(6)
    experiment = running()
    user = person_in(experiment, "no-feedback")
    make_interaction(user, group[0])
    for seed in (1, 2):
        version = make_active_als([[item.pk for item in group]], seed=seed)
        served = serve(user)
        assert (served.model_version, arm_on_record(served)) == (version.label, "trial/no-feedback")


def test_a_refresh_that_finds_nothing_new_reads_no_file_and_changes_nothing() -> None:
    candidate = make_version(make_als_bytes([[item.pk for item in make_items(3)]]))
    running(ArmPlan("usual"), ArmPlan("candidate", versions=[candidate]))
    state = StateHolder("movie_home")
    before = state.get()
    (Path(django_settings.MODEL_DIR) / candidate.file).unlink()
    state.refresh()
    assert state.get() is before


def test_a_request_makes_no_query_for_an_experiment(settings: Settings, person: User) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    group = make_items(6)
    candidate = make_version(make_als_bytes([[item.pk for item in group]]))
    running(ArmPlan("usual"), ArmPlan("candidate", versions=[candidate]))
    serve(person)
    # Of somebody who was served before the taste is known.
    for user, asked in ((person, 3), (make_user(), 4), (make_user(), 4), (make_user(), 4)):
        with CaptureQueriesContext(connection) as queries:
            serve(user)
        assert len(queries) == asked, [query["sql"] for query in queries]


def test_no_answer_tells_the_arm(films: list[Item], api: APIClient, browserless: Client) -> None:
    running(ArmPlan("secret-one"), ArmPlan("secret-other"))
    address = "/api/recommendations/personalized/movies"
    # Nobody chooses an arm by saying so.
    assert api.get(f"{address}?experiment_arm=trial/secret-other").status_code == 400
    answer = api.get(address)
    assert answer.status_code == 200
    session = RecommendationSession.objects.get(pk=answer.json()["recommendation_session_id"])
    assert session.experiment_arm.startswith("trial/secret-")
    assert "secret-" not in answer.content.decode()
    assert "secret-" not in browserless.get("/").content.decode()


def test_an_arm_that_is_switched_off_gets_the_usual_lists_and_moves_nobody(films: list[Item]) -> None:
    experiment = running()
    people = make_users(12)
    before = [arm_on_record(serve(user)) for user in people]
    switch_off_arm(arm=experiment.arms.get(name="no-feedback"))
    after = [arm_on_record(serve(user)) for user in people]
    assert after == ["" if arm == "trial/no-feedback" else arm for arm in before]


def test_in_this_process_an_arm_is_off_at_once_whatever_the_pause_between_looks(
    films: list[Item], settings: Settings, django_capture_on_commit_callbacks: object
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    experiment = running()
    user = person_in(experiment, "no-feedback")
    assert arm_on_record(serve(user)) == "trial/no-feedback"
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        switch_off_arm(arm=experiment.arms.get(name="no-feedback"))
    assert arm_on_record(serve(user)) == ""


def test_another_process_follows_at_its_next_refresh(films: list[Item], settings: Settings) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    elsewhere = StateHolder("movie_home")
    experiment = running()
    user = person_in(experiment, "no-feedback")
    assert elsewhere.get().for_person(user.pk).arm == "trial/no-feedback"
    stop_experiment(experiment=experiment)
    assert elsewhere.get().for_person(user.pk).arm == "trial/no-feedback"
    elsewhere.refresh()
    assert elsewhere.get().for_person(user.pk).arm == ""


def test_refreshing_what_was_never_served_reads_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        refresh_now("movie_home")
    assert len(queries) == 0


def test_a_model_that_is_lost_while_it_runs_gives_the_usual_lists_and_is_told(
    films: list[Item], client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    candidate = make_version(make_als_bytes([[item.pk for item in films]]))
    experiment = running(ArmPlan("usual"), ArmPlan("candidate", versions=[candidate]))
    user = person_in(experiment, "candidate")
    assert arm_on_record(serve(user)) == "trial/candidate"
    (Path(django_settings.MODEL_DIR) / candidate.file).unlink()
    # A process that has the model in memory goes on.
    assert arm_on_record(serve(user)) == "trial/candidate"
    forget_state()
    with caplog.at_level(logging.ERROR):
        assert arm_on_record(serve(user)) == ""
    assert "trial/candidate" in caplog.text
    assert arm_on_record(serve(person_in(experiment, "usual"))) == "trial/usual"
    ready = client.get("/ready").json()
    assert ready["status"] == "degraded"
    assert "trial/candidate serves the usual lists" in ready["use_cases"]["movie_home"]["problem"]


def test_an_experiment_is_started_once_and_stopped_for_good() -> None:
    experiment = running()
    with pytest.raises(Conflict, match="only a draft"):
        start_experiment(experiment=experiment)
    arm = experiment.arms.all()[1]
    switch_off_arm(arm=arm)
    with pytest.raises(Conflict, match="switched off already"):
        switch_off_arm(arm=arm)
    stop_experiment(experiment=experiment)
    with pytest.raises(Conflict, match="only one that runs"):
        stop_experiment(experiment=experiment)
    with pytest.raises(Conflict, match="no arm of it is on"):
        switch_off_arm(arm=experiment.arms.all()[0])
    with pytest.raises(Conflict, match="only a draft"):
        start_experiment(experiment=experiment)


def test_two_experiments_at_once_would_mix_and_are_refused() -> None:
    running()
    second = draft(name="second")
    with pytest.raises(Conflict, match="Another experiment runs in movie_home"):
        start_experiment(experiment=second)
    second.refresh_from_db()
    assert second.status == Experiment.Status.DRAFT
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.filter(pk=second.pk).update(status="running")
    start_experiment(experiment=draft(name="dramas", use_case="drama_home"))


def versions_for(case: str) -> list[ModelVersion]:
    data = make_als_bytes([[1, 2, 3]])
    match case:
        case "of another use case":
            return [make_version(data, use_case="drama_home")]
        case "two of one kind":
            return [make_version(data), make_version(make_als_bytes([[1, 2]]))]
        case "missing":
            version = make_version(data)
            (Path(django_settings.MODEL_DIR) / version.file).unlink()
            return [version]
        case "damaged":
            version = make_version(data)
            (Path(django_settings.MODEL_DIR) / version.file).write_bytes(data[:-1])
            return [version]
        case "rejected":
            return [reject_version(version=make_version(data), why="worse")]
        case _:
            return [make_version(b"whole, and no model")]


@pytest.mark.parametrize(
    ("case", "error", "words"),
    [
        ("of another use case", InvalidInput, "is a model of drama_home"),
        ("two of one kind", InvalidInput, "two versions of als"),
        ("missing", ModelFileError, "cannot be read"),
        ("damaged", ModelFileError, "not the file that was registered"),
        ("rejected", Conflict, "was rejected"),
        ("no model", ModelFileError, "cannot be used"),
    ],
)
def test_a_version_that_cannot_serve_is_refused_at_the_start(
    case: str, error: type[HeedError], words: str
) -> None:
    experiment = draft(ArmPlan("usual"), ArmPlan("new", versions=versions_for(case)))
    with pytest.raises(error, match=words):
        start_experiment(experiment=experiment)
    experiment.refresh_from_db()
    assert experiment.status == Experiment.Status.DRAFT


@pytest.mark.parametrize("how_many", [0, 1, 11])
def test_an_experiment_needs_arms_to_compare(how_many: int) -> None:
    plans = [ArmPlan(f"arm-{number}") for number in range(how_many)]
    experiment = create_experiment(name="trial", use_case="movie_home", arms=plans)
    with pytest.raises(InvalidInput, match="2 to 10 arms"):
        start_experiment(experiment=experiment)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (ArmPlan("a", weight=0.0), "weight"),
        (ArmPlan("a", weight=float("inf")), "weight"),
        (ArmPlan("a", exploration_share=0.6), "exploration"),
        (ArmPlan("a", policy={"popularity_share": 1.5}), "popularity_share must be a number from 0 to 1"),
        (ArmPlan("a", policy={"sources": ["als", "als"]}), "sources must be some of als"),
        (
            ArmPlan("a", policy={"candidates_per_source": True}),
            "must be a whole number",
        ),
        (ArmPlan("a", policy={"dislikes_hold_back": 0}), "dislikes_hold_back must be true or false"),
        (ArmPlan("a", policy={"dislikes_strength": 4.5}), "dislikes_strength must be a number from 0 to 4"),
        (ArmPlan("a", policy={"dislikes_strength": True}), "dislikes_strength must be a number from 0 to 4"),
        (ArmPlan("a", policy={"boost": 1.0}), "A policy has no 'boost'; it has sources"),
        (ArmPlan("a/b"), "slug"),
        (ArmPlan("same"), "already exists"),
    ],
)
def test_an_arm_outside_its_range_is_refused_with_a_sentence(plan: ArmPlan, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        draft(ArmPlan("same"), plan)
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="share of people"):
        draft(share=share)


def test_an_unknown_use_case_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidInput, match="no use case"):
        start_experiment(experiment=draft(use_case="nothing"))


def test_two_salts_are_never_the_same() -> None:
    assert draft(name="one").salt != draft(name="two").salt


def test_the_label_of_the_longest_names_fits_into_the_session() -> None:
    longest = "x" * 48
    experiment = start_experiment(
        experiment=create_experiment(
            name=longest, use_case="movie_home", arms=[ArmPlan("y" * 48), ArmPlan("z" * 48)]
        )
    )
    served = serve(make_user())
    label = arm_on_record(served)
    assert label in {arm.label for arm in Arm.objects.filter(experiment=experiment)}
    field = RecommendationSession._meta.get_field("experiment_arm")
    assert len(label) <= (field.max_length or 0)


def test_an_arm_that_was_off_before_a_moment_stays_off(films: list[Item]) -> None:
    experiment = running()
    started = experiment.started_at
    assert started is not None
    switch_off_arm(arm=experiment.arms.all()[0], now=started + timedelta(days=1))
    forget_state()
    assert get_state("movie_home").arms[0] is None
