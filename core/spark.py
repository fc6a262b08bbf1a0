"""The session of Spark for whatever runs on it, on the cores of this machine or on a cluster."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from django.conf import settings

from core.errors import HeedError, InvalidInput

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkFailed(HeedError):
    """Spark itself failed: no machine answered, or one cannot run what it is given."""

    status = 503


def check_spark() -> None:
    """Raises InvalidInput where Spark is not installed."""
    if find_spec("pyspark") is None:
        raise InvalidInput(
            "Spark needs Java 17, and: pip install --require-hashes -r requirements-spark.lock"
        )


@contextmanager
def spark_session() -> Iterator["SparkSession"]:
    """The session of Spark: the one that submitted this process, else one at SPARK_MASTER, ended afterwards.

    Raises InvalidInput where Spark is not installed, and SparkFailed where it fails.
    """
    check_spark()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    # Tasks in Python run by the interpreter of this process: on every machine Heed lies in the same folder.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    before = SparkSession.getActiveSession()
    # These stand on a command line, and among what Spark shows and logs: nothing secret may be one of them.
    builder = SparkSession.builder.appName("heed").master(settings.SPARK_MASTER)
    for name in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(name, "false")
    builder = builder.config("spark.executorEnv.PYTHONPATH", str(settings.BASE_DIR))
    spark = None
    try:
        spark = before or builder.getOrCreate()
        yield spark
    except (Py4JError, PySparkException) as error:
        raise SparkFailed(f"Spark failed: {_reason(str(error))}") from error
    finally:
        if before is None and spark is not None:
            spark.stop()


def _reason(told: str) -> str:
    """The cause in what Spark says, which holds the traces of Java, and of Python before them."""
    lines = told.partition("\n\nJVM stacktrace:")[0].strip().splitlines()
    if any(line.startswith("Traceback") for line in lines):
        # What was raised follows the last of the frames, which are indented.
        last = max(place for place, line in enumerate(lines) if line.startswith(" "))
        lines = lines[last + 1 :]
    else:
        # "An error occurred while calling …", and then the name of a class and what it says.
        lines = [line.removeprefix(": ") for line in lines if line.startswith(": ")] or lines[:1]
    return " ".join(" ".join(lines).split())
