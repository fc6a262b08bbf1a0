"""A small catalog of two tastes, a person who can log in, and a model that tells the tastes apart."""

from collections.abc import Callable

import numpy as np
import pytest
from django.conf import LazySettings

from accounts.models import User
from catalog.models import Item
from interactions.popularity import refresh_popularity
from interactions.services import Wanted, record_interactions
from ranking.recommenders.als.file import dump_als
from ranking.recommenders.als.model import AlsModel, gram_matrix
from ranking.registry.versions import activate_version
from tests import factories

MakeItem = Callable[..., Item]
PASSWORD = "correct horse 7"


@pytest.fixture(autouse=True)
def _static_files_as_they_are(settings: LazySettings) -> None:
    storages = {**settings.STORAGES}
    storages["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = storages


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD)


@pytest.fixture
def make_item(db: None) -> MakeItem:
    """Makes items; facets by keyword, such as `genre=["Drama"]`."""

    def make(title: str, **fields: object) -> Item:
        facets = {name: fields.pop(name) for name in ("genre", "actor", "theme") if name in fields}
        item = factories.make_item(title, **fields)  # type: ignore[arg-type]
        if facets:
            factories.give_facets([(item, facets)])  # type: ignore[list-item]
        return item

    return make


@pytest.fixture
def two_tastes(db: None) -> dict[str, list[Item]]:
    """Thirty films: half of them science fiction, half of them romance, equally popular."""
    films = {
        genre: [factories.new_item(f"{name} {number}", year=1980 + number) for number in range(15)]
        for genre, name in (("Science Fiction", "Orbit"), ("Romance", "Letter"))
    }
    Item.objects.bulk_create([film for one in films.values() for film in one])
    factories.give_facets([(film, {"genre": [genre]}) for genre, one in films.items() for film in one])
    fan = User.objects.create(username="demo-person-1", is_synthetic=True)
    likes = [Wanted(film.pk, "like") for film in films["Science Fiction"] + films["Romance"]]
    record_interactions(user_id=fan.pk, wanted=likes)
    refresh_popularity(use_case="movie_home")
    return films


@pytest.fixture
def taste_model(two_tastes: dict[str, list[Item]]) -> None:
    """An active model whose first factor is science fiction and whose second is romance."""
    factors = {
        film.pk: (1.0 - number / 100, 0.0) if genre == "Science Fiction" else (0.0, 1.0 - number / 100)
        for genre, films in two_tastes.items()
        for number, film in enumerate(films)
    }
    item_ids = sorted(factors)
    item_factors = np.array([factors[item_id] for item_id in item_ids], dtype=np.float32)
    model = AlsModel(
        item_ids=np.array(item_ids, dtype=np.int64),
        item_factors=item_factors,
        gram=gram_matrix(item_factors),
        regularization=0.1,
        alpha=40.0,
        negative_scale=1.0,
    )
    activate_version(version=factories.make_version(dump_als(model)), why="made by hand for a test")
