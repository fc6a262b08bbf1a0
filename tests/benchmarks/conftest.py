"""Fixtures of the tests of scripts, which run in the process of the tests."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmarks, which are scripts and no package. Django is set up already.

    A second setup would send the log to the stream of one test, and every later line would meet it closed.
    """
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    monkeypatch.setattr("django.setup", lambda: None)
