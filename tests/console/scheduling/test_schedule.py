"""The schedule: when jobs are due, what it does with them, and what it outlives."""

import json
import signal
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from console.models import Run, ScheduledJob
from console.runs import services
from console.scheduling import loop
from console.scheduling.loop import Schedule
from console.scheduling.plan import Task, tasks
from console.scheduling.processes import RunningTask
from core.domain import DOMAIN, USE_CASES
from core.domain.reading import read_domain
from core.domain.schema import Job, usual_schedule
from core.errors import InvalidInput, LockHeld
from ranking.registry.locks import training_lock
from tests.console.runs.test_keeping import make_run, manage, rows, shared, wait_for
from tests.factories import allow

__all__ = ["shared"]
pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
Status = Run.Status


class FakeTask(RunningTask):
    """A task that runs until a test says that it is over."""

    def __init__(self, task: Task) -> None:
        self.task, self.outcome, self.over = task, "", False

    @property
    def is_over(self) -> bool:
        return self.over


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[FakeTask]:
    """The tasks that a schedule started."""
    started: list[FakeTask] = []

    def start(task: Task) -> FakeTask:
        started.append(FakeTask(task))
        return started[-1]

    monkeypatch.setattr(loop, "RunningTask", start)
    return started


def nightly(at: str = "20 3 * * *") -> Task:
    return Task("prune", at, (("prune",),))


def schedule_of(*jobs: Task, now: datetime = NIGHT) -> Schedule:
    schedule = Schedule(list(jobs))
    schedule._begin(now)
    return schedule


def test_jobs_become_command_lines_for_each_use_case() -> None:
    [task] = tasks([Job("retrain", "*/15 * * * *", ("retrain --if-needed",), each_use_case=True)])
    assert task.lines == tuple(("retrain", "--if-needed", "--use-case", name) for name in USE_CASES)
    assert task.after(NIGHT) == NIGHT + timedelta(minutes=15)
    with pytest.raises(InvalidInput, match="no command of Heed's 'rm -rf /'"):
        tasks([Job("bad", "* * * * *", ("rm -rf /",))])
    with pytest.raises(InvalidInput, match="no command of Heed's 'flush"):
        tasks([Job("bad", "* * * * *", ("flush --noinput",))])


def test_our_own_file_plans_what_is_usual_and_commands_that_exist() -> None:
    assert {task.name for task in tasks()} > usual_schedule().keys()
    assert {name: DOMAIN.schedule[name] for name in usual_schedule()} == usual_schedule()


@pytest.mark.parametrize("at", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "* * * * * *", "every night"])
def test_a_time_that_never_comes_is_refused_when_a_process_starts(at: str, tmp_path: Any) -> None:
    file = tmp_path / "heed.toml"
    file.write_text(project.HEED_CONFIG.read_text().replace('at = "20 3 * * *"', f"at = {json.dumps(at)}"))
    with pytest.raises(ImproperlyConfigured, match=r"schedule\.prune\.at"):
        read_domain(file)


def test_a_job_begins_when_it_is_due_and_once(begun: list[FakeTask]) -> None:
    schedule = schedule_of(nightly())
    schedule.tick(NIGHT + timedelta(minutes=19))
    assert not begun
    due = NIGHT + timedelta(minutes=20)
    for seconds in (0, 5, 10):
        schedule.tick(due + timedelta(seconds=seconds))
    assert len(begun) == 1
    job = ScheduledJob.objects.get()
    assert (job.started_at, job.ended_at, job.next_at) == (due, None, due + timedelta(days=1))
    begun[0].over, begun[0].outcome = True, "prune ended with 1."
    schedule.tick(due + timedelta(seconds=15))
    job.refresh_from_db()
    assert (job.ended_at, job.outcome) == (due + timedelta(seconds=15), "prune ended with 1.")


def test_a_job_that_still_runs_when_it_is_due_again_is_left_out(begun: list[FakeTask]) -> None:
    schedule = schedule_of(nightly("* * * * *"))
    for minute in (1, 2, 3):
        schedule.tick(NIGHT + timedelta(minutes=minute))
    assert len(begun) == 1
    assert "left out" in ScheduledJob.objects.get().outcome


def test_what_was_missed_while_nothing_ran_is_due_once(begun: list[FakeTask]) -> None:
    schedule_of(nightly()).tick(NIGHT + timedelta(minutes=20))
    later = NIGHT + timedelta(days=9)
    schedule = schedule_of(nightly(), now=later)
    for seconds in (0, 5):
        schedule.tick(later + timedelta(seconds=seconds))
    assert len(begun) == 2
    # A time that was changed meanwhile missed nothing.
    ScheduledJob.objects.update(at="0 0 1 1 *")
    schedule_of(nightly(), now=later + timedelta(days=9)).tick(later + timedelta(days=9))
    assert len(begun) == 2


