"""Checks that this process can write to a folder, before hours of work depend on it."""

import os
import tempfile
from pathlib import Path

# A file system may take the name of a file when it has no room for what is to be in it.
_PROBE = bytes(65_536)


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
