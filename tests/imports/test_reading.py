"""Files that cannot be trusted are refused whole, with the line and a sentence."""

import os
import tracemalloc
from pathlib import Path

import pytest

from imports import reading as importing
from imports.reading import BadRows, BrokenFile, Columns, read_json_array, read_rows
from tests.imports.helpers import write

COLUMNS = Columns(known=frozenset({"a", "b"}), required=frozenset({"a"}))


def rows_of(path: Path, bad_rows: BadRows | None = None) -> list[tuple[int, dict[str, object]]]:
    file_format = "csv" if path.suffix == ".csv" else "jsonl"
    rows = read_rows(path, file_format=file_format, columns=COLUMNS, bad_rows=bad_rows or BadRows())
    return [(row.number, dict(row.values)) for row in rows]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", None, "is empty"),
        (b"a,b\n1,x\x00y\n", 2, "NUL byte"),
        (b"a,b\n1,caf\xe9\n", 2, "0xe9 is not valid UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), 1, "NUL byte"),
        (b'a,b\n1,2\n3,"never closed\n4,5\n6,7\n', 3, "quote is opened in this row and never closed"),
        (b'a,b\n1,"x"y\n', 2, "after a closing quote"),
        (b'a,b\n1,"x\n2,"y"\n', 2, "after a closing quote"),
        (b"a,b\n1,2,3\n", 2, "3 cells where the header has 2"),
        (b"a,b\n1,2\n3\n", 3, "1 cells where the header has 2"),
        (b"a,b\n1,x\ry\n", 2, "not valid CSV"),
        (b"a,a\n1,2\n", 1, "named twice"),
        (b"a,c\n1,2\n", 1, "unknown column 'c'; known are a, b"),
        (b"a;b\n1;2\n", 1, "unknown column 'a;b'"),
        (b"b\n1\n", 1, "missing column a"),
        (b"a,b\n1," + b"x" * 1_100_000 + b"\n", 2, "longer than 1,000,000 bytes"),
        (b'a,b\n1,"' + b"x\n" * 80_000 + b'"\n', 2, "Is a quote never closed?"),
        (b"a,b\n1," + b"x" * 100_001 + b"\n", 2, "longer than 100,000 characters"),
        (b"a,b\n" + b'"x\n",' * 300_000, 2, "longer than 1,000,000 bytes"),
    ],
)
def test_a_broken_csv_file_is_refused_with_its_line(
    tmp_path: Path, content: bytes, line: int | None, reason: str
) -> None:
    with pytest.raises(BrokenFile) as caught:
        rows_of(write(tmp_path / "rows.csv", content))
    assert reason in caught.value.message
    assert len(caught.value.message) < 300
    if line is not None:
        # A row that runs on is refused where it begins, or on the line that is one too many.
        assert f"rows.csv, line {line}:" in caught.value.message or "longer than 1,000,000" in reason


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,é\n2,y\n",
        "a,b\r\n1,é\r\n2,y\r\n",
        "\ufeffa,b\n1,é\n2,y",
        'a,b\n\n"1","é"\n\n2,y\n\n',
    ],
    ids=["plain", "CRLF", "BOM", "quotes and blank lines"],
)
def test_common_forms_of_csv_read_alike(tmp_path: Path, content: str) -> None:
    rows = rows_of(write(tmp_path / "rows.csv", content))
    assert [values for _, values in rows] == [{"a": "1", "b": "é"}, {"a": "2", "b": "y"}]


