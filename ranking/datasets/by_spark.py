"""The rows of a dataset by Spark: each part of the log is read and made into rows by whichever core is free.

A task reads its part from the database, by the function that does so here, and gives back Arrow's bytes. So a
machine needs what any worker of Heed needs, its settings and the address of the database among it: they come
from its own environment, since what Spark hands out it also shows and logs.

Workers load this module before Django is set up, so it imports nothing that has tables.
"""

import hashlib
import os
import pickle
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import django
from django.conf import settings
from django.db import connection, connections, reset_queries

from core.arrow import pa
from core.errors import InvalidInput
from core.spark import check_spark, spark_session
from ranking.datasets.engine import Engine, Made, Part
from ranking.datasets.manifest import DatasetError, git_revision

# For each core of the cluster so many parts are asked for: one is made while another waits to be written.
_FOR_EACH_CORE = 2
_MOST_AT_ONCE = 512
# Beside heed.toml, what rows of the log are made by.
_SETTINGS = ("HARD_NEGATIVE_SCORE", "DISLIKE_EXAMPLE_WEIGHT")


@dataclass(frozen=True, slots=True)
class _Failure:
    """The sentence of a task that failed. Raised there, its text would be in the logs of the cluster too."""

    sentence: str


@dataclass(frozen=True, slots=True)
class _Packed:
    """Rows on their way, compressed."""

    batch: bytes
    read: int
    counts: Mapping[str, int]


def spark_engine() -> Engine:
    """The engine. Raises InvalidInput where Spark is not installed or could not read the database."""
    check_spark()
    if connection.vendor == "sqlite":
        raise InvalidInput(
            "A file of SQLite belongs to one machine, so others cannot read the log: "
            "--engine spark needs PostgreSQL (DATABASE_URL)."
        )
    return by_spark


def by_spark(
    make: Callable[[Part], Iterator[Made]], *, whole: Part, split: Callable[[Part], Sequence[Part]]
) -> Iterator[Made]:
    """The rows of all parts, in their order.

    What waits here is compressed, and at most two parts for each core of the cluster. Raises DatasetError
    where a task fails, and SparkFailed where Spark does.
    """
    parts = split(whole)
    with spark_session() as spark, ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        context = spark.sparkContext
        there = partial(
            _made_there, os.environ["DJANGO_SETTINGS_MODULE"], _what_decides(), context.broadcast(make)
        )

        def made(part: Part) -> list[_Packed | _Failure]:
            # A job for each part: those of one job would be made one after the other, as they are asked for,
            # or would come all at once.
            return list(context.parallelize([pickle.dumps(part)], 1).flatMap(there).collect())

        waiting: deque[Future[list[_Packed | _Failure]]] = deque()
        try:
            for part in parts:
                waiting.append(pool.submit(made, part))
                # Machines come and go, so the cores are counted anew.
                if len(waiting) >= min(_MOST_AT_ONCE, _FOR_EACH_CORE * context.defaultParallelism):
                    yield from _taken(waiting.popleft())
            while waiting:
                yield from _taken(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _taken(coming: Future[list[_Packed | _Failure]]) -> Iterator[Made]:
    """The rows of a part, as soon as they are here. Raises DatasetError."""
    for one in coming.result():
        if isinstance(one, _Failure):
            raise DatasetError(one.sentence)
        with pa.ipc.open_stream(one.batch) as stream:
            yield Made(stream.read_next_batch(), one.read, one.counts)


def _made_there(
    settings_module: str,
    decides: Mapping[str, str],
    shared: Any,
    part: bytes,
) -> Iterator[_Packed | _Failure]:
    """The task: the rows of a part, or after some of them why there are no more. Runs on any machine."""
    try:
        _be_ready(settings_module, decides)
        # Both may be of classes that ask for tables, so neither is looked at before Django is set up.
        make, its = shared.value, pickle.loads(part)  # noqa: S301  from the command, as is all that Spark runs
        for made in make(its):
            yield _packed(made)
    except Exception as error:
        yield _Failure(f"On {socket.gethostname()}: {_sentence(error)}")
    finally:
        # A worker waits for its next task, and no connection should wait with it.
        connections.close_all()
        reset_queries()


def _be_ready(settings_module: str, decides: Mapping[str, str]) -> None:
    """Sets Django up in a worker. Raises DatasetError where its rows would not be those made elsewhere."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module)
    django.setup()
    mine = _what_decides()
    if other := [name for name, value in decides.items() if mine[name] != value]:
        raise DatasetError(f"not the same {' and '.join(other)} as where the command runs.")


@cache
def _what_decides() -> dict[str, str]:
    """By name, what rows are made by beside the part of the log; it must be the same on all machines."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier, current_database() FROM pg_control_system()")
        server, name = cursor.fetchone()
    return {
        "database": f"{server} {name}",
        "heed.toml": hashlib.sha256(settings.HEED_CONFIG.read_bytes()).hexdigest(),
        "version of the code": git_revision(),
        **{name: str(getattr(settings, name)) for name in _SETTINGS},
    }


def _sentence(error: Exception) -> str:
    """The text of an error for whoever runs the command."""
    # It asks for the settings.
    from core.commands import sentence_of

    return sentence_of(error) or f"{type(error).__name__}: {error}"


def _packed(made: Made) -> _Packed:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, made.batch.schema, options=options) as stream:
        stream.write_batch(made.batch)
    return _Packed(sink.getvalue().to_pybytes(), made.read, made.counts)
