"""The report in the admin: seen by who may, whole, and linked from the first page."""

import io
from functools import cache
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from core.domain import USE_CASES
from core.progress import Progress
from experiments.models import ResponsivenessReport
from experiments.responsiveness.measure import measure_responsiveness
from serving.live import forget_state
from tests.experiments.responsiveness.world import make_world
from tests.factories import allow

pytestmark = pytest.mark.django_db
LIST = "/admin/experiments/responsivenessreport/"


@cache
def measured() -> dict[str, Any]:
    """A report as it is stored, measured once in a world that goes again."""
    quiet = Progress("measure", stream=io.StringIO(), quiet=True)
    with transaction.atomic():
        make_world(people=1)
        measure_responsiveness(use_case=USE_CASES["movie_home"], people=1, days=(7,), seed=0, progress=quiet)
        report: dict[str, Any] = ResponsivenessReport.objects.get().report
        transaction.set_rollback(True)
    forget_state()
    return report


def make_report() -> ResponsivenessReport:
    return ResponsivenessReport.objects.create(
        use_case="movie_home", made_at=timezone.now(), report=measured()
    )


@pytest.mark.slow
def test_only_staff_with_the_permission_see_a_report(client: Client, staff: User) -> None:
    report = make_report()
    page = f"{LIST}{report.pk}/change/"
    assert client.get(page).status_code == client.get(LIST).status_code == 403
    assert LIST not in client.get("/admin/").content.decode()
    allow(staff, "view_responsivenessreport")
    shown = client.get(page).content.decode()
    for text in (
        "Wrong genre for me",
        "What one no keeps out of the next list",
        "Still kept out after 7 days",
    ):
        assert text in shown
    assert "The log has no lists before and after a no" in shown
    assert " % [" in client.get(LIST).content.decode()
    for what in (f"{LIST}add/", f"{LIST}{report.pk}/delete/"):
        assert client.get(what).status_code == 403


@pytest.mark.slow
def test_people_who_are_no_staff_see_nothing(browserless: Client) -> None:
    report = make_report()
    for visitor in (browserless, Client()):
        assert visitor.get(f"{LIST}{report.pk}/change/").status_code == 302


def test_the_first_page_links_the_last_report_of_each_use_case(client: Client, staff: User) -> None:
    old, moment = make_report(), timezone.now()
    allow(staff, "view_responsivenessreport")
    new = ResponsivenessReport.objects.create(use_case=old.use_case, made_at=moment, report=old.report)
    text = client.get("/admin/").content.decode()
    assert f"{LIST}{new.pk}/change/" in text
    assert f"{LIST}{old.pk}/change/" not in text


def test_many_reports_take_no_more_queries_on_the_first_page(client: Client, staff: User) -> None:
    report = make_report()
    allow(staff, "view_responsivenessreport")
    client.get("/admin/")
    with CaptureQueriesContext(connection) as few:
        client.get("/admin/")
    for _ in range(5):
        ResponsivenessReport.objects.create(
            use_case="movie_home", made_at=timezone.now(), report=report.report
        )
    with CaptureQueriesContext(connection) as many:
        client.get("/admin/")
    assert len(many) == len(few)


def test_a_report_of_another_form_says_so(client: Client, staff: User) -> None:
    allow(staff, "view_responsivenessreport")
    row = ResponsivenessReport.objects.create(use_case="movie_home", made_at=timezone.now(), report={"a": 1})
    assert "This report is of another form" in client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert client.get("/admin/").status_code == 200
    assert client.get(LIST).status_code == 200
