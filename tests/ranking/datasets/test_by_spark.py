"""Datasets by Spark: a cluster of two cores in this machine writes the rows that this process writes."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from core.spark import SparkFailed
from ranking.datasets import by_spark as module
from ranking.datasets import event_log, session_log
from ranking.datasets.by_spark import by_spark
from ranking.datasets.engine import Made, locally
from ranking.datasets.manifest import DatasetError
from ranking.recommenders.two_tower.dataset import generate, log
from recommendations.models import RecommendationSession
from tests.ranking.datasets.builders import GENERATED, Generate, make_log, ranker, table_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="workers of Spark read a server"),
    pytest.mark.usefixtures("spark"),
]


@pytest.mark.parametrize("generated", GENERATED)
def test_both_engines_write_the_same_rows(generated: Generate, monkeypatch: pytest.MonkeyPatch) -> None:
    make_log()
    monkeypatch.setattr(event_log, "PART_ROWS", 25)
    monkeypatch.setattr(session_log, "CHUNK", 7)
    monkeypatch.setattr(log, "BATCH", 30)
    monkeypatch.setattr(generate, "PART_BATCHES", 1)
    now = timezone.now() + timedelta(seconds=1)
    here, there = generated(locally, now), generated(by_spark, now)
    assert table_of(there).equals(table_of(here))
    assert table_of(here).num_rows > 30
    assert there.manifest.counts == here.manifest.counts


@pytest.mark.parametrize("generated", GENERATED)
def test_an_empty_log_gives_an_empty_dataset(generated: Generate) -> None:
    here, there = generated(locally, timezone.now()), generated(by_spark, timezone.now())
    assert table_of(there).num_rows == 0
    assert there.manifest.counts == here.manifest.counts


def test_the_command_is_told_in_one_sentence_why_a_task_failed() -> None:
    make_log()
    RecommendationSession.objects.update(recommendations_shown="text")
    with pytest.raises(
        CommandError, match=r"^On \S+: A recommendation session holds a list that cannot be read"
    ):
        call_command("generate_ranker_dataset", quiet=True, engine="spark")


def test_a_worker_that_reads_another_database_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    make_log()
    another = module._what_decides() | {"database": "1 another"}
    monkeypatch.setattr(module, "_what_decides", lambda: another)
    with pytest.raises(DatasetError, match=r"^On \S+: not the same database as where the command runs\.$"):
        ranker(by_spark, timezone.now())


def deadly(part: Q) -> Iterator[Made]:
    """The rows of no part: the process that asks for them ends."""
    os._exit(7)
    yield


def test_a_worker_that_dies_is_told_in_one_sentence() -> None:
    with pytest.raises(SparkFailed, match=r"^Spark failed: .*Python worker exited") as failed:
        list(by_spark(deadly, whole=Q(), split=lambda whole: [whole] * 3))
    assert "\n" not in failed.value.message


def mistaken(text: str, part: Q) -> Iterator[Made]:
    """The rows of no part: our own mistake."""
    raise LookupError(text)
    yield


def test_a_mistake_of_ours_is_told_with_its_sort() -> None:
    with pytest.raises(DatasetError, match=r"^On \S+: LookupError: nothing here$"):
        list(by_spark(partial(mistaken, "nothing here"), whole=Q(), split=lambda whole: [whole]))


def test_a_task_leaves_no_connection_behind() -> None:
    make_log()
    ranker(by_spark, timezone.now())
    # A server takes some milliseconds to note that a connection was closed.
    ends = time.monotonic() + 10
    with connection.cursor() as cursor:
        others = 1
        while others and time.monotonic() < ends:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            (others,) = cursor.fetchone()
    assert others == 0
