"""Generated poster art: an SVG from the title, year and categories of an item, the same one always.

The first category gives the hue and the choice of motifs, the second one the other hue, and a hash of the
title everything else: tone, type, arrangement and the numbers of the drawing.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from django.conf import settings
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from catalog.selectors import ItemCard
from core.web_addresses import origin_of
from web.motifs import MOTIFS


@dataclass(frozen=True, slots=True)
class CategoryStyle:
    """The style of a category: its hue (degrees in OKLCH), the tones and the motifs to choose from."""

    hue: int
    tones: tuple[str, ...]
    motifs: tuple[str, ...]


_ALL_TONES = ("night", "deep", "paper", "deep")
_DARK = ("night", "night", "deep")
_LIGHT = ("paper", "deep", "paper", "deep")

STYLES: dict[str, CategoryStyle] = {
    "Action": CategoryStyle(38, _ALL_TONES, ("rays", "bands", "tunnel", "sun", "steps", "shards")),
    "Adventure": CategoryStyle(155, _ALL_TONES, ("hills", "sun", "waves", "rays", "peaks")),
    "Animation": CategoryStyle(195, _LIGHT, ("tiles", "dots", "hills", "sun", "petals")),
    "Comedy": CategoryStyle(80, _LIGHT, ("tiles", "dots", "rays", "rings", "waves", "petals", "steps")),
    "Crime": CategoryStyle(22, _DARK, ("skyline", "bands", "tunnel", "rays", "bars", "shards")),
    "Documentary": CategoryStyle(235, _ALL_TONES, ("tunnel", "bands", "tiles", "bars", "steps")),
    "Drama": CategoryStyle(
        255,
        _ALL_TONES,
        ("rings", "arcs", "waves", "sun", "bands", "tunnel", "petals", "bars", "steps", "peaks"),
    ),
    "Family": CategoryStyle(115, _LIGHT, ("hills", "tiles", "dots", "sun", "petals")),
    "Fantasy": CategoryStyle(310, _ALL_TONES, ("moon", "hills", "arcs", "orbits", "petals", "peaks")),
    "Film-Noir": CategoryStyle(260, _DARK, ("skyline", "bands", "tunnel", "bars")),
    "Historical": CategoryStyle(60, _ALL_TONES, ("arcs", "hills", "tiles", "sun", "petals", "peaks")),
    "History": CategoryStyle(65, _ALL_TONES, ("arcs", "hills", "tiles", "sun", "peaks", "bars")),
    "Horror": CategoryStyle(12, _DARK, ("moon", "tunnel", "rays", "hills", "shards")),
    "Legal": CategoryStyle(270, _ALL_TONES, ("bands", "bars", "tiles", "steps")),
    "Medical": CategoryStyle(185, _LIGHT, ("rings", "waves", "dots", "arcs")),
    "Melodrama": CategoryStyle(345, _ALL_TONES, ("waves", "rings", "moon", "petals")),
    "Music": CategoryStyle(330, _ALL_TONES, ("waves", "dots", "arcs", "bars")),
    "Mystery": CategoryStyle(290, _DARK, ("moon", "tunnel", "rings", "skyline", "shards")),
    "Romance": CategoryStyle(2, _LIGHT, ("rings", "waves", "sun", "tiles", "petals")),
    "Science Fiction": CategoryStyle(220, _DARK, ("orbits", "arcs", "dots", "sun", "steps")),
    "Slice of Life": CategoryStyle(130, _LIGHT, ("tiles", "rings", "waves", "hills", "petals")),
    "Thriller": CategoryStyle(205, _DARK, ("tunnel", "bands", "skyline", "rays", "shards", "bars")),
    "War": CategoryStyle(105, _DARK, ("hills", "bands", "rays", "shards", "peaks")),
    "Western": CategoryStyle(50, _ALL_TONES, ("hills", "sun", "rays", "peaks")),
    "Youth": CategoryStyle(95, _LIGHT, ("dots", "tiles", "rays", "sun", "steps")),
}

_MARGIN = 16
_TEXT_WIDTH = 200 - 2 * _MARGIN
_SIZES = (33, 29, 26, 23, 20, 17)
_LINE = 1.1
_TEXT_HEIGHT = 88
_SHOWN_CHARACTERS = 120


def show_picture(item: ItemCard) -> SafeString:
    """The poster of an item, and over it its picture where the pages may load it.

    A picture that does not come leaves the poster to be seen, without a script. Both are hidden from screen
    readers: the title always stands beside them as text.
    """
    drawn = draw_poster(item.title, item.year, item.categories)
    if origin_of(item.image_url) not in settings.IMAGE_ORIGINS:
        return drawn
    return format_html(
        '<span class="picture">{}<img class="poster" src="{}" alt="" width="200" height="300" loading="lazy"'
        ' decoding="async" referrerpolicy="no-referrer"></span>',
        drawn,
        item.image_url,
    )


@lru_cache(maxsize=4096)
def draw_poster(title: str, year: int | None, categories: tuple[str, ...]) -> SafeString:
    """The poster as markup: an aria-hidden `<svg>`."""
    random = Random(int.from_bytes(hashlib.sha256(title.encode("utf-8", "replace")).digest()[:8], "big"))
    style = style_of(categories[0] if categories else "")
    second = style_of(categories[1]).hue if len(categories) > 1 else (style.hue + 40) % 360
    tone = _choose(random, style.tones)
    typeface = _choose(random, ("sans", "serif", "caps"))
    at_top = random.random() < 0.3
    drawing = MOTIFS[_choose(random, style.motifs)](random)
    shift = int(random.random() * 37) - 18
    return format_html(
        '<svg class="poster {} {}" style="--h:{};--g:{}" viewBox="0 0 200 300" aria-hidden="true">'
        '<svg y="{}" width="200" height="180">{}</svg>{}</svg>',
        tone,
        typeface,
        (style.hue + shift) % 360,
        (second + shift) % 360,
        126 if at_top else -12,
        mark_safe(drawing),  # noqa: S308  numbers and our own class names only
        _lettering(title, year, typeface=typeface, at_top=at_top),
    )


def style_of(category: str) -> CategoryStyle:
    """The style of a category; one that is not in the table gets a hue of its own from its name."""
    known = STYLES.get(category)
    if known is not None:
        return known
    digest = hashlib.sha256(category.encode("utf-8", "replace")).digest()
    return CategoryStyle(int.from_bytes(digest[:2], "big") % 360, _ALL_TONES, tuple(MOTIFS))


def fit_title(title: str, *, width: float = _TEXT_WIDTH) -> tuple[int, list[str]]:
    """The largest size at which `title` fits in `width`, and its lines.

    What fits at no size ends in an ellipsis.
    """
    height = _TEXT_HEIGHT
    for size in _SIZES:
        lines = wrap_title(title, width / size)
        if len(lines) * size * _LINE <= height and all(text_width(line) * size <= width for line in lines):
            return size, lines
    size, most = _SIZES[-1], int(height / (_SIZES[-1] * _LINE))
    lines = [part for line in wrap_title(title, width / size) for part in _broken(line, width / size)]
    if len(lines) > most:
        last = lines[most - 1]
        while last and text_width(last + "…") * size > width:
            last = last[:-1]
        lines = [*lines[: most - 1], last.rstrip(" ,.:;-–") + "…"]
    return size, lines


def wrap_title(title: str, width: float) -> list[str]:
    """`title` in lines of at most `width` em, broken between words; a longer word stands alone."""
    lines: list[str] = []
    for word in title.split():
        if lines and text_width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def text_width(text: str) -> float:
    """The width of `text` in em: an estimate on the large side that holds for common bold type."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0xFFFF:
        return 1.05
    if character in " .,:;'’!|iIjl":
        return 0.33
    if character in 'frt()-"/':
        return 0.42
    if character in "MW@%&mw—…":
        return 0.92
    return 0.72 if character.isupper() else 0.6


