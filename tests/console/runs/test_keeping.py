"""The record of a run, made by the frame that all commands share."""

import contextlib
import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from console.models import Run
from console.runs import keeping
from console.runs.heart import Heart
from console.runs.places import lives_here, place, process_of
from console.runs.services import SILENCE, cancel_run, settle_lost_runs, start_run
from console.runs.telling import LogTail, arguments_of, figures_of, plain
from core.commands import HeedCommand
from core.errors import Conflict, LockHeld
from core.runs import CommandRun
from tests.factories import make_user

pytestmark = pytest.mark.django_db
Status = Run.Status


class Probe(HeedCommand):
    """Does what `--outcome` says."""

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--outcome", default="done")
        parser.add_argument("--use-case", default="movie_home")
        parser.add_argument("--user", action="append")

    def run(self, options: dict[str, Any]) -> object:
        structlog.stdlib.get_logger(__name__).info("at work", address="https://ann:secret@example.org")
        with self.progress(options, "probe", total=8) as progress:
            progress.advance(6)
        match options["outcome"]:
            case "held":
                raise LockHeld("Another run holds the lock. Wait for it to end.")
            case "conflict":
                raise Conflict("This contradicts what is recorded.")
            case "mistake":
                raise RuntimeError("a mistake of ours")
            case "stopped":
                raise SystemExit(143)
            case "idle":
                return {"due": False, "why": "Nothing waits."}
            case "rejected":
                return {"outcomes": [{"version": "als-1", "status": "rejected", "why": "It is worse."}]}
        return {"rows": 12, "share": float("nan"), "text": "a\0b"}


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keeping.KINDS, __name__.rpartition(".")[2], Run.Kind.TRAINING)


def probe(*arguments: str) -> Run:
    try:
        call_command(Probe(), *arguments, stdout=StringIO(), stderr=StringIO())
    finally:
        run = Run.objects.latest("pk")
    return run


def test_a_run_that_is_done_is_on_record_with_its_figures_progress_and_log() -> None:
    run = probe("--quiet", "--use-case", "drama_home")
    assert (run.status, run.kind, run.use_case) == (Status.DONE, Run.Kind.TRAINING, "drama_home")
    assert run.arguments == {"use_case": "drama_home"}
    assert run.figures == {"rows": 12, "share": None, "text": "ab"}
    assert (run.done, run.share) == ("6 of 8 rows", 0.75)
    assert run.why == "rows 12, text ab"
    assert "at work" in run.log
    assert "secret" not in run.log
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.started_at <= run.ended_at
    assert run.started_as.endswith(f"on {os.uname().nodename}")
    assert lives_here(run.process)


@pytest.mark.parametrize(
    ("outcome", "error", "status", "why"),
    [
        ("held", CommandError, Status.LOCKED, "Another run holds the lock. Wait for it to end."),
        ("conflict", CommandError, Status.FAILED, "This contradicts what is recorded."),
        ("mistake", RuntimeError, Status.FAILED, "RuntimeError: a mistake of ours"),
        ("stopped", SystemExit, Status.CANCELED, "It was told to stop."),
    ],
)
def test_a_run_that_fails_says_why(outcome: str, error: type[BaseException], status: str, why: str) -> None:
    with pytest.raises(error):
        probe("--outcome", outcome)
    run = Run.objects.get()
    assert (run.status, run.why) == (status, why)
    assert ("Traceback" in run.log) == (outcome == "mistake")


def test_of_runs_with_nothing_to_do_only_the_last_stays() -> None:
    probe()
    probe("--outcome", "idle")
    last = probe("--outcome", "idle")
    assert (last.status, last.why) == (Status.IDLE, "Nothing waits.")
    assert list(Run.objects.values_list("status", flat=True)) == [Status.IDLE, Status.DONE]


def test_a_run_whose_candidates_were_all_rejected_says_so() -> None:
    run = probe("--outcome", "rejected")
    assert (run.status, run.why) == (Status.REJECTED, "als-1: It is worse.")


