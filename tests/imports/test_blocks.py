"""Rows in blocks are the rows one by one, and whatever is wrong is said alike."""

from pathlib import Path

import pytest

from imports import text_lines
from imports.blocks import Block
from imports.reading import read_parts, read_rows
from imports.rows import AS_IT_SHOWS, BadRows, Columns, Notation, Row
from imports.sources import BrokenFile
from tests.imports.helpers import write

COLUMNS = Columns(known=frozenset({"a", "b"}), required=frozenset({"a"}))
FORMS = {
    "plain": b"a,b\n1,2\n3,4\n5,6\n7,\n",
    "without a last line end": b"a,b\n1,2\n3,4",
    "a mark of the encoding, CR LF": b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n",
    "blank lines": b"a,b\n1,2\n\n\n3,4\n\n",
    "a quoted line end": b'a,b\n1,2\n"3\n4",5\n6,7\n8,9\n',
    "quotes at the end": b'a,b\n1,2\n3,4\n"5",6\n',
    "blanks and letters": "a,b\n x , é漢\n,\n".encode(),
    "semicolons": b"a;b\n1;2,3\n4;5\n",
    "several columns, one left out": b"c,b,a\n1,2,3\n4,5,6\n",
    "a long cell": b"a,b\n1," + b"x" * 20_000 + b"\n2,3\n",
    "only a header": b"a,b\n",
}
BROKEN = {
    "too few cells": b"a,b\n1,2\n3\n4,5\n",
    "a NUL": b"a,b\n1,2\n3,\x004\n",
    "no UTF-8": b"a,b\n1,2\n3,\xe9\n",
    "a lone CR": b"a,b\n1,2\n3\r,4\n",
    "a blank in a line": b"a,b\n1,2\n \n",
    "a quote never closed": b'a,b\n1,2\n"3,4\n5,6\n',
    "a very long cell": b"a,b\n1,2\n3," + b"x" * 200_000 + b"\n",
    "nothing": b"\n\n",
}


def flat(path: Path, notation: Notation) -> tuple[list[tuple[int, object]], int]:
    """The rows of all parts, and how many came in blocks."""
    rows: list[Row] = []
    many = 0
    for part in read_parts(path, columns=COLUMNS, bad_rows=BadRows(), notation=notation):
        if isinstance(part, Block):
            rows += [part.row(place) for place in range(part.size)]
            many += part.size
        else:
            rows.append(part)
    return [(row.number, row.values) for row in rows], many


@pytest.mark.parametrize("at_once", [1, 10, 1 << 20])
@pytest.mark.parametrize("form", FORMS)
def test_blocks_hold_the_rows_with_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, at_once: int
) -> None:
    monkeypatch.setattr(text_lines, "BLOCK_BYTES", at_once)
    path = write(tmp_path / "rows.csv", FORMS[form])
    notation = Notation(renamed={"c": ""}) if "left out" in form else AS_IT_SHOWS
    rows = read_rows(path, columns=COLUMNS, bad_rows=BadRows(), notation=notation)
    expected = [(row.number, row.values) for row in rows]
    found, many = flat(path, notation)
    assert found == expected
    if form == "plain":
        assert many == len(expected) == 4


@pytest.mark.parametrize("at_once", [1, 10, 1 << 20])
@pytest.mark.parametrize("form", BROKEN)
def test_what_is_broken_is_refused_with_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, at_once: int
) -> None:
    monkeypatch.setattr(text_lines, "BLOCK_BYTES", at_once)
    path = write(tmp_path / "rows.csv", BROKEN[form])
    with pytest.raises(BrokenFile) as one_by_one:
        list(read_rows(path, columns=COLUMNS, bad_rows=BadRows()))
    with pytest.raises(BrokenFile) as in_blocks:
        flat(path, AS_IT_SHOWS)
    assert str(in_blocks.value) == str(one_by_one.value)


def test_old_files_and_such_without_a_header_come_in_blocks_too(tmp_path: Path) -> None:
    notation = Notation(header=("a", "b"), delimiter="|", is_old=True)
    path = write(tmp_path / "rows.csv", b'1|"2\n3|4\n')
    assert flat(path, notation)[0] == [(1, {"a": "1", "b": '"2'}), (2, {"a": "3", "b": "4"})]
    old = write(tmp_path / "old.csv", b"1|caf\xe9\n")
    assert flat(old, notation) == ([(1, {"a": "1", "b": "café"})], 0)
    assert flat(write(tmp_path / "new.csv", b"1|2\n"), notation)[1] == 1
