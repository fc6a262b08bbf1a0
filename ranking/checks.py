"""Checks at start: heed.toml may name only kinds of recommenders that there are."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from core.domain import USE_CASES, UseCase
from ranking.kinds import BRINGING, LEARNING


@register("heed")
def check_kinds(**_: Any) -> list[CheckMessage]:
    """An error for each use case that names a kind which the registry does not have."""
    return [error for use_case in USE_CASES.values() for error in unknown_kinds(use_case)]


def unknown_kinds(use_case: UseCase) -> Iterator[CheckMessage]:
    """The errors of one use case."""
    yield from _unknown(use_case, "sources", use_case.sources, BRINGING)
    yield from _unknown(use_case, "models", use_case.models, LEARNING)


def _unknown(
    use_case: UseCase, key: str, names: Sequence[str], known: Sequence[str]
) -> Iterator[CheckMessage]:
    for name in names:
        if name not in known:
            yield Error(
                f"{settings.HEED_CONFIG}: use_cases.{use_case.name}.{key} names {name!r}; "
                f"it may name {', '.join(known)}.",
                id="ranking.E001",
            )
