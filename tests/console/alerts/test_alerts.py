"""Alerts: what begins one and what ends it, and who is told."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from console.alerts import finding
from console.alerts.finding import FINDERS, Found
from console.alerts.keeping import check_alerts
from console.models import Alert, Run, ScheduledJob
from ranking.models import ModelVersion
from recommendations.models import RecommendationSession
from tests.console.runs.test_keeping import make_run
from tests.factories import allow, make_items, make_user, make_version
from webhooks.dislike_rate import Band
from webhooks.models import Delivery, Webhook

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
Kind, Status = Alert.Kind, Run.Status


def found(kind: str) -> list[tuple[str, str]]:
    return [(one.subject, one.text) for one in FINDERS[kind](NOW)]


def make_lists(count: int, items: range, *, places: int = 20) -> None:
    """Lists of this day, each of which begins one item later."""
    person = make_user()
    lists = [
        RecommendationSession(
            user=person,
            use_case="movie_home",
            method="als",
            recommendations_shown=[
                {"item_id": items[(number + place) % len(items)], "rank": place + 1}
                for place in range(places)
            ],
            features=b"",
            created_at=NOW - timedelta(minutes=number),
        )
        for number in range(count)
    ]
    RecommendationSession.objects.bulk_create(lists)


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> dict[str, Found]:
    """The things that one of the finders finds, by subject; the others find nothing."""
    now_wrong: dict[str, Found] = {}

    def find(now: datetime) -> Iterator[Found]:
        yield from now_wrong.values()

    for kind in list(FINDERS):
        nothing = find if kind == Kind.MODEL_AGE else (lambda now: iter(()))
        monkeypatch.setitem(FINDERS, kind, nothing)
    return now_wrong


class TestWhatIsFound:
    def test_every_kind_has_its_finder(self) -> None:
        assert set(FINDERS) == set(Kind.values)

    def test_in_an_empty_database_nothing(self) -> None:
        assert [found(kind) for kind in FINDERS] == [[]] * len(FINDERS)

    @pytest.mark.parametrize(("rate", "is_wrong"), [(0.02, False), (0.09, True), (0.001, True)])
    def test_a_dislike_rate_outside_of_its_band(
        self, monkeypatch: pytest.MonkeyPatch, rate: float, is_wrong: bool
    ) -> None:
        band = Band(day=(NOW - DAY).date(), rate=rate, low=0.01, high=0.03)
        monkeypatch.setattr(finding, "find_band", lambda now: band)
        text = f"On 2026-03-19 people turned down {rate:.1%} of what they saw; 1.0% to 3.0% is usual."
        assert found(Kind.DISLIKE_RATE) == ([("", text)] if is_wrong else [])

    @pytest.mark.parametrize(
        ("lists", "items", "places", "is_wrong"),
        [
            (100, range(1, 16), 15, True),  # ten of fifteen
            (100, range(1, 61), 20, False),  # ten of sixty
            (99, range(1, 16), 15, False),  # too few lists
            (100, range(1, 11), 10, False),  # lists as short as what is counted
        ],
    )
    def test_lists_that_are_alike(self, lists: int, items: range, places: int, is_wrong: bool) -> None:
        make_lists(lists, items, places=places)
        assert bool(found(Kind.SAMENESS)) is is_wrong

    def test_lists_that_show_little_of_the_catalog(self, settings: Settings) -> None:
        make_items(40)
        make_lists(100, range(1, 21), places=20)
        assert found(Kind.COVERAGE) == []
        settings.ALERT_COVERAGE = 0.5
        assert found(Kind.COVERAGE) == []
        settings.ALERT_COVERAGE = 0.51
        text = "Films for the evening: the last 100 lists show 20 titles of 40."
        assert found(Kind.COVERAGE) == [("movie_home", text)]

    def test_no_more_is_asked_for_than_lists_have_places(self, settings: Settings) -> None:
        make_items(400)
        settings.ALERT_COVERAGE = 0.9
        # A hundred places hold a hundred titles at the most.
        make_lists(100, range(1, 101), places=1)
        assert found(Kind.COVERAGE) == []

    def test_its_share_is_that_of_the_ten_commonest(self, settings: Settings) -> None:
        make_lists(100, range(1, 21), places=20)
        assert found(Kind.SAMENESS) == []
        settings.ALERT_SAMENESS = 0.49
        text = "Films for the evening: 10 titles fill 50% of the last 100 lists."
        assert found(Kind.SAMENESS) == [("movie_home", text)]

    @pytest.mark.parametrize(
        ("lists", "slow", "ago", "is_wrong"),
        [
            (100, 5, timedelta(minutes=59), True),  # one in twenty
            (100, 4, timedelta(minutes=59), False),
            (99, 99, timedelta(minutes=59), False),  # too few lists
            (100, 100, timedelta(minutes=61), False),  # over
        ],
    )
    def test_lists_that_take_long(self, lists: int, slow: int, ago: timedelta, is_wrong: bool) -> None:
        make_lists(lists, range(1, 21), places=5)
        made = RecommendationSession.objects.filter(use_case="movie_home")
        made.update(created_at=NOW - ago, made_in_ms=40)
        made.filter(pk__in=list(made.values_list("pk", flat=True)[:slow])).update(made_in_ms=1001)
        text = "Films for the evening: one list in twenty takes 1,001 ms or more to make, of the last 100."
        assert found(Kind.SLOW_LISTS) == ([("movie_home", text)] if is_wrong else [])

    def test_how_slow_is_a_setting_and_lists_that_nobody_measured_are_left_out(
        self, settings: Settings
    ) -> None:
        make_lists(100, range(1, 21), places=5)
        made = RecommendationSession.objects.all()
        made.update(created_at=NOW, made_in_ms=50)
        assert found(Kind.SLOW_LISTS) == []
        settings.ALERT_LIST_MS = 49
        assert len(found(Kind.SLOW_LISTS)) == 1
        made.filter(pk=made.values_list("pk", flat=True)[0]).update(made_in_ms=None)
        assert found(Kind.SLOW_LISTS) == []
        made.update(made_in_ms=50)
        settings.ALERT_LIST_MS = 0
        assert found(Kind.SLOW_LISTS) == []

    def test_an_old_model_where_no_younger_one_serves(self, settings: Settings) -> None:
        active = ModelVersion.Status.ACTIVE
        old = make_version(b"")
        ModelVersion.objects.filter(pk=old.pk).update(status=active, created_at=NOW - 15 * DAY)
        text = "Films for the evening: no model in service is younger than 15 days."
        assert found(Kind.MODEL_AGE) == [("movie_home", text)]
        settings.ALERT_MODEL_DAYS = 0.0
        assert found(Kind.MODEL_AGE) == []
        settings.ALERT_MODEL_DAYS = 14.0
        young = make_version(b"", kind="ranker")
        ModelVersion.objects.filter(pk=young.pk).update(status=active, created_at=NOW - DAY)
        assert found(Kind.MODEL_AGE) == []

    @pytest.mark.parametrize(
        ("statuses", "source", "is_wrong"),
        [
            ([Status.FAILED], Run.Source.CRON, True),
            ([Status.LOST], Run.Source.SCHEDULE, True),
            ([Status.FAILED], Run.Source.TERMINAL, False),
            ([Status.FAILED, Status.DONE], Run.Source.CRON, False),
            ([Status.DONE, Status.FAILED], Run.Source.CRON, True),
            ([Status.FAILED, Status.LOCKED], Run.Source.CRON, True),
            ([Status.FAILED, Status.CANCELED], Run.Source.CRON, True),
        ],
    )
    def test_a_run_that_failed_the_last_time(
        self, statuses: list[Run.Status], source: Run.Source, is_wrong: bool
    ) -> None:
        for hour, status in enumerate(statuses):
            at = NOW - 3 * DAY + timedelta(hours=hour)
            make_run(status=status, source=source, asked_at=at, ended_at=at, why="No disk.")
        assert bool(found(Kind.FAILED_RUN)) is is_wrong

    def test_a_job_that_did_not_begin(self) -> None:
        for name, ago in [("prune", 20), ("soon", 5), ("given_up", 60 * 24 * 8)]:
            ScheduledJob.objects.create(name=name, at="* * * * *", next_at=NOW - timedelta(minutes=ago))
        assert found(Kind.LATE_JOB) == [
            ("prune", "The job prune was due 20\xa0minutes ago and did not begin.")
        ]

    def test_deliveries_that_nothing_delivers(self) -> None:
        hook = Webhook.objects.create(url="https://example.org/", events=["alert.began"])
        row = {"webhook": hook, "event": "alert.began", "facts": {}, "created_at": NOW}
        Delivery.objects.create(**row, due_at=NOW - timedelta(minutes=5))
        assert found(Kind.WEBHOOKS_OVERDUE) == []
        Delivery.objects.create(**row, due_at=NOW - timedelta(minutes=16))
        assert found(Kind.WEBHOOKS_OVERDUE)[0][1].startswith("1 deliveries")
        Webhook.objects.update(is_active=False)
        assert found(Kind.WEBHOOKS_OVERDUE) == []


class TestFromItsBeginningToItsEnd:
    def test_it_begins_once_goes_on_and_ends(
        self, wrong: dict[str, Found], settings: Settings, mailoutbox: list[EmailMessage]
    ) -> None:
        settings.ALERT_EMAILS = ["ann@example.org"]
        hook = Webhook.objects.create(url="https://example.org/", events=["alert.began", "alert.ended"])
        wrong["a"] = Found("a", "a is 15 days old.\nReally.", 15.0)
        assert check_alerts(now=NOW).began == 1
        wrong["a"] = Found("a", "a is 16 days old.", 16.0)
        assert check_alerts(now=NOW + DAY).began == 0
        alert = Alert.objects.get()
        assert (alert.text, alert.value, alert.began_at, alert.ended_at) == (
            "a is 16 days old.",
            16.0,
            NOW,
            None,
        )
        del wrong["a"]
        assert check_alerts(now=NOW + 2 * DAY).ended == 1
        assert check_alerts(now=NOW + 3 * DAY).ended == 0
        assert Alert.objects.get().ended_at == NOW + 2 * DAY
        subjects = [mail.subject for mail in mailoutbox]
        assert subjects == ["[Heed] a is 15 days old. Really.", "[Heed] Over: a is 16 days old."]
        sent = Delivery.objects.filter(webhook=hook).order_by("pk").values_list("event", "facts__text")
        assert list(sent) == [
            ("alert.began", "a is 15 days old.\nReally."),
            ("alert.ended", "a is 16 days old."),
        ]

    def test_the_same_begins_anew_after_its_end(self, wrong: dict[str, Found]) -> None:
        for _ in range(2):
            wrong["a"] = Found("a", "a is old.")
            check_alerts(now=NOW)
            wrong.clear()
            check_alerts(now=NOW + DAY)
        assert Alert.objects.exclude(ended_at=None).count() == 2

    def test_of_two_runs_at_once_one_tells(
        self, wrong: dict[str, Found], settings: Settings, mailoutbox: list[EmailMessage]
    ) -> None:
        """The other run began the alert after this one had read which are on."""
        settings.ALERT_EMAILS = ["ann@example.org"]

        wrong["a"] = Found("a", "a is old.")
        Alert.objects.create(kind=Kind.MODEL_AGE, subject="a", text="a is old.", began_at=NOW)
        from console.alerts import keeping

        assert keeping._begin_or_go_on((Kind.MODEL_AGE, "a"), wrong["a"], None, NOW) is None
        assert Alert.objects.count() == 1
        assert mailoutbox == []

    def test_without_an_address_no_mail_goes(
        self, wrong: dict[str, Found], mailoutbox: list[EmailMessage]
    ) -> None:
        wrong["a"] = Found("a", "a is old.")
        check_alerts(now=NOW)
        assert mailoutbox == []

    def test_the_queries_do_not_grow_with_what_was(self, wrong: dict[str, Found]) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as made:
                check_alerts(now=NOW)
            return len(made)

        one = queries()
        over = [
            Alert(kind=Kind.MODEL_AGE, subject=str(n), text="x", began_at=NOW, ended_at=NOW)
            for n in range(50)
        ]
        Alert.objects.bulk_create(over)
        assert queries() == one

    def test_the_command_says_what_it_did(
        self, wrong: dict[str, Found], capsys: pytest.CaptureFixture[str]
    ) -> None:
        wrong["a"] = Found("a", "a is old.")
        call_command("check_alerts", "--json")
        assert json.loads(capsys.readouterr().out) == {"began": 1, "ended": 0, "on": 1}


class TestWhatStaffSee:
    def test_those_that_are_on_are_needs_and_all_are_listed(self, client: Client, staff: User) -> None:
        Alert.objects.create(kind=Kind.LATE_JOB, subject="prune", text="<b>late</b>", began_at=NOW)
        Alert.objects.create(kind=Kind.LATE_JOB, subject="x", text="long over", began_at=NOW, ended_at=NOW)
        allow(staff, "view_modelversion", "view_alert")
        first_page = client.get("/admin/").content.decode()
        assert "&lt;b&gt;late&lt;/b&gt;" in first_page
        assert "long over" not in first_page
        assert "long over" in client.get("/admin/console/alert/").content.decode()
        only_on = client.get("/admin/console/alert/?on=yes").content.decode()
        assert "long over" not in only_on
        assert "&lt;b&gt;late&lt;/b&gt;" in only_on

    def test_without_the_permission_there_is_no_list(self, client: Client, staff: User) -> None:
        assert client.get("/admin/console/alert/").status_code == 403


def test_rules_of_prometheus_ask_for_measures_that_there_are() -> None:
    from core import measures

    folder = Path(__file__).resolve().parents[3]
    groups = yaml.safe_load((folder / "deploy" / "prometheus-alerts.yaml").read_text())["groups"]
    source = Path(measures.__file__).read_text() + (folder / "console/metrics/database.py").read_text()
    for rule in (rule for group in groups for rule in group["rules"]):
        names = set(rule["expr"].replace("(", " ").replace("{", " ").replace("[", " ").split())
        asked = {name for name in names if name.startswith("heed_")}
        assert asked
        for name in asked:
            assert f'"{name.removesuffix("_total").removesuffix("_bucket")}"' in source, name