def test_a_quoted_cell_may_hold_line_ends_and_rows_are_numbered_by_their_first_line(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", 'a,b\n1,"two\nlines, ""quoted"""\n3,x\n')
    assert rows_of(path) == [(2, {"a": "1", "b": 'two\nlines, "quoted"'}), (4, {"a": "3", "b": "x"})]


def test_a_header_without_rows_is_an_empty_import(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path / "rows.csv", "a,b\n")) == []


def test_json_lines_report_each_bad_line_and_go_on(tmp_path: Path) -> None:
    lines = [
        '{"a": 1, "b": null}',
        "not json",
        "[1]",
        '{"a": 1, "a": 2}',
        '{"a": 1, "c": 2}',
        '{"b": 1}',
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        "",
        '{"a": 2}',
    ]
    bad_rows = BadRows(allowed=10)
    rows = rows_of(write(tmp_path / "rows.jsonl", "\n".join(lines)), bad_rows)
    assert rows == [(1, {"a": 1, "b": None}), (10, {"a": 2})]
    assert [report.number for report in bad_rows.reports] == [2, 3, 4, 5, 6, 7, 8]
    assert bad_rows.count == 7


@pytest.mark.parametrize("content", [b'{"a": "x\x00"}\n', b'{"a": "\xff"}\n', b'{"a": "' + b"x" * 1_000_000])
def test_a_broken_json_lines_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BrokenFile, match="line 1:"):
        rows_of(write(tmp_path / "rows.jsonl", content))


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name, reason in [
        ("pipe.csv", "is not a file"),
        ("folder.csv", "is not a file"),
        ("missing.csv", "cannot be read"),
    ]:
        with pytest.raises(BrokenFile, match=reason):
            rows_of(tmp_path / name)
        assert importing.count_lines(tmp_path / name) is None


def test_only_the_first_thousand_reports_are_kept_and_all_are_counted() -> None:
    bad_rows = BadRows(allowed=3000)
    for number in range(2500):
        bad_rows.add("f", number, "bad")
    bad_rows.check()
    bad_rows.allowed = 0
    with pytest.raises(importing.ImportRefused) as caught:
        bad_rows.check()
    assert caught.value.message.startswith("2,500 rows are bad and --max-errors is 0")
    assert len(caught.value.message.splitlines()) == 1002
    assert caught.value.message.endswith("… and 1,500 more")


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 16])
def test_a_json_array_is_read_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(importing, "_CHUNK_BYTES", chunk)
    path = write(tmp_path / "rows.json", '\ufeff [ {"a": "é}]{"} ,\n{"a": [1, {"b": "\\ud83d\\ude00"}]} ]\n')
    assert [(row.number, dict(row.values)) for row in read_json_array(path)] == [
        (1, {"a": "é}]{"}),
        (2, {"a": [1, {"b": "😀"}]}),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a JSON array"),
        (b'{"a": 1}', "not a JSON array"),
        (b"[1]", "entry 1 is not a JSON object"),
        (b'[{"a": 1}', "after entry 1"),
        (b'[{"a": 1},]', "after entry 1"),
        (b'[{"a": 1}] [', "after entry 1"),
        (b'[{"a": 1}, "x"]', "entry 2 is not a JSON object"),
        (b'[{"a": NaN}]', "entry 1 is not valid JSON"),
        (b'[{"a": -Infinity}]', "entry 1 is not valid JSON"),
        (b'[{"a": 9223372036854775808}]', "entry 1 is not valid JSON (parse error: integer overflow)"),
        (b'[{"a": 1e999}]', "entry 1 is not valid JSON"),
        (b'[{"a": ' + b"9" * 5000 + b"}]", "entry 1 is not valid JSON"),
        (b'[{"a": 1} {"a": 2}]', "after entry 1"),
        (b'[{"a": "never closed]', "entry 1 is not valid JSON"),
        (b'[{"a": 1, "a": 2}]', "the same key twice"),
        (b'[{"a": "\xff"}]', "not valid UTF-8"),
        (b'[{"a": "\x00"}]', "entry 1 is not valid JSON"),
        ('[{"a": 1}]'.encode("utf-16"), "not valid UTF-8"),
        (b'[{"a": ' + b"[" * 500_000, "entry 1 is not valid JSON"),
        (b'[{"a": "' + b"x" * 3_000_000, "entry 1 is not valid JSON"),
    ],
)
def test_a_broken_json_array_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile) as caught:
        list(read_json_array(write(tmp_path / "rows.json", content)))
    assert reason in caught.value.message
    assert len(caught.value.message) < 350


def test_numbers_of_a_json_array_are_what_json_makes_of_them(tmp_path: Path) -> None:
    text = '[{"a": 9223372036854775807}, {"a": 0.1}, {"a": -1.5E3}]'
    values = [row.values["a"] for row in read_json_array(write(tmp_path / "rows.json", text))]
    assert values == [2**63 - 1, 0.1, -1500.0]
    assert [type(value) for value in values] == [int, float, float]


def test_memory_stays_bounded_however_long_a_json_array_is(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.json", "[" + ",".join(['{"a": "' + "x" * 500 + '"}'] * 20_000) + "]")
    tracemalloc.start()
    size = sum(row.size for row in read_json_array(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == path.stat().st_size
    assert peak < 2_000_000
