"""The engines that make the rows of a dataset: one way of making them, here or on several machines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from core.arrow import pa

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Rows of a dataset, and what of the log they were made from.

    batch   in the columns of the dataset; it may be empty
    read    so much of the log, in the unit of its progress
    counts  for the manifest, of what the rows themselves do not tell
    """

    batch: pa.RecordBatch
    read: int
    counts: Mapping[str, int] = field(default_factory=dict)


class Engine(Protocol):
    """Makes the rows of a whole log, in its order.

    `make` turns a part of it into rows, and `split` cuts it into parts that follow each other. Both are given
    what lies in the database by name, so either may run wherever the same database is read.
    """

    def __call__(
        self,
        make: Callable[[Part], Iterator[Made]],
        *,
        whole: Part,
        split: Callable[[Part], Sequence[Part]],
    ) -> Iterator[Made]: ...


def locally(
    make: Callable[[Part], Iterator[Made]], *, whole: Part, split: Callable[[Part], Sequence[Part]]
) -> Iterator[Made]:
    """The engine of this process: the log as one part, which streams."""
    del split
    return make(whole)
