"""The drawings of the generated posters: plain SVG shapes in a field 200 wide and 180 high.

A motif takes a stream of numbers in [0, 1) and returns markup made of numbers and class names, whose
colors the style sheet sets: `a` and `b` the two colors, `g` the ground, `l` a line; with them `m` and `f`
for fainter, `t` for translucent. To add one: write a function of the form of `Motif`, name it in `MOTIFS`.
"""

import math
from collections.abc import Callable, Mapping
from random import Random

Motif = Callable[[Random], str]

WIDTH, HEIGHT = 200, 180


def draw_sun(random: Random) -> str:
    """A disc low over water, cut by widening bands."""
    disc = _circle("a", _between(random, 60, 140), 104, _between(random, 48, 66))
    return disc + "".join(_rect("b", 0, y, WIDTH, 2 + i * 3) for i, y in enumerate((92, 106, 122, 140, 160)))


def draw_arcs(random: Random) -> str:
    """Rings around one corner."""
    x = 0 if random.random() < 0.5 else WIDTH
    first = _between(random, 26, 40)
    rings = "".join(_circle("l" if i % 2 else "l m", x, HEIGHT, first + i * 24) for i in range(6))
    return rings + _circle("a", x, HEIGHT, first - 8)


def draw_rays(random: Random) -> str:
    """Beams from one point on the edge."""
    x, turn, count = _between(random, 40, 160), random.random() / 2, 11
    beams = ""
    for i in range(count):
        ends = [math.pi * (1 + (i + turn + part) / count) for part in (0.0, 0.5)]
        corners = [(x + 260 * math.cos(end), HEIGHT + 260 * math.sin(end)) for end in ends]
        beams += _polygon("b" if i % 2 else "a", [(x, HEIGHT), *corners])
    return beams


def draw_hills(random: Random) -> str:
    """Ridges one behind the other, and a disc above."""
    shapes = _circle("a", _between(random, 40, 160), _between(random, 34, 60), 20)
    for layer, name in enumerate(("b f", "b m", "b")):
        ridge = [(step * 40.0, 80.0 + layer * 30 + _between(random, -24, 24)) for step in range(6)]
        shapes += _polygon(name, [(0, HEIGHT), *ridge, (WIDTH, HEIGHT)])
    return shapes


