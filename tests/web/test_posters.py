"""The generated posters: the same for the same item, never broken markup, never text beyond the edge."""

import xml.etree.ElementTree as ElementTree
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.motifs import MOTIFS
from web.posters import STYLES, draw_poster, fit_title, style_of, text_width

LONG = "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb"


@given(
    title=st.text(max_size=300),
    year=st.none() | st.integers(0, 32767),
    genres=st.lists(st.text(max_size=40), max_size=3).map(tuple),
)
def test_any_title_makes_well_formed_markup(title: str, year: int | None, genres: tuple[str, ...]) -> None:
    root = ElementTree.fromstring(draw_poster(title, year, genres))  # noqa: S314  our own markup
    assert root.get("aria-hidden") == "true"
    assert not list(root.iter("script"))


def test_markup_in_a_title_stays_text() -> None:
    svg = draw_poster("</svg><script>alert(1)</script>", 1999, ("<b>",))
    assert "<script" not in svg.lower()
    assert "<b>" not in svg


def test_a_poster_is_the_same_each_time() -> None:
    first = draw_poster("Heat", 1995, ("Crime",))
    draw_poster.cache_clear()
    assert draw_poster("Heat", 1995, ("Crime",)) == first
    assert draw_poster("Ran", 1985, ("Crime",)) != first


@given(st.text(min_size=1, max_size=300))
def test_lettering_stays_within_the_poster(title: str) -> None:
    size, lines = fit_title(title)
    assert all(text_width(line) * size <= 168 + 1e-9 for line in lines)
    assert len(lines) * size * 1.1 <= 88 + 1e-9


def test_a_title_too_long_for_a_poster_ends_in_an_ellipsis() -> None:
    _, lines = fit_title(LONG * 3)
    assert lines[-1].endswith("…")
    assert LONG.startswith(lines[0])


@pytest.mark.parametrize("name", sorted(MOTIFS))
@pytest.mark.parametrize("seed", range(5))
def test_motifs_draw_well_formed_shapes(name: str, seed: int) -> None:
    drawing = MOTIFS[name](Random(seed))
    assert len(ElementTree.fromstring(f"<svg>{drawing}</svg>")) > 0  # noqa: S314  our own markup
    assert MOTIFS[name](Random(seed)) == drawing


def test_every_style_names_motifs_that_exist() -> None:
    assert {motif for style in STYLES.values() for motif in style.motifs} <= set(MOTIFS)
    assert style_of("Never heard of") == style_of("Never heard of")
    assert 0 <= style_of("").hue < 360
