"""Trains nearness by text, over the vectors that `embed_items` keeps."""

from dataclasses import fields
from typing import Any

import numpy as np

from core.arrays import Ints
from core.progress import Progress
from ranking.recommenders.nearness import NearnessParameters, NearnessWeights, Units
from ranking.recommenders.nearness_training import NearnessTrainer
from ranking.recommenders.text.file import dump_text
from ranking.recommenders.text.model import TextModel, unit_texts
from ranking.recommenders.text.store import Texts, read_texts
from ranking.recommenders.training import Fitted, TrainingError, TrainingMaterial
from ranking.statistics.events import Events

NO_TEXTS = "No item has a vector of its text yet; run `manage.py embed_items` first."


class TextTrainer(NearnessTrainer):
    """Nearness by text as `retrain` and `train` train it."""

    kind = "text"

    def fit(self, material: TrainingMaterial) -> Fitted | None:
        """None where no item of the catalog has a vector: then there is nothing of its sort."""
        texts = read_texts()
        if texts is None or not np.isin(material.catalog.item_ids, texts.item_ids).any():
            return None
        return super().fit(material)

    def units(self, item_ids: Ints) -> Units:
        texts = _texts()
        return unit_texts(item_ids, texts.item_ids, texts.vectors)

    def fit_events(
        self, events: Events, parameters: NearnessParameters, *, seed: int, progress: Progress | None
    ) -> TextModel:
        weights = super().fit_events(events, parameters, seed=seed, progress=progress)
        texts = _texts()
        held = np.ones(len(texts.item_ids), dtype=np.bool_)
        if self.content is not None:
            held = np.isin(texts.item_ids, self.content.item_ids)
        learned: dict[str, Any] = {one.name: getattr(weights, one.name) for one in fields(NearnessWeights)}
        return TextModel(**learned, item_ids=texts.item_ids[held], vectors=texts.vectors[held])

    def dump(self, model: TextModel) -> bytes:
        return dump_text(model)


def _texts() -> Texts:
    texts = read_texts()
    if texts is None:
        raise TrainingError(NO_TEXTS)
    return texts


TRAINER = TextTrainer()
