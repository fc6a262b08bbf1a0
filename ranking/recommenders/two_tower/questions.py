"""Validation queries of a two-tower model, answered by the code that serves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows, top_k
from ranking.recommenders.two_tower.batches import first_meetings
from ranking.recommenders.two_tower.data import TARGET_LABEL, States, TwoTowerExamples, TwoTowerItems
from ranking.recommenders.two_tower.model import TwoTower, score_items, user_vector

RECALL_AT = 100
# At most so many people are asked about, drawn evenly.
MOST_PEOPLE = 2_000
# A person is asked about before these shares of what they met in the validation part.
MOMENTS = (0.0, 0.25, 0.5)
# A question calibrates with at most so many targets, so that a few busy people do not make the curve.
MOST_PAIRS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One query: the items that a person would like from a moment on.

    user_id   whose
    state     a single one: the person as they were at the moment
    barred    item rows that they had met before, sorted
    targets   item rows that they met from then on and found good, sorted, none of them barred
    """

    user_id: int
    state: States
    barred: Rows
    targets: Rows

    def vector(self, model: TwoTower, items: TwoTowerItems) -> Floats | None:
        """The person's vector (d,), as serving would make it."""
        return user_vector(
            model,
            item_ids=items.item_ids[self.state.history_rows],
            weights=self.state.history_weights,
            facet_ids=items.facet_ids[self.state.facet_columns],
            facet_scores=self.state.facet_scores,
        )


def questions_of(
    positives: TwoTowerExamples, validation: TwoTowerExamples, rng: np.random.Generator
) -> list[Question]:
    """The questions on the validation part; `positives` are the first meetings of the training part.

    Nobody is asked about at a moment when nothing was known of them, or after which they found nothing good.
    """
    met = first_meetings(validation)
    people = np.unique(met.user_ids)
    if len(people) > MOST_PEOPLE:
        people = np.sort(rng.choice(people, size=MOST_PEOPLE, replace=False))
    return [question for user_id in people.tolist() for question in _of_person(user_id, positives, met)]


def _of_person(user_id: int, positives: TwoTowerExamples, met: TwoTowerExamples) -> Iterator[Question]:
    """Both sorted by person and time."""
    before = positives.item_rows[_place(positives.user_ids, user_id)]
    mine = met.take(np.arange(len(met))[_place(met.user_ids, user_id)])
    for start in sorted({int(share * len(mine)) for share in MOMENTS}):
        barred = np.unique(np.concatenate([before, mine.item_rows[:start]]))
        later, good = mine.item_rows[start:], mine.labels[start:] >= TARGET_LABEL
        state = mine.states.take(mine.state_of[[start]])
        targets = np.setdiff1d(later[good], np.union1d(barred, state.history_rows))
        if len(targets) and (len(state.history_rows) or len(state.facet_columns)):
            yield Question(user_id, state, np.union1d(barred, state.history_rows), targets)


def _place(sorted_ids: Ints, user_id: int) -> slice:
    return slice(
        int(np.searchsorted(sorted_ids, user_id, side="left")),
        int(np.searchsorted(sorted_ids, user_id, side="right")),
    )


def mean_recall(model: TwoTower, items: TwoTowerItems, questions: list[Question]) -> float:
    """The share of the targets among the best RECALL_AT items, as the mean over people of their questions.

    0 for a question about somebody whom the model does not know; NaN without any question.
    """
    people = np.array([question.user_id for question in questions], dtype=np.int64)
    recalls = np.zeros(len(questions))
    for place, question in enumerate(questions):
        vector = question.vector(model, items)
        if vector is not None:
            best = top_k(score_items(model, vector), RECALL_AT, question.barred)
            recalls[place] = np.isin(question.targets, best).mean()
    if not len(people):
        return float("nan")
    _, person, counts = np.unique(people, return_inverse=True, return_counts=True)
    return float((np.bincount(person, recalls) / counts).mean())


def calibration_pairs(
    model: TwoTower,
    items: TwoTowerItems,
    questions: list[Question],
    demand: Doubles,
    rng: np.random.Generator,
) -> tuple[Floats, Bools]:
    """Scores and labels for `fit_platt`: targets, each beside one other item drawn by the root of its demand.

    demand  (n,) of each item, above 0

    As for ALS (`event_training.calibration_pairs`), the probability reads: between an item that the
    person will like and another, how sure is the model that this is the one. Of the other item the root is
    taken because the score knows the demand: among items drawn by demand itself it could not tell apart what
    it knows, and among items drawn evenly all of a list would be nearly certain.
    """
    scores, labels = [np.empty(0, dtype=np.float32)], [np.empty(0, dtype=np.bool_)]
    for question in questions:
        vector = question.vector(model, items)
        chances = np.sqrt(demand)
        chances[question.barred] = chances[question.targets] = 0.0
        if vector is None or not chances.any():
            continue
        targets = rng.permutation(question.targets)[:MOST_PAIRS]
        count = len(targets)
        others = rng.choice(len(chances), size=count, p=chances / chances.sum())
        scores.append(score_items(model, vector)[np.concatenate([targets, others])])
        labels.append(np.arange(2 * count) < count)
    return np.concatenate(scores), np.concatenate(labels)
