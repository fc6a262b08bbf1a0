"""Trains nearness by facets from the log of events and the facets of the catalog."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import Doubles, positions
from core.progress import Progress
from ranking.features import ItemContent
from ranking.recommenders.content.file import dump_content
from ranking.recommenders.content.model import (
    ContentParameters,
    ContentWeights,
    fit_content,
    profile,
    shares_of,
    unit_facets,
)
from ranking.recommenders.event_training import platt_of
from ranking.recommenders.log_training import ContentReadingTrainer
from ranking.recommenders.training import TrainingError, content_known_to
from ranking.statistics.events import Events, summed_history
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial


class ContentTrainer(ContentReadingTrainer):
    """Nearness by facets as `retrain` and `train` train it, over the items of `content`."""

    kind = "content"
    parameters_type = ContentParameters

    def suggest(self, trial: "Trial", start: ContentParameters) -> ContentParameters:
        return replace(start, others=trial.suggest_int("others", 5, 200, log=True))

    def fit_events(
        self, events: Events, parameters: ContentParameters, *, seed: int, progress: Progress | None
    ) -> ContentWeights:
        try:
            return fit_content(events, self._content(events), parameters, seed=seed)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def calibrated(
        self, model: ContentWeights, earlier: ContentWeights, later: Holdout, *, seed: int
    ) -> tuple[ContentWeights, dict[str, Any]]:
        content = self._content(later.training)
        units = unit_facets(content)

        def scores(history: Events) -> Doubles:
            item_ids, weights = summed_history(history.item_ids, history.weights)
            rows = positions(item_ids, content.item_ids)
            known = rows >= 0
            shares = shares_of(weights[known], earlier.decay)
            facets = profile(units, content.groups, rows[known], shares, earlier)
            return np.asarray(units @ facets)

        found, calibration = platt_of(content.item_ids, scores, later, seed=seed)
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration

    def _content(self, events: Events) -> ItemContent:
        """That of the items that somebody acted on."""
        return content_known_to(self, np.unique(events.item_ids))

    def dump(self, model: ContentWeights) -> bytes:
        return dump_content(model)


TRAINER = ContentTrainer()
