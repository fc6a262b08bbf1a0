"""Trains item-to-item neighbors from the log of events."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import Floats
from core.progress import Progress
from ranking.recommenders.event_training import fit_calibrated, platt_of
from ranking.recommenders.item_knn.file import dump_item_knn
from ranking.recommenders.item_knn.model import ItemKnn, ItemKnnParameters, fit_item_knn, score_all
from ranking.recommenders.training import Fitted, TrainingError, TrainingMaterial, known_parameters
from ranking.statistics.events import Events, summed_history
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial


class ItemKnnTrainer:
    """Item-to-item neighbors as `retrain` and `train` train them."""

    kind = "item_knn"
    only_succeeds = False

    def fit(self, material: TrainingMaterial) -> Fitted:
        parameters = self.parameters(material.hyper_parameters[self.kind])
        model, calibration = fit_calibrated(
            self, material.events, parameters, seed=material.seed, progress=material.progress
        )
        return Fitted(
            model=model,
            manifest=material.events_manifest,
            hyper_parameters=self.as_used(parameters, model, material.seed),
            metrics={"calibration": calibration},
        )

    def parameters(self, chosen: Mapping[str, Any]) -> ItemKnnParameters:
        parameters: ItemKnnParameters = known_parameters(ItemKnnParameters, chosen)
        return parameters

    def suggest(self, trial: "Trial", start: ItemKnnParameters) -> ItemKnnParameters:
        return replace(
            start,
            neighbors=trial.suggest_int("neighbors", 20, 500, log=True),
            k1=trial.suggest_float("k1", 0.2, 5.0, log=True),
            b=trial.suggest_float("b", 0.0, 1.0),
        )

    def as_used(self, parameters: ItemKnnParameters, model: ItemKnn, seed: int) -> dict[str, Any]:
        return {**asdict(parameters), "seed": seed}

    def fit_events(
        self, events: Events, parameters: ItemKnnParameters, *, seed: int, progress: Progress | None
    ) -> ItemKnn:
        try:
            return fit_item_knn(events, parameters)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def calibrated(
        self, model: ItemKnn, earlier: ItemKnn, later: Holdout, *, seed: int
    ) -> tuple[ItemKnn, dict[str, Any]]:
        found, calibration = platt_of(
            earlier.item_ids, lambda history: _scores(earlier, history), later, seed=seed
        )
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration

    def dump(self, model: ItemKnn) -> bytes:
        return dump_item_knn(model)


TRAINER = ItemKnnTrainer()


def _scores(model: ItemKnn, history: Events) -> Floats:
    """The raw scores of all items for a history."""
    item_ids, weights = summed_history(history.item_ids, history.weights)
    rows = model.rows_of(item_ids)
    return score_all(model, rows[rows >= 0], weights[rows >= 0].astype(np.float32))
