"""A log with something of everything, and the datasets that are made from it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow.parquet as pq
from django.utils import timezone

from core.arrow import pa
from core.domain import TYPES, USE_CASES
from core.progress import Progress
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction, withdraw_state
from ranking.datasets.engine import Engine
from ranking.datasets.event_log import GeneratedDataset, generate_als_dataset
from ranking.datasets.manifest import DATA
from ranking.datasets.ranker import generate_ranker_dataset
from ranking.features import FEATURE_SET, FEATURES
from ranking.recommenders.two_tower.dataset.generate import generate_two_tower_dataset
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_interaction, make_item, make_user

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)


def make_log() -> None:
    """Nine people, two of them new: films and a drama, what they took back, and lists at equal moments."""
    rng = np.random.default_rng(7)
    films = [make_item(genres=[("Crime", "Comedy", "Western")[number % 3]]) for number in range(12)]
    drama = make_item(kind="drama", genres=["Crime"])
    for number in range(9):
        person = make_user(date_joined=timezone.now() if number > 6 else EPOCH)
        make_interaction(person, drama, "like", day=3.0)
        drawn = rng.permutation(len(films)).tolist()
        for place, film in enumerate(drawn[:8]):
            name = ("like", "view", "click", "favorite")[place % 4]
            make_interaction(person, films[film], name, day=float(place // 2))
        disliked = films[drawn[8]]
        at = EPOCH + timedelta(days=6)
        save_dislike(user_id=person.pk, item=disliked, reason="wrong_genre", occurred_at=at)
        record_interaction(user_id=person.pk, item_id=films[drawn[9]].pk, type_name="watchlist_add")
        withdraw_state(user_id=person.pk, item_id=films[drawn[9]].pk, type_name="watchlist_add")
        for name, day in (("view", 8), ("click", 8), ("watched", 9 + number % 2)):
            shown = [films[film] for film in drawn[2:6]]
            moment = EPOCH + timedelta(days=day)
            session = RecommendationSession.objects.create(
                user=person,
                use_case="movie_home",
                method="als",
                recommendations_shown=[
                    {"item_id": item.pk, "rank": rank, "score": 0.9, "method": "als", "propensity": 0.95}
                    for rank, item in enumerate(shown, 1)
                ],
                features=rng.random(len(shown) * len(FEATURES)).astype("<f4").tobytes(),
                feature_set=FEATURE_SET,
                seen_rank=number % 4,
                created_at=moment,
            )
            UserInteraction.objects.create(
                user=person,
                item=shown[number % 4],
                type=name,
                weight=TYPES[name].training_weight(None),
                occurred_at=moment + timedelta(minutes=1),
                recommendation_session=session,
                recommendation_rank=1 + number % 4,
            )


class Generate(Protocol):
    """Makes a dataset of the films by an engine."""

    def __call__(self, engine: Engine, now: datetime) -> GeneratedDataset: ...


def als(engine: Engine, now: datetime) -> GeneratedDataset:
    return generate_als_dataset(use_case=MOVIES, progress=QUIET, now=now, engine=engine)


def ranker(engine: Engine, now: datetime) -> GeneratedDataset:
    return generate_ranker_dataset(use_case=MOVIES, progress=QUIET, now=now, engine=engine)


def two_tower(engine: Engine, now: datetime) -> GeneratedDataset:
    return generate_two_tower_dataset(use_case=MOVIES, seed=3, progress=QUIET, now=now, engine=engine)


GENERATED: tuple[Generate, ...] = (als, ranker, two_tower)


def table_of(dataset: GeneratedDataset) -> pa.Table:
    """The rows, without dictionaries: each group of rows may number its words in its own way."""
    table = pq.read_table(Path(dataset.folder) / DATA)
    plain = [
        pa.field(one.name, one.type.value_type) if pa.types.is_dictionary(one.type) else one
        for one in table.schema
    ]
    return table.cast(pa.schema(plain)).combine_chunks()
