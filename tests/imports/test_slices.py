"""Imports in slices: all of one stays or nothing does, and others write between two slices."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import close_old_connections, connection, transaction

from accounts.models import User
from catalog.models import Facet, Item
from core import sql
from feedback.completion import record_with_dislikes
from imports import (
    interaction_merge,
    interactions,
    item_facets,
    item_merge,
    items,
    session_merge,
    sessions,
    slices,
)
from interactions.services import Wanted
from privacy.services import erase_person
from tests.assistants.test_mcp import database_url
from tests.docs.pages import ROOT
from tests.factories import make_interaction, make_item, make_user
from tests.imports.helpers import json_lines, run
from tests.threads import threads_db, together

__all__ = ["threads_db"]
HAS_SLICES = connection.vendor == "sqlite"
POPULARITY = "interactions.ItemPopularity"


@pytest.fixture(autouse=True)
def site(threads_db: None, monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """Films, of which one is liked, one rated and one turned down; imports write in tiny slices."""
    monkeypatch.setattr(item_merge, "SLICE_ROWS", 2)
    monkeypatch.setattr(interaction_merge, "PAIRS", 2)
    monkeypatch.setattr(interaction_merge, "PEOPLE_AT_ONCE", 1)
    monkeypatch.setattr(session_merge, "BATCH", 2)
    monkeypatch.setattr(session_merge, "TIES", 2)
    monkeypatch.setattr(slices, "NOTES_AT_ONCE", 3)
    films = [make_item(genres=["Drama", "Crime"]) for _ in range(5)]
    for number, film in enumerate(films, start=1):
        Item.objects.filter(pk=film.pk).update(external_id=str(number))
    wanted = [
        Wanted(films[0].pk, "like"),
        Wanted(films[1].pk, "watched", rating=8.0),
        Wanted(films[2].pk, "dislike"),
    ]
    record_with_dislikes(user_id=make_user("ann").pk, wanted=wanted)
    return films


def everything() -> dict[str, list[str]]:
    """All rows that imports write, without the moments at which items changed."""
    found = {}
    for model in slices.models_written():
        names = [field.attname for field in model._meta.local_concrete_fields if field.name != "changed_at"]
        found[model._meta.label] = sorted(map(repr, model._base_manager.values_list(*names)))
    return found


def films_file(folder: Path) -> Path:
    """Three films that are there, with other facets, and three new ones."""
    rows = [
        {
            "external_id": str(n),
            "title": f"100 % of Ann's {n}",
            "year": 1990 + n,
            "genres": ["Crime", f"New {9 - n}"],
        }
        for n in range(3, 9)
    ]
    return json_lines(folder / "films.jsonl", *rows)


def interactions_file(folder: Path) -> Path:
    """People of whom each likes and rates all films, and turns two down."""
    rows: list[dict[str, object]] = []
    for name in ("ann", "ben", "cid"):
        for item in range(1, 6):
            one = {"user": name, "item": item}
            rows += [
                {**one, "type": "watched", "rating": item, "occurred_at": "2026-01-02"},
                {**one, "type": "like", "occurred_at": "2026-01-03"},
            ]
            if item > 3:
                reason = {"reason": "poor_quality", "feedback_text": "100 % dull"} if item == 4 else {}
                rows.append({**one, "type": "dislike", "occurred_at": "2026-01-04", **reason})
    return json_lines(folder / "done.jsonl", *rows)


def lists_file(folder: Path) -> Path:
    """Five lists of three films, of which three had a film liked."""
    rows = [
        {
            "session": f"s{n}",
            "user": "dan",
            "shown_at": f"2026-01-0{n}",
            "item": item,
            "rank": item,
            "seen": 3,
        }
        | ({"action": "like"} if item == n else {})
        for n in range(1, 6)
        for item in range(1, 4)
    ]
    return json_lines(folder / "lists.jsonl", *rows)


FILES: list[tuple[str, Callable[[Path], Path]]] = [
    ("import_items", films_file),
    ("import_interactions", interactions_file),
    ("import_sessions", lists_file),
]


def dies(*_: object, **__: object) -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("command", "file"), FILES)
def test_what_fails_at_its_end_leaves_nothing_and_works_the_next_time(
    command: str, file: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before, whole = file(tmp_path), everything(), item_merge.write_items
    with monkeypatch.context() as patched:
        patched.setattr(interactions, "refresh_popularity", dies)
        patched.setattr(sessions, "refresh_popularity", dies)
        patched.setattr(items, "write_items", lambda *args, **rest: dies(whole(*args, **rest)))
        with pytest.raises(KeyboardInterrupt):
            run(command, path)
    assert everything() == before
    assert run(command, path)["created"] > 0
    after = everything()
    assert after != before
    assert run(command, path)["created"] == 0
    # Popularity is of the moment.
    assert {label for label, rows in everything().items() if rows != after[label]} <= {POPULARITY}
    assert not [name for name in connection.introspection.table_names() if name.startswith("heed_import")]


def test_slices_write_what_one_transaction_writes(tmp_path: Path) -> None:
    def written() -> dict[str, int]:
        for command, file in FILES:
            run(command, file(tmp_path))
        return {label: len(rows) for label, rows in everything().items()}

    with transaction.atomic():
        whole = written()
        transaction.set_rollback(True)
    assert written() == whole


def test_others_write_between_two_slices_and_keep_what_they_wrote(
    site: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite. PostgreSQL lets others write beside an import, and there it is one slice."""
    ann, path, whole = User.objects.get(username="ann"), films_file(tmp_path), item_merge.write_items

    def write_meanwhile(_: int) -> None:
        new = Item.objects.filter(external_id="6").first()
        if new and not ann.interactions.filter(item=new).exists():
            make_interaction(ann, new, "click")
        if Item.objects.filter(external_id="3", year=1993).exists():
            Item.objects.filter(external_id="3").update(title="Of others")

    monkeypatch.setattr(slices, "HELD_SECONDS", 0.0)
    monkeypatch.setattr(slices, "sleep", lambda _: together(1, write_meanwhile))
    monkeypatch.setattr(items, "write_items", lambda *args, **rest: dies(whole(*args, **rest)))
    with pytest.raises(KeyboardInterrupt):
        run("import_items", path)
    new = Item.objects.filter(external_id__in=["6", "7", "8"])
    assert [item.external_id for item in new] == (["6"] if HAS_SLICES else [])
    film = Item.objects.get(pk=site[2].pk)
    assert film.title == ("Of others" if HAS_SLICES else site[2].title)
    assert film.year == site[2].year
    assert sorted(film.facets.values_list("name", flat=True)) == ["Crime", "Drama"]


