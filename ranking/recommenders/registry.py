"""The kinds of recommenders. Adding one is a folder and a line here (docs/adding-a-recommender.md)."""

from collections.abc import Mapping
from importlib import import_module

from ranking.recommenders.base import Kind

# The folders of the kinds. Labels of lists name the models in this order.
_FOLDERS = (
    "als",
    "two_tower",
    "transitions",
    "ease",
    "item_knn",
    "popular",
    "taste",
    "similar",
    "fresh",
    "ranker",
)

RECOMMENDERS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (import_module(f"ranking.recommenders.{name}.recommender").KIND for name in _FOLDERS)
}
"""Every kind by its name."""

TRAINED: Mapping[str, Kind] = {name: kind for name, kind in RECOMMENDERS.items() if kind.is_trained}
"""The kinds of which there are model versions."""

RETRIEVING: Mapping[str, Kind] = {name: kind for name, kind in RECOMMENDERS.items() if not kind.orders}
"""The kinds that bring items: those that a use case may name among its sources."""
