"""Training of a two-tower model with PyTorch."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.arrays import Floats
from ranking.recommenders.two_tower.batches import Batches
from ranking.recommenders.two_tower.data import (
    HARD_NEGATIVE,
    RANDOM_NEGATIVE,
    States,
    TwoTowerExamples,
    TwoTowerParameters,
)
from ranking.recommenders.two_tower.file import dump_two_tower
from ranking.recommenders.two_tower.fit import TwoTowerFit, _Trainer, fit_two_tower
from ranking.recommenders.two_tower.model import TwoTower, calibrated, score_items, user_vector
from ranking.recommenders.two_tower.networks import Towers, _means
from ranking.recommenders.two_tower.questions import calibration_pairs, mean_recall, questions_of
from tests.ranking.recommenders.two_tower.builders import (
    DAY,
    ITEMS_EACH,
    Example,
    make_examples,
    make_items,
    states_of,
    two_camps,
    two_camps_items,
)

ITEMS = two_camps_items()
SMALL = TwoTowerParameters(
    dimensions=8,
    hidden=16,
    epochs=15,
    batch_size=64,
    learning_rate=0.01,
    uniform_negatives=4,
    temperature=0.3,
)


def fit(
    train: TwoTowerExamples | None = None,
    validation: TwoTowerExamples | None = None,
    parameters: TwoTowerParameters = SMALL,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> TwoTowerFit:
    return fit_two_tower(ITEMS, train or two_camps(), validation, parameters, seed=seed, progress=progress)


@pytest.fixture(scope="module")
def fitted() -> TwoTower:
    return fit().model


def scores(model: TwoTower, rows: list[int], facets: dict[int, float] | None = None) -> Floats:
    facets = facets or {}
    user = user_vector(
        model,
        item_ids=ITEMS.item_ids[rows],
        weights=np.full(len(rows), 2.0, dtype=np.float32),
        facet_ids=ITEMS.facet_ids[list(facets)],
        facet_scores=np.array(list(facets.values())),
    )
    assert user is not None
    return score_items(model, user)


def examples_with_gaps(seed: int = 0, count: int = 200) -> TwoTowerExamples:
    """Histories and tastes of every length from nothing on, likes and dislikes."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(count):
        items = rng.permutation(18)[: rng.integers(8)].tolist()
        rows.append(
            Example(
                user,
                int(rng.integers(18)),
                history=tuple((item, float(rng.choice([20.0, 2.0, 0.5, -1.0]))) for item in items),
                taste=tuple((facet, float(rng.uniform(-1, 1))) for facet in range(rng.integers(3))),
            )
        )
    return make_examples(rows)


def test_the_tower_in_numpy_is_that_in_torch() -> None:
    torch.manual_seed(3)
    everything = np.arange(len(ITEMS), dtype=np.intp)
    towers = Towers(ITEMS, SMALL, met=everything, in_histories=everything)
    examples = examples_with_gaps()
    model = towers.export(np.zeros(len(ITEMS), dtype=np.float32))
    with torch.no_grad():
        theirs = towers.users(states_of(examples)).numpy()
    compared = 0
    for place in range(len(examples)):
        one = states_of(examples.take(np.array([place])))
        mine = user_vector(
            model,
            item_ids=ITEMS.item_ids[one.history_rows],
            weights=one.history_weights,
            facet_ids=ITEMS.facet_ids[one.facet_columns],
            facet_scores=one.facet_scores,
        )
        if mine is not None:
            np.testing.assert_allclose(mine, theirs[place], atol=1e-5)
            compared += 1
    assert compared > 150
    np.testing.assert_allclose(np.linalg.norm(theirs, axis=1), 1.0, atol=1e-5)


