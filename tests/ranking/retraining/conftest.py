"""Small models, and people with films to train on."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from accounts.models import User
from catalog.models import Item
from ranking.recommenders.ranker import train as ranker_train
from ranking.recommenders.ranker.model import RankerParameters
from tests.factories import make_items
from tests.ranking.retraining.builders import make_people

FAST = RankerParameters(rounds=10, num_leaves=4, min_data_in_leaf=5, early_stopping=5)


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(GATE_MIN_PEOPLE=5, RECOMMENDATION_SESSION_DAYS=100_000),
    ):
        patch.setattr(ranker_train, "JOINT_PARAMETERS", FAST)
        patch.setattr(ranker_train, "BOOTSTRAP_PARAMETERS", FAST)
        patch.setattr(ranker_train, "MIN_LISTS", 10)
        yield


@pytest.fixture
def films() -> list[Item]:
    """The first ten are of one taste, the others of the other."""
    return make_items(20)


@pytest.fixture
def people(films: list[Item]) -> list[User]:
    return make_people(films)
