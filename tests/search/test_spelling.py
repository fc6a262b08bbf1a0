"""Spellings that are taken for the same, and what counts as one typing error."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import normalize
from search.spelling import Spelling, squash, squash_without_article

short_words = st.text(alphabet="abc", max_size=6)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Amélie", "AMELIE"),
        ("Léon", "leon"),
        ("Łódź", "lodz"),
        ("Ｗ１２", "w12"),
        ("Straße", "STRASSE"),
        ("Ocean's", "ocean’s"),
        ("Thelma & Louise", "thelma and louise"),
        ("8½", "8 1/2"),
        ("Spider-Man", "spiderman"),
        ("WALL·E", "wall-e"),
        ("슬기로운 의사생활", "슬기로운의사생활"),
    ],
)
def test_what_is_typed_in_several_ways_is_one(left: str, right: str) -> None:
    assert squash(left) == squash(right)


def test_an_article_alone_is_a_title() -> None:
    assert squash_without_article("The Godfather") == "godfather"
    assert squash_without_article("The") == "the"
    assert squash_without_article("A") == "a"
    assert squash_without_article("Theatre") == "theatre"
    assert squash_without_article("Return of the Jedi") == "returnofthejedi"


@given(st.text())
def test_squashing_again_changes_nothing(text: str) -> None:
    assert squash(squash(text)) == squash(text)


def distance(left: str, right: str) -> int:
    """Optimal string alignment, by the book."""
    rows = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(right) + 1)] for i in range(len(left) + 1)]
    for i in range(1, len(left) + 1):
        for j in range(1, len(right) + 1):
            rows[i][j] = min(
                rows[i - 1][j] + 1,
                rows[i][j - 1] + 1,
                rows[i - 1][j - 1] + (left[i - 1] != right[j - 1]),
            )
            if i > 1 and j > 1 and left[i - 2 : i] == right[j - 2 : j][::-1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


def test_a_wrong_letter_in_a_syllable_is_one_error() -> None:
    assert Spelling.of([normalize("시그널")], least=3).near(normalize("시그날")) == [normalize("시그널")]


@given(short_words, short_words)
def test_one_error_is_a_distance_of_one(left: str, right: str) -> None:
    assert Spelling.of([right], least=0).near(left) == ([right] if distance(left, right) == 1 else [])


@given(st.lists(st.text(alphabet=string.ascii_lowercase[:4] + "é가", min_size=1, max_size=6)), short_words)
def test_the_index_finds_what_comparing_with_every_word_finds(listed: list[str], word: str) -> None:
    listed = list(dict.fromkeys(listed))
    near = [other for other in listed if len(other) >= 3 and other != word and distance(word, other) <= 1]
    assert Spelling.of(listed, least=3).near(word) == near


def test_a_word_as_long_as_a_book_is_near_to_none() -> None:
    assert Spelling.of(["a" * 100], least=1).near("a" * 10_000) == []