def test_jobs_that_heed_toml_no_longer_names_go() -> None:
    schedule_of(nightly(), Task("old", "* * * * *", (("prune",),)))
    schedule_of(nightly())
    assert ScheduledJob.objects.get().name == "prune"


def test_it_goes_on_after_a_mistake_and_waits_for_a_database_that_is_away(
    begun: list[FakeTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [RuntimeError("ours"), OperationalError("gone"), RuntimeError("ours again")]
    schedule = Schedule([nightly()], tick=0.0)

    def fail(now: datetime) -> None:
        if not errors:
            schedule.stop()
            return
        raise errors.pop(0)

    monkeypatch.setattr(schedule, "tick", fail)
    schedule.run()
    assert not errors


def test_there_is_one_on_a_database() -> None:
    with training_lock(loop.LOCK), pytest.raises(LockHeld):
        Schedule([nightly()], tick=0.0).run()


def test_it_starts_what_staff_asked_for_once(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[Run] = []
    monkeypatch.setattr(services, "_spawn", spawned.append)
    make_run(command="schedule", use_case="", kind=Run.Kind.UPKEEP)
    run = services.start_retraining(use_case="movie_home", if_needed=False, by=person)
    assert not spawned
    schedule = schedule_of()
    schedule.tick(NIGHT)
    schedule.tick(NIGHT)
    assert spawned == [run]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ((("schedule", "--next"), ("schedule", "--next")), ""),
        ((("prune", "--no-such-option"), ("schedule",)), "prune --no-such-option ended with 2."),
    ],
)
def test_a_task_runs_its_commands_until_one_fails(lines: Any, outcome: str) -> None:
    running = RunningTask(Task("some", "* * * * *", lines))
    running._thread.join(60)
    assert running.is_over
    assert running.outcome == outcome


def test_the_command_says_when_each_job_is_due() -> None:
    out = StringIO()
    call_command("schedule", "--next", "--json", stdout=out)
    times = json.loads(out.getvalue())
    assert times.keys() == DOMAIN.schedule.keys()
    assert min(times.values()) >= timezone.now().isoformat(timespec="minutes")


def test_the_admin_shows_the_next_runs_and_whether_a_schedule_runs(client: Client, staff: User) -> None:
    address = "/admin/console/scheduledjob/"
    assert client.get(address).status_code == 403
    allow(staff, "view_scheduledjob")
    client.force_login(User.objects.get(pk=staff.pk))
    schedule_of(nightly())
    page = client.get(address).content.decode()
    assert "No schedule runs." in page
    assert "March 1, 2026, 3:20 a.m." in page
    make_run(command="schedule", use_case="")
    assert "The schedule runs." in client.get(address).content.decode()


@pytest.mark.slow
@pytest.mark.any_database
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_what_it_runs(
    shared: dict[str, str], number: int, tmp_path: Any
) -> None:
    file = tmp_path / "heed.toml"
    text = project.HEED_CONFIG.read_text()
    head, _, rest = text.partition("[schedule.retrain]")
    job = '[schedule.long]\nat = "0 0 1 1 *"\nrun = ["retrain --watch 600"]\n\n'
    file.write_text(head + job + rest[rest.index("# --- The words") :])
    environment = {**shared, "HEED_CONFIG": str(file)}
    # It was missed last year, so it begins at once.
    past = "2024-01-01 00:00:00"
    rows(
        shared,
        "INSERT INTO console_scheduledjob (name, at, runs, next_at, started_at, outcome)"
        " VALUES ('long', '0 0 1 1 *', '[]', ?, ?, '')",
        past,
        past,
    )
    process = manage(environment, "schedule", "--json")

    def retrains() -> bool:
        return ("retrain", "schedule", "running") in rows(
            shared, "SELECT command, source, status FROM console_run"
        )

    wait_for(retrains)
    second = manage(environment, "schedule", "--json")
    assert second.wait(timeout=60) == 3
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)) == (0, {"started": 1})
    ended = dict(rows(shared, "SELECT command, status FROM console_run WHERE status <> 'locked'"))
    assert ended == {"schedule": "done", "retrain": "canceled"}
    assert rows(shared, "SELECT outcome FROM console_scheduledjob") == [("It was stopped.",)]
