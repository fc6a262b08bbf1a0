"""What every trainer answers."""

from dataclasses import dataclass
from typing import Any

from core.errors import HeedError


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
