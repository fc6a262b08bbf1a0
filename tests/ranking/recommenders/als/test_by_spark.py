"""ALS by Spark: a cluster of two cores in this machine finds what implicit finds."""

import json

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pyspark.sql import SparkSession
from scipy.sparse import csr_matrix

from core.arrays import Doubles
from core.domain import USE_CASES
from interactions.models import UserInteraction
from ranking.models import ModelVersion
from ranking.recommenders.als.by_spark import solve_by_spark
from ranking.recommenders.als.file import load_als
from ranking.recommenders.als.model import AlsModel, AlsParameters, fit_als, score_all
from ranking.recommenders.als.train import TRAINER
from ranking.recommenders.offline import fold_in_history
from ranking.registry.versions import read_verified
from ranking.statistics.events import Events
from tests.factories import make_items, make_users, new_interaction
from tests.ranking.statistics.builders import dislike, like, make_events

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("spark")]

PLAIN = AlsParameters(confidence="plain", factors=8, iterations=10, alpha=4.0)


def tastes(seed: int = 0) -> tuple[Events, dict[int, list[int]]]:
    """Ninety people of three tastes with ten of thirty items each, and the three more that each will like."""
    rng = np.random.default_rng(seed)
    rows, later = [], {}
    for person in range(90):
        own = 30 * (person % 3) + rng.permutation(30)
        rows += [like(person, int(item)) for item in own[:10]]
        rows.append(dislike(person, int((own[0] + 30) % 90)))
        later[person] = own[10:13].tolist()
    return make_events(rows), later


def found(model: AlsModel, events: Events, later: dict[int, list[int]]) -> Doubles:
    """The share of what each person will like among the first 20 items they have not met."""
    shares = []
    for person, wanted in later.items():
        history = events.select(events.user_ids == person)
        scores = score_all(model, fold_in_history(model, history))
        scores[np.isin(model.item_ids, history.item_ids)] = -np.inf
        best = model.item_ids[np.argsort(-scores)[:20]]
        shares.append(np.isin(wanted, best).mean())
    return np.array(shares)


@pytest.fixture(scope="module")
def models(spark: SparkSession) -> tuple[AlsModel, AlsModel]:
    """The models of the same events, here and by Spark."""
    events, _ = tastes()
    here = fit_als(events, PLAIN, seed=1, threads=1)
    return here, fit_als(events, PLAIN, seed=1, solve=solve_by_spark)


def test_it_finds_what_implicit_finds(models: tuple[AlsModel, AlsModel]) -> None:
    here, there = (found(model, *tastes()).mean() for model in models)
    assert here > 0.5
    assert there > 0.98 * here


def test_scores_are_of_the_same_size(models: tuple[AlsModel, AlsModel]) -> None:
    """Folding in expects factors of this length: what was liked comes near 1 by both."""
    events, _ = tastes()
    history = events.select(events.user_ids == 0)
    liked = history.item_ids[history.weights > 0]
    here, there = (
        score_all(model, fold_in_history(model, history))[model.rows_of(liked)].mean() for model in models
    )
    assert there == pytest.approx(here, rel=0.1)


def test_an_item_that_is_in_no_pair_has_no_factors() -> None:
    pairs = csr_matrix((np.array([3.0, 2.0], dtype=np.float32), ([0, 1], [0, 2])), shape=(2, 3))
    factors = solve_by_spark(pairs, factors=2, regularization=0.1, iterations=2, seed=0, progress=None)
    assert factors.shape == (3, 2)
    assert factors.any(axis=1).tolist() == [True, False, True]


def test_a_confidence_below_one_is_refused() -> None:
    pairs = csr_matrix(np.array([[0.5, 2.0]], dtype=np.float32))
    with pytest.raises(ValueError, match="no confidence below 1"):
        solve_by_spark(pairs, factors=2, regularization=0.1, iterations=2, seed=0, progress=None)


def make_log() -> None:
    """Twelve people of two tastes over twelve days."""
    films = make_items(12)
    people = make_users(12)
    UserInteraction.objects.bulk_create(
        new_interaction(person, films[6 * (number % 2) + (number + place) % 6], "like", day=float(3 * place))
        for number, person in enumerate(people)
        for place in range(4)
    )


@pytest.mark.django_db
def test_the_command_registers_a_candidate_of_which_the_next_search_can_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_log()
    call_command("generate_als_dataset", quiet=True)
    capsys.readouterr()
    call_command("train_als", json=True, quiet=True, engine="spark", factors=4, iterations=3)
    assert json.loads(capsys.readouterr().out)["version"] == "als-movie_home-1"
    version = ModelVersion.objects.get()
    kept = version.hyper_parameters
    assert (kept["engine"], kept["confidence"], kept["confidence_given"]) == ("spark", "plain", False)
    assert load_als(read_verified(version)).item_factors.shape == (12, 4)
    assert TRAINER.parameters(kept).factors == 4
    assert USE_CASES[version.use_case].kind == "movie"


@pytest.mark.django_db
def test_the_damped_form_is_refused_in_one_sentence() -> None:
    make_log()
    call_command("generate_als_dataset", quiet=True)
    with pytest.raises(CommandError, match="no confidence below 1"):
        call_command("train_als", quiet=True, engine="spark", confidence="damped", alpha=0.1)
