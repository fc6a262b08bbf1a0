"""Small builders of rows, so that a test names only what it is about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

import numpy as np
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Facet, Item, ItemFacet
from core.domain import TYPES
from curation.models import Rule
from interactions.models import UserInteraction
from ranking.models import ModelVersion
from ranking.recommenders.als.file import dump_als
from ranking.recommenders.als.model import AlsParameters, fit_als
from ranking.recommenders.ranker.file import dump_ranker
from ranking.recommenders.ranker.model import RankerParameters, fit_ranker
from ranking.recommenders.two_tower.file import dump_two_tower
from ranking.recommenders.two_tower.model import Dense, TwoTower
from ranking.registry.versions import activate_version, register_version
from ranking.statistics.events import Events
from tests.ranking.statistics.builders import lists_by

_numbers = count(1)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


# Types after which an item is not shown again.
EXCLUDING = tuple(row.name for row in TYPES.values() if row.excludes)


def new_user(username: str = "", **fields: object) -> User:
    """A row that is not written yet: `make_users` writes many at once."""
    user = User(username=username or f"person-{next(_numbers)}", **fields)
    user.set_unusable_password()
    return user


def make_user(username: str = "", **fields: object) -> User:
    user = new_user(username, **fields)
    user.save()
    return user


def make_users(how_many: int) -> list[User]:
    return User.objects.bulk_create([new_user() for _ in range(how_many)])


def allow(user: User, *codenames: str) -> None:
    """Gives a person these permissions."""
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def new_item(title: str = "", *, kind: str = "movie", **fields: Any) -> Item:
    """A row that is not written yet: `Item.objects.bulk_create` writes many at once."""
    number = next(_numbers)
    return Item(kind=kind, external_id=f"x{number}", title=title or f"Item {number}", **fields)


def make_item(title: str = "", *, kind: str = "movie", genres: Iterable[str] = (), **fields: Any) -> Item:
    item = new_item(title, kind=kind, **fields)
    item.save()
    if genres := list(genres):
        give_facets([(item, {"genre": genres})])
    return item


def make_items(how_many: int, *, genres: Iterable[str] = (), **fields: Any) -> list[Item]:
    items = Item.objects.bulk_create([new_item(**fields) for _ in range(how_many)])
    if genres := list(genres):
        give_facets([(item, {"genre": genres}) for item in items])
    return items


def give_facets(rows: Sequence[tuple[Item, Mapping[str, Sequence[str]]]]) -> None:
    """Gives items that were just made facets, by kind in the order of their billing.

    They have the date of now already, so that the query for it is spared.
    """
    named = [
        (item, kind, name, place)
        for item, facets in rows
        for kind, names in facets.items()
        for place, name in enumerate(names)
    ]
    found = Facet.objects.filter(kind__in={row[1] for row in named}, name__in={row[2] for row in named})
    known = {(facet.kind, facet.name): facet for facet in found}
    new = dict.fromkeys((kind, name) for _, kind, name, _ in named if (kind, name) not in known)
    for facet in Facet.objects.bulk_create([Facet(kind=kind, name=name) for kind, name in new]):
        known[facet.kind, facet.name] = facet
    ItemFacet._base_manager.bulk_create(
        [ItemFacet(item=item, facet=known[kind, name], billing=place) for item, kind, name, place in named]
    )


def make_interaction(
    user: User, item: Item, type_name: str = "like", *, day: float = 0.0, rating: float | None = None
) -> UserInteraction:
    interaction = new_interaction(user, item, type_name, day=day, rating=rating)
    interaction.save()
    return interaction


def new_interaction(
    user: User, item: Item, type_name: str = "like", *, day: float = 0.0, rating: float | None = None
) -> UserInteraction:
    """A row that is not written yet: `UserInteraction.objects.bulk_create` writes many at once."""
    return UserInteraction(
        user=user,
        item=item,
        type=type_name,
        weight=TYPES[type_name].training_weight(rating),
        rating=rating,
        occurred_at=EPOCH + timedelta(days=day),
    )


def make_als_bytes(item_groups: Iterable[Iterable[int]], *, seed: int = 0) -> bytes:
    """A model in which the items of a group go together: eight people per group like all of it."""
    users, items = [], []
    for number, group in enumerate(item_groups):
        for person in range(8):
            for item_id in group:
                users.append(100 * number + person)
                items.append(item_id)
    events = Events(
        user_ids=np.array(users),
        item_ids=np.array(items),
        weights=np.full(len(users), 2.0, dtype=np.float32),
        times=np.zeros(len(users)),
        relevant=np.ones(len(users), dtype=np.bool_),
    )
    parameters = AlsParameters(factors=4, regularization=1.0, alpha=5.0, iterations=10)
    return dump_als(fit_als(events, parameters, seed=seed, threads=1))


@cache
def ranker_bytes(feature: str = "recency_score", *, sign: int = 1, seed: int = 0) -> bytes:
    """A ranker that puts what has the highest `feature` first, or the lowest with `sign` -1."""
    parameters = RankerParameters(
        rounds=30, num_leaves=31, learning_rate=0.2, min_data_in_leaf=2, lambda_l2=0.1, feature_fraction=1.0
    )
    data = lists_by(feature, sign=sign, seed=seed, lists=400)
    return dump_ranker(fit_ranker(data, None, parameters, seed=seed, threads=1))


def tower_bytes(item_groups: Iterable[Iterable[int]], *, facets: Mapping[int, int] | None = None) -> bytes:
    """A two-tower model in which the items of a group go together; `facets` say to which group each leads."""
    group_of = {item_id: number for number, group in enumerate(item_groups) for item_id in group}
    groups = max(group_of.values()) + 1
    facets = facets or {}
    towards = np.eye(groups, dtype=np.float32)
    item_ids, facet_ids = sorted(group_of), sorted(facets)
    vectors = towards[[group_of[item_id] for item_id in item_ids]]
    layer = np.concatenate([towards, towards, np.zeros((2, groups), dtype=np.float32)])
    return dump_two_tower(
        TwoTower(
            item_ids=np.array(item_ids),
            item_vectors=vectors,
            item_biases=np.zeros(len(item_ids), dtype=np.float32),
            history_ids=np.array(item_ids),
            history_vectors=vectors,
            facet_ids=np.array(facet_ids, dtype=np.int64),
            facet_vectors=towards[[facets[facet_id] for facet_id in facet_ids]].reshape(-1, groups),
            hidden=Dense(layer, np.zeros(groups, dtype=np.float32)),
            output=Dense(towards, np.zeros(groups, dtype=np.float32)),
        )
    )


def make_version(data: bytes, *, use_case: str = "movie_home", kind: str = "als") -> ModelVersion:
    return register_version(
        kind=kind,
        use_case=use_case,
        data=data,
        dataset_manifest={},
        hyper_parameters={},
        metrics={},
        why="made by a test",
    )


def make_active_als(
    item_groups: Iterable[Iterable[int]], *, use_case: str = "movie_home", seed: int = 0
) -> ModelVersion:
    version = make_version(make_als_bytes(item_groups, seed=seed), use_case=use_case)
    return activate_version(version=version, why="made by a test")


def active_tower(
    item_groups: Iterable[Iterable[int]],
    *,
    facets: Mapping[int, int] | None = None,
    use_case: str = "movie_home",
) -> ModelVersion:
    version = make_version(tower_bytes(item_groups, facets=facets), use_case=use_case, kind="two_tower")
    return activate_version(version=version, why="made by a test")


def active_ranker(
    feature: str = "recency_score", *, use_case: str = "movie_home", sign: int = 1, seed: int = 0
) -> ModelVersion:
    data = ranker_bytes(feature, sign=sign, seed=seed)
    version = make_version(data, use_case=use_case, kind="ranker")
    return activate_version(version=version, why="made by a test")


def app_client(name: str = "films-site") -> APIClient:
    """A client with the token of an app, which may act for others."""
    token = issue_service_token(user=make_user(name), may_act_for_others=True)
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def make_rule(kind: str, *, item: Item | None = None, **fields: object) -> Rule:
    """A rule of staff for everybody from now on; about an item, or about what `fields` say."""
    about = {"about": Rule.About.ITEM, "item": item} if item else {}
    if "facet_name" in fields:
        about = {"about": Rule.About.FACET, "facet_kind": "genre"}
    return Rule.objects.create(**{"kind": kind, "begins_at": EPOCH, **about, **fields})
