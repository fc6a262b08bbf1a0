"""Checks that this process can write to a folder, before hours of work depend on it."""

import os
import tempfile
from pathlib import Path

# A file system may take the name of a file when it has no room for what is to be in it.
_PROBE = bytes(65_536)


def folder_and_store(given: str, default: Path) -> tuple[Path, str]:
    """The folder of this machine and the address that a setting names.

    A folder has no address (""). Files of an address have their copy in `default`.
    """
    return (default, given) if "://" in given else (Path(given), "")


def check_writable(folder: Path) -> None:
    """Makes `folder` where there is none, and writes a file there that goes at once. Raises OSError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_PROBE)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # The name of the probe says nothing to anybody.
        raise OSError(error.errno, error.strerror, str(folder)) from error


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Writes beside and renames: a reader finds the whole file or none, whenever this process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            # mkstemp lets only the owner read, but cron and the workers may be different users.
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
