"""`import_items`, through the command, on whichever database the suite runs."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Facet, FacetKind, Item, ItemFacet
from core.errors import InvalidInput
from imports import items as importers
from tests.imports.helpers import json_lines, refusal, run, write

pytestmark = pytest.mark.django_db

FULL = {
    "external_id": "m1",
    "kind": "movie",
    "title": "Alpha",
    "original_title": "Alfa",
    "year": 1999,
    "description": "First line.\nSecond line.",
    "published_at": "1999-05-31T22:00:00+02:00",
    "is_active": False,
    "is_synthetic": True,
    "genres": ["Drama", "War"],
    "actors": ["B. Second", "A. First"],
    "directors": ["C. Third"],
    "themes": [],
    "publishers": ["Studio"],
    "franchise": "Alpha Saga",
    "positions": None,
}


def names(item: Item, kind: FacetKind) -> list[str]:
    links = ItemFacet.objects.filter(item=item, facet__kind=kind).select_related("facet")
    return [link.facet.name for link in links.order_by("billing")]


def as_csv(path: Path, *rows: dict[str, Any]) -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: "|".join(value) if isinstance(value, list) else value for name, value in row.items()}
        )
    return write(path, out.getvalue())


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_column_is_stored(tmp_path: Path, form: str) -> None:
    path = as_csv(tmp_path / "i.csv", FULL) if form == "csv" else json_lines(tmp_path / "i.jsonl", FULL)
    summary = run("import_items", path)
    assert summary == {
        "rows": 1, "created": 1, "updated": 0, "unchanged": 0, "repeated": 0, "bad_rows": 0, "reports": [],
    }  # fmt: skip
    item = Item.objects.get()
    assert (item.kind, item.external_id, item.title, item.original_title) == ("movie", "m1", "Alpha", "Alfa")
    assert (item.year, item.is_active, item.is_synthetic) == (1999, False, True)
    assert item.description == "First line.\nSecond line."
    assert item.published_at == datetime(1999, 5, 31, 20, tzinfo=UTC)
    assert names(item, FacetKind.ACTOR) == ["B. Second", "A. First"]
    assert names(item, FacetKind.GENRE) == ["Drama", "War"]
    assert names(item, FacetKind.FRANCHISE) == ["Alpha Saga"]
    assert names(item, FacetKind.THEME) == []


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "i.jsonl", FULL, {"external_id": 2, "title": "Beta", "genres": "War|Drama"})
    assert run("import_items", path)["created"] == 2
    before = (list(Item.objects.order_by("pk").values()), list(ItemFacet.objects.order_by("pk").values()))
    again = run("import_items", path)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)
    assert before == (
        list(Item.objects.order_by("pk").values()),
        list(ItemFacet.objects.order_by("pk").values()),
    )


def test_new_items_get_their_ids_in_the_order_of_the_file(tmp_path: Path) -> None:
    names = [f"m{number * 7 % 30}" for number in range(30)]
    rows = ({"external_id": name, "title": name} for name in names)
    run("import_items", json_lines(tmp_path / "items.jsonl", *rows))
    assert list(Item.objects.order_by("pk").values_list("external_id", flat=True)) == names


def test_what_a_file_does_not_say_stays(tmp_path: Path) -> None:
    run("import_items", json_lines(tmp_path / "1.jsonl", FULL))
    summary = run(
        "import_items", write(tmp_path / "2.csv", "external_id,title,genres,actors\nm1,Omega,War,\n")
    )
    assert summary["updated"] == 1
    item = Item.objects.get()
    assert (item.title, item.year, item.original_title, item.is_active) == ("Omega", 1999, "Alfa", False)
    assert names(item, FacetKind.GENRE) == ["War"]
    assert names(item, FacetKind.ACTOR) == []
    assert names(item, FacetKind.DIRECTOR) == ["C. Third"]


def test_a_new_billing_order_alone_is_an_update(tmp_path: Path) -> None:
    run("import_items", json_lines(tmp_path / "1.jsonl", FULL))
    turned = {**FULL, "actors": ["A. First", "B. Second"]}
    assert run("import_items", json_lines(tmp_path / "2.jsonl", turned))["updated"] == 1
    assert names(Item.objects.get(), FacetKind.ACTOR) == ["A. First", "B. Second"]


@pytest.mark.parametrize("batch_rows", [1, 500], ids=["across batches", "in one batch"])
def test_of_two_rows_for_one_item_the_later_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr(importers, "BATCH_ROWS", batch_rows)
    rows = [
        {"external_id": "x", "title": "First", "year": 1990, "genres": ["A", "B"]},
        {"external_id": "x", "title": "Second", "genres": ["B", "C"]},
    ]
    run("import_items", json_lines(tmp_path / "i.jsonl", *rows))
    item = Item.objects.get()
    assert (item.title, item.year, names(item, FacetKind.GENRE)) == ("Second", 1990, ["B", "C"])


def test_the_kind_comes_from_the_row_or_the_option(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", "external_id,title,kind\n1,A,\n1,B,startup\n")
    assert run("import_items", path, "--kind", "drama")["created"] == 2
    assert set(Item.objects.values_list("kind", "title")) == {("drama", "A"), ("startup", "B")}
    assert "no kind 'game'" in refusal("import_items", path, "--kind", "game")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("external_id", "", "external_id is empty"),
        ("external_id", "x" * 201, "external_id has 201 characters; 200 is the most"),
        ("external_id", True, "external_id must be text"),
        ("external_id", "a\nb", "cannot be stored"),
        ("title", " ", "title is empty"),
        ("title", "x" * 301, "title has 301 characters"),
        ("title", "a\u0000b", "cannot be stored"),
        ("title", "\ud800", "cannot be stored"),
        ("title", ["a"], "title must be text"),
        ("description", "a\u0000b", "cannot be stored"),
        ("description", "x\udfffy", "cannot be stored"),
        ("description", "x" * 100_001, "description has 100,001 characters"),
        ("year", "MCMXC", "year must be a whole number, not 'MCMXC'"),
        ("year", 1799, "year must be from 1800 to 2200, not 1799"),
        ("year", 10**30, "year must be from 1800 to 2200"),
        ("year", 1990.5, "year must be a whole number"),
        ("year", True, "year must be a whole number"),
        ("year", "١٩٩٥", "year must be a whole number"),
        ("published_at", "yesterday", "published_at must be a date"),
        ("published_at", 5, "published_at must be a date"),
        ("published_at", "0001-01-01T00:00:00+14:00", "published_at must be a date"),
        ("published_at", "1500-01-01", "from the years 1800 to 2200"),
        ("is_active", "maybe", "is_active must be true or false"),
        ("is_active", 2, "is_active must be true or false"),
        ("kind", "game", "kind must be one of movie, drama, startup"),
        ("genres", {"a": 1}, "genres must be a list"),
        ("genres", ["a", 1], "genres must be text"),
        ("genres", "a||b", "genres holds an empty name"),
        ("genres", ["x" * 201], "genres has 201 characters"),
        ("actors", [str(number) for number in range(101)], "actors holds 101 names; 100 is the most"),
    ],
)
def test_a_bad_value_is_refused_with_its_line_and_reason(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    good = {"external_id": "good", "title": "Good"}
    path = json_lines(tmp_path / "i.jsonl", good, {"external_id": "bad", "title": "Bad", column: value})
    message = refusal("import_items", path)
    assert message.startswith("1 row is bad and --max-errors is 0, so nothing was imported.\ni.jsonl:2: ")
    assert reason in message
    assert len(message) < 400
    assert not Item.objects.exists()
    summary = run("import_items", path, "--max-errors", 1)
    assert (summary["rows"], summary["created"], summary["bad_rows"]) == (2, 1, 1)
    assert summary["reports"][0]["number"] == 2
    assert list(Item.objects.values_list("external_id", flat=True)) == ["good"]


def test_every_bad_row_is_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", "external_id,title,year\n1,A,x\n2,B,1990\n3,,1990\n4,D,1\n")
    message = refusal("import_items", path, "--max-errors", 2)
    assert message.startswith("3 rows are bad and --max-errors is 2")
    assert [line.split(" ")[0] for line in message.splitlines()[1:]] == ["i.csv:2:", "i.csv:4:", "i.csv:5:"]


def test_a_file_that_breaks_after_many_batches_leaves_nothing(tmp_path: Path) -> None:
    rows = "".join(f'{number},"Title {number}",Drama\n' for number in range(1500))
    path = write(tmp_path / "i.csv", "external_id,title,genres\n" + rows + '1500,"never closed\n')
    assert "line 1502: a quote is opened" in refusal("import_items", path)
    assert not Item.objects.exists()
    assert not Facet.objects.exists()


def test_a_run_that_dies_half_way_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importers, "BATCH_ROWS", 2)
    first = [{"external_id": number, "title": "Old", "genres": ["Old"]} for number in range(3)]
    run("import_items", json_lines(tmp_path / "1.jsonl", *first))
    calls = 0

    def dies_at_third(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return write_facets(*args, **kwargs)

    write_facets = importers._write_facets
    monkeypatch.setattr(importers, "_write_facets", dies_at_third)
    second = [{"external_id": number, "title": "New", "genres": ["New"]} for number in range(6)]
    path = json_lines(tmp_path / "2.jsonl", *second)
    with pytest.raises(KeyboardInterrupt):
        run("import_items", path)
    assert set(Item.objects.values_list("title", flat=True)) == {"Old"}
    assert set(Facet.objects.values_list("name", flat=True)) == {"Old"}
    monkeypatch.undo()
    summary = run("import_items", path)
    assert (summary["created"], summary["updated"]) == (3, 3)


def test_the_number_of_queries_does_not_grow_with_the_rows_of_a_batch(tmp_path: Path) -> None:
    counts = []
    for size in (3, 400):
        rows = [
            {"external_id": f"{size}-{number}", "title": "T", "genres": ["A", f"g{size}-{number}"]}
            for number in range(size)
        ]
        path = json_lines(tmp_path / "i.jsonl", *rows)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            importers.import_items(path=path)
        counts.append(len(queries))
    # bulk_create splits by the parameters that one statement takes: a few more, not hundreds.
    assert counts[1] <= counts[0] + 10


def test_the_format_must_be_known(tmp_path: Path) -> None:
    path = write(tmp_path / "items.txt", "external_id,title\n1,A\n")
    assert "--format csv or --format jsonl" in refusal("import_items", path)
    assert run("import_items", path, "--format", "csv")["created"] == 1


storable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: text.strip()
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
facet_names = st.lists(storable.filter(lambda text: len(text.strip()) <= 200), max_size=4)
valid_rows = st.lists(
    st.fixed_dictionaries(
        {
            "external_id": storable.filter(lambda text: len(text.strip()) <= 200),
            "title": storable.filter(lambda text: len(text.strip()) <= 300),
        },
        optional={
            "kind": st.sampled_from(["movie", "drama", "startup"]),
            "original_title": storable.filter(lambda text: len(text.strip()) <= 300),
            "year": st.none() | st.integers(1800, 2200),
            "description": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            "published_at": st.datetimes(datetime(1801, 1, 1), datetime(2199, 1, 1)).map(datetime.isoformat),  # noqa: DTZ001
            "is_active": st.booleans(),
            "genres": facet_names,
            "actors": facet_names,
        },
    ),
    max_size=8,
)
several = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@several
@given(rows=valid_rows)
def test_valid_rows_always_import_and_a_second_run_leaves_them(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    Item.objects.all().delete()
    if not rows:
        return
    path = json_lines(tmp_path / "i.jsonl", *rows)
    summary = run("import_items", path)
    keys = {(row.get("kind", "movie"), row["external_id"].strip()) for row in rows}
    assert summary["bad_rows"] == 0
    assert set(Item.objects.values_list("kind", "external_id")) == keys
    assert run("import_items", path)["unchanged"] == len(keys)
    last = rows[-1]
    item = Item.objects.get(kind=last.get("kind", "movie"), external_id=last["external_id"].strip())
    assert item.title == last["title"].strip()
    if "genres" in last:
        assert names(item, FacetKind.GENRE) == list(dict.fromkeys(name.strip() for name in last["genres"]))


@several
@given(rows=st.lists(st.dictionaries(st.sampled_from(sorted(FULL)), any_json), min_size=1, max_size=5))
def test_no_value_whatever_crashes_the_import(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = write(tmp_path / "i.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert run("import_items", path, "--max-errors", 5)["rows"] == len(rows)


@several
@given(content=st.binary(max_size=300))
def test_no_bytes_whatever_crash_the_import(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "i.csv", b"external_id,title\n" + content)
    try:
        importers.import_items(path=path, max_errors=1000)
    except InvalidInput as error:
        assert "i.csv" in error.message  # noqa: PT017
