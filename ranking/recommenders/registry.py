"""The kinds of recommenders. Adding one is a folder and its name in `ranking.kinds`."""

from collections.abc import Mapping
from importlib import import_module

from ranking.kinds import FOLDERS
from ranking.recommenders.base import Kind

RECOMMENDERS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (import_module(f"ranking.recommenders.{name}.recommender").KIND for name in FOLDERS)
}
"""Every kind by its name."""

TRAINED: Mapping[str, Kind] = {name: kind for name, kind in RECOMMENDERS.items() if kind.is_trained}
"""The kinds of which there are model versions."""

RETRIEVING: Mapping[str, Kind] = {name: kind for name, kind in RECOMMENDERS.items() if not kind.orders}
"""The kinds that bring items: those that a use case may name among its sources."""

ORDERING = tuple(name for name, kind in RECOMMENDERS.items() if kind.orders)
"""The kinds that order what others bring, by features."""
