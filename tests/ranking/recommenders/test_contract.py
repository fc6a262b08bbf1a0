"""The contract of `ranking.recommenders.base`: every kind of the registry is tried here by being in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from core.domain import USE_CASES
from ranking.context import ScoringContext
from ranking.feature_rows import features_of
from ranking.person import PersonState
from ranking.policy import Policy
from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Recommender
from ranking.recommenders.registry import RECOMMENDERS, RETRIEVING, TRAINED
from ranking.recommenders.text.store import write_texts
from ranking.recommenders.training import event_trainer_of, trainer_of
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.request import RankingRequest
from ranking.scoring import rank, retrieve, score_items
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import demand_of
from ranking.statistics.events import Events
from ranking.tastes import liked_facets
from tests.factories import ranker_bytes, tower_bytes
from tests.ranking.builders import person_with
from tests.ranking.recommenders.kinds import (
    BYTES,
    FOR_EVERYBODY,
    opposite_tastes,
    taste_of_facets,
    texts_of_both_sides,
)
from tests.ranking.statistics.builders import make_content, two_tastes

MOVIES = USE_CASES["movie_home"]
NOW = 1e9
# Items 0 to 5 and 6 to 11 of `two_tastes`, and two that nobody met.
ITEMS = range(14)
LEFT, RIGHT = range(6), range(6, 12)


@pytest.fixture(autouse=True)
def _texts() -> None:
    """Gives the kind that learns from texts some."""
    write_texts(texts_of_both_sides())


every_kind = pytest.mark.parametrize("name", RECOMMENDERS)
every_retriever = pytest.mark.parametrize("name", RETRIEVING)
every_model = pytest.mark.parametrize("name", TRAINED)


def catalog_of(item_ids: range | list[int] = ITEMS, *, facets: bool = True) -> CatalogSnapshot:
    """Two genres, as the tastes are; the two newest items have one each."""
    genre = {item: 0 if item in LEFT or item == 12 else 1 for item in ITEMS}
    content = make_content(
        [(genre[item],) if facets else () for item in item_ids],
        groups=["genre", "genre"] if facets else [],
        item_ids=list(item_ids),
        published=[float(item) for item in item_ids],
    )
    events = two_tastes()
    demand = demand_of(events, content.item_ids, half_life_days=365.0)
    return CatalogSnapshot.build(content, demand, np.arange(content.facets.shape[1]))


def context_of(name: str, catalog: CatalogSnapshot | None = None) -> ScoringContext:
    """The kind alone, with a model of its own where it is trained."""
    models = ModelSet({name: LoadedModel(1, name, load(name, BYTES[name]()))} if name in TRAINED else {})
    sources = [name] if name in RETRIEVING else ["popular"]
    policy = Policy.of(MOVIES).changed({"sources": sources})
    return ScoringContext.of(MOVIES, catalog or catalog_of(), models, policy)


def load(name: str, data: bytes) -> Any:
    parse = TRAINED[name].load
    assert parse is not None
    return parse(data)


def somebody(excluded: Sequence[int] = ()) -> PersonState:
    """A person who likes items of the left taste, by what they did and by what is believed of them."""
    person = person_with([(0, 2.0), (1, 2.0), (9, -1.0)], excluded=list(excluded) or [0, 1, 9])
    return taste_of_facets(person, {0: 0.9})


@dataclass(frozen=True)
class Answer:
    """A recommender with the representation of somebody."""

    recommender: Recommender[Any]
    representation: Any


def answer_of(name: str, person: PersonState | None = None) -> Answer:
    recommender = context_of(name).recommenders[name]
    representation = recommender.represent(person or somebody())
    assert representation is not None
    return Answer(recommender, representation)


@every_kind
def test_its_entry_is_complete(name: str) -> None:
    kind = RECOMMENDERS[name]
    assert kind.name == name
    assert kind.label
    assert kind.method
    assert kind.orders or kind.why.endswith(".")
    if kind.is_trained:
        assert trainer_of(name).kind == name


@every_retriever
def test_it_brings_the_taste_of_the_person_best_first(name: str) -> None:
    one = answer_of(name)
    brought = one.recommender.retrieve(one.representation, 4, Barred(np.array([0, 1, 9])))
    assert 0 < len(brought.item_ids) <= 4
    assert len(set(brought.item_ids.tolist())) == len(brought.item_ids)
    assert (np.diff(brought.scores) <= 0).all()
    assert ((brought.scores > 0) & (brought.scores <= 1)).all()
    if name not in FOR_EVERYBODY:
        assert set(brought.item_ids.tolist()) <= {*LEFT, 12} - {0, 1}


@pytest.mark.slow
@every_retriever
@pytest.mark.parametrize("barred", [[], [2], [2, 3, 4, 5, 12], list(ITEMS)])
def test_it_brings_nothing_barred_and_nothing_outside_of_the_catalog(name: str, barred: list[int]) -> None:
    catalog = catalog_of([item for item in ITEMS if item not in (3, 8)])
    recommender = context_of(name, catalog).recommenders[name]
    representation = recommender.represent(somebody())
    brought = recommender.retrieve(representation, 1000, Barred(np.array(barred, dtype=np.int64)))
    assert not set(brought.item_ids.tolist()) & {3, 8, *barred}


@every_retriever
def test_a_score_is_that_of_the_list_and_unknown_items_have_none(name: str) -> None:
    one = answer_of(name)
    brought = one.recommender.retrieve(one.representation, 1000, Barred(np.array([0])))
    asked = np.append(brought.item_ids[::-1], 999)
    scores = one.recommender.score(one.representation, asked)
    np.testing.assert_array_equal(scores[:-1][::-1], brought.scores)
    assert np.isnan(scores[-1])
    known = scores[~np.isnan(scores)]
    assert (known >= one.recommender.floor(one.representation) - 1e-12).all()
    assert 0 < one.recommender.floor(one.representation) <= 1


@every_retriever
def test_it_explains_each_item_by_what_is_the_persons(name: str) -> None:
    person = somebody()
    one = answer_of(name, person)
    found = one.recommender.explain(one.representation, np.array([2, 12, 999]))
    assert len(found) == 3
    for evidence in found:
        if evidence is not None:
            assert evidence.strength > 0
            assert evidence.item_id is None or evidence.item_id in person.item_ids
            assert (evidence.item_id is None) != (evidence.facets == ())
    assert found[2] is None


@every_retriever
def test_likeness_is_between_two_items_and_unknown_where_it_cannot_tell(name: str) -> None:
    one = answer_of(name)
    alike = one.recommender.similarities(np.array([0, 6, 999]), np.array([1, 999]))
    assert alike.shape == (3, 2)
    assert np.isnan(alike[2]).all()
    assert np.isnan(alike[:, 1]).all()
    known = alike[~np.isnan(alike)]
    assert ((known >= -1.0 - 1e-6) & (known <= 1.0 + 1e-6)).all()
    if len(known):
        assert alike[0, 0] > alike[1, 0]


@every_retriever
def test_somebody_without_a_history_is_no_error(name: str) -> None:
    recommender = context_of(name).recommenders[name]
    representation = recommender.represent(person_with())
    if name in FOR_EVERYBODY:
        nothing = Barred(np.empty(0, dtype=np.int64))
        assert len(recommender.retrieve(representation, 3, nothing).item_ids) == 3
    else:
        assert representation is None


@every_kind
@pytest.mark.parametrize("items", [0, 1])
@pytest.mark.parametrize("facets", [True, False])
def test_a_catalog_of_next_to_nothing_is_no_error(name: str, items: int, facets: bool) -> None:
    context = context_of(name, catalog_of(list(range(items)), facets=facets))
    for person in (person_with(), somebody([9]), somebody([0, 1, 9])):
        request = RankingRequest.of(person, context, NOW)
        pool = rank(request, retrieve(request))
        assert len(pool) <= items
        assert not np.isnan(pool.base_scores).any()


@every_kind
def test_what_an_empty_catalog_lacks_can_be_asked_about(name: str) -> None:
    context = context_of(name, catalog_of([]))
    asked, unknown = np.array([0, 5, 999]), np.array([998, 999])
    for person in (person_with(), somebody()):
        request = RankingRequest.of(person, context, NOW)
        assert np.isnan(score_items(request, asked).base).all()
        assert np.isnan(features_of(request, asked)).all()
        for kind, representation in request.representations.items():
            recommender = context.recommenders[kind]
            assert len(recommender.explain(representation, asked)) == 3
            assert np.isnan(recommender.score(representation, unknown)).all()
            assert recommender.similarities(asked, unknown).shape == (3, 2)
            assert 0 < recommender.floor(representation) <= 1
        assert liked_facets(asked, person.taste.taste, person.taste.taste.scores, context.catalog) == [()] * 3


@every_kind
def test_nothing_given_to_it_is_changed(name: str) -> None:
    context, person = context_of(name), somebody()
    arrays = (person.item_ids, person.weights, person.excluded, context.catalog.item_ids)
    before = [array.tolist() for array in arrays]
    request = RankingRequest.of(person, context, NOW)
    rank(request, retrieve(request))
    assert [array.tolist() for array in arrays] == before


@every_model
def test_its_file_gives_the_same_scores_to_the_bit(name: str) -> None:
    data = BYTES[name]()
    again = trainer_of(name).dump(load(name, data))
    assert again == data
    orders = []
    for one in (data, again):
        models = ModelSet({name: LoadedModel(1, name, load(name, one))})
        request = RankingRequest.of(somebody(), ScoringContext.of(MOVIES, catalog_of(), models), NOW)
        orders.append(rank(request, retrieve(request)))
    assert orders[0].item_ids.tolist() == orders[1].item_ids.tolist()
    assert orders[0].base_scores.tobytes() == orders[1].base_scores.tobytes()


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def with_more(data: bytes) -> bytes:
    return data + b"\0" * 8


def of_another_kind(data: bytes) -> bytes:
    return data.replace(b'\\"kind\\": \\"', b'\\"kind\\": \\"x', 1)


DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "nonsense": lambda data: b"PK\x03\x04" + data,
    "cut": cut,
    "longer": with_more,
    "a header that says too much": lambda data: (2**63 - 1).to_bytes(8, "little") + data[8:],
    "of another kind": of_another_kind,
    "an older format": lambda data: b'{"format": "heed-ranker", "version": 1}\ntree\n',
}


@every_model
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_with_a_sentence(name: str, damage: str) -> None:
    with pytest.raises(ArtifactError, match=r".{10}"):
        load(name, DAMAGES[damage](BYTES[name]()))


@every_model
@pytest.mark.parametrize("other", TRAINED)
def test_the_file_of_another_kind_is_refused(name: str, other: str) -> None:
    if other != name:
        with pytest.raises(ArtifactError):
            load(name, BYTES[other]())


@pytest.mark.slow
@every_model
def test_equal_events_and_seed_give_an_equal_model(name: str) -> None:
    trainer = event_trainer_of(name)
    if trainer is None:
        return
    events = opposite_tastes()
    files = {
        trainer.dump(trainer.fit_events(events, trainer.parameters({}), seed=7, progress=None))
        for _ in range(2)
    }
    assert len(files) == 1


@every_model
@pytest.mark.parametrize("people", [1, 24])
def test_it_can_be_fitted_on_one_item_and_one_person(name: str, people: int) -> None:
    trainer = event_trainer_of(name)
    if trainer is None:
        return
    events = Events(
        user_ids=np.arange(people),
        item_ids=np.full(people, 4),
        weights=np.full(people, 2.0, dtype=np.float32),
        times=np.arange(people, dtype=np.float64),
        relevant=np.ones(people, dtype=np.bool_),
    )
    model = trainer.fit_events(events, trainer.parameters({}), seed=0, progress=None)
    models = ModelSet({name: LoadedModel(1, name, load(name, trainer.dump(model)))})
    request = RankingRequest.of(somebody(), ScoringContext.of(MOVIES, catalog_of(), models), NOW)
    assert not np.isnan(rank(request, retrieve(request)).base_scores).any()


@pytest.mark.slow
@every_model
def test_the_known_answer_comes_first(name: str) -> None:
    """Each of the first twelve people likes all of the left items but one: that one is theirs."""
    trainer = event_trainer_of(name)
    if trainer is None:
        return
    model = trainer.fit_events(opposite_tastes(), trainer.parameters({}), seed=0, progress=None)
    context = ScoringContext.of(
        MOVIES,
        catalog_of(),
        ModelSet({name: LoadedModel(1, name, model)}),
        Policy.of(MOVIES).changed({"sources": [name]}),
    )
    for missing in LEFT:
        person = person_with([(item, 2.0) for item in LEFT if item != missing], excluded=[])
        request = RankingRequest.of(person, context, NOW)
        history = np.array([item for item in LEFT if item != missing])
        brought = context.recommenders[name].retrieve(request.representations[name], 1, Barred(history))
        assert brought.item_ids.tolist() == [missing]


def test_a_two_tower_model_of_a_catalog_without_facets_can_be_read() -> None:
    data = tower_bytes([[1, 2], [3]], facets={})
    assert trainer_of("two_tower").dump(load("two_tower", data)) == data


def test_the_ranker_orders_what_the_others_bring() -> None:
    context = context_of("ranker")
    assert context.ranker is not None
    assert load("ranker", ranker_bytes()).booster.num_trees() > 0
