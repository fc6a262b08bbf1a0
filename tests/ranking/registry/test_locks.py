"""One training run at a time: a second is refused at once, and a killed one gives the lock back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from core.errors import LockHeld
from ranking.registry.locks import training_lock
from tests.factories import make_interaction, make_item, make_user

HOLDER = """
import sys, django
django.setup()
from ranking.registry.locks import training_lock
with training_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(name: str) -> subprocess.Popen[str]:
    """Another process that holds the lock until its input ends or it is killed."""
    database = connection.settings_dict
    url = (
        f"sqlite:///{settings.LOCK_DIR}/none.sqlite3"
        if connection.vendor == "sqlite"
        else f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/"
        f"{database['NAME']}"
    )
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "LOCK_DIR": str(settings.LOCK_DIR),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "1",
    }
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, name],
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


@pytest.mark.django_db
def test_who_comes_before_the_server_noticed_the_end_gets_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    open_still: list[BaseDatabaseWrapper] = []
    with monkeypatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "close", lambda session: open_still.append(session))
        with training_lock("train-als-movie_home"):
            pass
        with training_lock("train-als-movie_home"):
            pass
    for session in open_still:
        session.close()


@pytest.mark.django_db
def test_a_run_that_failed_gives_the_lock_back() -> None:
    with pytest.raises(ZeroDivisionError), training_lock("train-als-movie_home"):
        raise ZeroDivisionError
    with training_lock("train-als-movie_home"):
        pass


@pytest.mark.django_db(transaction=True)
def test_a_second_run_is_refused_and_a_killed_one_gives_the_lock_back() -> None:
    holder = start_holder("a")
    try:
        with pytest.raises(LockHeld, match="Another run holds the lock 'a'"), training_lock("a"):
            pytest.fail("two held the same lock")
        with training_lock("b"):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    deadline = time.monotonic() + 5.0
    while True:
        try:
            with training_lock("a"):
                break
        except LockHeld:
            assert time.monotonic() < deadline, "the lock of a killed run is still held after 5 s"


@pytest.mark.django_db(transaction=True)
def test_the_lock_is_given_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), training_lock("a"):
        _ = 1 / 0
    with training_lock("a"):
        pass


@pytest.mark.django_db(transaction=True)
def test_a_command_that_finds_the_lock_held_exits_with_3() -> None:
    make_interaction(make_user(), make_item())
    call_command("generate_als_dataset", quiet=True)
    with training_lock("train-als-movie_home"), pytest.raises(CommandError) as caught:
        call_command("train_als", quiet=True)
    assert caught.value.returncode == 3


def test_the_lock_file_is_in_the_folder_of_the_setting(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert Path(settings.LOCK_DIR).is_relative_to(tmp_path_factory.getbasetemp())
