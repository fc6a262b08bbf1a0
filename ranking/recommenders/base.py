"""The protocol of every recommender, all that serving, evaluation, the gate and the commands know of a kind.

A kind is one folder, and its name in `ranking.kinds`:

    model.py        mathematics over arrays: no Django, no clock, no settings
    file.py         its file, by `ranking.recommenders.artifact`      (where it is trained)
    train.py        TRAINER: fitting it, and its hyper-parameters     (where it is trained)
    recommender.py  KIND: the recommender in service, and how people are told of it

tests/ranking/recommenders/test_contract.py tries every kind of the registry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from core.arrays import Doubles, Floats, Ints
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.tensors import FileData
from ranking.snapshot import CatalogSnapshot

Representation = TypeVar("Representation")


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """The items that one recommender brings.

    item_ids  (n,) best first, none twice
    scores    (n,) in [0, 1], falling
    """

    item_ids: Ints
    scores: Doubles

    def first(self, limit: int) -> "Retrieved":
        """The best `limit` of them, by themselves: who keeps them does not keep the others."""
        return Retrieved(self.item_ids[:limit].copy(), self.scores[:limit].copy())


NOTHING = Retrieved(np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(frozen=True, slots=True)
class Anybody:
    """The representation of a person by recommenders that treat everybody alike."""


ANYBODY = Anybody()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The part of a person's history or taste that speaks most for an item.

    item_id   the item of the history, None where it is the taste
    facets    (kind, name) of what they like about it, strongest first
    strength  above 0, comparable within one recommender
    """

    item_id: int | None = None
    facets: tuple[tuple[str, str], ...] = ()
    strength: float = 1.0


class Recommender(Protocol[Representation]):
    """One way of bringing and scoring items, over one catalog. Never changes, never trains.

    Scores are in [0, 1]. Those of trained kinds are calibrated: the probability that the person likes the
    item rather than another that people like.
    """

    def represent(self, person: PersonState) -> Representation | None:
        """The person as this recommender sees them, once a request; None where it knows nothing of them."""
        ...

    def retrieve(self, representation: Representation, limit: int, barred: Barred) -> Retrieved:
        """At most `limit` items of the catalog, none of them barred."""
        ...

    def score(self, representation: Representation, item_ids: Ints) -> Doubles:
        """The score of each item (n,), NaN where it has none."""
        ...

    def floor(self, representation: Representation) -> float:
        """A lower bound of the scores above 0 that it has for this person, in (0, 1]."""
        ...

    def explain(self, representation: Representation, item_ids: Ints) -> list[Evidence | None]:
        """The evidence for each item (n,), None where it can name none."""
        ...

    def evidence(self, item_ids: Ints) -> Doubles:
        """The trust that a likeness of each item deserves, (n,) from 0 (hardly anybody met it) to 1."""
        ...

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        """The likeness of each item to each of the others, (n, m) in [-1, 1]; NaN where it cannot tell."""
        ...


class Judging(Recommender[Representation], Protocol[Representation]):
    """A recommender of a kind that `judges`."""

    def refusal(self, representation: Representation, item_ids: Ints) -> Doubles:
        """The chance that the person turns each item down once they look at it, (n,); NaN where unknown."""
        ...


class PoolRanker(Protocol):
    """A kind that orders a pool by the features of its items, whoever brought them."""

    def probabilities(self, features: Floats) -> Doubles:
        """The score of each row of features (n, f), (n,) in [0, 1]."""
        ...

    def cells(self, values: Floats, columns: Sequence[int]) -> Ints:
        """(n, k) what the ranker tells apart of values (n, k) of features: equal cells, equal scores."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as the product knows it.

    name      in heed.toml, in labels of versions, and as the `source` of a slot
    label     for people
    method    the name that lists and slots carry which it made
    why       the sentence for a slot where nothing better is known
    build     (model, catalog) → its Recommender, or for an orderer its PoolRanker; model is None
              for a kind that is not trained
    load      parses a file of which the hash was checked; None for a kind that is not trained
    sizes     (model) → the hyper-parameters that its arrays show: a file of other sizes is not the version's
    orders    it orders the pool instead of bringing items
    judges    it tells how likely an item is turned down (`Judging`), which lowers base scores
    trust     its weight beside other trained kinds in the joint score, by how many items a person approved
    evidence_for_all  its evidence holds for items that other, untrained kinds brought
    is_taste  what it brings is bent towards the person's taste profile
    without   what is said when its last version is taken out of service; "" where that is not allowed
    """

    name: str
    label: str
    method: str
    why: str
    build: Callable[[Any, CatalogSnapshot], Any]
    load: Callable[[FileData], Any] | None = None
    sizes: Callable[[Any], Mapping[str, int]] = lambda model: {}
    orders: bool = False
    judges: bool = False
    trust: Callable[[int], float] = lambda approved: 0.5
    evidence_for_all: bool = False
    is_taste: bool = False
    without: str = ""

    @property
    def is_trained(self) -> bool:
        """True where there is a model to train, register and activate."""
        return self.load is not None
