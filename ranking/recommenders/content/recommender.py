"""Nearness by facets in service: brings items that share what the person's choices share."""

from ranking.recommenders.base import Kind
from ranking.recommenders.by_nearness import ByNearness
from ranking.recommenders.content.file import load_content
from ranking.recommenders.content.model import unit_facets
from ranking.recommenders.nearness import NearnessWeights
from ranking.snapshot import CatalogSnapshot


def _build(model: NearnessWeights, catalog: CatalogSnapshot) -> ByNearness:
    return ByNearness.build(model, catalog, unit_facets(catalog.content))


KIND = Kind(
    name="content",
    label="content",
    method="content",
    why="It has in common what you choose.",
    build=_build,
    load=load_content,
    without="the other sources go on",
)
