"""What every trainer answers, and how figures are written down."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from config.errors import HeedError
from ranking.ml.metrics import Interval


class TrainingError(HeedError):
    """There is nothing to learn from, or what was learned is unusable."""

    status = 400


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """What came of a training run."""

    version: str
    file: str
    sha256: str
    people: int
    items: int
    hyper_parameters: dict[str, Any]
    metrics: dict[str, Any]


def interval_json(interval: Interval) -> dict[str, float | None]:
    """An interval for JSON, which has no NaN: a figure that does not exist is null."""
    return {name: None if np.isnan(value) else value for name, value in asdict(interval).items()}
