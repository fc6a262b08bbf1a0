"""Stand-ins for types and reasons that rows still name and heed.toml no longer has."""

from collections.abc import Callable
from typing import TypeVar

from core.domain.schema import DislikeReason, InteractionType

T = TypeVar("T")


class Known(dict[str, T]):
    """The entries of heed.toml by name. What a row of the past is called is looked up without a failure.

    Only a look-up finds it: it is not in the table, so that nobody may say it anew.
    """

    def __init__(self, entries: dict[str, T], forgotten: Callable[[str], T]) -> None:
        super().__init__(entries)
        self._forgotten = forgotten

    def __missing__(self, name: str) -> T:
        return self._forgotten(name)


def forgotten_type(name: str) -> InteractionType:
    """An interaction that speaks neither for its item nor against it."""
    words = name.replace("_", " ")
    return InteractionType(name=name, action=name, training=0.0, relevance=1, done=words, profile=0.0)


def forgotten_reason(name: str) -> DislikeReason:
    """A plain no that holds nothing back."""
    return DislikeReason(name=name, label=name.replace("_", " "))
