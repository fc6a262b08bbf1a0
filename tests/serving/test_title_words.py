"""The words of titles against the plain way of finding them."""

from hypothesis import given
from hypothesis import strategies as st

from serving.title_words import TitleWords

_LETTERS = "abé미 "
_TITLES = st.lists(st.text(_LETTERS, max_size=12), max_size=8)


@given(_TITLES, st.text(_LETTERS, min_size=1, max_size=5))
def test_finds_what_holds_every_word_of_a_text_anywhere(titles: list[str], text: str) -> None:
    plain = [all(word in title for word in text.split()) for title in titles]
    assert TitleWords.of(titles).holding(text).tolist() == plain


def test_a_word_does_not_reach_into_the_next() -> None:
    assert TitleWords.of(["night ferry", "ferry"]).holding("htfe").tolist() == [False, False]
    assert TitleWords.of([]).holding("night").tolist() == []
