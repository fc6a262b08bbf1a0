"""The files in which other services give people what they watched and rated there: a row for each of them.

A format is known by the columns that it has, and by a part of its name where several have the same ones.
Objects of JSON have columns too: those of an object inside one are named `movie.title`.
"""

from dataclasses import dataclass

# What a row says, as the word in the address of the action.
WATCHED, WATCHLIST, LIKE = "watched", "watchlist", "like"


@dataclass(frozen=True, slots=True)
class HistoryFormat:
    """One sort of file. Of the columns that may hold the same thing the first that is not empty counts.

    name        of the service, and of what it has in such a file
    columns     those that tell it from the others; all of its rows have them
    title, year, on   columns of the title, of the year, and of the moment
    original    columns of the title in its own language
    ids         columns of ids that a catalog may have, too
    rating      the column of the rating, from 0 to `out_of`; "" for none
    part_of     where one of these columns is filled the row, and its rating, is about a part of the title
    skipped     rows that have something in this column were not watched
    episodes    titles may go on with the season and the episode, behind colons
    file        a part of the name of the file, where columns do not tell it from others
    """

    name: str
    columns: frozenset[str]
    title: tuple[str, ...]
    on: tuple[str, ...]
    year: tuple[str, ...] = ()
    original: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    rating: str = ""
    out_of: float = 10.0
    part_of: tuple[str, ...] = ()
    skipped: str = ""
    episodes: bool = False
    file: str = ""
    action: str = WATCHED


_LETTERBOXD = frozenset({"Date", "Name", "Year", "Letterboxd URI"})
_TRAKT_TITLE = ("movie.title", "show.title")
_TRAKT_YEAR = ("movie.year", "show.year")
_TRAKT_IDS = ("movie.ids.imdb", "show.ids.imdb")
_TRAKT_PARTS = ("episode.number", "season.number")

# The first that fits counts: what asks for more columns, or for a name, stands before what asks for less.
FORMATS: tuple[HistoryFormat, ...] = (
    HistoryFormat(
        "Letterboxd diary",
        _LETTERBOXD | {"Rating", "Watched Date"},
        title=("Name",),
        year=("Year",),
        rating="Rating",
        out_of=5.0,
        on=("Watched Date", "Date"),
    ),
    HistoryFormat(
        "Letterboxd ratings",
        _LETTERBOXD | {"Rating"},
        title=("Name",),
        year=("Year",),
        rating="Rating",
        out_of=5.0,
        on=("Date",),
    ),
    HistoryFormat(
        "Letterboxd watchlist",
        _LETTERBOXD,
        title=("Name",),
        year=("Year",),
        on=("Date",),
        file="watchlist",
        action=WATCHLIST,
    ),
    HistoryFormat(
        "Letterboxd likes",
        _LETTERBOXD,
        title=("Name",),
        year=("Year",),
        on=("Date",),
        file="films",
        action=LIKE,
    ),
    HistoryFormat("Letterboxd films watched", _LETTERBOXD, title=("Name",), year=("Year",), on=("Date",)),
    HistoryFormat(
        "IMDb ratings",
        frozenset({"Const", "Your Rating", "Title", "Year", "Date Rated"}),
        title=("Title",),
        original=("Original Title",),
        year=("Year",),
        ids=("Const",),
        rating="Your Rating",
        on=("Date Rated",),
    ),
    HistoryFormat(
        "Trakt ratings",
        frozenset({"rated_at", "rating"}),
        title=_TRAKT_TITLE,
        year=_TRAKT_YEAR,
        ids=_TRAKT_IDS,
        rating="rating",
        part_of=_TRAKT_PARTS,
        on=("rated_at",),
    ),
    HistoryFormat(
        "Trakt history",
        frozenset({"watched_at"}),
        title=_TRAKT_TITLE,
        year=_TRAKT_YEAR,
        ids=_TRAKT_IDS,
        on=("watched_at",),
    ),
    HistoryFormat(
        "Trakt titles watched",
        frozenset({"plays", "last_watched_at"}),
        title=_TRAKT_TITLE,
        year=_TRAKT_YEAR,
        ids=_TRAKT_IDS,
        on=("last_watched_at",),
    ),
    HistoryFormat(
        "Trakt watchlist",
        frozenset({"listed_at"}),
        title=_TRAKT_TITLE,
        year=_TRAKT_YEAR,
        ids=_TRAKT_IDS,
        on=("listed_at",),
        action=WATCHLIST,
    ),
    HistoryFormat(
        "Netflix viewing activity",
        frozenset({"Profile Name", "Start Time", "Title", "Supplemental Video Type"}),
        title=("Title",),
        on=("Start Time",),
        skipped="Supplemental Video Type",
        episodes=True,
    ),
    HistoryFormat(
        "Netflix viewing history",
        frozenset({"Title", "Date"}),
        title=("Title",),
        on=("Date",),
        episodes=True,
    ),
)
