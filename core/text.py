"""Text that is compared: normalized, and cut into words."""

import re
import unicodedata

# Letters and digits that stand together.
WORD = re.compile(r"[^\W_]+")
# Characters that PostgreSQL or UTF-8 refuses: NUL, and halves of surrogate pairs.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# Letters that nobody sees, and one that only stretches a word: fillers of Hangul and Khmer, the empty Braille
# cell, the tatweel.
UNSEEN_LETTERS = frozenset("\u0640\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Marks that make what follows run the other way, within the sentence around it too.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Where a spreadsheet may begin a cell, whichever separator it chooses, and what then makes it a formula.
# Full-width signs count, and so does what stands behind blanks and quotes: some programs take those away.
_FORMULA = re.compile(r"((?:^|[;\t\r\n|])[\s\"']*)(?=[=+\-@＝＋－＠])")

_ACCENTS = re.compile("[\u0300-\u036f]+")

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


def is_seen(text: str) -> bool:
    """True for a name that looks like what it is: it has something to see, and turns no writing around."""
    return not _TURNING.search(text) and any(
        unicodedata.category(letter)[0] not in "CZM" and letter not in UNSEEN_LETTERS for letter in text
    )


def inert_cell(text: str) -> str:
    """`text` for a cell of CSV: with an apostrophe wherever a spreadsheet would begin a formula."""
    return _FORMULA.sub(r"\1'", text)


def _letters() -> dict[int, str]:
    """Replacements of single characters: Hangul by its letters, others by what people type for them."""
    table = {ord(letter): typed for letter, typed in _LIKE.items()} | {ord(mark): "" for mark in _APOSTROPHES}
    vowels, finals = _VOWELS.split(" "), _FINALS.split(" ")
    for code in range(_FIRST_SYLLABLE, _LAST_SYLLABLE + 1):
        initial, rest = divmod(code - _FIRST_SYLLABLE, len(vowels) * len(finals))
        vowel, final = divmod(rest, len(finals))
        table[code] = _INITIALS[initial] + vowels[vowel] + finals[final]
    # Letters typed alone: normalization turns them into those of which syllables are made.
    for first, letters in ((0x1100, _INITIALS), (0x1161, vowels), (0x11A7, finals)):
        table |= {first + place: letter for place, letter in enumerate(letters)}
    return table


_LETTERS = _letters()


def normalize(text: str) -> str:
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
    """A normalized word without the ending of an English plural."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith(("ches", "shes", "sses", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-2] + "y" if word.endswith("ie") else word


def words(text: str) -> list[str]:
    """The words of `text`, normalized and without plural endings."""
    return [stem(word) for word in WORD.findall(normalize(text))]


def percent_change(share: float) -> str:
    """A change by a share, in percent with one decimal at the most and a real minus: `−7.5 %`, `+15 %`."""
    percent = round(100.0 * share, 1)
    return f"{percent:+g} %".replace("-", "−")
