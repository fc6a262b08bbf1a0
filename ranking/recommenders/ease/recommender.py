"""EASE in service: the history of this very moment times the trained matrix."""

from ranking.recommenders.base import Kind
from ranking.recommenders.ease.file import load_ease
from ranking.recommenders.linear import build_item_to_item

KIND = Kind(
    name="ease",
    label="EASE",
    method="ease",
    why="It goes with all that you chose.",
    build=build_item_to_item,
    load=load_ease,
    without="the other sources go on",
)