@pytest.mark.parametrize("name", ["ann.smith", "ann smith", "o'ann", 'say "ann"', "ann" * 60])
def test_who_is_named_by_the_report_of_an_import_is_not_kept(tmp_path: Path, name: str) -> None:
    """An erasure could not find the name in there."""
    User.objects.create_user("ann.smith", password="correct horse 7")
    file, row = tmp_path / "i.csv", StringIO(newline="")
    csv.writer(row).writerow([name, "movie", "no-such-film", "like", "2026-01-01"])
    file.write_text(f"user,kind,item,type,occurred_at\n{row.getvalue()}")
    for options in ({}, {"max_errors": 9}):
        with contextlib.suppress(CommandError):
            call_command("import_interactions", str(file), quiet=True, stdout=StringIO(), **options)
    runs = list(Run.objects.filter(command="import_interactions").values("why", "log", "figures"))
    assert len(runs) == 2
    assert "i.csv:2" in str(runs)
    assert "ann" not in str(runs)


def test_who_is_named_by_an_option_is_not_kept() -> None:
    assert probe("--user", "ann", "--user", "bob").arguments == {"user": "(2 named)"}
    assert arguments_of({"file": "s3://key:word@bucket/x.csv"}) == {"file": "s3://…@bucket/x.csv"}


def test_commands_that_print_secrets_or_records_of_people_leave_no_run(tmp_path: Path) -> None:
    make_user("ann")
    call_command("issue_token", "ann", stdout=StringIO())
    call_command("export_user", "ann", "--out", str(tmp_path / "ann.json"), stdout=StringIO())
    assert not Run.objects.exists()


def test_a_log_keeps_its_last_lines_and_figures_their_size() -> None:
    log = LogTail()
    log.add("\n".join(f"line {number}" for number in range(1000)))
    assert log.text().splitlines()[0] == "line 800"
    assert figures_of({"rows": 3, "many": ["x" * 1000] * 300}) == {"rows": 3}
    assert plain("postgres://heed:pw@db/heed") == "postgres://…@db/heed"


# --- Processes ----------------------------------------------------------------------------------


def make_run(**fields: Any) -> Run:
    now = timezone.now()
    return Run.objects.create(
        **{
            "command": "retrain",
            "use_case": "movie_home",
            "kind": Run.Kind.RETRAINING,
            "source": Run.Source.CRON,
            "status": Status.RUNNING,
            "place": place(),
            "process": process_of(os.getpid()),
            "asked_at": now,
            "started_at": now,
            "heard_at": now,
            **fields,
        }
    )


def test_a_run_whose_process_is_gone_ended_without_a_word() -> None:
    living = make_run()
    gone = make_run(process=f"{os.getpid()} 1")
    elsewhere = make_run(place="another machine", process="1 1")
    silent = make_run(place="another machine", heard_at=timezone.now() - 2 * SILENCE)
    assert settle_lost_runs() == 2
    assert {run.pk for run in Run.objects.filter(status=Status.LOST)} == {gone.pk, silent.pk}
    assert {run.pk for run in Run.objects.filter(status=Status.RUNNING)} == {living.pk, elsewhere.pk}
    silent.refresh_from_db()
    assert silent.ended_at == silent.heard_at


def test_only_one_of_a_kind_waits(person: User) -> None:
    make_run(command="retrain", status=Status.WAITING)
    with pytest.raises(Conflict, match="on already"):
        start_run(
            command="retrain",
            kind=Run.Kind.RETRAINING,
            given={"use_case": "movie_home"},
            source=Run.Source.ADMIN,
            by=person,
        )


