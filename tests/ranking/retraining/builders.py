"""A world with two tastes to retrain in, by hand or shared by the tests of a module."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES, USE_CASES
from core.progress import Progress
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.models import UserInteraction
from ranking.features import FEATURE_SET, FEATURES
from ranking.models import ModelVersion
from ranking.registry.versions import activate_version, register_version
from ranking.retraining import retrain as retraining
from ranking.retraining.publishing import RetrainSummary
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_als_bytes, new_user

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
NOW = EPOCH + timedelta(days=40)
PEOPLE = 16
# Of the run that tests share.
SEED = 4


@dataclass(frozen=True, slots=True, eq=False)
class Retrained:
    """A world after one run with SEED.

    films    the first ten are of one taste, the others of the other
    before   the ALS version that served before the run
    folder   holds the folders of models, datasets, reports and locks
    """

    films: list[Item]
    before: ModelVersion
    summary: RetrainSummary
    folder: Path


@contextmanager
def rolled_back(blocker: DjangoDbBlocker, folder: Path) -> Iterator[None]:
    """Database rows that last until the end of the block, and folders of their own.

    Tests that run inside it with the mark `django_db` see the rows, and their own changes end with them:
    pytest-django gives each a savepoint.
    """
    with blocker.unblock(), transaction.atomic(), override_settings(**folders_in(folder)):
        yield
        transaction.set_rollback(True)


def folders_in(folder: Path) -> dict[str, Path]:
    """Settings of the folders where models, datasets, reports and locks are."""
    return {f"{name.upper()[:-1]}_DIR": folder / name for name in ("models", "datasets", "reports", "locks")}


def make_people(films: list[Item]) -> list[User]:
    """Sixteen people, each of one taste; for 36 days each is shown a list now and then, and likes from it."""
    rng = np.random.default_rng(3)
    people = User.objects.bulk_create([new_user(f"p{number}") for number in range(PEOPLE)])
    lists, likes = [], []
    for number, person in enumerate(people):
        own, other = (films[:10], films[10:]) if number % 2 else (films[10:], films[:10])
        order = rng.permutation(10)
        for place in range(9):
            day = 4 * place + float(rng.uniform(0, 3))
            liked, passed = own[order[place]], other[int(rng.integers(10))]
            shown = make_list(person, [passed, liked] if place % 2 else [liked, passed], day)
            lists.append(shown)
            likes.append(
                UserInteraction(
                    user=person, item=liked, type="like", weight=TYPES["like"].training_weight(None),
                    occurred_at=shown.created_at + timedelta(minutes=1), recommendation_session=shown,
                )
            )  # fmt: skip
    RecommendationSession.objects.bulk_create(lists)
    UserInteraction.objects.bulk_create(likes)
    return people


def make_list(person: User, items: list[Item], day: float) -> RecommendationSession:
    features = np.random.default_rng(person.pk).random((len(items), len(FEATURES)), dtype=np.float32)
    shown = [
        {
            "item_id": item.pk, "rank": rank, "score": 0.5, "base_score": 0.5, "method": "popularity",
            "source": "popular", "source_score": 0.5, "propensity": 1.0,
        }
        for rank, item in enumerate(items, 1)
    ]  # fmt: skip
    return RecommendationSession(
        user=person,
        use_case="movie_home",
        method="popularity",
        recommendations_shown=shown,
        features=features.astype("<f4").tobytes(),
        feature_set=FEATURE_SET,
        seen_rank=len(items),
        created_at=EPOCH + timedelta(days=day),
    )


def serve(
    films: list[Item], groups: Callable[[int], int] = lambda place: place % 2, day: float = 8
) -> ModelVersion:
    """An active ALS version that knows the log up to a day; by default it mixes up the two tastes."""
    ids = [[film.pk for place, film in enumerate(films) if groups(place) == group] for group in range(2)]
    version = register_version(
        kind="als",
        use_case="movie_home",
        data=make_als_bytes(ids),
        dataset_manifest={"window_end": (EPOCH + timedelta(days=day)).isoformat()},
        hyper_parameters={"factors": 4, "iterations": 5, "negatives": "keep", "of_the_past": 1},
        metrics={},
        why="made by a test",
    )
    return activate_version(version=version, why="made by a test")


def say_no(person: User, item: Item, day: float, reason: str = "not_interested", **fields: Any) -> Dislike:
    moment = EPOCH + timedelta(days=day)
    return save_dislike(user_id=person.pk, item=item, reason=reason, occurred_at=moment, **fields).dislike


def run(*kinds: str, **options: Any) -> RetrainSummary:
    """One run: of the kinds named, where a test is about no other, or of all that the use case trains.

    Each kind that is trained is evaluated beside the others, so one kind costs a fifth of all.
    """
    use_case = replace(MOVIES, models=kinds) if kinds else MOVIES
    wanted = {"use_case": use_case, "if_needed": False, "seed": 0, "progress": QUIET, "now": NOW}
    return retraining.retrain(**{**wanted, **options})


def of(kind: str) -> ModelVersion:
    """The newest version of a kind."""
    return ModelVersion.objects.filter(kind=kind).order_by("-version")[0]
