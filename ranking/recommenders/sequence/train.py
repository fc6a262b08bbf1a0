"""Trains sequence models from the log of events; only this needs PyTorch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import Floats, Ints, positions
from core.progress import Progress
from ranking.recommenders.calibrating import platt_of
from ranking.recommenders.log_training import ContentReadingTrainer
from ranking.recommenders.sequence.data import SequenceParameters
from ranking.recommenders.sequence.file import dump_sequence
from ranking.recommenders.sequence.model import SequenceModel, kinds_of, score_all
from ranking.recommenders.sequence.unmet import with_unmet
from ranking.recommenders.text.store import read_texts
from ranking.recommenders.training import TrainingError, content_known_to, known_parameters
from ranking.statistics.events import Events, summed_history
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial

NO_TORCH = "Training a sequence model needs PyTorch; run pip install -r requirements-two-tower.txt."
# Hyper-parameters that follow from the data where they are not given.
BY_RULE = ("dimensions", "epochs")


class SequenceTrainer(ContentReadingTrainer):
    """Sequence models as `retrain` and `train` train them, with the facets of the items."""

    kind = "sequence"
    # A fit takes more than all other kinds together.
    stands_for = 3
    parameters_type = SequenceParameters

    def parameters(self, chosen: Mapping[str, Any]) -> SequenceParameters:
        given = dict(chosen)
        for name in BY_RULE:
            if not given.pop(f"{name}_given", True):
                # It followed from the data by the rule, and the data are others now.
                given[name] = None
        parameters: SequenceParameters = known_parameters(SequenceParameters, given)
        return parameters

    def suggest(self, trial: "Trial", start: SequenceParameters) -> SequenceParameters:
        return replace(
            start,
            dimensions=trial.suggest_categorical("dimensions", [32, 64, 128]),
            layers=trial.suggest_int("layers", 1, 2),
            heads=trial.suggest_categorical("heads", [1, 2, 4]),
            length=trial.suggest_int("length", 10, 100, log=True),
            dropout=trial.suggest_float("dropout", 0.1, 0.6),
            id_dropout=trial.suggest_float("id_dropout", 0.0, 0.5),
            horizon=trial.suggest_int("horizon", 1, 20, log=True),
            learning_rate=trial.suggest_float("learning_rate", 0.0005, 0.005, log=True),
            refused_weight=trial.suggest_float("refused_weight", 0.0, 2.0),
        )

    def as_used(self, parameters: SequenceParameters, model: SequenceModel, seed: int) -> dict[str, Any]:
        given = {f"{name}_given": getattr(parameters, name) is not None for name in BY_RULE}
        used = {"dimensions": model.item_vectors.shape[1], "unmet": json.loads(model.unmet or "{}")}
        return {**asdict(parameters), **used, **given, "seed": seed}

    def fit_events(
        self, events: Events, parameters: SequenceParameters, *, seed: int, progress: Progress | None
    ) -> SequenceModel:
        require_torch()
        # Here, because only training may ask for PyTorch.
        from ranking.recommenders.sequence.fit import fit_sequence

        facets = content_known_to(self, np.unique(events.item_ids)).facets
        counter = None if progress is None else progress.counter("epochs")
        try:
            model = fit_sequence(events, parameters, facets, seed=seed, progress=counter).model
        except (ValueError, FloatingPointError) as error:
            raise TrainingError(str(error)) from error
        if self.content is None:
            return model
        return with_unmet(model, events, self.content, _texts_of(self.content.item_ids), seed=seed)

    def calibrated(
        self, model: SequenceModel, earlier: SequenceModel, later: Holdout, *, seed: int
    ) -> tuple[SequenceModel, dict[str, Any]]:
        # Items that nobody met were chosen by nobody, so they are no measure of what a score means.
        met = np.isin(earlier.item_ids, later.training.item_ids)

        def scores(history: Events) -> Floats:
            return _scores(earlier, history)[met]

        found, calibration = platt_of(earlier.item_ids[met], scores, later, seed=seed)
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration

    def dump(self, model: SequenceModel) -> bytes:
        return dump_sequence(model)


TRAINER = SequenceTrainer()


def require_torch() -> None:
    """Raises TrainingError, which says what to install, where PyTorch is missing."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise TrainingError(NO_TORCH) from error


def _texts_of(item_ids: Ints) -> Floats:
    """The vectors (n, t) of the texts of items (n,); zeros for one without. Raises TrainingError."""
    texts = read_texts()
    if texts is None:
        return np.zeros((len(item_ids), 0), dtype=np.float32)
    rows = positions(item_ids, texts.item_ids)
    found: Floats = np.where((rows >= 0)[:, None], texts.vectors[rows], np.float32(0))
    return found


def _scores(model: SequenceModel, history: Events) -> Floats:
    """The raw scores of all items for a history; 0 where the model knows nothing that was approved."""
    item_ids, weights = summed_history(history.item_ids, history.weights)
    rows = positions(item_ids, model.item_ids)
    known = rows >= 0
    if not (weights[known] > 0).any():
        return np.zeros(len(model.item_ids), dtype=np.float32)
    return score_all(model, rows[known], kinds_of(weights[known]))