@pytest.mark.skipif(not HAS_SLICES, reason="elsewhere who is erased waits for the import")
@pytest.mark.parametrize(
    ("command", "file", "name"),
    [
        ("import_interactions", interactions_file, "ann"),
        ("import_interactions", interactions_file, "cid"),
        ("import_sessions", lists_file, "dan"),
    ],
)
def test_who_is_erased_between_two_slices_is_gone_and_the_import_says_so(
    command: str, file: Callable[[Path], Path], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = count()

    def erase(_: int) -> None:
        for person in User.objects.filter(username=name):
            erase_person(user_id=person.pk)

    monkeypatch.setattr(slices, "HELD_SECONDS", 0.0)
    # After people are found or made, and before all is written that is theirs.
    monkeypatch.setattr(slices, "sleep", lambda _: together(1, erase) if next(slept) == 1 else None)
    with pytest.raises(CommandError, match="was erased while it was imported"):
        run(command, file(tmp_path))
    assert not User.objects.filter(username=name).exists()
    assert run(command, file(tmp_path))["created"] > 0


@pytest.mark.parametrize(("command", "file"), FILES[:2])
@pytest.mark.parametrize("copied_from", [1, 100])
def test_imports_of_the_same_rows_at_once_write_them_once(
    command: str,
    file: Callable[[Path], Path],
    copied_from: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sql, "COPIED_FROM", copied_from)
    path, before = file(tmp_path), everything()
    together(3, lambda _: run(command, path))
    after = everything()
    assert after != before
    assert run(command, path)["created"] == 0
    assert {label for label, rows in everything().items() if rows != after[label]} <= {POPULARITY}


@pytest.mark.skipif(not HAS_SLICES, reason="elsewhere an import is one slice")
def test_a_facet_that_is_erased_between_two_slices_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = count()
    monkeypatch.setattr(slices, "HELD_SECONDS", 0.0)

    def erase(_: int) -> None:
        Facet.objects.filter(name="Crime").delete()

    monkeypatch.setattr(slices, "sleep", lambda _: together(1, erase) if next(slept) == 1 else None)
    assert run("import_items", films_file(tmp_path))["created"] == 3
    assert set(Item.objects.filter(facets__name="Crime").values_list("external_id", flat=True)) > {"7", "8"}


@pytest.mark.skipif(HAS_SLICES, reason="there nobody else writes while rows are linked")
def test_where_a_facet_is_erased_meanwhile_nothing_is_imported_and_the_import_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, whole = films_file(tmp_path), item_facets.write_facets
    Facet.objects.create(kind="genre", name="New 6")
    before = everything()

    def erase(_: int) -> None:
        Facet.objects.filter(name="New 6").delete()

    def write_and_erase(*args: Any, **rest: Any) -> Any:
        changed = whole(*args, **rest)
        together(1, erase)
        return changed

    with monkeypatch.context() as patched:
        patched.setattr(item_merge, "write_facets", write_and_erase)
        with pytest.raises(CommandError, match="was erased while it was imported"):
            run("import_items", path)
    for label in ("catalog.Item", "catalog.ItemFacet"):
        assert everything()[label] == before[label]
    assert run("import_items", path)["created"] == 3


@pytest.mark.slow
def test_a_killed_import_is_taken_back_by_prune_and_by_the_next_import(tmp_path: Path) -> None:
    many = json_lines(
        tmp_path / "many.jsonl", *({"external_id": f"k{n}", "title": f"Film {n}"} for n in range(20_000))
    )
    before = everything()
    kill_amid("import_items", many)
    run("prune")
    assert everything() == before
    kill_amid("import_items", many)
    run("import_items", films_file(tmp_path))
    assert set(Item.objects.values_list("external_id", flat=True)) == {str(number) for number in range(1, 9)}


def kill_amid(command: str, path: Path) -> None:
    """Kills a run while it writes."""
    environment = {
        **os.environ,
        "DEBUG": "1",
        "DATABASE_URL": database_url(),
        "LOCK_DIR": str(settings.LOCK_DIR),
    }
    call = [sys.executable, "manage.py", command, str(path), "--quiet"]
    process = subprocess.Popen(call, cwd=ROOT, env=environment)
    for _ in count():
        assert process.poll() is None, "It came to its end before it was killed."
        if is_writing():
            break
    process.kill()
    assert process.wait() == -signal.SIGKILL
    close_old_connections()


def is_writing() -> bool:
    """True while another connection is amid an import."""
    if HAS_SLICES:
        return Item.objects.filter(external_id__startswith="k").exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state <> 'idle' AND query ILIKE '%%catalog%%'",
            [],
        )
        return bool(cursor.fetchone()[0])


def test_facets_have_the_same_ids_whatever_the_size_of_a_slice(tmp_path: Path) -> None:
    def names() -> list[str]:
        run("import_items", films_file(tmp_path))
        return list(Facet.objects.order_by("pk").values_list("name", flat=True))

    with transaction.atomic():
        whole = names()
        transaction.set_rollback(True)
    assert names() == whole