def draw_peaks(random: Random) -> str:
    """Sharp mountains with lit slopes."""
    shapes = _circle("a m", _between(random, 40, 160), 44, _between(random, 14, 28))
    for i, x in enumerate((30, 165, 100)):
        top, half = _between(random, 40, 84) + (i == 2) * 14, _between(random, 70, 95)
        shapes += _polygon("b", [(x - half, HEIGHT), (x, top), (x + half, HEIGHT)])
        shapes += _polygon("a m" if i < 2 else "a", [(x, top), (x + half, HEIGHT), (x + half // 4, HEIGHT)])
    return shapes


def draw_waves(random: Random) -> str:
    """Parallel swells."""
    bend, lift = _between(random, 14, 30), _between(random, 20, 44)
    swells = ""
    for i, y in enumerate(range(lift, HEIGHT, 28)):
        name = ("a", "b", "a m", "b m")[i % 4]
        swells += f'<path class="{name}" d="M0 {y}q50 {-bend} 100 0t100 0v18q-50 {bend} -100 0t-100 0z"/>'
    return swells


def draw_dots(random: Random) -> str:
    """A field of dots that swell towards one place."""
    x, y = _between(random, 40, 160), _between(random, 40, 140)
    dots = ""
    for cy in range(18, HEIGHT, 24):
        for cx in range(16, WIDTH, 24):
            radius = max(2, round(11 - math.hypot(cx - x, cy - y) / 13))
            dots += _circle("a" if radius > 5 else "b", cx, cy, radius)
    return dots


def draw_bands(random: Random) -> str:
    """Diagonal strips of several widths."""
    shapes, x = "", _between(random, -150, -110)
    while x < WIDTH:
        width, name = _between(random, 8, 34), "a" if random.random() < 0.5 else "b"
        shapes += f'<path class="{name}" d="M{x} 180l130-180h{width}l-130 180z"/>'
        x += width + _between(random, 10, 30)
    return shapes


def draw_bars(random: Random) -> str:
    """Columns of several heights on one ground."""
    width = WIDTH // _between(random, 7, 11)
    shapes = ""
    for x in range(2, WIDTH, width):
        name, height = ("a", "b", "a m")[int(random.random() * 3)], _between(random, 30, 165)
        shapes += _rect(name, x, HEIGHT - height, width - 4, height)
    return shapes


def draw_steps(random: Random) -> str:
    """A staircase, and a disc above it."""
    rises, count = random.random() < 0.5, _between(random, 4, 6)
    width = -(-WIDTH // count)
    shapes = _circle("a", 54 if rises else 146, _between(random, 44, 62), _between(random, 20, 34))
    for i in range(count):
        level = i if rises else count - 1 - i
        shapes += _rect("b" if i % 2 else "b m", i * width, 165 - level * 120 // count, width, HEIGHT)
    return shapes


def draw_shards(random: Random) -> str:
    """Splinters around one place."""
    x, y, count = _between(random, 70, 130), _between(random, 70, 120), 9
    shapes = ""
    for i in range(count):
        turn = (i + random.random() * 0.7) * 2 * math.pi / count
        near, far = _between(random, 8, 22), _between(random, 70, 150)
        corners = ((near, turn), (far, turn - 0.11), (far * 0.9, turn + 0.12))
        points = [(x + length * math.cos(angle), y + length * math.sin(angle)) for length, angle in corners]
        shapes += _polygon(("a", "b", "a m")[i % 3], points)
    return shapes


def draw_rings(random: Random) -> str:
    """Two discs that overlap."""
    gap, y = _between(random, 26, 40), _between(random, 84, 98)
    discs = _circle("a", 100 - gap, y, 58) + _circle("b t", 100 + gap, y, 58)
    return discs + _circle("l", 100, y, 58 - gap)


def draw_petals(random: Random) -> str:
    """A flower of overlapping leaves."""
    count, half, turn = _between(random, 5, 9), _between(random, 29, 40), random.random() * 90
    leaf = f'cx="{half + 6}" rx="{half}" ry="{half * 4 // (count + 1)}"'
    leaves = ""
    for i in range(count):
        name = "b t" if i % 2 else "a t"
        leaves += f'<ellipse class="{name}" {leaf} transform="rotate({turn + i * 360 / count:.0f})"/>'
    return f'<g transform="translate({_between(random, 84, 116)} 92)">{leaves}{_circle("g", 0, 0, 9)}</g>'


def draw_skyline(random: Random) -> str:
    """Houses at night, some windows lit."""
    shapes, x = _circle("a m", _between(random, 50, 150), 50, 26), 0
    while x < WIDTH:
        width, top = _between(random, 22, 40), _between(random, 50, 130)
        shapes += _rect("b", x, top, width - 3, HEIGHT)
        for y in range(top + 10, 170, 18):
            if random.random() < 0.45:
                shapes += _rect("a", x + _between(random, 4, width - 12), y, 5, 8)
        x += width
    return shapes


def draw_moon(random: Random) -> str:
    """A crescent and a few stars."""
    x, y, side = _between(random, 84, 116), _between(random, 76, 104), int(random.random() * 2)
    stars = "".join(
        _circle("b", _between(random, 8, 192), _between(random, 8, 172), 1 + i % 3) for i in range(12)
    )
    crescent = f"M{x} {y - 54}a54 54 0 0 {side} 0 108a68 68 0 0 {1 - side} 0-108z"
    return f'{stars}<path class="a" d="{crescent}" transform="rotate({_between(random, -30, 30)} {x} {y})"/>'


def draw_tunnel(random: Random) -> str:
    """Frames or rings one inside the other, drifting to one side."""
    drift, lean, is_round = _between(random, -9, 9), _between(random, -7, 7), random.random() < 0.5
    names = ("a", "b") if random.random() < 0.5 else ("b", "a m")
    shapes = ""
    for i in range(6):
        # Frames reach beyond the field, so that no edge of the ground is left.
        half = (88 if is_round else 94) - i * 15
        x, y, name = 100 + i * drift, 90 + i * lean, names[i % 2]
        shapes += (
            _circle(name, x, y, half) if is_round else _rect(name, x - half, y - half, 2 * half, 2 * half)
        )
    return shapes


def draw_tiles(random: Random) -> str:
    """Quarter discs on a board of 4 by 3."""
    arc, back = "a56 56 0 0 1", "a56 56 0 0 0"
    quarters = (f"h56{arc}-56 56z", f"v56h56{back}-56-56z", f"h56v56{arc}-56-56z", f"m56 0v56h-56{arc}56-56z")
    shapes = ""
    for y in range(8, 170, 56):
        for x in range(-12, 170, 56):
            name = ("a", "b", "a m", "b m")[int(random.random() * 4)]
            shapes += f'<path class="{name}" d="M{x} {y}{quarters[int(random.random() * 4)]}"/>'
    return shapes


def draw_orbits(random: Random) -> str:
    """A planet, tilted paths around it, and what travels on them."""
    tilt, travel = _between(random, -34, 34), random.random() * 2 * math.pi
    paths = "".join(
        f'<ellipse class="{"l m" if i else "l"}" rx="{62 + i * 24}" ry="{18 + i * 12}"/>' for i in range(3)
    )
    moon = _circle("b", round(86 * math.cos(travel)), round(30 * math.sin(travel)), 9)
    return f'<g transform="translate(100 92) rotate({tilt})">{paths}{_circle("a", 0, 0, 36)}{moon}</g>'


MOTIFS: Mapping[str, Motif] = {
    "sun": draw_sun,
    "arcs": draw_arcs,
    "rays": draw_rays,
    "hills": draw_hills,
    "peaks": draw_peaks,
    "waves": draw_waves,
    "dots": draw_dots,
    "bands": draw_bands,
    "bars": draw_bars,
    "steps": draw_steps,
    "shards": draw_shards,
    "rings": draw_rings,
    "petals": draw_petals,
    "skyline": draw_skyline,
    "moon": draw_moon,
    "tunnel": draw_tunnel,
    "tiles": draw_tiles,
    "orbits": draw_orbits,
}


def _between(random: Random, low: int, high: int) -> int:
    # random() is the one method whose stream Python promises never to change.
    return low + int(random.random() * (high - low + 1))


def _circle(name: str, x: int, y: int, radius: int) -> str:
    return f'<circle class="{name}" cx="{x}" cy="{y}" r="{radius}"/>'


def _rect(name: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}"/>'


def _polygon(name: str, points: list[tuple[float, float]]) -> str:
    joined = " ".join(f"{round(x)},{round(y)}" for x, y in points)
    return f'<polygon class="{name}" points="{joined}"/>'
