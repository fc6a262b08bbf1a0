"""Normalized text, and its words."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import inert_cell, normalize, words


def test_marks_that_are_letters_of_their_own_stay() -> None:
    assert normalize("か") != normalize("が")
    assert normalize("है") != normalize("ह")


def test_a_half_typed_syllable_begins_the_finished_one() -> None:
    typed = ["ㅅ", "시", "식", "시그", "시근", "시그너", "시그널"]
    assert all(normalize("시그널").startswith(normalize(text)) for text in typed if text != "식")


def test_words_lose_the_ending_of_a_plural() -> None:
    plurals, singulars = "zombies movies witches boxes stories doctors", "zombie movie witch box story doctor"
    assert words(plurals) == words(singulars)
    assert words("glass virus tennis his") == ["glass", "virus", "tennis", "his"]


@given(st.text())
def test_words_hold_no_blanks_and_are_never_empty(text: str) -> None:
    assert all(word and word == word.strip() for word in words(text))


SIGNS = "=+-@＝＋－＠"


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    "before", ["", " ", "\t", "\u00a0", "x;", "x; ", 'x;"', "x\t", "x\n", "x\r\n ", "x|", "a;b;"]
)
def test_no_cell_holds_a_formula_whichever_separator_a_spreadsheet_chooses(sign: str, before: str) -> None:
    cell = inert_cell(f"{before}{sign}cmd|'/C calc'!A0")
    for separator in ";\t|,":
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL).writerow(["1", cell])
        for line in written.getvalue().splitlines():
            # As carelessly as can be: cut at the separator, blanks and quotes taken away.
            pieces = [piece.strip(' "') for piece in line.split(separator)]
            assert not any(piece.startswith(tuple(SIGNS)) for piece in pieces), line


@given(st.text())
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert inert_cell(text).replace("'", "") == text.replace("'", "")
    assert inert_cell("10-12; a = b") == "10-12; a = b"
