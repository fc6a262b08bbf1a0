"""The files through which workers share their counts (METRICS_DIR), unharmed by a full disk.

The library maps its files into memory and writes to blocks that the disk does not have yet. Where it is full
that is no error but the end of the process (SIGBUS), and so of every worker that follows.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import structlog
from prometheus_client import Metric, values
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

logger = structlog.stdlib.get_logger(__name__)

# More than all series of a worker take.
ROOM = 1_000_000


class RoomyFile(MmapedDict):
    """A file of counts that has its blocks before anything is written to it.

    Where there is no room the counts stay in the memory of this worker: `/metrics` lacks them, which is no
    reason not to serve.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002  as the library's
        if not read_mode and hasattr(os, "posix_fallocate"):
            try:
                with Path(filename).open("a+b") as file:
                    os.posix_fallocate(file.fileno(), 0, ROOM)
            except OSError as error:
                logger.warning("counts of this worker are not shared", file=filename, error=str(error))
                Path(filename).unlink(missing_ok=True)
                filename = f"/proc/self/fd/{os.memfd_create('counts')}"
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]


def use_roomy_files() -> None:
    """Makes the library take these files. Before the first measure is made."""
    values.MmapedDict = RoomyFile  # type: ignore[attr-defined]


class SharedCounts(MultiProcessCollector):
    """The counts of all workers, without files that a killed worker or a full disk left by half."""

    def __init__(self, folder: str) -> None:
        # The library's own refuses a folder that is gone; without files there is nothing to tell.
        self._folder = Path(folder)

    def collect(self) -> Iterable[Metric]:
        found: Iterable[Metric] = self.merge(  # type: ignore[no-untyped-call]
            [str(file) for file in self._folder.glob("*.db") if _is_whole(file)]
        )
        return found


def _is_whole(file: Path) -> bool:
    try:
        SharedCounts.merge([str(file)])  # type: ignore[no-untyped-call]
    except Exception as error:
        # Whatever: the library checks nothing of what it reads.
        logger.warning("a file of counts cannot be read", file=file.name, error=str(error))
        return False
    return True
