"""Shares of the items of a history in a predicted preference."""

import numpy as np
import scipy.linalg

from core.arrays import Doubles, Floats, Rows
from ranking.recommenders.als.model import AlsModel, history_confidences, history_equation


def contributions(model: AlsModel, rows: Rows, history_rows: Rows, weights: Floats) -> Doubles:
    """The contribution of each history item to the score of each item: (len(rows), len(history_rows)).

    The user factor is a weighted sum over the history, so the score splits up without a rest:
    y_i . x = sum over j of y_i' W y_j c_j p_j (Hu, Koren and Volinsky 2008, section 5). A row adds up to the
    score that `fold_in` and `score_all` give. A dislike adds nothing itself; it only shifts the others.
    """
    confidences = history_confidences(model, weights)
    left = history_equation(model, history_rows, confidences)
    history = model.item_factors[history_rows].astype(np.float64)
    weighted = scipy.linalg.cho_solve(scipy.linalg.cho_factor(left), history.T)
    parts: Doubles = (model.item_factors[rows] @ weighted) * np.where(weights > 0, confidences, 0.0)
    return parts
