"""`train KIND`: any kind that learns from events, from its dataset to a version that serves."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from core.domain import USE_CASES
from interactions.models import UserInteraction
from ranking.models import ModelVersion
from ranking.registry.loading import load_version
from ranking.registry.versions import activate_version
from serving.live import get_context
from serving.pipeline import recommend
from tests.factories import make_interaction, make_item, make_items, make_user, make_users, new_interaction

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


@pytest.fixture
def log(person: User) -> list[int]:
    """Two tastes; the person likes two items of the first."""
    items = make_items(12)
    done = [
        new_interaction(user, item, day=number)
        for number, user in enumerate(make_users(24))
        for item in (items[:6] if number % 2 else items[6:])
    ]
    UserInteraction.objects.bulk_create(done)
    for item in items[:2]:
        make_interaction(person, item, day=30)
    call_command("generate_als_dataset", quiet=True)
    return [item.pk for item in items]


def train(capsys: pytest.CaptureFixture[str], *arguments: str) -> ModelVersion:
    capsys.readouterr()
    call_command("train", "item_knn", *arguments, "--json")
    label = json.loads(capsys.readouterr().out)["version"]
    return next(version for version in ModelVersion.objects.all() if version.label == label)


def test_it_trains_a_version_that_serves_and_explains(
    log: list[int], person: User, capsys: pytest.CaptureFixture[str]
) -> None:
    version = train(capsys, "--set", "neighbors=5")
    assert version.label == "item_knn-movie_home-1"
    assert version.hyper_parameters["neighbors"] == 5
    # Its say beside other models: whoever was evaluated on likes the other half of their own six.
    assert version.quality == version.metrics["calibration"]["quality"] > 0.5
    assert load_version(version).quality == version.quality
    activate_version(version=version, why="test")
    # In no use case of the shipped file: the version is active, and no list asks for it.
    assert "item_knn" not in get_context("movie_home").recommenders
    assert recommend(user_id=person.pk, use_case=MOVIES, limit=3).model_version == ""


def test_it_searches_for_better_hyper_parameters(log: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert train(capsys, "--tune", "2").hyper_parameters["neighbors"] >= 20


def test_it_reads_the_facets_of_the_catalog_where_the_kind_needs_them(
    person: User, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everybody stays with the genre that they began with: nothing but the facets tells what comes next."""
    genres = ("drama", "comedy", "crime", "western")
    items = [make_item(genres=[genres[number % 4]]) for number in range(80)]
    for number in range(40):
        user = make_user()
        for step in range(5):
            make_interaction(user, items[(number + 4 * (step + 3 * (number // 8))) % 80], day=number + step)
    call_command("generate_als_dataset", quiet=True)
    capsys.readouterr()
    call_command("train", "content", "--json")
    version = ModelVersion.objects.get(kind="content")
    assert version.label in capsys.readouterr().out
    model = load_version(version).model
    assert model.approved[0] > 2.0
    assert version.metrics["calibration"]["slope"] > 0
    assert version.quality is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("item_knn", "--set", "depth=5"), "item_knn has no 'depth'; it has b, k1, neighbors"),
        (("item_knn", "--set", "neighbors=0"), "at least 1"),
        (("item_knn", "--set", "neighbors=many"), "not supported|neighbors"),
        (("two_tower",), "train_two_tower"),
        (("popular",), "invalid choice"),
        (("item_knn", "--set", "neighbors"), "NAME=VALUE"),
    ],
)
def test_what_cannot_be_is_told(log: list[int], arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("train", *arguments)
