"""The serving state of each worker, in memory: the active models, the experiment, and the catalog.

A thread keeps it up, so that only the very first request of a process waits for it and no other spends a
query on it. A newly activated model, an experiment that begins or ends, or a rule of staff, is noticed within
MODEL_CHECK_SECONDS by a small query each. So are changes of the catalog while it is served from: what was
dated since is read, not the others. Every CATALOG_REFRESH_SECONDS what the dates do not tell is looked for,
too: deleted items, and the demand. With MODEL_CHECK_SECONDS below 0 each request looks for models and
experiments itself.
"""

import os
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, replace

import numpy as np
import structlog
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import connections
from django.dispatch import receiver
from django.utils import timezone

from core.database import in_one_line, is_away
from core.domain import USE_CASES
from core.domain.roles import use_cases_of_kind
from core.refresher import Refresher, RefreshJob
from curation.acting import NO_RULES, RuleSet
from curation.selectors import RuleRow, standing_rules
from ranking.arms import RunningExperiment, load_experiment
from ranking.assignment import assign
from ranking.catalog_rows import CatalogRows, read_rows
from ranking.context import ScoringContext
from ranking.memory import Memory
from ranking.policy import Policy
from ranking.registry.loading import NO_MODELS, load_models
from ranking.snapshot import CatalogSnapshot, snapshot_of
from serving.filtering import follow
from serving.rule_sets import rule_set_of

logger = structlog.stdlib.get_logger(__name__)

_SHORTEST_PAUSE = 0.05
# After changes were taken up: so many times as long as it took, so that a large catalog that always changes
# costs each worker a twentieth of its time at the most.
_REST = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class ServingState:
    """The shared state of one use case; it stays as it is while a request runs.

    usual       for everybody who is in no arm of the experiment
    experiment  the one that runs
    arms        the context of each of its arms; None for one that gets the usual lists
    rules       of staff that stand; each context has those that its policy does not switch off
    rows        the same as they stand in the table
    """

    usual: ScoringContext
    experiment: RunningExperiment | None = None
    arms: tuple[ScoringContext | None, ...] = ()
    rules: RuleSet = NO_RULES
    rows: tuple[RuleRow, ...] = ()

    @classmethod
    def of(cls, usual: ScoringContext, experiment: RunningExperiment | None) -> "ServingState":
        """The state from the usual context and the experiment on top of it."""
        if experiment is None:
            return cls(usual)
        arms = tuple(
            None
            if arm is None
            else ScoringContext.of(usual.use_case, usual.catalog, arm.models, arm.policy, arm.label, Memory())
            for arm in experiment.arms
        )
        return cls(usual, experiment, arms)

    def under(self, rules: RuleSet, rows: tuple[RuleRow, ...]) -> "ServingState":
        """The same state under other rules of staff; what was found out about people is kept."""
        arms = tuple(None if one is None else _under(one, rules) for one in self.arms)
        return replace(self, usual=_under(self.usual, rules), arms=arms, rules=rules, rows=rows)

    def for_person(self, user_id: int) -> ScoringContext:
        """The context of a person's lists: that of their arm where they are in an experiment."""
        arm = None if self.experiment is None else assign(user_id, self.experiment.allocation)
        mine = None if arm is None else self.arms[arm]
        return self.usual if mine is None else mine

    @property
    def problem(self) -> str:
        """The problem with the models, in words; empty where there is none."""
        of_arms = "" if self.experiment is None else self.experiment.problem
        return " ".join(filter(None, (self.usual.models.problem, of_arms)))


def _under(context: ScoringContext, rules: RuleSet) -> ScoringContext:
    return replace(context, rules=rules.without(context.policy.without_rules))


