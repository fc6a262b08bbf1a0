"""A cluster of Spark in this machine, for the tests that run on one."""

import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from pyspark.sql import SparkSession

# Half of the time went into compiling what runs a few times, and such code needs deeper stacks.
_BRIEF = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss16m"
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.executorEnv.PYTHONPATH": str(settings.BASE_DIR),
}


@pytest.fixture(scope="session")
def spark(django_db_setup: None) -> Iterator[SparkSession]:
    """One session for all tests; a JVM takes seconds to start. Its workers read the database of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", _BRIEF)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        address = {"spark.executorEnv.DATABASE_URL": _address()} if connection.vendor != "sqlite" else {}
        session = SparkSession.builder.master("local[2]").config(map=_SETTINGS | address).getOrCreate()
    yield session
    session.stop()


def _address() -> str:
    of = connection.settings_dict
    who = ":".join(quote(part, safe="") for part in (of["USER"], of["PASSWORD"]) if part)
    return f"postgres://{who}@{of['HOST']}:{of['PORT']}/{of['NAME']}"
