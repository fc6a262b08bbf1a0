"""The generated posters: the same for the same item, never broken markup, no words, hardly two alike."""

import xml.etree.ElementTree as ElementTree
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.motifs import HEIGHT, MOTIFS, WIDTH
from web.posters import STYLES, draw_poster, style_of


@given(
    title=st.text(max_size=300),
    genres=st.lists(st.text(max_size=40), max_size=3).map(tuple),
)
def test_any_title_makes_well_formed_markup(title: str, genres: tuple[str, ...]) -> None:
    root = ElementTree.fromstring(draw_poster(title, genres))  # noqa: S314  our own markup
    assert root.get("aria-hidden") == "true"
    assert not list(root.iter("script"))


def test_a_title_is_not_in_the_markup() -> None:
    svg = draw_poster("</svg><script>alert(1)</script>", ("<b>",))
    assert "<script" not in svg.lower()
    assert "<b>" not in svg
    assert "".join(ElementTree.fromstring(svg).itertext()) == ""  # noqa: S314  our own markup


def test_a_poster_is_the_same_each_time() -> None:
    first = draw_poster("Heat", ("Crime",))
    draw_poster.cache_clear()
    assert draw_poster("Heat", ("Crime",)) == first
    assert draw_poster("Ran", ("Crime",)) != first


@given(title=st.text(max_size=100), genres=st.lists(st.sampled_from(sorted(STYLES)), max_size=2).map(tuple))
def test_a_poster_shows_two_by_three_of_a_drawing(title: str, genres: tuple[str, ...]) -> None:
    root = ElementTree.fromstring(draw_poster(title, genres))  # noqa: S314  our own markup
    left, top, width, height = map(int, root.get("viewBox", "").split())
    assert (top, width * 3, height) == (0, height * 2, HEIGHT)
    assert 0 <= left <= WIDTH - width


def test_of_thrillers_hardly_two_look_alike() -> None:
    drawn = [draw_poster(f"Film {number}", ("Thriller",)) for number in range(300)]
    frames = Counter(
        svg[: svg.index("<", 5)] + svg[svg.index("<g") : svg.index(">", svg.index("<g"))] for svg in drawn
    )
    assert len(set(drawn)) == len(drawn)
    assert max(frames.values()) <= 3


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
