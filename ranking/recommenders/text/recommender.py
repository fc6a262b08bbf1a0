"""Nearness by text in service. Off unless a use case names it: it needs `embed_items`."""

from ranking.recommenders.base import Kind
from ranking.recommenders.by_nearness import ByNearness
from ranking.recommenders.text.file import load_text
from ranking.recommenders.text.model import TextModel, unit_texts
from ranking.snapshot import CatalogSnapshot


def _build(model: TextModel, catalog: CatalogSnapshot) -> ByNearness:
    return ByNearness.build(model, catalog, unit_texts(catalog.item_ids, model.item_ids, model.vectors))


KIND = Kind(
    name="text",
    label="text",
    method="text",
    why="It reads like what you choose.",
    build=_build,
    load=load_text,
    sizes=lambda model: {"texts": len(model.item_ids)},
    without="the other sources go on",
)
