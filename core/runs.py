"""Runs of commands: the signals by which another app keeps a record of each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from core.progress import Progress


@dataclass(slots=True)
class CommandRun:
    """A run of a command while it lasts.

    given     the command's own options that are not at their defaults
    use_case  the one that it is for; empty where it is for none
    progress  what it counts; None before it counts anything
    summary   its result; None before its end and where it fails
    """

    command: str
    given: Mapping[str, Any] = field(default_factory=dict)
    use_case: str = ""
    progress: Progress | None = None
    summary: Mapping[str, Any] | None = None


Keeper: TypeAlias = Callable[[CommandRun], AbstractContextManager[None]]

_keepers: list[Keeper] = []


def keep_runs(keeper: Keeper) -> None:
    """Has every run of a command from now on happen within the block that `keeper` makes for it."""
    if keeper not in _keepers:
        _keepers.append(keeper)


@contextmanager
def kept(run: CommandRun) -> Iterator[None]:
    """Within the blocks of all keepers."""
    with ExitStack() as stack:
        for keeper in _keepers:
            stack.enter_context(keeper(run))
        yield
