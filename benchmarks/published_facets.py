"""The facets of the items of the public sets, as a catalog has them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from core.arrays import Doubles, Ints
from core.domain import NUMBERS
from ranking.item_content import GROUPS, ItemContent
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand

Facet = tuple[int, str, str]
"""An item id, the group of a facet, and its name."""

# The columns of shown-lists/items.csv.
_COLUMNS = {"genres": "genre", "themes": "theme", "actors": "people", "directors": "people"}


def catalog_of(
    item_ids: Ints, facets: Iterator[Facet] | None = None, runtimes: Doubles | None = None
) -> CatalogSnapshot:
    """A catalog of items (n,), sorted, with these facets and runtimes (n,); facets of others are left out."""
    rows, names = [], []
    row_of = {item: row for row, item in enumerate(item_ids.tolist())}
    for item, group, name in facets or ():
        if item in row_of:
            rows.append(row_of[item])
            names.append(f"{GROUPS.index(group)} {name}")
    known, columns = np.unique(np.array(names, dtype=str), return_inverse=True)
    matrix = csr_matrix(
        (np.ones(len(rows)), (np.array(rows, dtype=np.intp), columns)), shape=(len(item_ids), len(known))
    )
    groups = np.array([int(name.split(" ")[0]) for name in known.tolist()], dtype=np.int64)
    numbers = np.full((len(item_ids), len(NUMBERS)), np.nan)
    if runtimes is not None:
        numbers[:, NUMBERS.index("runtime")] = runtimes
    content = ItemContent(item_ids, np.zeros(len(item_ids)), matrix, groups, numbers)
    nobody = np.zeros(len(item_ids))
    demand = ItemDemand.from_counts(nobody, nobody, nobody)
    return CatalogSnapshot.build(content, demand, np.arange(len(known)))


def attributes_of(path: Path) -> Iterator[Facet]:
    """The facets in a JSON file of item id → attribute ids, of which nothing more is known."""
    for item, attributes in json.loads(path.read_text("utf-8")).items():
        for one in attributes:
            yield int(item), "other", str(one)


def facets_of_lists(folder: Path) -> Iterator[Facet]:
    """Genres, themes, actors and directors of the films of shown-lists; nothing without its items.csv."""
    path = folder / "shown-lists" / "items.csv"
    if not path.exists():
        return
    items = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column, group in _COLUMNS.items():
        for item, names in zip(items["external_id"], items[column], strict=True):
            for name in filter(None, names.split("|")):
                yield int(item), group, f"{column} {name}"


def facets_of_movielens(folder: Path) -> Iterator[Facet]:
    """Genres of MovieLens, and of the films that TMDB's file has also tags, director and main actors."""
    movies = pd.read_csv(folder / "ml-latest-small" / "movies.csv")
    for item, genres in zip(movies["movieId"].tolist(), movies["genres"].tolist(), strict=True):
        for genre in genres.split("|"):
            yield item, "genre", genre
    path = folder / "tmdb-metadata" / "movies_tmdb.json"
    if not path.exists():
        return
    for movie in json.loads(path.read_text("utf-8")):
        item = int(movie["id"])
        for name in movie["tags"] or ():
            yield item, "theme", str(name)
        for person in [*(movie["topActors"] or ()), *filter(None, [movie["director"]])]:
            yield item, "people", str(person["id"])
