"""A small model of each trained kind, as the bytes of its file; a new kind adds a line to BYTES."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from profiles.reduction import KINDS, Taste
from ranking.person import PersonState
from ranking.recommenders.text.file import dump_text
from ranking.recommenders.text.model import DIMENSIONS, Axes, TextModel
from ranking.recommenders.text.store import Texts
from ranking.recommenders.training import event_trainer_of
from ranking.statistics.events import Events
from tests.factories import make_als_bytes, ranker_bytes, tower_bytes
from tests.ranking.statistics.builders import two_tastes

# Kinds that answer everybody, because they know nothing of the person.
FOR_EVERYBODY = ("popular", "fresh")
LEFT, RIGHT = range(6), range(6, 12)


def opposite_tastes() -> Events:
    """`two_tastes`, and what each half likes the other half turns down."""
    liked = two_tastes()
    other = np.where(liked.item_ids < len(LEFT), liked.item_ids + len(LEFT), liked.item_ids - len(LEFT))
    return Events(
        user_ids=np.concatenate([liked.user_ids, liked.user_ids]),
        item_ids=np.concatenate([liked.item_ids, other]),
        weights=np.concatenate([liked.weights, np.full(len(other), -1.0, dtype=np.float32)]),
        times=np.concatenate([liked.times, liked.times]),
        relevant=np.concatenate([liked.relevant, np.zeros(len(other), dtype=np.bool_)]),
    )


@cache
def fitted(kind: str) -> bytes:
    """A model of `opposite_tastes` by a kind that learns from events."""
    trainer = event_trainer_of(kind)
    assert trainer is not None
    model = trainer.fit_events(opposite_tastes(), trainer.parameters({}), seed=0, progress=None)
    return trainer.dump(model)


def texts_of_both_sides() -> Texts:
    """Texts that read alike on each side and like nothing on the other."""
    sides = np.repeat(np.eye(2, DIMENSIONS, dtype=np.float32), len(LEFT), axis=0)
    axes = Axes(np.zeros(DIMENSIONS, dtype=np.float32), np.eye(DIMENSIONS, dtype=np.float32))
    items = np.arange(len(sides))
    return Texts(items, items, sides, axes, "by hand")


@cache
def text_bytes() -> bytes:
    """A model over the texts of both sides."""
    texts = texts_of_both_sides()
    weights = np.array([3.0]), np.array([2.0])
    return dump_text(TextModel(*weights, 0.75, item_ids=texts.item_ids, vectors=texts.vectors))


BYTES: Mapping[str, Callable[[], bytes]] = {
    "als": lambda: make_als_bytes([LEFT, RIGHT]),
    "two_tower": lambda: tower_bytes([[*LEFT, 12], [*RIGHT, 13]], facets={0: 0, 1: 1}),
    "transitions": lambda: fitted("transitions"),
    "ease": lambda: fitted("ease"),
    "sequence": lambda: fitted("sequence"),
    "item_knn": lambda: fitted("item_knn"),
    "content": lambda: fitted("content"),
    "text": text_bytes,
    "verdict": lambda: fitted("verdict"),
    "ranker": ranker_bytes,
}


def taste_of_facets(person: PersonState, values: Mapping[int, float]) -> PersonState:
    """The same person, who is believed to like these facets (id to score) of the first kind."""
    facet_ids = np.array(sorted(values), dtype=np.int64)
    scores = np.array([values[facet_id] for facet_id in sorted(values)])
    taste = Taste(
        facet_ids=facet_ids,
        kinds=np.zeros(len(facet_ids), dtype=np.uint8),
        scores=scores,
        values=scores,
        running=scores,
        names={facet_id: f"{KINDS[0]} {facet_id}" for facet_id in facet_ids.tolist()},
    )
    return replace(person, taste=replace(person.taste, taste=taste))
