"""Files of models as memory that all processes of a machine share.

A file is copied once into a folder that is this user's alone, and each process maps the copy. So it holds no
numbers of its own, however many there are. What is mapped is hashed in the very pages that are read
afterwards, and nobody else can cut it short, which would end every process that reads it
(docs/decisions/0005-model-files.md).
"""

import hashlib
import mmap
import os
import stat
import time
from contextlib import suppress
from errno import EACCES
from pathlib import Path

import structlog
from django.conf import settings

from core.folders import write_whole
from ranking.models import ModelVersion
from ranking.recommenders.tensors import FileData
from ranking.registry.versions import read_verified

logger = structlog.stdlib.get_logger(__name__)

# A smaller file is not worth a copy on the disk.
SMALLEST = 1_000_000
# A copy that no process has asked for in so long is removed when the next is made.
KEPT_SECONDS = 2 * 86_400.0


def load_file(version: ModelVersion) -> FileData:
    """The bytes of a version's file: of a large one in memory that processes share.

    Where no copy can be made, they are this process's own. Raises ModelFileError unless their SHA-256 is the
    registered one.
    """
    folder = Path(settings.SHARED_MODEL_DIR) / str(os.geteuid())
    path = folder / version.sha256
    if (mapped := _map(path, version.sha256)) is not None:
        return mapped
    data = read_verified(version)
    if len(data) < SMALLEST:
        return data
    try:
        _copy(data, path)
    except OSError as error:
        logger.warning("a model is not shared between processes", version=version.label, error=str(error))
        return data
    return _map(path, version.sha256) or data


def _copy(data: bytes, path: Path) -> None:
    """Writes a copy, and removes those that nobody asks for. Raises OSError where it cannot be shared."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_private(path.parent):
        raise PermissionError(EACCES, "others may write there", str(path.parent))
    write_whole(path, data, mode=0o600)
    oldest = time.time() - KEPT_SECONDS
    for copy in path.parent.iterdir():
        # Who has one mapped keeps it.
        with suppress(OSError):
            if copy.stat().st_mtime < oldest:
                copy.unlink()


def _map(path: Path, sha256: str) -> memoryview | None:
    """The pages of a copy; None where there is none that can be trusted."""
    try:
        if not _is_private(path.parent):
            return None
        with path.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        # Its removal is counted from the last time that somebody asked for it.
        os.utime(path)
    except (OSError, ValueError):
        return None
    return mapped if hashlib.sha256(mapped).hexdigest() == sha256 else None


def _is_private(folder: Path) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
