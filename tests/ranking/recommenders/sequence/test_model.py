"""Serving by hand: what is read, what a new item gets, and how a damaged file is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load
from scipy.sparse import csr_matrix

from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.sequence.data import shares_of
from ranking.recommenders.sequence.file import dump_sequence, load_sequence
from ranking.recommenders.sequence.model import (
    APPROVED,
    KINDS,
    REFUSED,
    SEEN,
    Layers,
    SequenceModel,
    kinds_of,
    person_vector,
    score_all,
)
from ranking.recommenders.sequence.recommender import KIND
from tests.ranking.builders import person_with
from tests.ranking.recommenders.files import header_of, rewritten
from tests.ranking.recommenders.test_contract import catalog_of


def random_model(*, items: int = 14, size: int = 8, layers: int = 2, seed: int = 0) -> SequenceModel:
    """A model of items 0, 1, …, its numbers drawn; five events are read by two heads."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> Any:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    return SequenceModel(
        item_ids=np.arange(items),
        item_vectors=drawn(items, size),
        item_biases=drawn(items),
        kind_scales=drawn(KINDS, size),
        kind_shifts=drawn(KINDS, size),
        layers=Layers(
            attention_norm=drawn(layers, 2, size),
            inputs=drawn(layers, size + 1, 3 * size),
            outputs=drawn(layers, size + 1, size),
            distances=drawn(layers, 2, 5),
            feed_norm=drawn(layers, 2, size),
            hidden=drawn(layers, size + 1, 4 * size),
            back=drawn(layers, 4 * size + 1, size),
        ),
        last_norm=drawn(2, size),
    )


MODEL = random_model()
DATA = dump_sequence(MODEL)


def test_a_weight_says_whether_something_was_approved_seen_or_refused() -> None:
    kinds = kinds_of(np.array([3.0, 2.0, 1.9, 0.5, 0.0, -0.5]))
    assert kinds.tolist() == [APPROVED, APPROVED, SEEN, SEEN, SEEN, REFUSED]


def test_the_last_events_alone_are_read() -> None:
    rows, kinds = np.arange(9), np.arange(9) % KINDS
    whole = person_vector(MODEL, rows, kinds)
    np.testing.assert_array_equal(whole, person_vector(MODEL, rows[-5:], kinds[-5:]))
    assert not np.allclose(whole, person_vector(MODEL, rows[-4:], kinds[-4:]))


def test_order_and_kind_of_an_event_count() -> None:
    kinds = np.zeros(3, dtype=np.int64)
    first = score_all(MODEL, np.array([1, 2, 3]), kinds)
    assert not np.allclose(first, score_all(MODEL, np.array([2, 1, 3]), kinds))
    assert not np.allclose(first, score_all(MODEL, np.array([1, 2, 3]), np.array([0, REFUSED, 0])))


def test_a_model_that_does_not_read_refusals_passes_over_them() -> None:
    blind = replace(MODEL, reads_refused=False)
    rows, kinds = np.array([1, 2, 3]), np.array([APPROVED, REFUSED, SEEN])
    np.testing.assert_array_equal(
        score_all(blind, rows, kinds), score_all(MODEL, rows[[0, 2]], kinds[[0, 2]])
    )
    loaded = load_sequence(dump_sequence(blind))
    assert not loaded.reads_refused


def test_a_new_item_enters_by_its_facets() -> None:
    small = random_model(items=12)
    catalog = catalog_of()
    recommender = KIND.build(small, catalog)
    whole = recommender.model
    # Items 12 and 13 of the catalog have the first facet and the second.
    assert whole.item_ids.tolist() == list(range(14))
    np.testing.assert_array_equal(whole.item_vectors[:12], small.item_vectors)
    # The mean of the six that share it, drawn towards 0 as by a seventh.
    for item, mates in ((12, slice(0, 6)), (13, slice(6, 12))):
        expected = small.item_vectors[mates].sum(axis=0) / 7
        np.testing.assert_allclose(whole.item_vectors[item], expected, rtol=1e-5)
    representation = recommender.represent(person_with([(12, 2.0)]))
    assert representation is not None
    assert np.isfinite(recommender.score(representation, np.array([13]))).all()


def test_an_item_that_shares_no_facet_with_a_known_one_has_no_score() -> None:
    recommender = KIND.build(random_model(items=6), catalog_of())
    representation = recommender.represent(person_with([(3, 2.0)]))
    scores = recommender.score(representation, np.array([12, 13, 7]))
    assert np.isnan(scores).tolist() == [False, True, True]
    assert recommender.represent(person_with([(13, 2.0)])) is None
    assert recommender.represent(person_with([(3, -1.0)])) is None


def test_shares_of_facets_add_up_to_one_and_unused_facets_are_left_out() -> None:
    facets = csr_matrix(np.array([[2.0, 0.0, 1.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]))
    assert shares_of(facets).toarray().tolist() == [[0.5, 0.5], [0.0, 1.0], [0.0, 0.0]]


def test_a_model_comes_back_as_it_was() -> None:
    loaded = load_sequence(DATA)
    assert dump_sequence(loaded) == DATA
    rows, kinds = np.array([1, 2]), np.array([0, 2])
    np.testing.assert_array_equal(score_all(loaded, rows, kinds), score_all(MODEL, rows, kinds))


def test_a_file_from_before_items_were_placed_at_training_is_read() -> None:
    header = header_of(DATA)
    del header["unmet"]
    assert dump_sequence(load_sequence(rewritten(DATA, header))) == DATA
    placed = dump_sequence(replace(MODEL, unmet='{"people": 20}'))
    assert load_sequence(placed).unmet == '{"people": 20}'


@pytest.mark.parametrize("name", sorted(name for name in load(DATA) if name != "item_ids"))
def test_a_tensor_that_does_not_fit_is_refused(name: str) -> None:
    tensor = load(DATA)[name]
    with pytest.raises(ArtifactError, match=r"fit|unique"):
        load_sequence(rewritten(DATA, **{name: np.concatenate([tensor, tensor])}))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
def test_numbers_that_nothing_can_be_reckoned_with_are_refused(value: float) -> None:
    hidden = load(DATA)["hidden"].copy()
    hidden[0, 0, 0] = value
    with pytest.raises(ArtifactError, match="not finite or too large"):
        load_sequence(rewritten(DATA, hidden=hidden))


@pytest.mark.parametrize(
    "change", [{"slope": 0.0}, {"slope": -1.0}, {"intercept": "1"}, {"reads_refused": 0.5}, {"more": 1.0}]
)
def test_a_header_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError, match=r".{10}"):
        load_sequence(rewritten(DATA, {**header_of(DATA), **change}))


def test_heads_that_do_not_divide_the_vector_are_refused() -> None:
    odd = np.zeros((2, 3, 5), dtype=np.float32)
    with pytest.raises(ArtifactError, match="do not fit"):
        load_sequence(rewritten(DATA, distances=odd))
