"""Worlds with nothing to learn from or to evaluate on: each command says why, with its exit code."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.models import UserInteraction
from ranking.datasets.shortage import why_nothing_to_learn
from tests.factories import EPOCH, make_interaction, make_items, make_user

pytestmark = pytest.mark.django_db
YET = "There is nothing to learn from yet: "


def history(
    type_name: str = "like", *, kind: str = "movie", rating: float | None = None, **fields: Any
) -> None:
    """Six people who did one thing with ten items each, one after another."""
    items = make_items(10, kind=kind, **fields)
    for number in range(6):
        person = make_user()
        for place in range(10):
            item = items[(place + number) % 10]
            make_interaction(person, item, type_name, day=place + number / 10, rating=rating)


def nothing_at_all() -> None:
    """An empty installation."""


def items_alone() -> None:
    make_items(3)


def taken_back() -> None:
    history()
    UserInteraction.objects.update(withdrawn_at=timezone.now())


def excluded_as_abuse() -> None:
    items, person = make_items(3), make_user()
    for item in items:
        save_dislike(user_id=person.pk, item=item, reason="not_interested", occurred_at=EPOCH)
    Dislike.objects.update(review_state=Dislike.ReviewState.EXCLUDED)


def of_discounted_accounts() -> None:
    history()
    User.objects.update(discounted_at=timezone.now())


def to_come() -> None:
    history()
    UserInteraction.objects.update(occurred_at=timezone.now() + timedelta(days=400))


def of_another_role() -> None:
    history("favorite", kind="startup")


def removals_alone() -> None:
    history("watchlist_remove")


def dislikes_alone() -> None:
    history("dislike")


WORLDS: list[tuple[Callable[[], None], str]] = [
    (nothing_at_all, "the catalog has no films. Import them first, with import_items."),
    (items_alone, "nobody did anything with films. A history comes in with import_interactions."),
    (taken_back, "of 60 interactions with films all were taken back."),
    (excluded_as_abuse, "of 3 interactions with films staff excluded all as abuse."),
    (
        of_discounted_accounts,
        "of 60 interactions with films staff discounted the accounts that did all.",
    ),
    (to_come, "of 60 interactions with films all are dated after "),
    (
        of_another_role,
        "of 60 interactions with start-ups all are another role's, and none counts in developer",
    ),
    (removals_alone, "of 60 interactions with films none speaks for an item (60 × taken off the watchlist)."),
    (dislikes_alone, "of 60 interactions with films none speaks for an item (60 × "),
]


def answer(command: str, *arguments: str) -> tuple[int, str]:
    """The exit code and what is said."""
    out = io.StringIO()
    try:
        call_command(command, *arguments, stdout=out, stderr=io.StringIO())
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


@pytest.mark.parametrize(("world", "why"), WORLDS, ids=[world.__name__ for world, _ in WORLDS])
def test_the_true_cause_is_told(world: Callable[[], None], why: str) -> None:
    world()
    use_case = ["--use-case", "developer_startup"] if world is of_another_role else []
    code, said = answer("retrain", *use_case)
    assert code == 1
    assert said.startswith(YET + why)
    code, said_if_needed = answer("retrain", "--if-needed", *use_case)
    assert code == 0
    assert YET + why in said_if_needed
    code, bootstrapped = answer("generate_ranker_dataset", "--bootstrap", *use_case)
    if world is not dislikes_alone:
        assert code == 1
        assert bootstrapped.startswith(YET + why)
    assert answer("generate_als_dataset", *use_case)[0] == 0
    code, said = answer("evaluate_models", *use_case)
    assert code == 0
    assert "There is nobody and nothing to evaluate on. " in said
    code, said = answer("train_als", *use_case)
    assert code == 1
    assert said.startswith(f"{YET}none of the dataset's ")


def test_of_a_mixed_log_the_last_ground_is_told() -> None:
    history()
    UserInteraction.objects.filter(item=Item.objects.first()).update(withdrawn_at=timezone.now())
    UserInteraction.objects.filter(withdrawn_at=None).update(weight=0.0, type="watchlist_remove")
    said = why_nothing_to_learn(USE_CASES["movie_home"], timezone.now())
    assert said == (
        f"{YET}of 54 interactions with films that would count otherwise none speaks for an item "
        "(54 × taken off the watchlist)."
    )


def test_where_no_item_is_active_no_list_could_hold_one() -> None:
    history()
    Item.objects.update(is_active=False)
    why = "None of the films in the catalog is active, so no list could hold one. Make some active."
    assert answer("retrain") == (1, why)
    assert answer("generate_als_dataset")[0] == 0
    assert answer("train_als", "--factors", "2", "--iterations", "2")[0] == 0
    code, said = answer("evaluate_models", "--since", "2090-01-02")
    assert code == 0
    assert f"There is nobody and nothing to evaluate on. {why}" in said


def test_a_history_of_one_moment_says_so() -> None:
    history()
    UserInteraction.objects.update(occurred_at=EPOCH)
    code, said = answer("retrain")
    assert code == 1
    assert said == (
        f"{YET}all 60 interactions are of one moment, 2026-01-01 00:00 UTC, and a model is evaluated on what "
        "came after what it learned from. Import them with the times at which they happened."
    )
    code, said = answer("evaluate_models")
    assert code == 0
    assert (
        "There is nobody and nothing to evaluate on. All 60 interactions have one and the same moment" in said
    )


@pytest.mark.parametrize(
    ("since", "why"),
    [
        ("2000-01-01", "Nothing that happened before 2000-01-01 00:00 UTC speaks for an item"),
        ("2090-01-01", "Nobody did anything since 2090-01-01 00:00 UTC. Wait for more feedback."),
    ],
)
def test_a_moment_with_nothing_on_one_side_says_so(since: str, why: str) -> None:
    history()
    generate = answer("generate_als_dataset")
    assert generate[0] == 0
    code, said = answer("evaluate_models", "--since", since)
    assert code == 0
    assert f"There is nobody and nothing to evaluate on. {why}" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [{"year": 2090}, {"published_at": EPOCH + timedelta(days=9000)}, {"year": 2026}, {}],
    ids=["a later year", "a later date", "the year of the log", "no date"],
)
def test_whatever_the_dates_say_what_was_met_can_be_evaluated(
    settings: Settings, fields: dict[str, Any]
) -> None:
    settings.GATE_MIN_PEOPLE = 1
    history(**fields)
    code, said = answer("retrain")
    assert code == 0
    assert "als-movie_home-1" in said
    code, said = answer("evaluate_models")
    assert code == 0
    assert "NDCG@10: " in said
