"""The option of a command that says where the rows of a dataset are made.

It stands apart from the other options, since it loads what holds rows.
"""

from argparse import ArgumentParser

from ranking.datasets.engine import Engine, locally


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
