"""What each worker holds in memory to serve from: the active models, the experiment, and the catalogue.

A thread looks at all of it again, so that only the very first request of a process waits for it and no other
spends a query on it. A newly activated model, or an experiment that begins or ends, is noticed within
MODEL_CHECK_SECONDS by a small query each; the catalogue is read again every CATALOG_REFRESH_SECONDS while
it is served from. With MODEL_CHECK_SECONDS below 0 each request looks for models and experiments itself.
"""

import logging
import threading
import time
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings
from django.db import close_old_connections, connection
from numpy.typing import NDArray

from core.domain import USE_CASES
from ranking.arms import USUAL, RunningExperiment, Variant, load_experiment
from ranking.assignment import assign
from ranking.recommenders.als.model import AlsModel
from ranking.recommenders.ranker.model import Ranker
from ranking.recommenders.two_tower.model import TwoTower
from ranking.registry.loading import NO_MODELS, LoadedModels, load_models
from ranking.snapshot import Catalogue, read_catalogue

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Live:
    """All that one request reads of the shared state; it stays as it is while the request runs.

    als_allowed        for each row of the ALS model, whether its item may be recommended; empty without one
    two_tower_allowed  the same for the items of the two-tower model
    variant            how lists are made from it
    experiment         the one that runs; `arms` is the state of each of its arms
    """

    catalogue: Catalogue
    models: LoadedModels
    als_allowed: NDArray[np.bool_]
    two_tower_allowed: NDArray[np.bool_]
    variant: Variant = USUAL
    experiment: RunningExperiment | None = None
    arms: tuple["Live | None", ...] = ()

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        models: LoadedModels = NO_MODELS,
        experiment: RunningExperiment | None = None,
    ) -> "Live":
        """The state from a catalogue and the models to serve, for all who are in no arm of the experiment."""
        als, two_tower = (
            np.empty(0, dtype=np.int64) if loaded is None else loaded.model.item_ids
            for loaded in (models.als, models.two_tower)
        )
        usual = cls(catalogue, models, catalogue.holds(als), catalogue.holds(two_tower))
        if experiment is None:
            return usual
        arms = tuple(
            None if arm is None else replace(cls.of(catalogue, arm.models), variant=arm.variant)
            for arm in experiment.arms
        )
        return replace(usual, experiment=experiment, arms=arms)

    def for_person(self, user_id: int) -> "Live":
        """What this person's lists are made from: the state of their arm where they are in an experiment."""
        arm = None if self.experiment is None else assign(user_id, self.experiment.allocation)
        mine = None if arm is None else self.arms[arm]
        return self if mine is None else mine

    @property
    def problem(self) -> str:
        """What is wrong with the models, in words; empty where nothing is."""
        of_arms = "" if self.experiment is None else self.experiment.problem
        return " ".join(filter(None, (self.models.problem, of_arms)))

    @property
    def als(self) -> AlsModel | None:
        """The ALS model that serves."""
        return None if self.models.als is None else self.models.als.model

    @property
    def two_tower(self) -> TwoTower | None:
        """The two-tower model that serves."""
        return None if self.models.two_tower is None else self.models.two_tower.model

    @property
    def ranker(self) -> Ranker | None:
        """The ranker that serves."""
        return None if self.models.ranker is None else self.models.ranker.model

    def label(self, *, als: bool = True, two_tower: bool = True, ranker: bool = True) -> str:
        """The versions that serve, of those kinds that are asked for, as one text."""
        wanted = [
            self.models.als if als else None,
            self.models.two_tower if two_tower else None,
            self.models.ranker if ranker else None,
        ]
        return "+".join(loaded.label for loaded in wanted if loaded is not None)


