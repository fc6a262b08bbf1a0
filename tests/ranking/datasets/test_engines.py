"""Parts of a log give the rows that the whole log gives, in its order, whoever reads each of them."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from core import spark
from ranking.datasets import event_log, session_log
from ranking.datasets.engine import Made, Part, locally
from ranking.recommenders.two_tower.dataset import generate, log
from tests.factories import make_interaction, make_item, make_user
from tests.ranking.datasets.builders import GENERATED, MOVIES, QUIET, Generate, make_log, table_of

pytestmark = pytest.mark.django_db
COMMANDS = ("generate_als_dataset", "generate_ranker_dataset", "generate_two_tower_dataset")


class InParts:
    """Makes each part by itself, from what travels as bytes, and counts them."""

    def __init__(self) -> None:
        self.parts = 0

    def __call__(
        self, make: Callable[[Part], Iterator[Made]], *, whole: Part, split: Callable[[Part], Sequence[Part]]
    ) -> Iterator[Made]:
        for part in split(whole):
            self.parts += 1
            yield from pickle.loads(pickle.dumps(make))(pickle.loads(pickle.dumps(part)))  # noqa: S301


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("generated", GENERATED)
def test_parts_give_what_the_whole_log_gives(
    generated: Generate, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_log()
    monkeypatch.setattr(event_log, "PART_ROWS", size)
    monkeypatch.setattr(session_log, "CHUNK", size)
    monkeypatch.setattr(session_log, "PART_CHUNKS", 1 + size % 2)
    monkeypatch.setattr(log, "BATCH", 4 * size)
    monkeypatch.setattr(generate, "PART_BATCHES", 1 + size % 2)
    now, in_parts = timezone.now() + timedelta(seconds=1), InParts()
    here, there = generated(locally, now), generated(in_parts, now)
    assert table_of(there).equals(table_of(here))
    assert table_of(here).num_rows > 30
    assert there.manifest.counts == here.manifest.counts
    assert (in_parts.parts == 1) is (size == 1000)


@pytest.mark.parametrize("generated", GENERATED)
def test_a_log_of_nothing_has_no_rows(generated: Generate) -> None:
    here, there = generated(locally, timezone.now()), generated(InParts(), timezone.now())
    assert (table_of(here).num_rows, table_of(there).num_rows) == (0, 0)
    assert there.manifest.counts == here.manifest.counts


def test_what_comes_after_the_log_was_cut_is_in_no_part() -> None:
    person, film = make_user(), make_item()
    make_interaction(person, film)
    now = timezone.now()

    def engine(
        make: Callable[[Part], Iterator[Made]], *, whole: Part, split: Callable[[Part], Sequence[Part]]
    ) -> Iterator[Made]:
        parts = split(whole)
        make_interaction(person, film, "view")
        return (made for part in parts for made in make(part))

    dataset = event_log.generate_als_dataset(use_case=MOVIES, progress=QUIET, now=now, engine=engine)
    assert dataset.manifest.counts["rows"] == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_of_sqlite_is_refused(command: str) -> None:
    with pytest.raises(CommandError, match=r"^A file of SQLite belongs to one machine.*needs PostgreSQL"):
        call_command(command, quiet=True, engine="spark")


@pytest.mark.parametrize(
    ("command", "options"), [*((command, {}) for command in COMMANDS), ("train_als", {"confidence": "plain"})]
)
def test_without_spark_it_says_what_to_install(
    command: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark, "find_spec", lambda _: None)
    make_log()
    call_command("generate_als_dataset", quiet=True)
    with pytest.raises(CommandError, match=r"Java 17.*requirements-spark\.lock"):
        call_command(command, quiet=True, engine="spark", **options)


def test_lists_that_are_made_up_are_made_here() -> None:
    with pytest.raises(CommandError, match="leave --engine out"):
        call_command("generate_ranker_dataset", quiet=True, bootstrap=True, engine="spark")


def test_a_worker_loads_the_task_before_django_is_set_up() -> None:
    asks = "import ranking.datasets.by_spark; from django.apps import apps; assert not apps.ready"
    subprocess.run([sys.executable, "-c", asks], cwd=settings.BASE_DIR, check=True)
