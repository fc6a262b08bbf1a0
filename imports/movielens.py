"""Import of a MovieLens folder of any year, with TMDB metadata where there is some.

Three layouts: movies.csv and ratings.csv (latest, 20M, 25M, 32M), movies.dat and ratings.dat (1M, 10M), and
u.item and u.data (100k). Each file may be packed by gzip. A rating becomes `watched` on our scale of 0 to 10
at its time; 4 stars or more also a `like`, 2 or fewer also a `dislike`. Harper, Konstan: The MovieLens
Datasets, ACM TiiS 2015.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from core.progress import Progress
from core.values import (
    DESCRIPTION,
    FACET_NAMES,
    HAPPENED,
    OTHER_TITLE,
    TITLE,
    YEAR,
    YEARS,
    BadValue,
    Name,
    Number,
    Text,
    Whole,
    named,
)
from imports.cells import optional, required
from imports.interaction_merge import MergeCounts, merge_interactions
from imports.item_merge import ItemCounts, write_items
from imports.item_rows import ItemKey, ItemRow
from imports.reading import read_json_array, read_rows
from imports.rows import BadRow, BadRows, Columns, Notation, Row
from imports.slices import Slices, in_slices
from imports.sources import BrokenFile, count_lines
from imports.staged_interactions import STAGED_INTERACTIONS, StagedInteraction
from imports.staging import Staging, open_staging
from interactions.popularity import refresh_popularity

KIND = "movie"
LIKED_FROM, DISLIKED_TO = 4.0, 2.0
MAX_THEMES = 15
NO_GENRES = "(no genres listed)"
# Names under which other sources know the same genre.
GENRES = {
    "Sci-Fi": "Science Fiction",
    "Children": "Family",
    "Children's": "Family",
    "Film-Noir": "Film Noir",
}

_MOVIES = ("movieId", "title", "genres")
_RATINGS = ("userId", "movieId", "rating", "timestamp")
MOVIES = Columns.exactly(*_MOVIES)
RATINGS = Columns.exactly(*_RATINGS)
LINKS = Columns.exactly("movieId", "imdbId", "tmdbId")
# Of u.item, in its order, 1 where the film has it. The first is none.
FLAGS = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a folder, and how they are written."""

    movies: str
    ratings: str
    of_movies: Notation
    of_ratings: Notation


COMMAS = Notation(file_format="csv", delimiter=",")
LAYOUTS = (
    Layout("movies.csv", "ratings.csv", COMMAS, COMMAS),
    Layout(
        "movies.dat",
        "ratings.dat",
        Notation(file_format="csv", delimiter="::", header=_MOVIES, is_old=True),
        Notation(file_format="csv", delimiter="::", header=_RATINGS),
    ),
    Layout(
        "u.item",
        "u.data",
        Notation(
            file_format="csv",
            delimiter="|",
            header=("movieId", "title", "released", "released on video", "url", *FLAGS),
            is_old=True,
        ),
        Notation(file_format="csv", delimiter="\t", header=_RATINGS),
    ),
)