def test_gradients_of_means_are_those_of_torch() -> None:
    weights = np.array([2.0, -1.0, 0.5, 1.0], dtype=np.float32)
    rows, bounds = np.array([0, 2, 1, 2]), np.array([0, 2, 2, 4])
    vectors = torch.nn.Parameter(torch.arange(12.0).reshape(4, 3))
    asked = torch.arange(9.0).reshape(3, 3)
    means = _means(vectors, rows, weights, bounds)
    (means * asked).sum().backward()  # type: ignore[no-untyped-call]
    found, vectors.grad = vectors.grad, None
    dense = torch.zeros(3, 4)
    dense[0, [0, 2]] = torch.tensor([2.0, -1.0]) / 3
    dense[2, [1, 2]] = torch.tensor([0.5, 1.0]) / 1.5
    (dense @ vectors * asked).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(means, dense @ vectors)
    torch.testing.assert_close(found, vectors.grad)


def test_the_loss_is_that_of_the_corrected_softmax() -> None:
    refused = make_examples([Example(user, 5, kind=HARD_NEGATIVE, label=0.0) for user in range(0, 60, 4)])
    parameters = replace(SMALL, batch_size=40, hard_negative_weight=3.0)
    batches = Batches(ITEMS, _joined(two_camps(), refused), parameters, np.random.default_rng(0))
    trainer = _Trainer(ITEMS, batches, parameters)
    batch = next(iter(batches))
    towers = trainer._towers
    with torch.no_grad():
        users = towers.users(batch.states).numpy()
        cosines = users @ towers.items(batch.pool, batch.anonymous).numpy().T
        fives = users @ towers.items(np.array([5]), np.array([False])).numpy()[0]
    losses = []
    for place, target in enumerate(batch.targets.tolist()):
        logits = {
            column: cosines[place, column] / 0.3
            + batch.log_demand[place, column]
            - batch.log_inclusions[column]
            for column in range(len(batch.pool))
            if not batch.barred[place, column]
        }
        wrong = np.exp(fives[place] / 0.3 + batch.refused_demand[place]) * 3.0 * (batch.refused[place] == 5)
        losses.append(np.log(sum(np.exp(list(logits.values()))) + wrong) - logits[target])
    assert (batch.refused == 5).any()
    expected = np.mean(batch.weights * np.array(losses))
    assert trainer._loss(batch).item() == pytest.approx(expected, rel=1e-4)


def test_two_items_that_nobody_met_and_that_are_alike_have_one_vector() -> None:
    alike = make_items([[0]] * 6, kinds=1, words=1)
    alike = replace(alike, years=np.full(6, 2000.0))
    examples = make_examples([Example(user, user % 4, history=((user % 3, 2.0),)) for user in range(40)])
    vectors = fit_two_tower(alike, examples, None, replace(SMALL, epochs=1), seed=1).model.item_vectors
    np.testing.assert_allclose(vectors[4], vectors[5], atol=1e-6)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)


def test_two_camps_are_told_apart(fitted: TwoTower) -> None:
    for camp in range(2):
        mine = np.arange(ITEMS_EACH) + camp * ITEMS_EACH
        known = mine[:2].tolist()
        found = scores(fitted, known)[: 2 * ITEMS_EACH]
        found[known] = -np.inf
        assert set(np.argsort(-found)[:6]) == set(mine[2:].tolist())


def test_an_item_that_nobody_met_is_known_by_its_features(fitted: TwoTower) -> None:
    unseen = scores(fitted, [0, 1])[16:]
    assert unseen[0] > unseen[1]
    unseen = scores(fitted, [8, 9])[16:]
    assert unseen[1] > unseen[0]


def test_taste_alone_says_something(fitted: TwoTower) -> None:
    first, second = scores(fitted, [], {0: 0.6}), scores(fitted, [], {1: 0.6})
    assert first[:8].mean() - first[8:16].mean() > 0.3
    assert second[8:16].mean() - second[:8].mean() > 0.3


