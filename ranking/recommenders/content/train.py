"""Trains nearness by facets."""

from core.arrays import Ints
from ranking.recommenders.content.file import dump_content
from ranking.recommenders.content.model import unit_facets
from ranking.recommenders.nearness import NearnessWeights, Units
from ranking.recommenders.nearness_training import NearnessTrainer
from ranking.recommenders.training import content_known_to


class ContentTrainer(NearnessTrainer):
    """Nearness by facets as `retrain` and `train` train it, over the items of `content`."""

    kind = "content"

    def units(self, item_ids: Ints) -> Units:
        return unit_facets(content_known_to(self, item_ids))

    def dump(self, model: NearnessWeights) -> bytes:
        return dump_content(model)


TRAINER = ContentTrainer()
