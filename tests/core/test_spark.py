"""The cause in what Spark says, which holds traces of Java and of Python."""

import pytest

from core.spark import _reason

IN_PYTHON = """An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "worker.py", line 4, in invoke_udf
    run_process()
ValueError: broken
in two lines

JVM stacktrace:
org.apache.spark.SparkException: Job aborted
\tat org.apache.spark.scheduler.DAGScheduler"""
IN_JAVA = """An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.
: org.apache.spark.SparkException: All masters are unresponsive!
\tat org.apache.spark.scheduler.DAGScheduler
"""


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (IN_PYTHON, "ValueError: broken in two lines"),
        (IN_JAVA, "org.apache.spark.SparkException: All masters are unresponsive!"),
        ("[NO_SUCH_THING] There is none.", "[NO_SUCH_THING] There is none."),
        ("", ""),
    ],
)
def test_the_cause_is_told_without_the_traces(told: str, reason: str) -> None:
    assert _reason(told) == reason