def test_the_model_holds_every_item_and_what_was_in_a_history(fitted: TwoTower) -> None:
    np.testing.assert_array_equal(fitted.item_ids, ITEMS.item_ids)
    np.testing.assert_array_equal(fitted.facet_ids, ITEMS.facet_ids)
    assert set(fitted.history_ids.tolist()) == set(ITEMS.item_ids[:16].tolist())
    assert fitted.item_vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(fitted.item_vectors, axis=1), 1.0, atol=1e-5)
    assert fitted.item_biases.max() == 0
    # Nobody met them, so they are in demand least.
    assert fitted.item_biases[16:].max() <= fitted.item_biases[:16].min()


def test_one_seed_gives_one_model_and_another_seed_another() -> None:
    short = replace(SMALL, epochs=2)
    one, same, other = (dump_two_tower(fit(parameters=short, seed=seed).model) for seed in (7, 7, 8))
    assert one == same
    assert one != other


def test_the_random_numbers_and_threads_of_others_stay_as_they_were() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    torch.set_num_threads(2)
    try:
        fit(parameters=replace(SMALL, epochs=1))
        assert torch.equal(torch.rand(3), expected)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_without_validation_all_epochs_are_run() -> None:
    calls: list[tuple[int, int]] = []
    found = fit(parameters=replace(SMALL, epochs=3), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert found.best_epoch == 3
    assert found.recall_at_100 == ()
    assert "why_not" in found.calibration


def test_the_epoch_with_the_best_recall_is_kept_and_its_scores_are_calibrated() -> None:
    # Recall among the best 100 needs a catalog of more than 100 items.
    items = make_items([[camp] for camp in (0, 1) for _ in range(150)], kinds=2)
    rng = np.random.default_rng(0)

    def part(people: range, start: float) -> TwoTowerExamples:
        rows = []
        for user in people:
            met = (user % 2 * 150 + rng.permutation(150)[:8]).tolist()
            rows += [
                Example(
                    user,
                    item,
                    time=start + place * DAY,
                    history=tuple((earlier, 2.0) for earlier in met[:place]),
                    taste=((user % 2, 0.4),) if place else (),
                )
                for place, item in enumerate(met)
            ]
        return make_examples(rows)

    train, validation = part(range(80), 0.0), part(range(80, 110), 50 * DAY)
    parameters = replace(SMALL, epochs=30, patience=2)
    found = fit_two_tower(items, train, validation, parameters, seed=1)
    recalls = found.recall_at_100
    assert recalls[found.best_epoch - 1] == max(recalls)
    assert len(recalls) in (30, found.best_epoch + 2)
    assert max(recalls) > 0.6  # 100 of 300 by chance: a third; 100 of the own 150: two thirds
    assert found.calibration["slope"] == found.model.slope > 0

    questions = questions_of(train, validation, np.random.default_rng(0))
    assert mean_recall(found.model, items, questions) == pytest.approx(recalls[found.best_epoch - 1])
    pairs, labels = calibration_pairs(found.model, items, questions, np.ones(300), np.random.default_rng(0))
    said = calibrated(found.model, pairs)
    assert said[labels].mean() > said[~labels].mean()


@pytest.mark.slow
def test_what_a_person_refused_scores_lower() -> None:
    train = two_camps()
    rows = [
        Example(user, 5, label=0.0, kind=HARD_NEGATIVE, history=((0, 2.0), (1, 2.0)), taste=((0, 0.4),))
        for user in range(0, 60, 2)
    ]
    refused = _joined(train, make_examples(rows))
    gaps = []
    for weight in (0.0, 8.0):
        model = fit(refused, parameters=replace(SMALL, hard_negative_weight=weight)).model
        found = scores(model, [0, 1])
        gaps.append(float(found[[2, 3, 4, 6, 7]].mean() - found[5]))
    assert gaps[1] > gaps[0] + 0.2


@pytest.mark.slow
def test_random_negatives_come_into_the_pool() -> None:
    rows = [Example(user, 17, label=0.0, kind=RANDOM_NEGATIVE) for user in range(60)]
    parameters = replace(SMALL, uniform_negatives=0)
    with_them = fit(_joined(two_camps(), make_examples(rows)), parameters=parameters).model
    without = fit(parameters=parameters).model
    assert scores(with_them, [8, 9])[17] < scores(without, [8, 9])[17]


def test_what_is_in_demand_leads_for_somebody_of_whom_little_is_known() -> None:
    rows = [Example(user, user % 4 if user % 3 else 4, time=float(user)) for user in range(300)]
    model = fit(make_examples(rows), parameters=replace(SMALL, epochs=1)).model
    assert int(np.argmax(model.item_biases)) == 4
    expected = SMALL.temperature * np.log((0.0 + 0.1 / 18) / (1 / 3 + 0.1 / 18))
    assert model.item_biases[9] == pytest.approx(expected, rel=0.02)


def test_items_without_facets_or_words_are_no_obstacle() -> None:
    bare = make_items([[]] * 6, kinds=0)
    bare = replace(bare, words=bare.words[:, :0], years=np.full(6, np.nan))
    examples = make_examples([Example(user, user % 5, history=((5, 2.0),)) for user in range(20)])
    model = fit_two_tower(bare, examples, None, replace(SMALL, epochs=2), seed=1).model
    assert np.isfinite(model.item_vectors).all()


def test_nobody_to_ask_about_is_as_no_validation() -> None:
    strangers = make_examples([Example(500, 0, time=1e9)])
    found = fit(validation=strangers, parameters=replace(SMALL, epochs=2))
    assert found.best_epoch == 2
    assert found.recall_at_100 == ()


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(ValueError, match="no positive examples"):
        fit(make_examples([Example(1, 0, label=0.0)]))


@pytest.mark.parametrize(
    "row",
    [Example(1, 18), Example(1, -1), Example(1, 0, history=((18, 1.0),)), Example(1, 0, taste=((2, 0.5),))],
)
def test_an_example_of_what_is_not_there_is_refused(row: Example) -> None:
    with pytest.raises(ValueError, match="An example names"):
        fit(make_examples([row]))


def test_vectors_that_are_not_finite_are_told() -> None:
    with pytest.raises(FloatingPointError, match="learning rate"):
        fit_two_tower(ITEMS, two_camps(), None, replace(SMALL, temperature=1e-44, epochs=1), seed=1)


class TestQuestions:
    def test_a_person_is_asked_about_with_what_was_known_then(self) -> None:
        before = make_examples([Example(1, 0, time=1.0)])
        rows = [
            Example(1, item, label=label, time=10.0 + item, history=((0, 2.0),))
            for item, label in ((1, 1.0), (2, 0.5), (3, 1.0), (4, 1.0))
        ]
        asked = questions_of(before, make_examples(rows), np.random.default_rng(0))
        assert [question.barred.tolist() for question in asked] == [[0], [0, 1], [0, 1, 2]]
        assert [question.targets.tolist() for question in asked] == [[1, 3, 4], [3, 4], [3, 4]]

    def test_strangers_and_people_with_nothing_to_find_are_not_asked_about(self) -> None:
        rows = [Example(1, 1), Example(2, 2, label=0.5, history=((0, 2.0),))]
        nobody = make_examples([])
        assert questions_of(nobody, make_examples(rows), np.random.default_rng(0)) == []
        assert np.isnan(mean_recall(fit(parameters=replace(SMALL, epochs=1)).model, ITEMS, []))


def _joined(one: TwoTowerExamples, other: TwoTowerExamples) -> TwoTowerExamples:
    """Both, one after the other."""
    plain = ("user_ids", "item_rows", "labels", "rank_weights", "kinds", "times")
    columns = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in plain}
    lists = ("history_rows", "history_weights", "facet_columns", "facet_scores")
    states = {
        name: np.concatenate([getattr(one.states, name), getattr(other.states, name)]) for name in lists
    }
    for name in ("history_indptr", "taste_indptr"):
        first, second = getattr(one.states, name), getattr(other.states, name)
        states[name] = np.concatenate([first, first[-1] + second[1:]])
    state_of = np.concatenate([one.state_of, len(one.states) + other.state_of])
    return TwoTowerExamples(**columns, state_of=state_of, states=States(**states))
