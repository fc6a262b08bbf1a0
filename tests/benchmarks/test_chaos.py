"""A short chaos under load: workers are killed, connections cut, the clock set. Nothing acknowledged is lost.

`benchmarks/reliability/under_load.py chaos` is the long one, with retraining, promotion and full disks.
"""

import os
import random
import signal
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from accounts.services import issue_service_token
from feedback.models import Dislike
from tests.factories import make_items, make_user
from tests.threads import threads_db

__all__ = ["threads_db"]
under_load: Any = import_module("benchmarks.reliability.under_load")
PEOPLE, ITEMS = 3, 40
PAUSE_SECONDS = 0.02


@pytest.fixture
def clock(threads_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The clock of a server of its own, which has the database of the test."""
    found = connections.settings["default"]
    address = f"sqlite:///{found['NAME']}"
    if connection.vendor == "postgresql":
        at = f"{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}"
        address = f"postgres://{at}/{connection.settings_dict['NAME']}"
    for name, value in {
        "DEBUG": "1",
        "LOG_LEVEL": "CRITICAL",
        "DATABASE_URL": address,
        "MODEL_DIR": str(tmp_path / "models"),
        "METRICS_DIR": str(tmp_path / "metrics"),
        "RATE_LIMIT_FACTOR": "1",
        **under_load.clock_settings(tmp_path / "clock"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "clock"


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_while_workers_die_connections_break_and_the_clock_jumps(
    clock: Path,
) -> None:
    people = [make_user() for _ in range(PEOPLE)]
    tokens = [issue_service_token(user=person) for person in people]
    items = [item.pk for item in make_items(ITEMS, genres=["Drama"])]
    seen, ended, chance = under_load.Seen(), threading.Event(), random.Random(1)
    with under_load.served() as (server, port):
        clients = [
            threading.Thread(
                target=under_load.behave,
                args=(port, [(person.pk, token)], items, seen, ended, number, PAUSE_SECONDS),
            )
            for number, (person, token) in enumerate(zip(people, tokens, strict=True))
        ]
        for client in clients:
            client.start()
        cookie = under_load.logged_in()
        for offset in (under_load.CLOCKS[0], 0):
            answered = len(seen.seconds)
            os.kill(chance.choice(under_load.workers_of(server)), signal.SIGKILL)
            under_load.cut_connections()
            if clock.exists():
                under_load.set_clock(clock, offset, port, cookie)
            # The next fault comes once there was an answer again.
            ends = time.monotonic() + 30
            while len(seen.seconds) < answered + 5 * PEOPLE and time.monotonic() < ends:
                ended.wait(0.05)
        ended.set()
        for client in clients:
            client.join()
        assert under_load.answers(port)
    assert seen.bad() == {}
    assert seen.written
    assert seen.written <= set(Dislike.objects.values_list("user_id", "item_id"))
