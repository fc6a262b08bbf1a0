"""Words about dislikes, in an arm of an experiment where these hold nothing back, and in others."""

from collections.abc import Mapping

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from experiments.services import ArmPlan, create_experiment, start_experiment, stop_experiment
from feedback.effect import strength_of
from feedback.wording import _RECORDED
from interactions.services import record_interaction
from ranking.models import Experiment
from serving.live import refresh_now
from serving.pipeline import recommend
from tests.factories import make_item, make_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def films() -> list[Item]:
    return [make_item(f"Film {number}", genres=["Drama"]) for number in range(5)]


def run_experiment(
    *,
    feedback: bool = True,
    boosts: bool = True,
    use_case: str = "movie_home",
    policy: Mapping[str, object] | None = None,
) -> Experiment:
    """Everybody is in an arm in which dislikes act or do not, and taste boosts or does not."""
    arms = [ArmPlan(name, feedback=feedback, boosts=boosts, policy=policy or {}) for name in ("one", "other")]
    experiment = create_experiment(name=f"try-{use_case.replace('_', '-')}", use_case=use_case, arms=arms)
    start_experiment(experiment=experiment)
    refresh_now(use_case)
    return experiment


def say_no(api: APIClient, film: Item) -> dict[str, object]:
    body = {"item_id": film.pk, "reason": "wrong_genre"}
    answer = api.post(f"/api/movies/{film.pk}/dislike", body, format="json")
    assert answer.status_code == 201, answer.content
    found: dict[str, object] = answer.json()
    return found


def penalties(person: User) -> set[float]:
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=10)
    return {slot.boost.penalty for slot in served.slots}


@pytest.mark.parametrize("feedback", [True, False])
def test_the_answer_to_a_dislike_says_what_the_next_list_does(
    api: APIClient, person: User, films: list[Item], feedback: bool
) -> None:
    run_experiment(feedback=feedback)
    answer = say_no(api, films[0])
    adjustments = answer["feature_adjustments"]
    assert isinstance(adjustments, dict)
    if feedback:
        assert answer["message"] == f"{_RECORDED} From now on: less Drama, −15 %."
        assert adjustments["genre_adjustments"] == {"Drama": pytest.approx(-0.15)}
        assert all(penalty < 1.0 for penalty in penalties(person))
    else:
        assert answer["message"] == _RECORDED
        assert adjustments["genre_adjustments"] == {}
        assert penalties(person) == {1.0}


@pytest.mark.parametrize(
    ("strength", "told", "strongest"), [(2, "−27.8 %", "−27.8 %"), (0.5, "−7.8 %", "−15 %")]
)
def test_dislikes_of_another_strength_are_told_by_what_they_do(
    api: APIClient,
    browserless: Client,
    person: User,
    films: list[Item],
    strength: float,
    told: str,
    strongest: str,
) -> None:
    """The page speaks of all kinds of items, so of the strongest; dislikes act as usual in other lists."""
    run_experiment(policy={"dislikes_strength": strength})
    answer = say_no(api, films[0])
    assert answer["message"] == f"{_RECORDED} From now on: less Drama, {told}."
    assert strongest in browserless.get("/feedback/").content.decode()
    (penalty,) = penalties(person)
    assert penalty == pytest.approx(0.85**strength, abs=1e-3)


def test_dislikes_of_no_strength_are_told_to_hold_nothing_back(api: APIClient, films: list[Item]) -> None:
    run_experiment(policy={"dislikes_strength": 0})
    assert say_no(api, films[0])["message"] == _RECORDED


@pytest.mark.parametrize("address", ["/feedback/", "/taste/"])
def test_the_pages_say_in_which_lists_nothing_is_held_back(
    api: APIClient, browserless: Client, films: list[Item], address: str
) -> None:
    experiment = run_experiment(feedback=False)
    say_no(api, films[0])
    shown = browserless.get(address).content.decode()
    assert "Drama" in shown
    assert ", but not among films" in shown
    stop_experiment(experiment=experiment)
    refresh_now("movie_home")
    shown = browserless.get(address).content.decode()
    assert "but not among" not in shown


def test_where_nothing_is_held_back_anywhere_the_pages_name_nothing(
    api: APIClient, browserless: Client, films: list[Item]
) -> None:
    for use_case in USE_CASES:
        run_experiment(feedback=False, use_case=use_case)
    say_no(api, films[0])
    assert "Nothing is held back now." in browserless.get("/feedback/").content.decode()
    assert "Held back" not in browserless.get("/taste/").content.decode()


def test_a_dislike_without_a_script_is_confirmed_by_what_it_does(
    browserless: Client, person: User, films: list[Item]
) -> None:
    run_experiment(feedback=False)
    body = {"reason": "wrong_genre", "next": "/feedback/"}
    page = browserless.post(f"/items/{films[0].pk}/dislike/", body, follow=True).content.decode()
    assert "From now on: " not in page
    assert penalties(person) == {1.0}


def test_in_half_of_a_kinds_lists_it_is_said() -> None:
    """Developers' lists of start-ups hold nothing back, investors' do."""
    make_items(2, kind="startup")
    run_experiment(feedback=False, use_case="developer_startup")
    assert strength_of(1, "startup") == 1.0
    run_experiment(feedback=False, use_case="investor_startup")
    assert strength_of(1, "startup") == 0.0


@pytest.mark.parametrize("boosts", [True, False])
def test_alpha_is_that_of_the_list(api: APIClient, person: User, films: list[Item], boosts: bool) -> None:
    run_experiment(boosts=boosts)
    for film in films[:2]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="view")
    told = api.get("/api/recommendations/personalized/movies").json()
    alpha = told["personalization"]["personalized_alpha"]
    assert told["personalization"]["alpha_adjusted"] is boosts
    assert (alpha < 0.7) is boosts
    assert any(slot["boost_multiplier"] > 1.0 for slot in told["recommendations"]) is boosts
