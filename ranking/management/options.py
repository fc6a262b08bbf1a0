"""Arguments that several commands take."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

from ranking.datasets.engine import Engine, locally

Number = TypeVar("Number", int, float)


def number(kind: Callable[[str], Number], low: float, high: float) -> Callable[[str], Number]:
    """An argument's type: a number of `kind` from `low` to `high`."""

    def parse(text: str) -> Number:
        value = kind(text)
        if not low <= value <= high:
            raise ArgumentTypeError(f"must be between {low:g} and {high:g}")
        return value

    return parse


def add_engine(parser: ArgumentParser) -> None:
    """Adds the option that says where the rows of a dataset are made."""
    parser.add_argument(
        "--engine",
        choices=["local", "spark"],
        default="local",
        help="this process, or Spark at SPARK_MASTER (docs/how-to/several-machines.md)",
    )


def engine_of(name: str) -> Engine:
    """The engine of this name. Raises InvalidInput where it cannot run."""
    if name == "local":
        return locally
    # It needs requirements-spark.txt.
    from ranking.datasets.by_spark import spark_engine

    return spark_engine()
