"""Trains the model of verdicts from the log of events and the facets of the catalog."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import Doubles
from core.progress import Progress
from ranking.item_content import ItemContent
from ranking.recommenders.calibrating import platt_of
from ranking.recommenders.log_training import ContentReadingTrainer
from ranking.recommenders.training import TrainingError, content_known_to
from ranking.recommenders.verdict.file import dump_verdicts
from ranking.recommenders.verdict.fit import VerdictParameters, fit_verdicts
from ranking.recommenders.verdict.model import Verdicts, VerdictTable, judge_of, log_odds_of_yes
from ranking.statistics.events import Events, summed_history, verdicts_of
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial


class VerdictTrainer(ContentReadingTrainer):
    """The model of verdicts as `retrain` and `train` train it, over the items of `content`."""

    kind = "verdict"
    parameters_type = VerdictParameters

    def suggest(self, trial: "Trial", start: VerdictParameters) -> VerdictParameters:
        return replace(
            start,
            factors=trial.suggest_categorical("factors", [8, 16, 32]),
            regularization=trial.suggest_float("regularization", 0.5, 30.0, log=True),
        )

    def fit_events(
        self, events: Events, parameters: VerdictParameters, *, seed: int, progress: Progress | None
    ) -> Verdicts:
        try:
            return fit_verdicts(events, self._content(events), parameters, seed=seed)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def calibrated(
        self, model: Verdicts, earlier: Verdicts, later: Holdout, *, seed: int
    ) -> tuple[Verdicts, dict[str, Any]]:
        if not earlier.has_refusals:
            return model, {"why_not": "nobody turned anything down before the validation window"}
        table = VerdictTable.of(earlier, self._content(later.training))
        item_ids = table.content.item_ids

        def odds(history: Events) -> Doubles:
            items, weights = summed_history(history.item_ids, history.weights)
            rows = np.searchsorted(item_ids, items)
            said = np.isin(items, item_ids) & (weights != 0)
            return log_odds_of_yes(table, judge_of(table, rows[said], verdicts_of(weights[said])))

        found, calibration = platt_of(item_ids, odds, later, seed=seed)
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration

    def _content(self, events: Events) -> ItemContent:
        """That of the items that somebody acted on."""
        return content_known_to(self, np.unique(events.item_ids))

    def dump(self, model: Verdicts) -> bytes:
        return dump_verdicts(model)


TRAINER = VerdictTrainer()
