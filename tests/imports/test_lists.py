"""Cells that hold a list: what is none is text, whatever Python makes of it."""

import contextlib

import pytest

from core.values import BadValue
from imports.lists import parse_names, separators

DEEP, SUMS = "[" + "-" * 100_000 + "1]", "[" + "[1]+" * 20_000 + "[1]]"
ODD = ["[{[]}]", "[{[]: 1}]", DEEP, SUMS, "[" + "9" * 5_000 + "]"]


@pytest.mark.parametrize("cell", ODD, ids=lambda cell: cell[:12])
def test_what_is_no_list_is_text(cell: str) -> None:
    assert separators(["genres"], [{"genres": cell}]) == {"genres": None}
    with contextlib.suppress(BadValue):
        assert parse_names("genres", cell, None) == (cell,)
