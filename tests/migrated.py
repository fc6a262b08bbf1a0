"""A new SQLite database for a run of tests, copied from one that the same migrations made before.

To migrate from nothing takes two seconds of each worker, and of each run of one test. What is copied is
migrated too, so a migration that the copy lacks is not missed. Another database server has its own ways.
"""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core import management
from django.db import connection
from filelock import FileLock


def begin_with_a_copy(patch: pytest.MonkeyPatch) -> None:
    """Lets the next `migrate` go on from what an earlier run left, or leave it to the next run."""
    migrate = management.call_command

    def call(name: str, *args: Any, **options: Any) -> Any:
        if name != "migrate":
            return migrate(name, *args, **options)
        patch.undo()
        path = kept_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Workers begin together: one migrates, and the others wait for what it leaves.
        with FileLock(path.with_suffix(".lock")):
            if path.exists():
                _copy(path)
            said = migrate(name, *args, **options)
            if not path.exists():
                _keep(path)
        return said

    patch.setattr(management, "call_command", call)


def kept_file() -> Path:
    """The file for these migrations, in these versions of what is installed."""
    found = [*_migrations(), settings.BASE_DIR / "requirements.txt"]
    text = b"".join(path.name.encode() + path.read_bytes() for path in found)
    return (
        Path(settings.BASE_DIR)
        / "var"
        / "test-databases"
        / f"{hashlib.sha256(text).hexdigest()[:16]}.sqlite3"
    )


def _migrations() -> list[Path]:
    folders = [Path(app.path) / "migrations" for app in apps.get_app_configs()]
    return sorted(path for folder in folders for path in folder.glob("*.py"))


def _copy(path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as kept:
        kept.backup(connection.connection)


def _keep(path: Path) -> None:
    for old in path.parent.glob("*.sqlite3"):
        old.unlink()
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as kept:
        connection.connection.backup(kept)
    part.replace(path)
