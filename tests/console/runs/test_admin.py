"""Runs in the admin: what staff see, start and cancel, and that nothing is done by a mere visit."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from console.admin import took
from console.models import Run
from console.runs import services
from console.runs.figures import figure_rows
from tests.console.runs.test_keeping import make_run
from tests.factories import allow

pytestmark = pytest.mark.django_db
LIST = "/admin/console/run/"
Status = Run.Status


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs for which a process would have been started."""
    runs: list[Run] = []
    monkeypatch.setattr(services, "_spawn", runs.append)
    return runs


def start(client: Client, **data: Any) -> int:
    return client.post(f"{LIST}start/", data).status_code


def test_the_list_shows_what_ran_and_what_came_of_it(client: Client, staff: User) -> None:
    allow(staff, "view_run")
    make_run(done="3 of 9 steps", share=1 / 3)
    make_run(status=Status.DONE, why="als-movie_home-2 is active", use_case="drama_home", started_by=staff)
    make_run(status=Status.RUNNING, process="1 1", use_case="investor_startup")
    page = client.get(LIST).content.decode()
    for text in (
        "3 of 9 steps (33%)",
        "als-movie_home-2 is active",
        "staff, by cron",
        "Ended without a word",
    ):
        assert text in page
    assert "Start</button>" not in page
    for query in ("status=lost", "kind=retraining&use_case=drama_home", "source=cron", "q=active"):
        assert client.get(f"{LIST}?{query}").status_code == 200


def test_a_page_tells_a_run_and_is_read_again_while_it_is_on(client: Client, staff: User) -> None:
    allow(staff, "view_run")
    run = make_run(log="<script>alert(1)</script>", figures={"people": 1234, "nested": {"share": 0.5}})
    answer = client.get(f"{LIST}{run.pk}/change/")
    page = answer.content.decode()
    assert answer.headers["Refresh"] == "5"
    assert "&lt;script&gt;" in page
    assert "1,234" in page
    assert "nested › share" in page
    assert "Cancel this run" not in page
    allow(staff, "cancel_run")
    client.force_login(User.objects.get(pk=staff.pk))
    assert "Cancel this run" in client.get(f"{LIST}{run.pk}/change/").content.decode()
    Run.objects.update(status=Status.DONE)
    assert "Refresh" not in client.get(f"{LIST}{run.pk}/change/").headers


def test_staff_without_the_permission_see_and_do_nothing(
    client: Client, staff: User, started: list[Run]
) -> None:
    run = make_run()
    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{run.pk}/change/").status_code == 403
    assert start(client, use_case="movie_home") == 403
    assert client.post(f"{LIST}{run.pk}/cancel/").status_code == 403
    allow(staff, "view_run")
    client.force_login(User.objects.get(pk=staff.pk))
    assert start(client, use_case="movie_home") == 403
    assert client.post(f"{LIST}{run.pk}/cancel/").status_code == 403
    assert not started
    assert Run.objects.get().canceled_at is None


def test_a_run_is_started_by_a_form_and_noted(client: Client, staff: User, started: list[Run]) -> None:
    allow(staff, "view_run", "start_run")
    assert "Train new models of" in client.get(LIST).content.decode()
    assert client.get(f"{LIST}start/").status_code == 405
    assert start(client, use_case="movie_home", if_needed="on") == 302
    [run] = started
    assert run.arguments == {"use_case": "movie_home", "if_needed": True}
    assert (run.status, run.source, run.started_by) == (Status.WAITING, Run.Source.ADMIN, staff)
    assert LogEntry.objects.get().get_change_message() == "Started it."
    start(client, use_case="movie_home")
    start(client, use_case="; rm -rf /")
    assert len(started) == 1


def test_a_form_of_another_site_starts_and_cancels_nothing(staff: User) -> None:
    allow(staff, "view_run", "start_run", "cancel_run")
    run, strange = make_run(), Client(enforce_csrf_checks=True)
    strange.force_login(staff)
    assert start(strange, use_case="drama_home") == 403
    assert strange.post(f"{LIST}{run.pk}/cancel/").status_code == 403


def test_a_run_is_canceled_by_a_form_once(client: Client, staff: User) -> None:
    allow(staff, "view_run", "cancel_run")
    run = make_run()
    assert client.get(f"{LIST}{run.pk}/cancel/").status_code == 405
    assert client.post(f"{LIST}{run.pk}/cancel/").status_code == 302
    run.refresh_from_db()
    assert run.canceled_by == staff
    assert "somebody canceled it already" in client.post(
        f"{LIST}{run.pk}/cancel/", follow=True
    ).content.decode().replace("&#x27;", "'")
    assert client.post(f"{LIST}{run.pk + 1}/cancel/").status_code == 404


def test_a_process_that_cannot_be_started_is_a_failed_run(
    client: Client, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: Run) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(services, "_spawn", refuse)
    allow(staff, "view_run", "start_run")
    assert start(client, use_case="movie_home") == 302
    run = Run.objects.get()
    assert (run.status, run.why) == (Status.FAILED, "No process could be started: Cannot allocate memory.")


def test_figures_become_rows_and_no_more_than_a_page_of_them() -> None:
    assert figure_rows({"a": None, "b": [1, 2], "c": [{"d": True}]}) == (
        [("a", "–"), ("b", "1, 2"), ("c 1 › d", "yes")],
        0,
    )
    rows, left_out = figure_rows({str(number): number for number in range(100)})
    assert (len(rows), left_out) == (60, 40)


def test_a_run_that_is_over_took_so_long() -> None:
    now = timezone.now()
    run = make_run(ended_at=now)
    run.started_at = now
    assert took(run) == "0 s"
    run.started_at = None
    assert took(run) == "–"


def test_how_long_a_run_lasted_that_said_nothing_after_its_beginning_nobody_knows() -> None:
    began = timezone.now()
    run = Run(status=Run.Status.LOST, started_at=began, ended_at=began)
    assert took(run) == "not known"
    run.ended_at = began + timedelta(seconds=30)
    assert took(run) == "at least 30 s"
