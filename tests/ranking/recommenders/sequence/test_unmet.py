"""Items that nobody met: the log says how they are placed, and texts count where they tell something."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from django.core.management import call_command

from core.arrays import Floats
from ranking.item_content import ItemContent
from ranking.models import ModelVersion
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.sequence import unmet
from ranking.recommenders.sequence.data import SequenceParameters, Sequences
from ranking.recommenders.sequence.model import KINDS, Layers, SequenceModel
from ranking.recommenders.sequence.train import TRAINER
from ranking.recommenders.sequence.unmet import with_unmet
from ranking.recommenders.text.model import DIMENSIONS, Axes
from ranking.recommenders.text.store import Texts, write_texts
from ranking.registry.loading import load_version
from ranking.snapshot import read_snapshot
from ranking.statistics.events import Events
from ranking.statistics.split import holdout
from tests.factories import make_interaction, make_item, make_user
from tests.ranking.builders import person_with
from tests.ranking.statistics.builders import Row, like, make_content, make_events

SIZE, TEXT, ITEMS, MET = 8, 4, 100, 80


def model_of(vectors: Floats) -> SequenceModel:
    """A model of items 0, 1, …, whose layers let the last event pass: people ask for what is like it."""
    size = vectors.shape[1]

    def still(*shape: int) -> Floats:
        return np.zeros(shape, dtype=np.float32)

    return SequenceModel(
        item_ids=np.arange(len(vectors)),
        item_vectors=vectors,
        item_biases=np.linspace(-1, 0, len(vectors), dtype=np.float32),
        kind_scales=still(KINDS, size) + 1,
        kind_shifts=still(KINDS, size),
        layers=Layers(
            attention_norm=still(1, 2, size),
            inputs=still(1, size + 1, 3 * size),
            outputs=still(1, size + 1, size),
            distances=still(1, 2, 5),
            feed_norm=still(1, 2, size),
            hidden=still(1, size + 1, 4 * size),
            back=still(1, 4 * size + 1, size),
        ),
        last_norm=np.stack([np.ones(size), np.zeros(size)]).astype(np.float32),
    )


def drawn(*shape: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# What each item is by its text, and the vectors that follow from it.
TEXTS = drawn(ITEMS, TEXT, seed=1)
VECTORS = TEXTS @ drawn(TEXT, SIZE, seed=2) + 0.1 * drawn(ITEMS, SIZE, seed=3)
ONE_FACET = make_content([(0,)] * ITEMS, groups=["genre"])
NO_TEXTS = np.zeros((ITEMS, 0), dtype=np.float32)


@cache
def choices_of_what_is_alike() -> Events:
    """80 people, each of whom likes what is most like one item, in a drawn order."""
    rng = np.random.default_rng(4)
    near = np.argsort(-(VECTORS[:MET] @ VECTORS[:MET].T), axis=1)[:, :9]
    rows: list[Row] = []
    for person in range(MET):
        rows += [
            like(person, item, float(step))
            for step, item in enumerate(rng.permutation(near[person]).tolist())
        ]
    events = make_events(rows)
    missing = np.setdiff1d(np.arange(MET), events.item_ids)
    return Events.join([events, make_events([like(MET + item, item) for item in missing.tolist()])])


def placed(texts: Floats, content: ItemContent = ONE_FACET, seed: int = 0) -> SequenceModel:
    return with_unmet(model_of(VECTORS[:MET]), choices_of_what_is_alike(), content, texts, seed=seed)


def test_texts_that_tell_what_items_are_like_are_taken_and_place_new_items_near_the_truth() -> None:
    model = placed(TEXTS)
    report = json.loads(model.unmet)
    assert report["texts"]["taken"]
    assert report["texts"]["ndcg"] > 1.5 * report["plain"]["ndcg"]
    assert model.item_ids.tolist() == list(range(ITEMS))
    np.testing.assert_array_equal(model.item_vectors[:MET], VECTORS[:MET])
    of_new = [np.corrcoef(model.item_vectors[item], VECTORS[item])[0, 1] for item in range(MET, ITEMS)]
    assert np.mean(of_new) > 0.9
    np.testing.assert_array_equal(model.item_biases[MET:], np.median(model.item_biases[:MET]))


@pytest.mark.parametrize("seed", range(5))
def test_texts_that_tell_nothing_are_refused_and_the_plain_way_adds_no_item(seed: int) -> None:
    noise = drawn(ITEMS, TEXT, seed=100 + seed)
    model = placed(noise, seed=seed)
    report = json.loads(model.unmet)
    assert not report["texts"]["taken"]
    assert not report["facets"]["taken"]
    np.testing.assert_array_equal(model.item_ids, np.arange(MET))


def of_one_telling_facet(telling: int, others: int, of: int, seed: int) -> SequenceModel:
    """Each item's vector follows from one facet; it has `others` more of `of`, which say nothing."""
    rng = np.random.default_rng(seed)
    tells = np.arange(ITEMS) % telling
    chances = np.arange(1, of + 1) / np.arange(1, of + 1).sum()
    facets = [
        (tell, *(telling + rng.choice(of, others, replace=False, p=chances)).tolist())
        for tell in tells.tolist()
    ]
    content = make_content(facets, groups=["genre"] * (telling + of))
    vectors = 2 * rng.normal(size=(telling, SIZE))[tells[:MET]] + 0.1 * rng.normal(size=(MET, SIZE))
    rows: list[Row] = []
    for person in range(100):
        alike = rng.permutation(np.flatnonzero(tells[:MET] == person % telling))
        rows += [like(person, item, float(step)) for step, item in enumerate(alike.tolist())]
    return with_unmet(model_of(vectors.astype(np.float32)), make_events(rows), content, NO_TEXTS, seed=0)


