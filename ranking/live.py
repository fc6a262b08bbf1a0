"""What each worker holds in memory to serve from: the active models and a snapshot of the catalogue.

A thread looks at both again, so that only the very first request of a process waits for them and no other
spends a query on them. A newly activated model is noticed within MODEL_CHECK_SECONDS by one small query; the
catalogue is read again every CATALOGUE_REFRESH_SECONDS while it is served from. With MODEL_CHECK_SECONDS
below 0 each request looks for models itself.
"""

import logging
import threading
import time
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db import close_old_connections, connection
from numpy.typing import NDArray

from config.use_cases import USE_CASES
from ranking.catalogue import Catalogue, read_catalogue
from ranking.loading import NO_MODELS, LoadedModels, load_models
from ranking.ml.als import AlsModel
from ranking.ml.ranker import Ranker

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Live:
    """All that one request reads of the shared state; it stays as it is while the request runs.

    als_allowed  for each row of the ALS model, whether its item may be recommended; empty without a model
    """

    catalogue: Catalogue
    models: LoadedModels
    als_allowed: NDArray[np.bool_]

    @classmethod
    def of(cls, catalogue: Catalogue, models: LoadedModels = NO_MODELS) -> "Live":
        """The state from a catalogue and the models to serve."""
        known = np.empty(0, dtype=np.int64) if models.als is None else models.als.model.item_ids
        return cls(catalogue, models, catalogue.holds(known))

    @property
    def als(self) -> AlsModel | None:
        """The ALS model that serves."""
        return None if self.models.als is None else self.models.als.model

    @property
    def ranker(self) -> Ranker | None:
        """The ranker that serves."""
        return None if self.models.ranker is None else self.models.ranker.model

    def label(self, *, als: bool = True, ranker: bool = True) -> str:
        """The versions that serve, of those kinds that are asked for, as one text."""
        wanted = [self.models.als if als else None, self.models.ranker if ranker else None]
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
            if age > settings.CATALOGUE_REFRESH_SECONDS and self._served > self._catalogue_read:
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
        if before is None or models != before.models or catalogue is not before.catalogue:
            self._live = Live.of(catalogue, models)


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
    return max(_SHORTEST_PAUSE, every if every >= 0 else settings.CATALOGUE_REFRESH_SECONDS)


_states = {name: LiveState(name) for name in USE_CASES}
_watcher = Watcher()


def get_live(use_case: str) -> Live:
    """The models and the catalogue that a request of `use_case` is served from."""
    live = _states[use_case].get()
    _watcher.ensure()
    return live


def forget_live() -> None:
    """Drops everything held in memory; the next request reads it anew."""
    _watcher.stop()
    for name in USE_CASES:
        _states[name] = LiveState(name)
