"""Clocks that jump: an hour back, a day forward and home again. Nothing fails, and nobody is shut out."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import axes.attempts
import axes.handlers.proxy
import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.limits.counting import COUNTS
from accounts.limits.rules import Rule
from accounts.limits.stores import DatabaseStore
from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Item
from console.models import ScheduledJob
from console.scheduling import loop
from console.scheduling.plan import Task
from console.scheduling.processes import RunningTask
from core import values
from feedback.models import Dislike
from interactions.models import UserInteraction
from ranking.models import ModelVersion
from ranking.registry.lineage import EVALUATED_UNTIL
from ranking.retraining.decision import decide
from ranking.retraining.run import known_until
from recommendations.models import RecommendationSession
from tests.factories import make_items
from tests.ranking.retraining.builders import MOVIES, serve

pytestmark = pytest.mark.django_db
HOUR, DAY = 3600.0, 86_400.0
JUMPS = [(-HOUR,), (DAY,), (DAY, 0.0), (-HOUR, 0.0), (DAY, -HOUR, 0.0)]
CLOCKS = [(timezone, "now"), (axes.attempts, "now"), (axes.handlers.proxy, "now"), (values, "_now")]
Jump = Callable[[float], None]


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Jump:
    """Sets the clock of this process so many seconds off."""
    real_time, real_now = time.time, timezone.now

    def set_off(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real_time() + seconds)
        for module, name in CLOCKS:
            monkeypatch.setattr(module, name, lambda: real_now() + timedelta(seconds=seconds))

    return set_off


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> Iterator[None]:
    settings.RATE_LIMIT_FACTOR = 1.0
    COUNTS.forget()
    yield
    COUNTS.forget()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long pass 1")


def evening(client: Client, headers: dict[str, str], item: Item, key: str) -> list[int]:
    """The statuses of what a person does of an evening."""
    dislike = {"reason": "not_interested"}
    post: dict[str, Any] = {
        "content_type": "application/json",
        "headers": {**headers, "Idempotency-Key": key},
    }
    return [
        client.get("/api/recommendations/personalized/movies", headers=headers).status_code,
        client.post(f"/api/movies/{item.pk}/dislike", dislike, **post).status_code,
        client.post(f"/api/movies/{item.pk}/dislike", dislike, **post).status_code,
        client.post(
            "/api/interactions", {"interactions": [{"item_id": item.pk, "type": "click"}]},
            content_type="application/json", headers=headers,
        ).status_code,
        client.delete(f"/api/movies/{item.pk}/dislike", headers=headers).status_code,
        client.get("/api/recommend?title=item", headers=headers).status_code,
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("offsets", JUMPS)
def test_an_evening_goes_on_by_token_and_by_session(
    jump: Jump, ann: User, offsets: tuple[float, ...]
) -> None:
    items = make_items(len(offsets) + 1, genres=["Drama"])
    headers = {"Authorization": f"Token {issue_service_token(user=ann)}"}
    api, pages = Client(), Client()
    pages.force_login(ann)
    for number, (seconds, item) in enumerate(zip((0.0, *offsets), items, strict=True)):
        jump(seconds)
        assert max(evening(api, headers, item, f"key-{number}")) < 300
        assert [pages.get(path).status_code for path in ("/", "/taste/", "/feedback/")] == [200] * 3
    assert not Dislike.objects.filter(interaction__withdrawn_at=None).exists()


@pytest.mark.parametrize("seconds", [-HOUR, DAY])
def test_a_write_that_is_sent_again_after_a_jump_is_done_once(jump: Jump, ann: User, seconds: float) -> None:
    (item,) = make_items(1)
    headers = {"Authorization": f"Token {issue_service_token(user=ann)}", "Idempotency-Key": "once"}
    answers = []
    for offset in (0.0, seconds, 0.0):
        jump(offset)
        answers.append(
            Client().post(
                "/api/dislike", {"movie_id": item.pk}, content_type="application/json", headers=headers
            )
        )
    assert len({(one.status_code, one.content) for one in answers}) == 1
    assert Dislike.objects.count() == 1


def test_nobody_waits_for_a_day_that_never_was(jump: Jump) -> None:
    rule, store = Rule("search", 100, 60), DatabaseStore()
    jump(DAY)
    assert COUNTS.take(rule, "ann", 100) == 0
    assert COUNTS.take(rule, "ann") > 0
    jump(0.0)
    # Another worker, which knows only the shared count.
    COUNTS.forget()
    assert COUNTS.take(rule, "ann", 50) == 0
    assert store.add("other", 3, 60)[0] == 3
    jump(5.0)
    assert store.add("other", 3, 60)[0] == 6
    jump(-5.0)
    count, left = store.add("other", 3, 60)
    assert (count, left < 120) == (9, True)


def test_wrong_passwords_of_tomorrow_lock_nobody_out_today(jump: Jump, ann: User) -> None:
    def attempt(password: str) -> int:
        given = {"username": "ann", "password": password}
        return Client().post("/accounts/login/", given, REMOTE_ADDR="10.0.0.1").status_code

    jump(DAY)
    assert {attempt("wrong") for _ in range(10)} <= {200, 403, 429}
    jump(0.0)
    COUNTS.forget()
    jump(HOUR)
    assert attempt("a long pass 1") == 302


def test_wrong_passwords_count_where_another_machine_is_a_few_minutes_ahead(jump: Jump, ann: User) -> None:
    def attempt(password: str) -> int:
        given = {"username": "ann", "password": password}
        return Client().post("/accounts/login/", given, REMOTE_ADDR="10.0.0.1").status_code

    for seconds in (300.0, 0.0) * 5:
        jump(seconds)
        attempt("wrong")
    COUNTS.forget()
    jump(0.0)
    assert attempt("a long pass 1") in {403, 429}


@pytest.mark.parametrize("offsets", JUMPS)
def test_pruning_goes_on_and_takes_nothing_of_today(
    jump: Jump, ann: User, offsets: tuple[float, ...]
) -> None:
    (item,) = make_items(1)
    headers = {"Authorization": f"Token {issue_service_token(user=ann)}"}
    evening(Client(), headers, item, "key")
    lists = RecommendationSession.objects.count()
    for seconds in offsets:
        jump(seconds)
        call_command("prune", "--quiet")
        assert RecommendationSession.objects.count() == lists
        assert UserInteraction.objects.filter(item=item).count() == 2


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1), timedelta(days=3650)])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_job_of_the_night_runs_the_next_night_whatever_the_clock_said(
    monkeypatch: pytest.MonkeyPatch, ahead: timedelta, restarted: bool
) -> None:
    started: list[str] = []

    class Started(RunningTask):
        is_over = True

        def __init__(self, task: Task) -> None:
            started.append(task.name)
            self.task, self.outcome = task, ""

    monkeypatch.setattr(loop, "RunningTask", Started)
    night = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    job = Task("prune", "20 3 * * *", (("prune",),))

    def begun(now: datetime) -> loop.Schedule:
        schedule = loop.Schedule([job])
        schedule._begin(now)
        return schedule

    schedule = begun(night)
    schedule.tick(night + ahead + timedelta(minutes=30))
    assert started == ["prune"]
    # Home again: what is due tonight runs tonight.
    schedule = begun(night) if restarted else schedule
    schedule.tick(night + timedelta(minutes=10))
    assert ScheduledJob.objects.get().next_at == night + timedelta(minutes=20)
    schedule.tick(night + timedelta(minutes=20))
    schedule.tick(night + timedelta(minutes=21))
    assert started == ["prune"] * 2


def test_models_of_tomorrow_are_trained_again_today(jump: Jump) -> None:
    """A version that a wrong clock dated in the future does not serve until then for want of a newer one."""
    films = make_items(3)
    version = serve(films)
    assert not decide(MOVIES, timezone.now()).due
    ModelVersion.objects.update(created_at=timezone.now() + timedelta(days=3650))
    decision = decide(MOVIES, timezone.now())
    assert decision.due
    assert "future" in decision.why
    # An attempt that was turned down then stops none of today.
    ModelVersion.objects.filter(pk=version.pk).update(
        activated_at=None, dataset_manifest={EVALUATED_UNTIL: "2036-01-01T00:00:00+00:00"}
    )
    assert decide(MOVIES, timezone.now()).due


@pytest.mark.parametrize(("days", "known"), [(-1, True), (0, True), (1, False), (3650, False)])
def test_what_models_of_tomorrow_learned_is_not_known(days: int, known: bool) -> None:
    now = timezone.now()
    moment = (now + timedelta(days=days)).timestamp()
    assert known_until(moment, now) == (moment if known else -np.inf)
