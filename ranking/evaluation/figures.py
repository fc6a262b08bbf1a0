"""Intervals as JSON, for what the training commands store with a version."""

from dataclasses import asdict

import numpy as np

from ranking.statistics.metrics import Interval


def interval_json(interval: Interval) -> dict[str, float | None]:
    """An interval for JSON, which has no NaN: a figure that does not exist is null."""
    return {name: value if np.isfinite(value) else None for name, value in asdict(interval).items()}
