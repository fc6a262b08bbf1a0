"""The state of a request without a database: a bare catalogue, and a person of whom nothing is known."""

from collections.abc import Sequence

import numpy as np

from core.arrays import Floats
from ranking.live import Live
from ranking.recommenders.als.model import AlsModel
from ranking.registry.loading import Loaded, LoadedModels
from ranking.snapshot import Catalogue
from ranking.sources import UserState
from ranking.statistics.demand import ItemDemand
from tests.ranking.statistics.builders import make_content


def bare_live(item_ids: Sequence[int], als: AlsModel | None = None) -> Live:
    """Items without facets, dates or demand."""
    content = make_content([()] * len(item_ids), groups=[], item_ids=item_ids)
    nothing = np.zeros(len(item_ids))
    demand = ItemDemand.from_counts(nothing, nothing, nothing)
    models = LoadedModels() if als is None else LoadedModels(als=Loaded(1, "als-movie_home-1", als))
    return Live.of(Catalogue.build(content, demand, np.empty(0, dtype=np.int64)), models)


def stranger(excluded: Sequence[int] = (), als_user: Floats | None = None) -> UserState:
    """Somebody without a history."""
    return UserState(
        user_id=1,
        item_ids=np.empty(0, dtype=np.int64),
        weights=np.empty(0, dtype=np.float32),
        last_types=(),
        excluded=np.array(excluded, dtype=np.int64),
        held_back={},
        als_user=als_user,
    )
