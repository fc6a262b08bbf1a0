"""The record of a run, from its start to its end. A record that cannot be written stops no run."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.utils import timezone

from console.models import Run
from console.runs.heart import Heart, stoppable
from console.runs.places import place, process_of, source, started_as
from console.runs.services import settle_lost_runs
from console.runs.telling import LogTail, arguments_of, failure_of, figures_of, outcome_of, progress_of
from core.database import in_one_line, is_away
from core.runs import CommandRun

logger = structlog.stdlib.get_logger(__name__)

Kind, Status = Run.Kind, Run.Status
# Whose runs are kept. Those that print a secret or a person's record are not.
KINDS = {
    "generate_als_dataset": Kind.DATASET,
    "generate_ranker_dataset": Kind.DATASET,
    "generate_two_tower_dataset": Kind.DATASET,
    "train": Kind.TRAINING,
    "train_als": Kind.TRAINING,
    "train_ranker": Kind.TRAINING,
    "train_two_tower": Kind.TRAINING,
    "evaluate_models": Kind.EVALUATION,
    "measure_responsiveness": Kind.EVALUATION,
    "estimate_strengths": Kind.EVALUATION,
    "retrain": Kind.RETRAINING,
    "activate_model": Kind.RETRAINING,
    "rollback_model": Kind.RETRAINING,
    "import_items": Kind.IMPORT,
    "import_interactions": Kind.IMPORT,
    "import_sessions": Kind.IMPORT,
    "import_movielens": Kind.IMPORT,
    "rebuild_profiles": Kind.UPKEEP,
    "prune": Kind.UPKEEP,
    "schedule": Kind.UPKEEP,
}


@contextmanager
def keep(command: CommandRun) -> Iterator[None]:
    """A keeper of runs: the block is one run of a command."""
    run_id = _begin(command) if command.command in KINDS else None
    if run_id is None:
        yield
        return
    log = LogTail()
    try:
        with _heard_by(log), stoppable() as can_stop, Heart(run_id, command, log, can_stop=can_stop):
            yield
    except BaseException as error:
        _end(run_id, command, log, *failure_of(error, log))
        raise
    figures = figures_of(command.summary)
    _end(run_id, command, log, *outcome_of(figures), figures)


def _begin(command: CommandRun) -> int | None:
    """Puts a run on record; None where that cannot be done."""
    now = timezone.now()
    process: dict[str, Any] = {
        "arguments": arguments_of(command.given),
        "started_as": started_as(),
        "place": place(),
        "process": process_of(os.getpid()),
        "status": Status.RUNNING,
        "started_at": now,
        "heard_at": now,
    }
    try:
        with transaction.atomic():
            settle_lost_runs()
            waiting = _waiting(command)
            if waiting is not None and Run.objects.filter(pk=waiting, status=Status.WAITING).update(
                **process
            ):
                return waiting
            kind = KINDS[command.command]
            return Run.objects.create(
                command=command.command,
                kind=kind,
                use_case=command.use_case,
                source=source(),
                asked_at=now,
                **process,
            ).pk
    except DatabaseFailure as error:
        logger.warning("a run is not kept on record", command=command.command, error=in_one_line(error))
        return None


def _waiting(command: CommandRun) -> int | None:
    """The id of the run that waits for this process, which has it in its environment."""
    named = os.environ.get("HEED_RUN", "")
    if not named.isdigit() or not Run.objects.filter(pk=int(named), command=command.command).exists():
        return None
    return int(named)


def _end(
    run_id: int,
    command: CommandRun,
    log: LogTail,
    status: Run.Status,
    why: str,
    figures: dict[str, Any] | None = None,
) -> None:
    done, share = progress_of(command.progress)
    now = timezone.now()
    ended = {
        "status": status,
        "why": why,
        "done": done,
        "share": share,
        "log": log.text(),
        "figures": figures,
        "heard_at": now,
        "ended_at": now,
    }
    try:
        _write(run_id, ended)
        if status == Status.IDLE:
            _forget_earlier(run_id, command)
    except DatabaseFailure as error:
        logger.warning("the end of a run is not on record", run=run_id, error=in_one_line(error))


def _write(run_id: int, ended: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            Run.objects.filter(pk=run_id).update(**ended)
    except DatabaseFailure as error:
        # A connection that died during a long run is replaced once.
        if not is_away(error) or connection.in_atomic_block:
            raise
        connection.close()
        Run.objects.filter(pk=run_id).update(**ended)


def _forget_earlier(run_id: int, command: CommandRun) -> None:
    """Of the runs that found nothing to do only the last says anything."""
    same = Run.objects.filter(command=command.command, use_case=command.use_case, status=Status.IDLE)
    same.exclude(pk=run_id).delete()


@contextmanager
def _heard_by(log: LogTail) -> Iterator[None]:
    logging.root.addHandler(log)
    try:
        yield
    finally:
        logging.root.removeHandler(log)
