"""Training: the same numbers as serving, nothing from later, and what was refused."""

import sys
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from ranking.recommenders.sequence import fit
from ranking.recommenders.sequence.data import (
    LONGEST_EPOCH,
    SequenceParameters,
    Sequences,
    Windows,
    dimensions_of,
    epochs_of,
    read_sequences,
    resolved,
)
from ranking.recommenders.sequence.fit import fit_sequence
from ranking.recommenders.sequence.model import APPROVED, KINDS, REFUSED, SequenceModel, kinds_of, score_all
from ranking.recommenders.sequence.networks import Transformer
from ranking.recommenders.sequence.train import TRAINER
from ranking.recommenders.training import TrainingError
from ranking.statistics.events import Events
from tests.ranking.recommenders.test_contract import catalog_of
from tests.ranking.statistics.builders import Row, dislike, like, make_events, random_events, two_tastes, view

TINY = SequenceParameters(dimensions=8, length=6, epochs=3, dropout=0.1)


def network(seed: int = 0, length: int = 6) -> Transformer:
    """A transformer of 14 items with two facets; its numbers drawn."""
    torch.manual_seed(seed)
    catalog = catalog_of()
    biases = np.linspace(-1, 0, 14, dtype=np.float32)
    made = Transformer(catalog.item_ids, catalog.content.facets, replace(TINY, length=length), biases)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return made.eval()


def test_serving_in_numpy_is_training_in_torch() -> None:
    made = network()
    model = made.export()
    rng = np.random.default_rng(1)
    for events in (1, 2, 6):
        rows, kinds = rng.integers(14, size=events), rng.integers(KINDS, size=events)
        with torch.no_grad():
            items = made.items()
            people = made.people(items, torch.from_numpy(rows)[None], torch.from_numpy(kinds)[None])
            expected = (people[0, -1] @ items.T + made.biases).numpy()
        np.testing.assert_allclose(score_all(model, rows, kinds), expected, atol=1e-4)


def test_later_events_change_nothing_before_them() -> None:
    made = network()
    rows, kinds = torch.arange(6)[None], torch.zeros((1, 6), dtype=torch.int64)
    with torch.no_grad():
        items = made.items()
        before = made.people(items, rows, kinds)
        rows[0, 4], kinds[0, 5] = 13, REFUSED
        after = made.people(items, rows, kinds)
    torch.testing.assert_close(before[0, :4], after[0, :4])
    assert not torch.allclose(before[0, 4], after[0, 4])


def test_sequences_hold_each_item_once_where_it_was_last_acted_on() -> None:
    events = make_events([like(1, 5, 0.0), view(1, 3, 1.0), dislike(1, 5, 2.0), like(2, 3, 0.0)])
    sequences = Sequences.of(events, np.array([3, 5]))
    assert sequences.people.tolist() == [0, 0, 1]
    assert sequences.items.tolist() == [0, 1, 0]
    assert sequences.kinds.tolist() == kinds_of(np.array([0.5, -1.0, 2.0])).tolist()
    assert sequences.ahead(sequences.verdicts > 0, np.ones(3, dtype=np.int64)).tolist() == [-1, -1, -1]
    assert sequences.ahead(sequences.kinds == REFUSED, np.ones(3, dtype=np.int64)).tolist() == [1, -1, -1]


def test_events_of_one_moment_have_no_order_and_others_keep_theirs() -> None:
    rows = [like(1, item, 0.0 if item < 20 else 5.0 + item) for item in range(24)]
    sequences = Sequences.of(make_events(rows), np.arange(24))
    drawn = sequences.shuffled(np.random.default_rng(0))
    assert sorted(drawn.items[:20].tolist()) == list(range(20)) != drawn.items[:20].tolist()
    assert drawn.items[20:].tolist() == [20, 21, 22, 23]


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_windows_cover_every_event_once_and_never_two_people(seed: int | None) -> None:
    sequences = Sequences.of(random_events(3), np.unique(random_events(3).item_ids))
    windows = Windows.of(sequences, 4, None if seed is None else np.random.default_rng(seed))
    assert windows.sizes.max() <= 4
    assert windows.sizes.sum() == len(sequences)
    for start, size in zip(windows.starts.tolist(), windows.sizes.tolist(), strict=True):
        assert len(set(sequences.people[start : start + size].tolist())) == 1


