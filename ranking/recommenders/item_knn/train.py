"""Trains item-to-item neighbors from the log of events."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ranking.recommenders.item_knn.file import dump_item_knn
from ranking.recommenders.item_knn.model import ItemKnn, ItemKnnParameters, fit_item_knn
from ranking.recommenders.linear_training import LinearTrainer
from ranking.statistics.events import Events

if TYPE_CHECKING:
    from optuna import Trial


class ItemKnnTrainer(LinearTrainer):
    """Item-to-item neighbors as `retrain` and `train` train them."""

    kind = "item_knn"
    parameters_type = ItemKnnParameters

    def suggest(self, trial: "Trial", start: ItemKnnParameters) -> ItemKnnParameters:
        return replace(
            start,
            neighbors=trial.suggest_int("neighbors", 20, 500, log=True),
            k1=trial.suggest_float("k1", 0.2, 5.0, log=True),
            b=trial.suggest_float("b", 0.0, 1.0),
        )

    def fit_model(self, events: Events, parameters: ItemKnnParameters) -> ItemKnn:
        return fit_item_knn(events, parameters)

    def dump(self, model: ItemKnn) -> bytes:
        return dump_item_knn(model)


TRAINER = ItemKnnTrainer()