def test_a_run_that_waits_is_canceled_at_once_and_one_that_is_over_not_at_all(person: User) -> None:
    waiting = make_run(status=Status.WAITING, started_at=None)
    cancel_run(waiting, by=person)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.canceled_by) == (Status.CANCELED, person)
    with pytest.raises(Conflict):
        cancel_run(waiting, by=person)
    with pytest.raises(Conflict):
        cancel_run(make_run(status=Status.DONE), by=person)


def test_a_run_that_is_not_heard_of_for_a_while_and_then_again_is_on_again() -> None:
    run = make_run(place="another machine", heard_at=timezone.now() - timedelta(hours=1))
    settle_lost_runs()
    with Heart(run.pk, CommandRun("retrain"), LogTail(), can_stop=False) as heart:
        assert not heart._beat()
    run.refresh_from_db()
    assert run.status == Status.RUNNING


# --- Real processes, on a database that they share with the test --------------------------------


@pytest.fixture
def shared(tmp_path: Path, migrated_file: Path) -> dict[str, str]:
    """The environment of commands on a database of their own."""
    shutil.copy(migrated_file, tmp_path / "heed.sqlite3")
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {
        **kept,
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'heed.sqlite3'}",
        "MODEL_DIR": str(tmp_path / "models"),
        "DATASET_DIR": str(tmp_path / "datasets"),
        "LOCK_DIR": str(tmp_path / "locks"),
    }


def manage(environment: dict[str, str], *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(project.BASE_DIR / "manage.py"), *words],
        env=environment,
        cwd=project.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def rows(environment: dict[str, str], sql: str, *values: Any) -> list[Any]:
    with sqlite3.connect(environment["DATABASE_URL"].removeprefix("sqlite:///"), timeout=20) as database:
        return database.execute(sql, values).fetchall()


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, "it did not happen within a minute"
        time.sleep(0.05)


def begun(environment: dict[str, str]) -> bool:
    return rows(environment, "SELECT status FROM console_run") == [("running",)]


@pytest.mark.slow
@pytest.mark.any_database
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_is_lost_and_a_stopped_one_says_so(shared: dict[str, str], number: int) -> None:
    process = manage(shared, "retrain", "--watch", "600")
    wait_for(lambda: begun(shared))
    process.send_signal(number)
    process.communicate(timeout=60)
    manage(shared, "activate_model").wait()
    status = "lost" if number == signal.SIGKILL else "canceled"
    assert rows(shared, "SELECT status FROM console_run WHERE command = 'retrain'") == [(status,)]
    assert rows(shared, "SELECT status FROM console_run WHERE command <> 'retrain'") == [("failed",)]


@pytest.mark.slow
@pytest.mark.any_database
def test_a_canceled_run_ends_by_itself(shared: dict[str, str]) -> None:
    process = manage(shared, "retrain", "--watch", "600")
    wait_for(lambda: begun(shared))
    rows(shared, "UPDATE console_run SET canceled_at = ?", timezone.now().isoformat(sep=" "))
    assert process.wait(timeout=60) == 143
    assert rows(shared, "SELECT status, why FROM console_run") == [("canceled", "It was told to stop.")]


@pytest.mark.slow
@pytest.mark.any_database
def test_a_run_that_was_asked_for_is_taken_up_by_its_process(shared: dict[str, str]) -> None:
    now = timezone.now().isoformat(sep=" ")
    rows(
        shared,
        "INSERT INTO console_run (command, kind, use_case, arguments, source, started_as, place, process,"
        " status, why, done, log, asked_at, heard_at) VALUES ('retrain', 'retraining', 'movie_home', '{}',"
        " 'admin', '', '', '', 'waiting', '', '', '', ?, ?)",
        now,
        now,
    )
    [(run_id,)] = rows(shared, "SELECT id FROM console_run")
    process = manage({**shared, "HEED_RUN": str(run_id)}, "retrain", "--if-needed", "--json")
    assert json.loads(process.communicate(timeout=60)[0])["due"] is False
    assert rows(shared, "SELECT id, source, status FROM console_run") == [(run_id, "admin", "idle")]
