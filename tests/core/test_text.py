"""Normalized text, and its words."""

from hypothesis import given
from hypothesis import strategies as st

from core.text import normalize, words


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
