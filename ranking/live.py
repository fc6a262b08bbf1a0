"""What each worker holds in memory to serve from: the active models and a snapshot of the catalogue.

Both are looked at again while requests come in. A newly activated model is noticed within
MODEL_CHECK_SECONDS by one small query; the catalogue is read again in the background, so that only the
very first request of a process waits for it.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import F, FilteredRelation, Q
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from catalog.models import Item, ItemFacet
from config.use_cases import USE_CASES
from feedback.reasons import ADJUSTABLE
from ranking.ml.als import AlsModel, positions
from ranking.ml.artifacts import ArtifactError, load_als
from ranking.models import ModelVersion
from ranking.registry import ModelFileError, read_verified

logger = logging.getLogger(__name__)

# How many earlier versions are tried when the file of the active one is damaged.
_FALLBACKS = 3


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The active items of one use case, aligned arrays of length n; row orders of length n."""

    item_ids: NDArray[np.int64]  # sorted ascending
    popularity: NDArray[np.float64]  # 0 to 1
    published: NDArray[np.float64]  # seconds since the epoch; -inf where unknown
    by_popularity: NDArray[np.int64]  # rows with popularity above 0, most popular first
    by_date: NDArray[np.int64]  # rows, newest first
    facet_ids: NDArray[np.int64]  # sorted ascending: the facets that dislikes can hold back
    item_facets: "csr_matrix[np.float64]"  # (n, m), 1 where the item has the facet

    def rows_of(self, item_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """The row of each item, -1 where it is not in this catalogue."""
        return positions(item_ids, self.item_ids)

    def holds(self, item_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of `item_ids` are in this catalogue."""
        found: NDArray[np.bool_] = np.isin(item_ids, self.item_ids)
        return found


@dataclass(frozen=True, slots=True)
class LiveAls:
    """A loaded ALS model, and which of its rows may be recommended."""

    version_id: int
    label: str
    model: AlsModel
    is_active_row: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Live:
    """All that one request reads of the shared state; it stays as it is while the request runs."""

    catalogue: Catalogue
    als: LiveAls | None
    problem: str = ""


def read_catalogue(use_case: str) -> Catalogue:
    """Reads the snapshot: two queries, a tuple per item and per facet of an item."""
    rows = (
        Item.objects.filter(kind=USE_CASES[use_case].kind, is_active=True)
        .alias(demand=FilteredRelation("popularity", condition=Q(popularity__use_case=use_case)))
        .order_by("pk")
        .values_list("pk", "published_at", F("demand__score"))
    )
    ids, published, popularity = [], [], []
    for item_id, published_at, score in rows.iterator(chunk_size=10_000):
        ids.append(item_id)
        published.append(-np.inf if published_at is None else published_at.timestamp())
        popularity.append(score or 0.0)
    item_ids = np.asarray(ids, dtype=np.int64)
    facet_ids, item_facets = _read_facets(use_case, item_ids)
    popularity_array = np.asarray(popularity, dtype=np.float64)
    published_array = np.asarray(published, dtype=np.float64)
    by_popularity = np.argsort(-popularity_array, kind="stable")
    return Catalogue(
        item_ids=item_ids,
        popularity=popularity_array,
        published=published_array,
        by_popularity=by_popularity[popularity_array[by_popularity] > 0.0],
        by_date=np.argsort(-published_array, kind="stable"),
        facet_ids=facet_ids,
        item_facets=item_facets,
    )


def _read_facets(
    use_case: str, item_ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], "csr_matrix[np.float64]"]:
    pairs = ItemFacet.objects.filter(
        item__kind=USE_CASES[use_case].kind, item__is_active=True, facet__kind__in=ADJUSTABLE
    )
    rows = np.array(
        list(pairs.values_list("item_id", "facet_id").iterator(chunk_size=10_000)), dtype=np.int64
    ).reshape(-1, 2)
    # An item that came or went between the two queries has no row in the snapshot.
    rows = rows[np.isin(rows[:, 0], item_ids)]
    facet_ids, columns = np.unique(rows[:, 1], return_inverse=True)
    matrix = csr_matrix(
        (np.ones(len(rows)), (np.searchsorted(item_ids, rows[:, 0]), columns)),
        shape=(len(item_ids), len(facet_ids)),
    )
    return facet_ids, matrix


class LiveState:
    """The live state of one use case in this process. Safe to use from several threads."""

    def __init__(self, use_case: str) -> None:
        self._use_case = use_case
        self._loading = threading.Lock()
        self._refreshing = threading.Lock()
        self._live: Live | None = None
        self._models_checked = -np.inf
        self._catalogue_read = -np.inf

    def get(self) -> Live:
        """The current state, brought up to date first where that is due and nobody else is at it."""
        if self._live is None:
            with self._loading:
                if self._live is None:
                    self._load(read_catalogue(self._use_case))
        else:
            if time.monotonic() - self._models_checked > settings.MODEL_CHECK_SECONDS:
                self._if_free(self._loading, lambda: self._load(None))
            if time.monotonic() - self._catalogue_read > settings.CATALOGUE_REFRESH_SECONDS:
                self._refresh_in_background()
        live = self._live
        if live is None:  # pragma: no cover  _load either sets it or raises
            raise RuntimeError("live state was not loaded")
        return live

    @staticmethod
    def _if_free(lock: threading.Lock, act: Callable[[], None]) -> None:
        if lock.acquire(blocking=False):
            try:
                act()
            finally:
                lock.release()

    def _load(self, catalogue: Catalogue | None) -> None:
        """Looks for a newer active model, and takes over `catalogue` where one is given."""
        self._models_checked = time.monotonic()
        if catalogue is not None:
            self._catalogue_read = time.monotonic()
        before = self._live
        version, model, problem = load_active_als(self._use_case, before.als if before else None)
        if catalogue is None:
            if before is None:
                raise RuntimeError("models are looked up after the catalogue")
            if (before.als and before.als.version_id) == (version and version.pk):
                if problem != before.problem:
                    self._live = Live(before.catalogue, before.als, problem)
                return
            catalogue = before.catalogue
        als = None
        if version is not None and model is not None:
            als = LiveAls(version.pk, version.label, model, catalogue.holds(model.item_ids))
        self._live = Live(catalogue, als, problem)

    def _refresh_in_background(self) -> None:
        if not self._refreshing.acquire(blocking=False):
            return
        self._catalogue_read = time.monotonic()
        threading.Thread(target=self._run_in_thread, name=f"catalogue-{self._use_case}", daemon=True).start()

    def _run_in_thread(self) -> None:
        try:
            self._refresh()
        finally:
            # The connection is this thread's own, and the thread ends here.
            connection.close()

    def _refresh(self) -> None:
        try:
            catalogue = read_catalogue(self._use_case)
            with self._loading:
                self._load(catalogue)
        except Exception:
            # The list served meanwhile is only older; the next refresh tries again.
            logger.exception("the catalogue of %s could not be read again", self._use_case)
        finally:
            self._refreshing.release()


def load_active_als(
    use_case: str, loaded: LiveAls | None
) -> tuple[ModelVersion | None, AlsModel | None, str]:
    """The ALS version to serve with its model, and what is wrong, if anything, as a sentence.

    `loaded` is what this process serves already: it is not read again. Where the file of the active
    version is damaged, the one that served before it does.
    """
    versions = (
        ModelVersion.objects.filter(kind=ModelVersion.Kind.ALS, use_case=use_case)
        .filter(status__in=[ModelVersion.Status.ACTIVE, ModelVersion.Status.ARCHIVED])
        .exclude(activated_at=None)
        .order_by("-activated_at")
        .defer("metrics", "dataset_manifest", "hyper_parameters")
    )
    newest = list(versions[: 1 + _FALLBACKS])
    newest.sort(key=lambda version: version.status != ModelVersion.Status.ACTIVE)
    if not newest or newest[0].status != ModelVersion.Status.ACTIVE:
        return None, None, ""
    problem = ""
    for version in newest:
        if loaded is not None and loaded.version_id == version.pk:
            return version, loaded.model, problem
        try:
            return version, load_als(read_verified(version)), problem
        except (ModelFileError, ArtifactError) as error:
            if not problem:
                problem = f"{error} An earlier version serves."
            logger.error("model version %s cannot be loaded: %s", version.label, error)
    return None, None, problem


_states = {name: LiveState(name) for name in USE_CASES}


def get_live(use_case: str) -> Live:
    """The models and the catalogue that a request of `use_case` is served from."""
    return _states[use_case].get()


def forget_live() -> None:
    """Drops everything held in memory; the next request reads it anew."""
    for name in USE_CASES:
        _states[name] = LiveState(name)
