"""The rule of a text, however it is found out."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from core.values import BadValue, Text


@given(
    text=st.text(st.characters() | st.sampled_from("\x00\x1f\x7f\x9f\ud800\u200b\u2028\xa0\n")),
    many_lines=st.booleans(),
)
def test_a_text_is_refused_for_a_character_that_cannot_be_stored_and_for_no_other(
    text: str, many_lines: bool
) -> None:
    bad = {"Cs"} if many_lines else {"Cs", "Cc"}
    stripped = text.strip()
    is_bad = any(unicodedata.category(letter) in bad or letter == "\0" for letter in stripped)
    try:
        assert Text(10_000, many_lines)(text) == stripped
        assert not is_bad
    except BadValue:
        assert is_bad
