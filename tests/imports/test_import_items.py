"""`import_items`, through the command, on whichever database the suite runs."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Facet, Item, ItemFacet
from core.errors import InvalidInput
from imports import item_facets, item_merge
from imports.item_rows import ItemKey, ItemRow
from imports.items import import_items, put_rows, take_rows
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
    "url": "https://films.example/alpha?from=heed#top",
    "image_url": "https://images.example/alpha.jpg",
    "attributes": {
        "runtime": 121,
        "country": ["France", "Italy"],
        "rated": "PG",
        "color": True,
        "score": 7.5,
    },
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


def names(item: Item, kind: str) -> list[str]:
    links = ItemFacet.objects.filter(item=item, facet__kind=kind).select_related("facet")
    return [link.facet.name for link in links.order_by("billing")]


def as_csv(path: Path, *rows: dict[str, Any]) -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: as_cell(value) for name, value in row.items()})
    return write(path, out.getvalue())


def as_cell(value: Any) -> Any:
    match value:
        case list():
            return "|".join(value)
        case dict():
            return json.dumps(value)
        case _:
            return value


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
    assert (item.url, item.image_url) == (FULL["url"], FULL["image_url"])
    assert item.attributes == FULL["attributes"]
    assert names(item, "actor") == ["B. Second", "A. First"]
    assert names(item, "genre") == ["Drama", "War"]
    assert names(item, "franchise") == ["Alpha Saga"]
    assert names(item, "theme") == []


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


def test_rows_that_waited_are_what_they_were() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    values: dict[str, Any] = {
        "title": 'Café "\n\u2028"',
        "year": 1999,
        "is_active": True,
        "published_at": moment,
    }
    values["attributes"] = {"runtime": 90.5, "country": ["France", "Norway"], "is_long": False}
    names = {"genre": ("Drama", "Noir"), "theme": ()}
    rows = [
        ItemRow(ItemKey("movie", "1"), one, names, 7)
        for one in (values, values | {"published_at": None}, {"title": "Ferry"})
    ]
    with io.BytesIO() as waiting:
        put_rows(waiting, rows[:2])
        put_rows(waiting, rows[2:])
        waiting.seek(0)
        assert list(take_rows(waiting)) == rows


def test_what_a_file_does_not_say_stays(tmp_path: Path) -> None:
    run("import_items", json_lines(tmp_path / "1.jsonl", FULL))
    summary = run(
        "import_items", write(tmp_path / "2.csv", "external_id,title,genres,actors\nm1,Omega,War,\n")
    )
    assert summary["updated"] == 1
    item = Item.objects.get()
    assert (item.title, item.year, item.original_title, item.is_active) == ("Omega", 1999, "Alfa", False)
    assert names(item, "genre") == ["War"]
    assert names(item, "actor") == []
    assert names(item, "director") == ["C. Third"]


def test_a_new_billing_order_alone_is_an_update(tmp_path: Path) -> None:
    run("import_items", json_lines(tmp_path / "1.jsonl", FULL))
    turned = {**FULL, "actors": ["A. First", "B. Second"]}
    assert run("import_items", json_lines(tmp_path / "2.jsonl", turned))["updated"] == 1
    assert names(Item.objects.get(), "actor") == ["A. First", "B. Second"]


@pytest.mark.parametrize("batch_rows", [1, 500], ids=["across batches", "in one batch"])
def test_of_two_rows_for_one_item_the_later_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr(item_merge, "BATCH_ROWS", batch_rows)
    rows = [
        {"external_id": "x", "title": "First", "year": 1990, "genres": ["A", "B"]},
        {"external_id": "x", "title": "Second", "genres": ["B", "C"]},
    ]
    run("import_items", json_lines(tmp_path / "i.jsonl", *rows))
    item = Item.objects.get()
    assert (item.title, item.year, names(item, "genre")) == ("Second", 1990, ["B", "C"])


def test_the_kind_comes_from_the_row_or_the_option(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", "external_id,title,kind\n1,A,\n1,B,startup\n")
    assert run("import_items", path, "--kind", "drama")["created"] == 2
    assert set(Item.objects.values_list("kind", "title")) == {("drama", "A"), ("startup", "B")}
    assert run("import_items", path, "--kind", "dramas")["unchanged"] == 2
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
        ("url", "javascript:alert(1)", "url must be a web address that begins with http:// or https://"),
        ("url", " JavaScript:alert(1)//https://a.example", "url must be a web address"),
        ("url", "//films.example/a", "url must be a web address"),
        ("url", "http:films.example", "url must be a web address"),
        ("url", "http:\\\\films.example", "url must be a web address"),
        ("url", "https://", "url must be a web address"),
        ("url", "https://films.example/a b", "and has no blanks, not 'https://films.example/a b'"),
        ("url", "https://films.example/" + "a" * 2000, "url has 2,022 characters; 2,000 is the most"),
        ("url", "https://bank.example@films.example/", "url must not hold a user name or a password"),
        ("url", "https://a;b.example/", "url must name a host of letters"),
        ("url", 5, "url must be text"),
        ("image_url", "data:image/svg+xml,<svg onload=alert(1)>", "image_url must be a web address"),
        ("image_url", "ftp://images.example/a.png", "image_url must be a web address"),
        ("attributes", "{", "attributes must be a JSON object (Expecting property name"),
        ("attributes", "[" * 5000, "attributes must be a JSON object (maximum recursion depth"),
        ("attributes", '{"a": 1, "a": 2}', "an object holds the same key twice"),
        ("attributes", "9" * 5000, "attributes must be a JSON object (Exceeds the limit"),
        ("attributes", ["a"], 'attributes must be a JSON object, such as {"runtime": 120}'),
        ("attributes", "7", "attributes must be a JSON object"),
        ("attributes", {"a": {"b": 1}}, "attributes holds 'a', which must be a text, a number, true, false"),
        ("attributes", {"a": [1]}, "attributes holds 'a', which must be"),
        ("attributes", {"a": ["x"] * 101}, "a list of at most 100 texts"),
        ("attributes", {"a": float("nan")}, "attributes holds 'a', which must be a number from"),
        ("attributes", {"a": 2**53}, "attributes holds 'a', which must be a number from"),
        ("attributes", {"a": "x\u0000"}, "attributes holds 'a', in which a character cannot be stored"),
        ("attributes", {"a": ["\ud800"]}, "attributes holds 'a', in which a character cannot be stored"),
        ("attributes", {"a\u0000": 1}, "in which a character cannot be stored"),
        ("attributes", {" ": 1}, "attributes holds an empty name"),
        ("attributes", {"x" * 61: 1}, "attributes holds a name of 61 characters; 60 is the most"),
        ("attributes", {str(number): 1 for number in range(51)}, "attributes holds 51 names; 50 is the most"),
        ("attributes", {"a": "ü" * 5000}, "attributes has 10,009 bytes; 10,000 is the most"),
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


@pytest.mark.parametrize("attributes", [
    {"a": True}, {"a": 1.5}, {"a": ["y", "x"]}, {"a": "1"}, {}, {"a": 1, "b": 2},
])  # fmt: skip
def test_attributes_that_differ_are_an_update_and_the_same_are_not(
    tmp_path: Path, attributes: dict[str, Any]
) -> None:
    item = {"external_id": "x", "title": "T"}
    run("import_items", json_lines(tmp_path / "1.jsonl", {**item, "attributes": {"a": 1}}))
    path = json_lines(tmp_path / "2.jsonl", {**item, "attributes": attributes})
    assert run("import_items", path)["updated"] == 1
    assert repr(Item.objects.get().attributes) == repr(attributes)
    assert run("import_items", path)["unchanged"] == 1


def test_attributes_without_a_value_are_left_out_and_numbers_have_one_form(tmp_path: Path) -> None:
    given = {
        "none": None,
        "blank": "  ",
        "list": [],
        "blanks": [""],
        "whole": 2.0,
        "zero": -0.0,
        "tiny": 1e-300,
    }
    path = json_lines(tmp_path / "i.jsonl", {"external_id": "x", "title": "T", "attributes": given})
    run("import_items", path)
    assert (
        repr(sorted(Item.objects.get().attributes.items())) == "[('tiny', 1e-300), ('whole', 2), ('zero', 0)]"
    )
    assert run("import_items", path)["unchanged"] == 1


def test_a_column_of_a_csv_file_can_be_an_attribute(tmp_path: Path) -> None:
    header = "external_id,title,attributes,attributes.country,attributes.ISBN\n"
    rows = """1,A,"{""pages"": 432, ""country"": ""?""}",France|Italy,0141439513\n2,B,,,\n"""
    path = write(tmp_path / "i.csv", header + rows)
    assert run("import_items", path)["created"] == 2
    assert dict(Item.objects.values_list("title", "attributes")) == {
        "A": {"pages": 432, "country": ["France", "Italy"], "ISBN": "0141439513"},
        "B": {},
    }
    assert run("import_items", path)["unchanged"] == 2


def test_columns_of_another_file_are_mapped(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", "id;name;when;extra\n1;A;1995.0;x\n")
    message = refusal("import_items", path)
    assert "unknown column 'id', 'name', 'when', 'extra'" in message
    assert "--map says which is which" in message
    maps = ["--map", "id=external_id", "--map", "name=title", "--map", "when=year", "--map", "extra="]
    assert run("import_items", path, *maps)["created"] == 1
    assert Item.objects.values_list("external_id", "title", "year").get() == ("1", "A", 1995)
    with pytest.raises(CommandError, match="is not of the form theirs=ours"):
        run("import_items", path, "--map", "id")


@pytest.mark.parametrize("name", ["i.csv", "i.jsonl"])
def test_a_file_without_one_good_row_is_refused_whatever_is_allowed(tmp_path: Path, name: str) -> None:
    bad = "external_id,title\n,A\n,B\n" if name == "i.csv" else '{"external_id": "", "title": "A"}\n' * 2
    message = refusal("import_items", write(tmp_path / name, bad), "--max-errors", 10)
    assert message.startswith("2 rows are bad and none is good, so nothing was imported.")


GENRES = [["Action", "Drama"], ["Drama"], ["Action", "War"], ["Drama", "War"], []]
NOTATIONS: dict[str, Callable[[list[str]], str]] = {
    "bar": "|".join,
    "comma": ", ".join,
    "comma without a blank": ",".join,
    "semicolon": "; ".join,
    "JSON": json.dumps,
    "Python": str,
    "JSON objects": lambda names: json.dumps([{"id": 7, "name": name} for name in names]),
}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_list_in_another_notation_is_split_where_the_column_is_evidence(
    tmp_path: Path, notation: str, ending: str
) -> None:
    path = tmp_path / f"i.{ending}"
    cells = [NOTATIONS[notation](names) for names in GENRES]
    rows = [{"external_id": str(place), "title": "T", "genres": cell} for place, cell in enumerate(cells)]
    if ending == "jsonl":
        json_lines(path, *rows)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    run("import_items", path)
    assert [names(item, "genre") for item in Item.objects.order_by("external_id")] == GENRES
    assert set(Facet.objects.values_list("name", flat=True)) == {"Action", "Drama", "War"}


@pytest.mark.parametrize(
    "cells",
    [
        ["Action, Drama"],
        ["Dumas, père", "Dumas, fils", "Austen"],
        ["Robert Downey, Jr."] * 30,
        ["Sammy Davis, Jr.", "Robert Downey, Jr.", "Cuba Gooding, Jr."],
        ["Matrix, The", "Hobbit, The"],
        ["One; Two", "Three"],
        # The first of them comes after the rows that were looked at.
        ["War"] * 600 + ["Action, Drama"],
    ],
)
def test_what_may_be_one_name_or_several_is_refused(tmp_path: Path, cells: list[str]) -> None:
    rows = "".join(f'{place},T,"{cell}"\n' for place, cell in enumerate(cells))
    path = write(tmp_path / "i.csv", "external_id,title,genres\n" + rows)
    message = refusal("import_items", path)
    assert "which may be one name or several; say what separates names with --list-separator" in message
    assert not Item.objects.exists()
    assert run("import_items", path, "--list-separator", "|")["created"] == len(cells)
    stored = set(Facet.objects.values_list("name", flat=True))
    assert stored == set(cells)


def test_the_separator_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", 'external_id,title,actors\n1,T,"Ann Lee, Bo Ray, "\n')
    run("import_items", path, "--list-separator", ",")
    assert names(Item.objects.get(), "actor") == ["Ann Lee", "Bo Ray"]


def test_a_comma_is_part_of_a_name_where_bars_stand_between(tmp_path: Path) -> None:
    path = write(
        tmp_path / "i.csv", 'external_id,title,actors\n1,A,"Downey, Jr.|Bo Ray"\n2,B,"Dumas, père"\n'
    )
    run("import_items", path)
    assert names(Item.objects.get(title="A"), "actor") == ["Downey, Jr.", "Bo Ray"]
    assert names(Item.objects.get(title="B"), "actor") == ["Dumas, père"]


def test_a_whole_number_may_have_a_point_and_names_a_last_bar(tmp_path: Path) -> None:
    """As data frames write whole numbers beside missing ones, and joins write lists."""
    path = write(tmp_path / "i.csv", "external_id,title,year,genres\n1,A,1995.0,Drama|Crime|\n2,B,,|War\n")
    run("import_items", path)
    assert dict(Item.objects.values_list("title", "year")) == {"A": 1995, "B": None}
    assert names(Item.objects.get(title="A"), "genre") == ["Drama", "Crime"]
    run("import_items", json_lines(tmp_path / "i.jsonl", {"external_id": "1", "title": "A", "year": 1996.0}))
    assert Item.objects.get(title="A").year == 1996


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("i.csv", "external_id,title,attributes.\n1,A,x\n", "i.csv:2: attributes holds an empty name"),
        ("i.csv", "external_id,title,attribute.a\n1,A,x\n", "unknown column 'attribute.a'"),
        (
            "i.jsonl",
            '{"external_id": 1, "title": "A", "attributes.a": "x"}\n',
            "unknown column 'attributes.a'",
        ),
    ],
)
def test_other_columns_are_no_attributes(tmp_path: Path, name: str, content: str, reason: str) -> None:
    assert reason in refusal("import_items", write(tmp_path / name, content))


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
    monkeypatch.setattr(item_merge, "BATCH_ROWS", 2)
    first = [{"external_id": number, "title": "Old", "genres": ["Old"]} for number in range(3)]
    run("import_items", json_lines(tmp_path / "1.jsonl", *first))
    calls = 0

    def dies_at_third(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return write_facets(*args, **kwargs)

    write_facets = item_facets.write_facets
    monkeypatch.setattr(item_merge, "write_facets", dies_at_third)
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
            import_items(path=path)
        counts.append(len(queries))
    # bulk_create splits by the parameters that one statement takes: a few more, not hundreds.
    assert counts[1] <= counts[0] + 10


def test_the_format_must_be_known(tmp_path: Path) -> None:
    path = write(tmp_path / "items.txt", "external_id,title\n1,A\n")
    assert "--format csv, jsonl or parquet" in refusal("import_items", path)
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
            "attributes": st.dictionaries(
                storable.filter(lambda text: len(text) <= 60),
                storable
                | st.booleans()
                | st.integers(-(2**53) + 1, 2**53 - 1)
                | facet_names
                | st.floats(-9e15, 9e15),
                max_size=4,
            ),
            "genres": facet_names,
            "actors": facet_names,
        },
    ),
    max_size=8,
)
several = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
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
        assert names(item, "genre") == list(dict.fromkeys(name.strip() for name in last["genres"]))


@pytest.mark.slow
@several
@given(rows=st.lists(st.dictionaries(st.sampled_from(sorted(FULL)), any_json), min_size=1, max_size=5))
def test_no_value_whatever_crashes_the_import(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = write(tmp_path / "i.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    try:
        assert run("import_items", path, "--max-errors", 5)["rows"] == len(rows)
    except CommandError as error:
        assert "none is good" in str(error)  # noqa: PT017


@several
@given(content=st.binary(max_size=300))
def test_no_bytes_whatever_crash_the_import(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "i.csv", b"external_id,title\n" + content)
    try:
        import_items(path=path, max_errors=1000)
    except InvalidInput as error:
        assert "i.csv" in error.message  # noqa: PT017


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_columns_of_another_kind_of_file_are_named_one_by_one(tmp_path: Path, mark: str) -> None:
    path = write(tmp_path / "f.csv", mark.join(["user", "item", "when"]) + "\n" + mark.join("abc") + "\n")
    assert "unknown column 'user', 'item', 'when'" in refusal("import_items", path)
