"""Transitions in service: what people chose after what this person chose last."""

from ranking.recommenders.base import Kind
from ranking.recommenders.linear import build_item_to_item
from ranking.recommenders.transitions.file import load_transitions

KIND = Kind(
    name="transitions",
    label="transitions",
    method="transitions",
    why="People who chose what you chose last took it next.",
    build=build_item_to_item,
    load=load_transitions,
    without="the other sources go on",
)
