"""Engines that train the trees of a ranker: this process, or another."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from ranking.recommenders.ranker.model import Ranker, RankerData, RankerParameters, fit_ranker


class FitWhole(Protocol):
    """Trains as many trees on all lists as were found to be best."""

    def __call__(self, training: RankerData, parameters: RankerParameters, *, seed: int) -> Ranker:
        """A ranker with `parameters.rounds` trees. Raises ValueError where there is no order to learn."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to train what is registered.

    name        as it is kept with the version
    fit_whole   trains it
    adapted     the parameters as this engine can use them, with the names of those that somebody chose
    stopped_on  the most lists that this process learns from to find when to stop; None for all
    """

    name: str
    fit_whole: FitWhole
    adapted: Callable[[RankerParameters, Collection[str]], RankerParameters]
    stopped_on: int | None = None


def _fit_here(training: RankerData, parameters: RankerParameters, *, seed: int) -> Ranker:
    return fit_ranker(training, None, parameters, seed=seed)


def _as_given(parameters: RankerParameters, _given: Collection[str]) -> RankerParameters:
    return parameters


LOCAL = Engine("local", _fit_here, _as_given)