@pytest.mark.parametrize("seed", range(3))
def test_a_regression_finds_which_of_many_facets_tells(seed: int) -> None:
    model = of_one_telling_facet(5, 10, 60, seed)
    report = json.loads(model.unmet)
    assert report["facets"]["taken"]
    assert "texts" not in report
    assert model.item_ids.tolist() == list(range(ITEMS))


@pytest.mark.parametrize("seed", range(3))
def test_a_regression_that_has_too_little_to_learn_from_leaves_the_plain_way(seed: int) -> None:
    """Four items have each telling facet."""
    model = of_one_telling_facet(20, 8, 40, seed)
    report = json.loads(model.unmet)
    assert report["facets"]["gain"]["high"] < 0
    np.testing.assert_array_equal(model.item_ids, np.arange(MET))


def test_an_item_without_a_text_or_a_known_facet_is_not_placed() -> None:
    texts = TEXTS.copy()
    texts[MET : MET + 2] = 0
    facets = [(0,)] * MET + [(1,)] * (ITEMS - MET)
    facets[MET + 1] = (0,)
    content = make_content(facets, groups=["genre", "genre"])
    model = placed(texts, content)
    assert np.setdiff1d(np.arange(ITEMS), model.item_ids).tolist() == [MET]


def test_with_too_few_people_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmet, "FEWEST_PEOPLE", MET + 1)
    model = placed(TEXTS)
    assert "too few people" in json.loads(model.unmet)["why_not"]
    np.testing.assert_array_equal(model.item_ids, np.arange(MET))


def test_where_everybody_met_everything_nothing_is_asked() -> None:
    content = make_content([(0,)] * MET, groups=["genre"])
    assert placed(TEXTS[:MET], content).unmet == ""


def test_equal_input_and_seed_give_an_equal_model() -> None:
    first, second = placed(TEXTS), placed(TEXTS)
    np.testing.assert_array_equal(first.item_vectors, second.item_vectors)
    assert first.unmet == second.unmet


def test_what_is_asked_about_was_held_back_and_comes_after_what_is_known() -> None:
    held_back = np.arange(MET) % 5 == 0
    sequences = Sequences.of(choices_of_what_is_alike(), np.arange(MET))
    asked = list(unmet.choices_among(sequences, held_back))
    assert len(asked) > 50
    for place, before in asked:
        assert held_back[sequences.items[place]]
        assert not held_back[sequences.items[before]].any()
        assert (sequences.people[before] == sequences.people[place]).all()
        assert (before < place).all()
    people = sequences.people[[place for place, _ in asked]]
    assert np.bincount(people).max() == unmet.MOST_CHOICES


