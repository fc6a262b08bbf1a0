"""Files that cannot be trusted are refused whole, with the line and a sentence."""

import gzip
import os
import tracemalloc
from pathlib import Path

import pytest

from core.errors import InvalidInput
from imports import reading
from imports.reading import read_json_array, read_rows
from imports.rows import AS_IT_SHOWS, BadRows, Columns, ImportRefused, Notation
from imports.sources import BrokenFile, count_lines
from tests.imports.helpers import write

COLUMNS = Columns(known=frozenset({"a", "b"}), required=frozenset({"a"}))


def rows_of(
    path: Path, bad_rows: BadRows | None = None, notation: Notation = AS_IT_SHOWS
) -> list[tuple[int, dict[str, object]]]:
    rows = read_rows(path, columns=COLUMNS, bad_rows=bad_rows or BadRows(), notation=notation)
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
        (b"a;c\n1;2\n", 1, "unknown column 'c'"),
        (b"x;y\n1;2\n", 1, "unknown column 'x', 'y'; known are a, b (--map says which is which)"),
        (b"\xef\xbb\xbf", None, "rows.csv is empty"),
        (b"\xef\xbb\xbf\r\n\n", None, "rows.csv is empty"),
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


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_shows_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in (["a", "b"], ["1", '"x,;|\ty"'], ["2", ""])]
    path = write(tmp_path / "rows.csv", "\ufeff" + "\n".join(lines))
    assert rows_of(path) == [(2, {"a": "1", "b": "x,;|\ty"}), (3, {"a": "2", "b": ""})]


def test_a_delimiter_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", "a::b\n1::x,y\n\n2::\n")
    expected = [(2, {"a": "1", "b": "x,y"}), (4, {"a": "2", "b": ""})]
    assert rows_of(path, notation=Notation(delimiter="::")) == expected
    path = write(tmp_path / "rows.csv", "a#b\n1#x\n")
    assert rows_of(path, notation=Notation(delimiter="#")) == [(2, {"a": "1", "b": "x"})]
    for delimiter in ("", " ", '"', "\n", "x" * 6):
        with pytest.raises(InvalidInput, match="--delimiter must be"):
            rows_of(path, notation=Notation(delimiter=delimiter))


@pytest.mark.parametrize(
    ("name", "content"),
    [("rows.csv", "id;n;more\n1;x;z\n"), ("rows.jsonl", '{"id": "1", "n": "x", "more": {}}\n')],
)
def test_columns_can_be_renamed_and_left_out(tmp_path: Path, name: str, content: str) -> None:
    notation = Notation(renamed={"id": "a", "n": "b", "more": ""})
    rows = rows_of(write(tmp_path / name, content), notation=notation)
    assert [values for _, values in rows] == [{"a": "1", "b": "x"}]
    with pytest.raises(InvalidInput, match="--map id=z: there is no column 'z'; known are a, b"):
        rows_of(tmp_path / name, notation=Notation(renamed={"id": "z"}))


def test_two_columns_of_one_name_are_refused_after_renaming_too(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="named twice"):
        rows_of(write(tmp_path / "rows.csv", "a,c\n1,2\n"), notation=Notation(renamed={"c": "a"}))
    bad_rows = BadRows(allowed=1)
    path = write(tmp_path / "rows.jsonl", '{"a": 1, "c": 2}\n')
    assert rows_of(path, bad_rows, Notation(renamed={"c": "a"})) == []
    assert "the same key twice" in bad_rows.reports[0].reason


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.csv"])
def test_gzip_is_read_directly_and_damage_is_said(tmp_path: Path, name: str) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,x\n" * 50_000)
    path = write(tmp_path / name, packed)
    assert len(rows_of(path)) == 50_000
    assert count_lines(path) == 50_001
    for broken in (
        packed[: len(packed) // 2],
        packed[:40] + b"\0\0\0\0" + packed[44:],
        packed[:-4] + b"abcd",
    ):
        with pytest.raises(BrokenFile, match="is a damaged gzip file"):
            rows_of(write(path, broken))


@pytest.mark.parametrize(
    ("name", "begin", "what"),
    [
        ("i.zip", b"PK\3\4....", "i.zip is a zip archive, not text. Unpack it, and name a file in it."),
        ("i.csv", b"PK\3\4....", "i.csv is a zip archive"),
        ("i.xlsx", b"PK\3\4....", "i.xlsx is a spreadsheet, not text. Save the sheet as CSV (UTF-8)."),
        ("i.xls", b"\xd0\xcf\x11\xe0\xa1", "i.xls is an Excel workbook, not text. Save the sheet as CSV"),
        ("i.csv.bz2", b"BZh91AY", "is packed by bzip2, not text. Unpack it"),
        ("i.csv.xz", b"\xfd7zXZ\x00", "is packed by xz"),
        ("i.csv", b"PAR1\x15", "is a Parquet file, not text. Say --format parquet."),
        ("i.parquet", b"PAR1\x15", "is a damaged Parquet file"),
        ("i.parquet", b"user,item", "is no Parquet file"),
    ],
)
def test_what_is_no_text_is_named_and_refused(tmp_path: Path, name: str, begin: bytes, what: str) -> None:
    with pytest.raises(BrokenFile) as caught:
        rows_of(write(tmp_path / name, begin + b"x" * 100))
    assert what in caught.value.message


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
        assert count_lines(tmp_path / name) is None


def test_only_the_first_reports_are_kept_and_all_are_counted() -> None:
    bad_rows = BadRows(allowed=3000)
    for number in range(2500):
        bad_rows.add("f", number, "bad")
    bad_rows.check(good=1)
    bad_rows.allowed = 0
    with pytest.raises(ImportRefused) as caught:
        bad_rows.check(good=1)
    assert caught.value.message.startswith("2,500 rows are bad and --max-errors is 0")
    assert len(caught.value.message.splitlines()) == 22
    assert caught.value.message.endswith("… and 2,480 more")


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 16])
def test_a_json_array_is_read_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(reading, "_CHUNK_BYTES", chunk)
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