def chains(people: int = 60) -> Events:
    """A world in which 1 follows 0, and 3 follows 2."""
    return make_events(
        [
            row
            for one in range(people)
            for row in (like(one, 2 * (one % 2), 0.0), like(one, 2 * (one % 2) + 1, 1.0))
        ]
    )


def first_of(model: SequenceModel, *history: tuple[int, int]) -> int:
    rows, kinds = np.array(history).T
    scores = score_all(model, rows, kinds)
    scores[rows] = -np.inf
    return int(scores.argmax())


@pytest.mark.slow
def test_what_follows_is_learned_whether_all_items_or_some_are_told_apart() -> None:
    for negatives in (100, 2):
        parameters = replace(TINY, epochs=40, learning_rate=0.02, negatives=negatives)
        model = fit_sequence(chains(), parameters, seed=0).model
        assert first_of(model, (0, APPROVED)) == 1
        assert first_of(model, (2, APPROVED)) == 3


def refusing_world(people: int = 120) -> Events:
    """All like 0 and then refuse 1 or 2; who refused 1 likes 3 next, who refused 2 likes 4."""
    rows: list[Row] = []
    for one in range(people):
        refused = 1 + one % 2
        rows += [like(one, 0, 0.0), dislike(one, refused, 1.0), like(one, refused + 2, 2.0)]
    return make_events(rows)


@pytest.mark.slow
def test_what_was_refused_is_read_and_changes_what_comes_next() -> None:
    parameters = replace(TINY, epochs=30, learning_rate=0.02)
    model = fit_sequence(refusing_world(), parameters, seed=0).model
    assert first_of(model, (0, APPROVED), (1, REFUSED)) == 3
    assert first_of(model, (0, APPROVED), (2, REFUSED)) == 4
    blind = fit_sequence(refusing_world(), replace(parameters, reads_refused=False), seed=0).model
    rows = np.array([0, 1])
    np.testing.assert_array_equal(
        score_all(blind, rows, np.array([APPROVED, REFUSED])),
        score_all(blind, rows[:1], np.array([APPROVED])),
    )


@pytest.mark.slow
def test_what_people_refuse_next_falls_below_what_they_approve() -> None:
    rows: list[Row] = []
    for one in range(100):
        # 1 is approved as often as 2, but those who come from 0 refuse 1.
        rows += [like(one, 0, 0.0), dislike(one, 1, 1.0), like(one, 2, 2.0)]
        rows += [like(one + 100, 3, 0.0), like(one + 100, 1, 1.0)]
    events = make_events(rows)

    def lead(weight: float) -> float:
        parameters = replace(TINY, epochs=8, patience=8, refused_weight=weight)
        scores = score_all(fit_sequence(events, parameters, seed=0).model, np.array([0]), np.array([0]))
        return float(scores[2] - scores[1])

    assert lead(2.0) > lead(0.0) > 0


def test_training_ends_where_nothing_gets_better() -> None:
    fit = fit_sequence(chains(240), replace(TINY, epochs=60, patience=2, learning_rate=0.02), seed=0)
    assert len(fit.ndcg) < 60
    assert fit.ndcg[fit.best_epoch - 1] == max(fit.ndcg)