# --- by training ----------------------------------------------------------------------------------------

TWO_TOPICS = np.eye(2, DIMENSIONS, dtype=np.float32)
SMALL = SequenceParameters(dimensions=8, length=6, epochs=20, dropout=0.1, learning_rate=0.02)


def write_vectors(item_ids: list[int], vectors: Floats) -> None:
    axes = Axes(np.zeros(DIMENSIONS, dtype=np.float32), np.eye(DIMENSIONS, dtype=np.float32))
    ids = np.array(item_ids)
    write_texts(Texts(ids, ids, vectors, axes, "by hand"))


def topics(people: int = 60, items: int = 40) -> Events:
    """Half of the people like even items, half odd ones."""
    rng = np.random.default_rng(5)
    rows: list[Row] = []
    for person in range(people):
        chosen = 2 * rng.choice(items // 2, 10, replace=False) + person % 2
        rows += [like(person, item, float(step)) for step, item in enumerate(chosen.tolist())]
    return make_events(rows)


def test_items_that_nobody_met_change_nothing_in_what_a_score_means() -> None:
    events = topics()
    met = len(np.unique(events.item_ids))
    write_vectors(list(range(met + 4)), TWO_TOPICS[np.arange(met + 4) % 2])
    content = make_content([()] * (met + 4), groups=[])
    later = holdout(events, 7.0, 100.0)
    trainer = TRAINER.over(content)
    earlier = trainer.fit_events(later.training, SMALL, seed=0, progress=None)
    assert len(earlier.item_ids) == met + 4
    rows = np.isin(earlier.item_ids, later.training.item_ids)
    bare = replace(
        earlier,
        item_ids=earlier.item_ids[rows],
        item_vectors=earlier.item_vectors[rows],
        item_biases=earlier.item_biases[rows],
    )
    with_them, told = trainer.calibrated(earlier, earlier, later, seed=0)
    without, told_bare = trainer.calibrated(bare, bare, later, seed=0)
    assert told == told_bare
    assert (with_them.slope, with_them.intercept) == (without.slope, without.intercept) != (1.0, 0.0)


def trained_by_command(described: bool) -> tuple[SequenceModel, list[int]]:
    """The model of the newest version, and two new items, of the first topic and of the second."""
    items = [make_item(f"Film {place}", description="") for place in range(42)]
    events = topics()
    users = [make_user() for _ in range(60)]
    for user, item, time in zip(
        events.user_ids.tolist(), events.item_ids.tolist(), events.times.tolist(), strict=True
    ):
        make_interaction(users[user], items[item], day=time + 20 * user / 60)
    if described:
        write_vectors([item.pk for item in items], TWO_TOPICS[np.arange(42) % 2])
    call_command("generate_als_dataset", quiet=True)
    chosen = [
        f"{name}={getattr(SMALL, name)}" for name in ("dimensions", "length", "epochs", "learning_rate")
    ]
    call_command("train", "sequence", "--quiet", *(part for one in chosen for part in ("--set", one)))
    version = ModelVersion.objects.get(kind="sequence")
    told = version.hyper_parameters["unmet"]
    assert ("texts" in told) == described
    if described:
        assert told["texts"]["taken"]
    model: SequenceModel = load_version(version).model
    return model, [item.pk for item in items]


@pytest.mark.slow
@pytest.mark.django_db
def test_the_command_places_new_items_by_their_texts() -> None:
    model, items = trained_by_command(described=True)
    serving = TRAINED["sequence"].build(model, read_snapshot("movie_home"))
    for topic in (0, 1):
        person = serving.represent(person_with([(items[topic], 2.0), (items[topic + 2], 2.0)]))
        scores = serving.score(person, np.array(items[40:]))
        assert scores[topic] > scores[1 - topic]


@pytest.mark.slow
@pytest.mark.django_db
def test_without_texts_and_facets_the_command_places_nothing() -> None:
    model, items = trained_by_command(described=False)
    assert np.isin(model.item_ids, items[:40]).all()
    serving = TRAINED["sequence"].build(model, read_snapshot("movie_home"))
    person = serving.represent(person_with([(items[0], 2.0)]))
    assert np.isnan(serving.score(person, np.array(items[40:]))).all()