ID = Whole(0, 10**12)
STARS = Number(0.5, 5.0)
# Title, other title and year in one field.
FULL_TITLE = Name(2 * TITLE.max_length)
# Days since 1970.
DAY = Whole(*(date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal() for year in YEARS))
_YEAR = re.compile(r"(?P<title>.*\S)\s*\((?P<year>\d{4})(?:[-–]\d{0,4})?\)\Z")
_OTHER_TITLE = re.compile(r"(?P<title>.*\S)\s+\((?:a\.k\.a\. )?(?P<other>[^()]+)\)\Z")
_TRAILING_ARTICLE = re.compile(
    r"(?P<rest>.+), (?P<article>The|A|An|La|Le|Les|L'|Il|Lo|I|El|Los|Las|Un|Una|Une|Der|Die|Das|Den|Det|De)\Z"
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The outcome of the metadata file. `other_tmdb_id`: entries whose TMDB id is not that of links.csv."""

    entries: int = 0
    updated: int = 0
    unchanged: int = 0
    without_movie: int = 0
    other_tmdb_id: int = 0


@dataclass(frozen=True, slots=True)
class MovieLensSummary:
    """The outcome of `import_movielens`."""

    movies: dict[str, int]
    metadata: Metadata
    ratings: int
    interactions: MergeCounts
    bad_rows: int
    reports: tuple[BadRow, ...]


@dataclass(slots=True)
class _Run:
    """The shared state of the steps of one import."""

    folder: Path
    layout: Layout
    bad_rows: BadRows
    progress: Progress

    def rows(self, name: str, columns: Columns, notation: Notation) -> Iterator[Row]:
        path = _file(self.folder, name)
        for row in read_rows(path, columns=columns, bad_rows=self.bad_rows, notation=notation):
            self.progress.advance()
            yield row


def import_movielens(
    *,
    folder: Path,
    metadata: Path | None = None,
    max_errors: int = 0,
    progress: Progress | None = None,
) -> MovieLensSummary:
    """Imports films and ratings of a MovieLens folder, and of `metadata` what it says of those films.

    All or nothing, and running it again changes nothing. People are named `movielens-<userId>`.
    Raises BrokenFile, and ImportRefused when more than `max_errors` rows are bad.
    """
    bad_rows = BadRows(allowed=max_errors)
    run = _Run(folder, _layout_of(folder), bad_rows, progress or Progress(quiet=True))
    tmdb_ids = _read_links(run)
    with open_staging(STAGED_INTERACTIONS) as staging:
        ratings = _stage_ratings(run, staging)
        with in_slices() as slices:
            movies = write_items(_movies(run), slices=slices)
            described = Metadata() if metadata is None else _write_metadata(run, metadata, tmdb_ids, slices)
            interactions = merge_interactions(staging, run.layout.ratings, run.bad_rows, slices)
            refresh_popularity(now=timezone.now())
    return MovieLensSummary(
        movies={"created": movies.created, "updated": movies.updated, "unchanged": movies.unchanged},
        metadata=described,
        ratings=ratings,
        interactions=interactions,
        bad_rows=run.bad_rows.count,
        reports=tuple(run.bad_rows.reports),
    )


def count_rows(folder: Path) -> int:
    """About how many rows an import of `folder` reads, for a progress bar."""
    layout = _layout_of(folder)
    return sum(count_lines(_file(folder, name)) or 0 for name in (layout.movies, layout.ratings, "links.csv"))


def _layout_of(folder: Path) -> Layout:
    """The layout of the files that lie there. Raises BrokenFile."""
    if not folder.is_dir():
        raise BrokenFile(f"{folder} is not a folder. Name the unpacked MovieLens folder.")
    for layout in LAYOUTS:
        if _file(folder, layout.movies).exists() or _file(folder, layout.ratings).exists():
            return layout
    names = ", ".join(layout.movies for layout in LAYOUTS)
    raise BrokenFile(f"{folder} holds none of {names}. Name the unpacked MovieLens folder.")


def _file(folder: Path, name: str) -> Path:
    """The path of a file, or where only that is there of the same packed by gzip."""
    packed = folder / f"{name}.gz"
    return packed if packed.exists() and not (folder / name).exists() else folder / name


def split_title(text: str) -> tuple[str, str, int | None]:
    """Title, other title ("" for none) and year out of MovieLens' one field.

    "City of Lost Children, The (Cité des enfants perdus, La) (1995)" becomes "The City of Lost Children",
    "La Cité des enfants perdus" and 1995.
    """
    year = None
    if match := _YEAR.match(text.strip()):
        text, year = match["title"], int(match["year"])
    other = ""
    if match := _OTHER_TITLE.match(text.strip()):
        text, other = match["title"], _article_first(match["other"].strip())
    return _article_first(text.strip()), other, year


def _article_first(title: str) -> str:
    match = _TRAILING_ARTICLE.match(title)
    if match is None:
        return title
    return match["article"] + ("" if match["article"].endswith("'") else " ") + match["rest"]


def _movies(run: _Run) -> Iterator[ItemRow]:
    for row in run.rows(run.layout.movies, MOVIES, run.layout.of_movies):
        try:
            yield _movie(row)
        except BadValue as error:
            run.bad_rows.add(row.file, row.number, str(error))


def _movie(row: Row) -> ItemRow:
    full_title = required("title", FULL_TITLE, row.values["title"])
    title, other, year = split_title(full_title)
    listed = row.values["genres"] if "genres" in row.values else _flagged(row.values)
    genres = optional("genres", FACET_NAMES, "" if listed == NO_GENRES else listed) or ()
    return ItemRow(
        key=_movie_key("movieId", row.values["movieId"]),
        values={
            "title": named("title", TITLE, title),
            "original_title": named("title", OTHER_TITLE, other),
            "year": optional("year", YEAR, year),
        },
        facets={"genre": tuple(dict.fromkeys(GENRES.get(name, name) for name in genres))},
        size=row.size,
    )


def _flagged(values: Mapping[str, Any]) -> list[str]:
    """The genres of u.item."""
    return [name for name in FLAGS[1:] if values[name] == "1"]


def _movie_key(name: str, value: object) -> ItemKey:
    return ItemKey(KIND, str(required(name, ID, value)))


def _stage_ratings(run: _Run, staging: Staging[StagedInteraction]) -> int:
    """Stages the interactions that the ratings mean; returns the rows read."""
    count = 0
    for row in run.rows(run.layout.ratings, RATINGS, run.layout.of_ratings):
        count += 1
        try:
            for interaction in _meanings(row):
                staging.add(interaction)
        except BadValue as error:
            run.bad_rows.add(row.file, row.number, str(error))
    return count


def _meanings(row: Row) -> list[StagedInteraction]:
    stars = required("rating", STARS, row.values["rating"])
    username = f"movielens-{required('userId', ID, row.values['userId'])}"
    key = _movie_key("movieId", row.values["movieId"])
    moment = required("timestamp", HAPPENED, row.values["timestamp"])
    meanings: list[tuple[str, float | None]] = [("watched", stars * 2)]
    if stars >= LIKED_FROM:
        meanings.append(("like", None))
    elif stars <= DISLIKED_TO:
        meanings.append(("dislike", None))
    return [
        StagedInteraction(row.number, username, key.kind, key.external_id, type_name, rating, moment)
        for type_name, rating in meanings
    ]


def _read_links(run: _Run) -> dict[str, int]:
    """The TMDB id of each film that has one; empty where there is no links.csv. It is one number per film."""
    tmdb_ids: dict[str, int] = {}
    if not _file(run.folder, "links.csv").exists():
        return tmdb_ids
    for row in run.rows("links.csv", LINKS, COMMAS):
        try:
            key = _movie_key("movieId", row.values["movieId"])
            optional("imdbId", ID, row.values["imdbId"])
            tmdb_id = optional("tmdbId", ID, row.values["tmdbId"])
        except BadValue as error:
            run.bad_rows.add(row.file, row.number, str(error))
        else:
            if tmdb_id is not None:
                tmdb_ids[key.external_id] = tmdb_id
    return tmdb_ids


def _write_metadata(run: _Run, path: Path, tmdb_ids: Mapping[str, int], slices: Slices) -> Metadata:
    entries = other_ids = 0

    def rows() -> Iterator[ItemRow]:
        nonlocal entries, other_ids
        for row in read_json_array(path):
            entries += 1
            try:
                described = _described(row)
                known_id = tmdb_ids.get(described.key.external_id)
                tmdb_id = optional("tmdbId", ID, row.values.get("tmdbId"))
            except BadValue as error:
                run.bad_rows.add(row.file, row.number, str(error))
                continue
            if known_id is not None and tmdb_id not in (None, known_id):
                other_ids += 1
            yield described

    counts: ItemCounts = write_items(rows(), only_known=True, slices=slices)
    return Metadata(entries, counts.updated, counts.unchanged, counts.skipped, other_ids)


def _described(row: Row) -> ItemRow:
    """The content of an entry of the metadata; keys that we have no use for are ignored."""
    values = row.values
    key = _movie_key("id", values.get("id"))
    tags = [tag for tag in _list("tags", values.get("tags")) if _is_theme(tag)]
    return ItemRow(
        key=key,
        values={
            "description": optional("overview", DESCRIPTION, values.get("overview")) or "",
            "published_at": _midnight(optional("releaseDate", DAY, values.get("releaseDate"))),
        },
        facets={
            "director": _people("director", [values.get("director")]),
            "actor": _people("topActors", _list("topActors", values.get("topActors"))),
            "theme": named("tags", FACET_NAMES, tags)[:MAX_THEMES],
        },
        size=row.size,
    )


def _midnight(day: int | None) -> datetime | None:
    """The moment at which a day begins, given in days since 1970."""
    return None if day is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)


def _list(name: str, value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadValue(f"{name} must be a list")
    return value


def _is_theme(tag: object) -> bool:
    """Tags are what anyone typed; one that no facet could hold is left out rather than refused."""
    try:
        return bool(Text(FACET_NAMES.max_length)(tag))
    except BadValue:
        return False


def _people(name: str, entries: list[Any]) -> tuple[str, ...]:
    people = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries if entry]
    return named(name, FACET_NAMES, people)
