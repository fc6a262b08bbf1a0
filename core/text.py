"""Text as the search compares it: folded, cut into words, and words that are one typing error apart."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What PostgreSQL or UTF-8 refuses: NUL, and halves of surrogate pairs.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_ACCENTS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W_]+")
_ARTICLE = re.compile(r"\A(?:the|an?)\s+(?=\S)")

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
# Initials, vowels and finals of a Hangul syllable in the order of their code points, double ones as two.
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅗㅏ ㅗㅐ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅜㅔ ㅜㅣ ㅠ ㅡ ㅡㅣ ㅣ"
_FINALS = (
    " ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ"
)
_LIKE = {
    "ø": "o",
    "æ": "ae",
    "œ": "oe",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "&": " and ",
    "⁄": " ",
}
_APOSTROPHES = "'’‘ʼ`´"


def _letters() -> dict[int, str]:
    """What single characters become: Hangul its letters, other letters those that people type for them."""
    table = {ord(letter): typed for letter, typed in _LIKE.items()} | {ord(mark): "" for mark in _APOSTROPHES}
    vowels, finals = _VOWELS.split(" "), _FINALS.split(" ")
    for code in range(_FIRST_SYLLABLE, _LAST_SYLLABLE + 1):
        initial, rest = divmod(code - _FIRST_SYLLABLE, len(vowels) * len(finals))
        vowel, final = divmod(rest, len(finals))
        table[code] = _INITIALS[initial] + vowels[vowel] + finals[final]
    # Letters typed alone: normalisation turns them into those of which syllables are made.
    for first, letters in ((0x1100, _INITIALS), (0x1161, vowels), (0x11A7, finals)):
        table |= {first + place: letter for place, letter in enumerate(letters)}
    return table


_LETTERS = _letters()


def fold(text: str) -> str:
    """`text` without differences of case, width, accents and apostrophes.

    Accents go from Latin, Greek and Cyrillic letters; the marks of other scripts are letters of their own.
    A Hangul syllable becomes its letters, a final one written like an initial one, so that a half-typed
    syllable is the beginning of the finished one and a wrong letter is one error, not a wrong syllable.
    """
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
        text = unicodedata.normalize("NFC", text).casefold()
    return text.lower().translate(_LETTERS)


def stem(word: str) -> str:
    """A folded word without the ending of an English plural."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith(("ches", "shes", "sses", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-2] + "y" if word.endswith("ie") else word


def words(text: str) -> list[str]:
    """The words of `text`, folded and without plural endings."""
    return [stem(word) for word in _WORD.findall(fold(text))]


def squash(text: str) -> str:
    """The letters and digits of `text` alone: "Spider-Man", "spider man" and "Spiderman" are one."""
    return "".join(_WORD.findall(fold(text)))


def squash_without_article(text: str) -> str:
    """As squash(), without an English article at the start."""
    return "".join(_WORD.findall(_ARTICLE.sub("", fold(text).strip())))


def is_one_error(left: str, right: str) -> bool:
    """Whether one letter more, less or other, or two neighbours swapped, turns one word into the other."""
    longer, shorter = max(len(left), len(right)), min(len(left), len(right))
    if longer - shorter > 1:
        return False
    start = 0
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    if start + end >= longer - 1:
        return True
    swapped = left[start : start + 2] == right[start : start + 2][::-1]
    return len(left) == len(right) and start + end == longer - 2 and swapped


@dataclass(frozen=True, slots=True)
class Spelling:
    """A list of words in which those with one typing error are found.

    A bit per letter says which letters a word holds. One error changes at most two of them, which leaves
    few words to compare letter by letter: 0.1 ms for 25,000 words.
    """

    words: tuple[str, ...]
    lengths: NDArray[np.int16]
    letters: NDArray[np.uint64]

    @classmethod
    def of(cls, words: Iterable[str], *, least: int) -> "Spelling":
        """The index of those of `words` that have at least `least` letters."""
        kept = tuple(word for word in words if least <= len(word) <= 100)
        return cls(
            words=kept,
            lengths=np.fromiter(map(len, kept), dtype=np.int16, count=len(kept)),
            letters=np.fromiter(map(_letter_bits, kept), dtype=np.uint64, count=len(kept)),
        )

    def near(self, word: str) -> list[str]:
        """The words of the list that are one typing error away from `word`, in the list's order."""
        if len(word) > 101:
            return []
        near = np.abs(self.lengths - len(word)) <= 1
        near &= np.bitwise_count(self.letters ^ np.uint64(_letter_bits(word))) <= 2
        found = (self.words[place] for place in np.flatnonzero(near))
        return [other for other in found if other != word and is_one_error(word, other)]


def _letter_bits(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits
