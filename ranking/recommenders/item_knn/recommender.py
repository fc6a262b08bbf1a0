"""Item-to-item neighbors in service."""

from ranking.recommenders.base import Kind
from ranking.recommenders.item_knn.file import load_item_knn
from ranking.recommenders.linear import build_item_to_item

KIND = Kind(
    name="item_knn",
    label="item neighbors",
    method="item_knn",
    why="People who chose what you chose took it too.",
    build=build_item_to_item,
    load=load_item_knn,
    without="the other sources go on",
)
