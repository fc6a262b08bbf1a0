"""Calibration of a model's scores on what people did after all that it knows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, positions
from ranking.statistics.calibration import fit_platt
from ranking.statistics.events import Events
from ranking.statistics.split import Holdout

ScoreHistory = Callable[[Events], Floats | Doubles]
"""A person's history to the raw score of every item of a model, (n,)."""


def platt_of(
    item_ids: Ints, score: ScoreHistory, later: Holdout, *, seed: int
) -> tuple[tuple[float, float] | None, dict[str, Any]]:
    """Slope and intercept of a model on what people did later, and how they were found, as JSON.

    None, with the reason, where nothing that they liked is known to the model.
    """
    scores, labels = calibration_pairs(item_ids, score, later, np.random.default_rng(seed))
    if not labels.any() or labels.all():
        return None, {"why_not": "no item liked in the validation window is known to the model"}
    slope, intercept = fit_platt(scores, labels)
    return (slope, intercept), {"slope": slope, "intercept": intercept, "pairs": len(labels)}


def calibration_pairs(
    item_ids: Ints, score: ScoreHistory, later: Holdout, rng: np.random.Generator
) -> tuple[Floats, Bools]:
    """Scores and labels for `fit_platt`: each relevant target of the holdout against one other item.

    item_ids  (n,) sorted: the items of the model

    The other item is drawn from the model's items outside the person's history and targets, a popular one
    as often as people choose it. So the probability reads: between an item the person will like and another
    that people like, how sure is the model that this is the one. Against items drawn evenly, most of which
    nobody would think of showing, the whole top of a list would come out as certain (docs/research/als.md).
    Items that the model does not know are left out.
    """
    demand = _demand(item_ids, later.training)
    scores, labels = [np.empty(0, dtype=np.float32)], [np.empty(0, dtype=np.bool_)]
    for person in later.people():
        liked = positions(person.relevant_items, item_ids)
        liked = liked[liked >= 0]
        known = positions(person.history.item_ids, item_ids)
        free = np.ones(len(item_ids), dtype=np.bool_)
        free[liked] = False
        free[known[known >= 0]] = False
        others = np.flatnonzero(free)
        if not len(others) or not len(liked):
            continue
        chances = demand[others] / demand[others].sum()
        rows = np.concatenate([liked, rng.choice(others, size=len(liked), p=chances)])
        scores.append(score(person.history)[rows].astype(np.float32))
        labels.append(np.arange(len(rows)) < len(liked))
    return np.concatenate(scores), np.concatenate(labels)


def _demand(item_ids: Ints, events: Events) -> Doubles:
    """The positive weight on each item, (n,); never quite 0, so that any can be drawn."""
    rows = positions(events.item_ids, item_ids)
    weights = np.maximum(events.weights, 0)[rows >= 0]
    demand: Doubles = np.bincount(rows[rows >= 0], weights, minlength=len(item_ids)).astype(np.float64)
    return demand + 1e-9
