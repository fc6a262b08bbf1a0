"""Tiles: single figures in large print at the top of a section."""

from dataclasses import dataclass

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure in large print, with a sentence below it; `tone` is "better", "worse" or ""."""

    name: str
    value: str
    note: str
    tone: str = ""
    address: str = ""
