"""A request without a database: a bare catalog, and a person of whom nothing is known."""

from collections.abc import Sequence

import numpy as np

from core.domain import USE_CASES
from ranking.context import ScoringContext
from ranking.person import PersonState, build_person
from ranking.recommenders.als.model import AlsModel
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.request import RankingRequest
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from tests.ranking.statistics.builders import make_content


def bare_context(item_ids: Sequence[int], als: AlsModel | None = None) -> ScoringContext:
    """Items without facets, dates or demand."""
    content = make_content([()] * len(item_ids), groups=[], item_ids=item_ids)
    nothing = np.zeros(len(item_ids))
    demand = ItemDemand.from_counts(nothing, nothing, nothing)
    models = ModelSet() if als is None else ModelSet({"als": LoadedModel(1, "als-movie_home-1", als)})
    catalog = CatalogSnapshot.build(content, demand, np.empty(0, dtype=np.int64))
    return ScoringContext.of(USE_CASES["movie_home"], catalog, models)


def person_with(
    history: Sequence[tuple[int, float]] = (), *, excluded: Sequence[int] = (), user_id: int = 1
) -> PersonState:
    """Somebody with these (item, weight) events, oldest first."""
    return build_person(
        user_id=user_id,
        item_ids=np.array([item for item, _ in history], dtype=np.int64),
        weights=np.array([weight for _, weight in history], dtype=np.float64),
        excluded=list(excluded),
    )


def stranger(excluded: Sequence[int] = ()) -> PersonState:
    """Somebody without a history."""
    return person_with(excluded=excluded)


def request_of(person: PersonState, context: ScoringContext, now: float = 0.0) -> RankingRequest:
    """The request of a person at the beginning of 1970."""
    return RankingRequest.of(person, context, now)