def _broken(line: str, width: float) -> list[str]:
    parts = [""]
    for character in line:
        if parts[-1] and text_width(parts[-1] + character) > width:
            parts.append("")
        parts[-1] += character
    return parts


def _lettering(title: str, year: int | None, *, typeface: str, at_top: bool) -> SafeString:
    shown = "".join(c for c in title[:_SHOWN_CHARACTERS] if c.isprintable())
    if len(title) > _SHOWN_CHARACTERS:
        shown += "…"
    # Capitals are set narrow, and even where no narrow type is installed they need less than the estimate.
    size, lines = (
        fit_title(shown.upper(), width=_TEXT_WIDTH * 1.1) if typeface == "caps" else fit_title(shown)
    )
    height = len(lines) * size * _LINE
    first = 32 + size * 0.8 if at_top else 278 - height + size * 0.8
    year_at = 24 if at_top else first - size - 2
    rows = "".join(
        f'<tspan x="{_MARGIN}" y="{first + i * size * _LINE:.0f}">{escape(line)}</tspan>'
        for i, line in enumerate(lines)
    )
    stamp = f'<text class="y" x="{_MARGIN}" y="{year_at:.0f}">{year:d}</text>' if year else ""
    return mark_safe(f'{stamp}<text font-size="{size}">{rows}</text>')  # noqa: S308  lines are escaped


def _choose(random: Random, choices: tuple[str, ...]) -> str:
    return choices[int(random.random() * len(choices))]
