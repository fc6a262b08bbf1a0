"""The answer to why an item is not in a list: how likely a no is, and what others said against it."""

from dataclasses import replace

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.models import Dislike
from feedback.patterns import reasons_against
from feedback.services import save_dislike, undo_dislike
from interactions.services import record_interaction
from ranking.recommenders.training import event_trainer_of
from ranking.registry.versions import activate_version
from ranking.scoring import refusal_chances
from serving.live import forget_state
from serving.looking import look, why_not
from tests.factories import make_items, make_user, make_version
from tests.ranking.recommenders.kinds import opposite_tastes

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


@pytest.fixture
def movies(person: User) -> list[Item]:
    """Of two tastes: who likes the first six turns the others down. The person likes one."""
    items = make_items(12)
    trainer = event_trainer_of("verdict")
    assert trainer is not None
    events = replace(
        opposite_tastes(), item_ids=np.array([one.pk for one in items])[opposite_tastes().item_ids]
    )
    model = trainer.fit_events(events, trainer.parameters({}), seed=0, progress=None)
    activate_version(version=make_version(trainer.dump(model), kind="verdict"), why="made by a test")
    record_interaction(user_id=person.pk, item_id=items[0].pk, type_name="like")
    return items


def answer(person: User, item: Item) -> str:
    forget_state()
    return " ".join(why_not(look(user_id=person.pk, use_case=MOVIES, limit=1), item))


def refuse(item: Item, *reasons: str) -> list[Dislike]:
    return [save_dislike(user_id=make_user().pk, item=item, reason=reason).dislike for reason in reasons]


def test_the_chance_of_a_no_and_its_cost_are_those_of_the_score(person: User, movies: list[Item]) -> None:
    said = answer(person, movies[11])
    found = look(user_id=person.pk, use_case=MOVIES, limit=1)
    chance, other = refusal_chances(found.request, np.array([movies[11].pk, movies[1].pk])).tolist()
    assert chance > other
    assert f"once they look at it is {chance:.0%}: base score × {1.0 - chance:.3f}." in said
    assert "people turned it down" not in said


def test_what_others_said_against_it_is_told_of_three_and_more(person: User, movies: list[Item]) -> None:
    refuse(movies[11], "wrong_genre", "poor_quality")
    assert "people turned it down" not in answer(person, movies[11])
    given = refuse(movies[11], "poor_quality")
    assert "3 people turned it down, most often for “Poorly made” (2)." in answer(person, movies[11])
    undo_dislike(user_id=given[0].user_id, dislike_id=given[0].pk)
    assert reasons_against(item_id=movies[11].pk) == [("poor_quality", 1), ("wrong_genre", 1)]


def test_without_a_share_or_a_model_nothing_is_said(
    person: User, movies: list[Item], settings: Settings
) -> None:
    settings.REFUSAL_SHARE = 0.0
    assert "turn it down" not in answer(person, movies[11])


def test_it_takes_seven_queries_at_most(person: User, movies: list[Item]) -> None:
    refuse(movies[11], "wrong_genre", "wrong_genre", "poor_quality")
    found = look(user_id=person.pk, use_case=MOVIES, limit=1)
    with CaptureQueriesContext(connection) as queries:
        why_not(found, movies[11])
    assert len(queries) <= 7
