"""A mean with its ends; by itself, so that what only reads one loads no NumPy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over people with its confidence interval; all NaN where there is nobody to average."""

    mean: float
    low: float
    high: float