class LiveState:
    """The live state of one use case in this process. Safe to use from several threads."""

    def __init__(self, use_case: str) -> None:
        self._use_case = use_case
        self._loading = threading.Lock()
        self._live: Live | None = None
        self._catalogue_read = -np.inf
        self._served = -np.inf
        self._is_failing = False

    def get(self) -> Live:
        """The current state. Only the first call reads it, and any where models are looked for at once."""
        self._served = time.monotonic()
        if self._live is None:
            with self._loading:
                if self._live is None:
                    self._load(None)
        elif settings.MODEL_CHECK_SECONDS < 0:
            self._look_for_models()
        live = self._live
        if live is None:  # pragma: no cover  _load either sets it or raises
            raise RuntimeError("live state was not loaded")
        return live

    def look_again(self) -> None:
        """Takes up what has been activated, and the catalogue as it is now where that is due."""
        live = self._live
        if live is None:
            return
        try:
            age = time.monotonic() - self._catalogue_read
            if age > settings.CATALOG_REFRESH_SECONDS and self._served > self._catalogue_read:
                catalogue_read = time.monotonic()
                catalogue = read_catalogue(self._use_case)
                with self._loading:
                    self._catalogue_read = catalogue_read
                    self._load(catalogue)
            else:
                self._look_for_models()
            self._is_failing = False
        except Exception:
            # The list served meanwhile is only older; the next look tries again and complains no more.
            if not self._is_failing:
                logger.exception("the live state of %s could not be read again", self._use_case)
            self._is_failing = True

    def look_now(self) -> None:
        """Takes up what has been activated, started or stopped before it returns."""
        with self._loading:
            if self._live is not None:
                self._load(self._live.catalogue)

    def _look_for_models(self) -> None:
        """Unless somebody else is at it."""
        if self._loading.acquire(blocking=False):
            try:
                self._load(None if self._live is None else self._live.catalogue)
            finally:
                self._loading.release()

    def _load(self, catalogue: Catalogue | None) -> None:
        """Looks for newer active models to serve with `catalogue`; reads it where none is given."""
        if catalogue is None:
            self._catalogue_read = time.monotonic()
            catalogue = read_catalogue(self._use_case)
        before = self._live
        models = load_models(self._use_case, before.models if before else NO_MODELS)
        experiment = load_experiment(self._use_case, models, before.experiment if before else None)
        is_known = (
            before is not None
            and catalogue is before.catalogue
            and (models, experiment) == (before.models, before.experiment)
        )
        if not is_known:
            self._live = Live.of(catalogue, models, experiment)


class Watcher:
    """The thread that looks at everything again, for as long as the process lives."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def ensure(self) -> None:
        """Starts the thread where it does not run, as in a process that has just been forked."""
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._stopped = threading.Event()
                    self._thread = threading.Thread(
                        target=self._watch, args=(self._stopped,), name="live-state", daemon=True
                    )
                    self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and waits until it is done with what it is at."""
        thread, self._thread = self._thread, None
        self._stopped.set()
        if thread is not None:
            thread.join(timeout=10)

    @staticmethod
    def _watch(stopped: threading.Event) -> None:
        try:
            while not stopped.wait(_pause()):
                # Its connection is kept from look to look, but not one that the database has ended.
                close_old_connections()
                for state in list(_states.values()):
                    state.look_again()
        finally:
            connection.close()


def _pause() -> float:
    """Seconds between two looks."""
    every: float = settings.MODEL_CHECK_SECONDS
    return max(_SHORTEST_PAUSE, every if every >= 0 else settings.CATALOG_REFRESH_SECONDS)


_states = {name: LiveState(name) for name in USE_CASES}
_watcher = Watcher()


def get_live(use_case: str) -> Live:
    """The models and the catalogue that a request of `use_case` is served from."""
    live = _states[use_case].get()
    _watcher.ensure()
    return live


def look_now(use_case: str) -> None:
    """Takes up in this process what has just been changed in a use case, before it returns."""
    _states[use_case].look_now()


def forget_live() -> None:
    """Drops everything held in memory; the next request reads it anew."""
    _watcher.stop()
    for name in USE_CASES:
        _states[name] = LiveState(name)
