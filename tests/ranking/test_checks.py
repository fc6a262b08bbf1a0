"""A kind that there is not is told at start, with the file, the key and what is allowed."""

from dataclasses import replace
from typing import Any

import pytest

from core.domain import USE_CASES
from ranking.checks import check_kinds, unknown_kinds


def test_the_shipped_file_names_what_there_is() -> None:
    assert check_kinds() == []


@pytest.mark.parametrize(
    ("key", "names", "allowed"),
    [("sources", ("als", "clairvoyance"), "popular"), ("models", ("als", "clairvoyance"), "ranker")],
)
def test_another_kind_is_told(key: str, names: tuple[str, ...], allowed: str) -> None:
    changes: dict[str, Any] = {key: names}
    (error,) = unknown_kinds(replace(USE_CASES["movie_home"], **changes))
    assert f"heed.toml: use_cases.movie_home.{key} names 'clairvoyance'; it may name" in error.msg
    assert allowed in error.msg


def test_what_only_orders_a_pool_is_no_source() -> None:
    assert len(list(unknown_kinds(replace(USE_CASES["movie_home"], sources=("ranker",))))) == 1
