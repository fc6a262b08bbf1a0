"""Generated poster art: an SVG from the title and categories of an item, the same one always.

The first category gives the hue and the choice of motifs, the second one the other hue, and a hash of the
title everything else: tone, the part of the drawing that is shown, and its numbers.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from catalog.selectors import ItemCard
from core.web_addresses import origin_of
from web.motifs import HEIGHT, MOTIFS, WIDTH


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

# The part of a drawing that a poster shows: two by three, from anywhere in its width.
_CUT = HEIGHT * 2 // 3


def show_picture(item: ItemCard) -> SafeString:
    """The poster of an item, and over it its picture where the pages may load it.

    A picture that does not come leaves the poster to be seen, without a script. Both are hidden from screen
    readers: the title always stands beside them as text.
    """
    drawn = draw_poster(item.title, item.categories)
    if origin_of(item.image_url) not in settings.IMAGE_ORIGINS:
        return drawn
    return format_html(
        '<span class="picture">{}<img class="poster" src="{}" alt="" width="200" height="300" loading="lazy"'
        ' decoding="async" referrerpolicy="no-referrer"></span>',
        drawn,
        item.image_url,
    )


@lru_cache(maxsize=4096)
def draw_poster(title: str, categories: tuple[str, ...]) -> SafeString:
    """The poster as markup: an aria-hidden `<svg>`. It says no word: the title stands beside it."""
    random = Random(int.from_bytes(hashlib.sha256(title.encode("utf-8", "replace")).digest()[:8], "big"))
    style = style_of(categories[0] if categories else "")
    second = style_of(categories[1]).hue if len(categories) > 1 else (style.hue + 40) % 360
    tone = _choose(random, style.tones)
    drawing = MOTIFS[_choose(random, style.motifs)](random)
    shift = int(random.random() * 37) - 18
    left = int(random.random() * (WIDTH - _CUT + 1))
    mirrored = f' transform="matrix(-1 0 0 1 {2 * left + _CUT} 0)"' if random.random() < 0.5 else ""
    return format_html(
        '<svg class="poster {}" style="--h:{};--g:{}" viewBox="{} 0 {} {}" aria-hidden="true">'
        "<g{}>{}</g></svg>",
        tone,
        (style.hue + shift) % 360,
        (second + shift) % 360,
        left,
        _CUT,
        HEIGHT,
        mark_safe(mirrored),  # noqa: S308  numbers
        mark_safe(drawing),  # noqa: S308  numbers and our own class names only
    )


def style_of(category: str) -> CategoryStyle:
    """The style of a category; one that is not in the table gets a hue of its own from its name."""
    known = STYLES.get(category)
    if known is not None:
        return known
    digest = hashlib.sha256(category.encode("utf-8", "replace")).digest()
    return CategoryStyle(int.from_bytes(digest[:2], "big") % 360, _ALL_TONES, tuple(MOTIFS))


def _choose(random: Random, choices: tuple[str, ...]) -> str:
    return choices[int(random.random() * len(choices))]
