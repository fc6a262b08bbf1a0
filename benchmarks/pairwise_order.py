"""The share of pairs with the liked item above the disliked one, for benchmarks on a holdout."""

from collections.abc import Callable

import numpy as np

from core.arrays import Doubles, Floats, Ints, positions
from ranking.recommenders.als.model import AlsModel, score_all
from ranking.recommenders.offline import fold_in_history
from ranking.statistics.events import Events
from ranking.statistics.metrics import liked_over_disliked
from ranking.statistics.split import Holdout

Scorer = Callable[[Events, Ints], Doubles]
"""A person's history and item ids (m,), to a score for each (m,), NaN for an item that is not known."""


def evaluate_order(holdout: Holdout, score: Scorer) -> Doubles:
    """The share of each person's pairs with the later-liked item above the later-disliked, (p,) in [0, 1].

    One half is chance. Unknown items are left out; NaN for who has no such pair. Unlike the share of disliked
    items in a short list, it has something to say about everyone who disliked anything.
    """
    values = np.full(len(holdout), np.nan)
    for row, person in enumerate(holdout.people()):
        liked = score(person.history, person.relevant_items)
        disliked = score(person.history, person.disliked_items)
        values[row] = liked_over_disliked(liked[~np.isnan(liked)], disliked[~np.isnan(disliked)])
    return values


def als_scorer(model: AlsModel) -> Scorer:
    """The model's scores for a folded-in history."""

    def score(history: Events, item_ids: Ints) -> Doubles:
        return _scores_of(item_ids, model.item_ids, score_all(model, fold_in_history(model, history)))

    return score


def fixed_scorer(item_ids: Ints, scores: Doubles) -> Scorer:
    """The same scores for everyone, such as popularity; `item_ids` sorted, `scores` beside them."""

    def score(_history: Events, wanted: Ints) -> Doubles:
        return _scores_of(wanted, item_ids, scores)

    return score


def _scores_of(wanted: Ints, item_ids: Ints, scores: Floats | Doubles) -> Doubles:
    rows = positions(wanted, item_ids)
    return np.where(rows >= 0, scores[rows], np.nan).astype(np.float64)
