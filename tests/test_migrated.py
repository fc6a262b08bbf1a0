"""A run of tests begins with the database that a run before it migrated, and migrates what that lacks."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core import management
from django.db import connection

from tests import migrated

pytestmark = [
    # No transaction is open while a run begins; SQLite copies nothing beside one that is.
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only there a file is a database"),
]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "kept" / "one.sqlite3"
    monkeypatch.setattr(migrated, "kept_file", lambda: found)
    return found


def test_the_first_migrates_and_keeps_and_the_next_begins_with_that(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    copied: list[Path] = []
    monkeypatch.setattr(management, "call_command", lambda name, **_: asked.append(name))
    monkeypatch.setattr(migrated, "_copy", copied.append)
    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch:
            migrated.begin_with_a_copy(patch)
            management.call_command("check")
            management.call_command("migrate", database="default")
            management.call_command("migrate", database="default")
    assert asked == ["check", "migrate", "migrate"] * 2
    assert copied == [path]
    with closing(sqlite3.connect(path)) as kept:
        tables = {name for (name,) in kept.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(connection.introspection.table_names()) <= tables


def test_another_migration_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = tmp_path / "0001_initial.py"
    names = []
    for text in ("one", "two"):
        migration.write_text(text, encoding="utf-8")
        monkeypatch.setattr(migrated, "_migrations", lambda: [migration])
        names.append(migrated.kept_file())
    assert names[0] != names[1]