class StateHolder:
    """The state of one use case in this process. Safe to use from several threads."""

    def __init__(self, use_case: str) -> None:
        self._use_case = USE_CASES[use_case]
        self._loading, self._beginning = threading.Lock(), threading.Lock()
        self._is_inherited = False
        self._state: ServingState | None = None
        self._rows: CatalogRows | None = None
        self._checked = self._looked = self._rests_until = self._served = -np.inf

    def inherit(self) -> None:
        """Takes the state over in a process that was forked from the one that read it."""
        # Another thread may have held a lock, and is not here to let it go.
        self._loading, self._beginning = threading.Lock(), threading.Lock()
        self._is_inherited = True

    def get(self) -> ServingState:
        """The current state. Only the first call reads it, and any where models are looked for at once.

        Of a state that was read before this process was forked the first call reads what changed since.
        """
        self._served = time.monotonic()
        if self._state is None or self._is_inherited:
            self._begin()
        elif settings.MODEL_CHECK_SECONDS < 0 and _is_to_look(self._use_case.name):
            self._refresh_models()
        state = self._state
        if state is None:  # pragma: no cover  _load either sets it or raises
            raise RuntimeError("the serving state was not loaded")
        return state

    def _begin(self) -> None:
        with self._beginning:
            if self._state is None:
                with self._loading:
                    self._load(None)
            elif self._is_inherited:
                self._rests_until = -np.inf
                self.refresh(waits=True)
            self._is_inherited = False

    def refresh(self, *, waits: bool = False) -> None:
        """Takes up what has been activated, and what changed in the catalog while it is served from.

        Models are not looked for while another thread is at it, but where it `waits` for that.
        """
        state, rows, began = self._state, self._rows, time.monotonic()
        if state is None or rows is None:
            return
        if self._served <= self._looked or began < self._rests_until:
            self._refresh_models(waits=waits)
            return
        is_due = began - self._checked > settings.CATALOG_REFRESH_SECONDS
        found = rows.checked() if is_due else rows.changed()
        self._looked = began
        self._checked = began if is_due else self._checked
        if found.is_as(rows):
            self._rows = found
            self._refresh_models(waits=waits)
            return
        catalog = snapshot_of(found)
        follow(catalog, state.usual.catalog)
        with self._loading:
            self._load(catalog)
            self._rows = found
        self._rests_until = time.monotonic() + _REST * (time.monotonic() - began)

    def refresh_now(self) -> None:
        """Takes up what has been activated, started or stopped before it returns."""
        with self._loading:
            if self._state is not None:
                self._load(self._state.usual.catalog)

    def _refresh_models(self, *, waits: bool = False) -> None:
        """Looks for newer models, unless another thread is at it and it does not wait."""
        if self._loading.acquire(blocking=waits):
            try:
                self._load(None if self._state is None else self._state.usual.catalog)
            finally:
                self._loading.release()

    def _load(self, catalog: CatalogSnapshot | None) -> None:
        """Looks for newer active models to serve with `catalog`; reads it where none is given."""
        if catalog is None:
            self._checked = self._looked = time.monotonic()
            self._rows = read_rows(self._use_case.name)
            catalog = snapshot_of(self._rows)
        before = self._state
        models = load_models(self._use_case.name, before.usual.models if before else NO_MODELS)
        policy = Policy.of(self._use_case)
        experiment = load_experiment(
            self._use_case.name, models, policy, before.experiment if before else None
        )
        rows = standing_rules(self._use_case.name, timezone.now())
        is_known = (
            before is not None
            and catalog is before.usual.catalog
            and (models, policy, experiment) == (before.usual.models, before.usual.policy, before.experiment)
        )
        if before is None or not is_known:
            usual = ScoringContext.of(self._use_case, catalog, models, policy, memory=Memory())
            self._state = ServingState.of(usual, experiment).under(rule_set_of(rows, catalog), rows)
        elif rows != before.rows:
            self._state = before.under(rule_set_of(rows, catalog), rows)


# The use cases of which the request that runs has looked for models already; None outside of requests.
_looked_at: ContextVar[set[str] | None] = ContextVar("looked_at", default=None)


@receiver(request_started)
def _begin_looking(**signal: object) -> None:
    _looked_at.set(set())


@receiver(request_finished)
def _end_looking(**signal: object) -> None:
    _looked_at.set(None)


def _is_to_look(use_case: str) -> bool:
    """True of the first time in a request, and outside of requests always."""
    seen = _looked_at.get()
    if seen is None:
        return True
    is_first = use_case not in seen
    seen.add(use_case)
    return is_first


def _pause() -> float:
    """Seconds between two refreshes."""
    every: float = settings.MODEL_CHECK_SECONDS
    return max(_SHORTEST_PAUSE, every if every >= 0 else settings.CATALOG_REFRESH_SECONDS)


_holders = {name: StateHolder(name) for name in USE_CASES}


def _inherit() -> None:
    for holder in _holders.values():
        holder.inherit()


os.register_at_fork(after_in_child=_inherit)
_refresher: Refresher[str] = Refresher(
    RefreshJob(
        name="serving-state",
        refresh=lambda use_case: _holders[use_case].refresh(),
        failure="the serving state could not be read again",
        every=_pause,
        keys=lambda: USE_CASES,
    )
)


def get_state(use_case: str) -> ServingState:
    """The models and the catalog that requests of `use_case` are served from."""
    state = _holders[use_case].get()
    _refresher.ensure()
    return state


def load_states() -> None:
    """Reads the state of each use case, for processes that are forked from this one.

    They share its memory, and their first list need not wait. Where one cannot be read, it is read with the
    first request. No thread is begun, and no connection to the database stays.
    """
    for use_case, holder in _holders.items():
        try:
            holder.get()
        except Exception as error:
            logger.warning(
                "workers share no catalog and no models; each reads them with its first request",
                use_case=use_case,
                error=in_one_line(error),
            )
            if is_away(error):
                break
    connections.close_all()


def strength_of_dislikes(user_id: int, kind: str) -> float:
    """The exponent of the penalties in a person's lists of a kind; of policies that differ the largest."""
    return max(
        (
            get_state(use_case.name).for_person(user_id).policy.hold_back
            for use_case in use_cases_of_kind(kind)
        ),
        default=0.0,
    )


def get_context(use_case: str) -> ScoringContext:
    """The context of everybody who is in no arm of an experiment."""
    return get_state(use_case).usual


def refresh_now(use_case: str) -> None:
    """Takes up in this process what has just been changed in a use case, before it returns."""
    _holders[use_case].refresh_now()


def forget_state() -> None:
    """Drops everything held in memory; the next request reads it anew."""
    _refresher.stop()
    _looked_at.set(None)
    for name in USE_CASES:
        _holders[name] = StateHolder(name)