def test_an_epoch_of_a_long_log_is_a_part_that_goes_on_where_the_last_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learned: list[list[int]] = []

    def note(_trainer: object, batch: fit._Batch) -> None:
        learned[-1] += batch.wanted.tolist()

    monkeypatch.setattr(fit._Trainer, "_learn", note)
    events = chains(240)
    item_ids, sequences = read_sequences(events)
    parameters = resolved(replace(TINY, batch_size=40), len(sequences), len(item_ids))
    no_facets = csr_matrix((len(item_ids), 0))

    def told(epochs: int, longest: int) -> list[list[int]]:
        monkeypatch.setattr(fit, "LONGEST_EPOCH", longest)
        rng = np.random.default_rng(1)
        trainer = fit._Trainer(sequences, item_ids, no_facets, parameters, rng)
        learned.clear()
        for _ in range(epochs):
            learned.append([])
            trainer.run_epoch()
        return list(learned)

    monkeypatch.setattr(fit, "_MOST_PASSES", 1)
    (whole,) = told(1, len(sequences))
    parts = told(4, len(sequences) // 4)
    assert all(0 < len(part) < len(whole) / 2 for part in parts)
    together = list(chain.from_iterable(parts))
    # Nothing twice before everything once, in the order of a whole epoch of the same draw.
    assert together[: len(whole)] == whole[: len(together)]


def test_the_events_read_are_bounded_whatever_the_log() -> None:
    read = [epochs_of(events) * min(events, LONGEST_EPOCH) for events in (150_000, 500_000, 50_000_000)]
    assert max(read) <= 4_000_000


def test_settings_of_torch_are_left_as_they_were() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    before = torch.get_num_threads()
    fit_sequence(two_tastes(), TINY, seed=0)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == before


def test_dimensions_and_epochs_follow_from_the_data() -> None:
    assert dimensions_of(1_000, 300) < dimensions_of(1_000_000, 10_000)
    assert epochs_of(1_000) > epochs_of(1_000_000) >= 1
    fit = fit_sequence(two_tastes(), replace(TINY, dimensions=None), seed=0)
    assert fit.parameters.dimensions == dimensions_of(120, 12) == fit.model.item_vectors.shape[1]


@pytest.mark.parametrize(
    "change",
    [
        {"dimensions": 0},
        {"dimensions": 7},
        {"layers": 0},
        {"length": 0},
        {"dropout": 1.0},
        {"id_dropout": -0.1},
        {"learning_rate": float("nan")},
        {"refused_weight": float("inf")},
        {"refused_weight": -1.0},
        {"device": "tpu"},
        {"horizon": 0},
        {"epochs": 0},
    ],
)
def test_hyper_parameters_out_of_range_are_refused(change: dict[str, float | str]) -> None:
    with pytest.raises(ValueError, match=r".{10}"):
        SequenceParameters(**change)  # type: ignore[arg-type]  # out of range, not of another type


def test_a_device_that_is_not_there_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(TrainingError, match="device=cpu"):
        TRAINER.fit_events(two_tastes(), replace(TINY, device="cuda"), seed=0, progress=None)


def test_without_torch_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "ranking.recommenders.sequence.fit", raising=False)
    with pytest.raises(TrainingError, match=r"pip install -r requirements-two-tower\.txt"):
        TRAINER.fit_events(two_tastes(), TINY, seed=0, progress=None)


def test_a_log_in_which_nothing_is_approved_is_refused() -> None:
    with pytest.raises(TrainingError, match="no positive interactions"):
        TRAINER.fit_events(make_events([dislike(1, 1)]), TINY, seed=0, progress=None)


def test_the_trainer_reads_the_facets_of_its_catalog() -> None:
    described = TRAINER.over(catalog_of().content).fit_events(two_tastes(), TINY, seed=0, progress=None)
    bare = TRAINER.fit_events(two_tastes(), TINY, seed=0, progress=None)

    def likeness(model: SequenceModel) -> float:
        """Of items of one taste beside that of items of both."""
        units = model.item_vectors / np.linalg.norm(model.item_vectors, axis=1, keepdims=True)
        cosines = units @ units.T
        return float(cosines[:6, :6].mean() - cosines[:6, 6:].mean())

    assert likeness(described) > likeness(bare) + 0.2
