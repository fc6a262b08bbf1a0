"""Files of one's own history from other services: what is read of each, and what is refused."""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from imports.history_files import MOST_ROWS, MOST_TITLES, Entry, read_history_file
from imports.history_formats import FORMATS, LIKE, WATCHED, WATCHLIST
from imports.sources import BrokenFile

LETTERBOXD = "Date,Name,Year,Letterboxd URI"


def read(text: str, name: str = "file.csv") -> list[Entry]:
    return list(read_history_file(text.encode(), name).entries)


def at(day: str, second: int = 0) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, second=second, tzinfo=UTC)


class TestFormats:
    def test_the_ratings_of_letterboxd(self) -> None:
        found = read(f"{LETTERBOXD},Rating\n2021-05-03,Heat,1995,https://boxd.it/2a,4.5\n")
        assert found == [Entry(("Heat",), 1995, 9.0, at("2021-05-03", 1))]

    def test_the_diary_of_letterboxd_counts_the_day_of_watching_and_the_last_rating(self) -> None:
        head = f"{LETTERBOXD},Rating,Rewatch,Tags,Watched Date"
        found = read(
            f"{head}\n2021-05-03,Heat,1995,x,4.5,,,2021-05-01\n2022-01-03,Heat,1995,x,3,Yes,,2022-01-02\n"
            "2023-01-03,Heat,1995,x,,Yes,,2023-01-02\n2020-02-02,Ran,1985,x,,,,2020-02-01\n"
        )
        assert found == [
            Entry(("Heat",), 1995, 6.0, at("2022-01-02", 1)),
            Entry(("Ran",), 1985, None, at("2020-02-01")),
        ]

    @pytest.mark.parametrize(
        ("name", "action"),
        [("watched.csv", WATCHED), ("watchlist.csv", WATCHLIST), ("films.csv", LIKE), ("mine.csv", WATCHED)],
    )
    def test_the_name_tells_what_the_columns_of_letterboxd_do_not(self, name: str, action: str) -> None:
        file = read_history_file(f"{LETTERBOXD}\n2021-05-03,Heat,1995,x\n".encode(), name)
        assert file.format.action == action
        assert file.entries == (Entry(("Heat",), 1995, None, at("2021-05-03")),)

    def test_the_ratings_of_imdb_bring_ids_and_the_original_title(self) -> None:
        head = (
            "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year"
        )
        row = "tt6751668,9,2020-02-10,Parasite,Gisaengchung,https://x,Movie,8.5,132,2019"
        assert read(f"{head}\n{row}\n") == [
            Entry(("Parasite", "Gisaengchung"), 2019, 9.0, at("2020-02-10", 1), ids=("tt6751668",))
        ]

    def test_the_history_of_trakt_has_one_entry_for_all_episodes_of_a_series(self) -> None:
        show = {"title": "Dark", "year": 2017, "ids": {"trakt": 1, "imdb": "tt5753856"}}
        rows = [
            {"watched_at": f"2020-0{month}-01T20:00:00.000Z", "type": "episode", "show": show, "episode": {}}
            for month in (3, 1)
        ]
        movie = {"title": "Heat", "year": 1995, "ids": {"imdb": "tt0113277"}}
        rows.append({"watched_at": "2019-01-01T10:00:00+02:00", "type": "movie", "movie": movie})
        assert read(json.dumps(rows), "history.json") == [
            Entry(("Dark",), 2017, None, datetime(2020, 3, 1, 20, tzinfo=UTC), ids=("tt5753856",)),
            Entry(("Heat",), 1995, None, datetime(2019, 1, 1, 8, tzinfo=UTC), ids=("tt0113277",)),
        ]

    def test_the_rating_of_an_episode_on_trakt_is_none_of_its_series(self) -> None:
        show = {"title": "Dark", "year": 2017, "ids": {}}
        moment = "2020-03-01T20:00:00.000Z"
        rows: list[dict[str, object]] = [
            {"rated_at": moment, "rating": 2, "type": "episode", "show": show, "episode": {"number": 3}},
            {"rated_at": moment, "rating": 3, "type": "season", "show": show, "season": {"number": 1}},
        ]
        assert [entry.rating for entry in read(json.dumps(rows), "x.json")] == [None]
        rows.append({"rated_at": moment, "rating": 8, "type": "show", "show": show})
        assert [entry.rating for entry in read(json.dumps(rows), "x.json")] == [8.0]

    @pytest.mark.parametrize(
        ("title", "names", "shortened"),
        [
            ("Dark: Season 1: Secrets", ("Dark",), ()),
            ("Dark: Staffel 2: Anfang", ("Dark",), ()),
            ("The Queen's Gambit: Limited Series: Openings", ("The Queen's Gambit",), ()),
            ("Star Wars: The Clone Wars: Season 2: X: Y", ("Star Wars: The Clone Wars",), ("Star Wars",)),
            ("Stranger Things: Stranger Things 4: Papa", None, ("Stranger Things: Stranger Things 4", None)),
            ("Mission: Impossible", ("Mission: Impossible",), ("Mission",)),
            ("Heat", ("Heat",), ()),
        ],
    )
    def test_a_title_of_netflix_without_season_and_episode(
        self, title: str, names: tuple[str, ...] | None, shortened: tuple[str | None, ...]
    ) -> None:
        (entry,) = read(f'Title,Date\n"{title}","12/31/22"\n')
        if names is None:
            assert entry.names == (title,)
            assert entry.shortened == (shortened[0], "Stranger Things")
        else:
            assert (entry.names, entry.shortened) == (names, shortened)
        assert entry.occurred_at == at("2022-12-31")

    @pytest.mark.parametrize(
        ("dates", "first"),
        [
            (["2/1/23", "12/31/22"], "2023-02-01"),
            (["2/1/23", "31/12/22"], "2023-01-02"),
            (["2.1.23"], "2023-01-02"),
            (["2023-01-02"], "2023-01-02"),
            (["02/01/2023", "25/01/2023"], "2023-01-02"),
        ],
    )
    def test_a_date_is_read_as_all_of_the_file_can_be(self, dates: list[str], first: str) -> None:
        rows = "".join(f'"Film {number}","{date}"\n' for number, date in enumerate(dates))
        assert read(f"Title,Date\n{rows}")[0].occurred_at == at(first)

    def test_the_viewing_activity_of_netflix_leaves_trailers_out(self) -> None:
        head = "Profile Name,Start Time,Duration,Attributes,Title,Supplemental Video Type,Device Type"
        found = read(
            f"{head}\nAnn,2022-12-31 20:15:01,01:40:00,,Roma,,TV\n"
            "Ann,2022-12-30 20:15:01,00:01:00,,Up,TRAILER,TV\n"
        )
        assert found == [Entry(("Roma",), None, None, datetime(2022, 12, 31, 20, 15, 1, tzinfo=UTC))]

    def test_every_format_is_found_before_one_that_asks_for_less(self) -> None:
        for place, form in enumerate(FORMATS):
            for before in FORMATS[:place]:
                assert not before.columns <= form.columns or before.file, (before.name, form.name)

    def test_today_is_not_in_the_future(self) -> None:
        today = timezone.now()
        (entry,) = read(f"{LETTERBOXD}\n{today + timedelta(hours=14):%Y-%m-%d},Heat,1995,x\n")
        assert entry.occurred_at is not None
        assert entry.occurred_at <= timezone.now()


class TestBadRows:
    @pytest.mark.parametrize(
        "row",
        [
            "2021-05-03,,1995,x,4",
            f"2021-05-03,{'x' * 301},1995,x,4",
            "2021-05-03,Ran,19x5,x,4",
            "2021-05-03,Ran,1985,x,5.5",
            "2021-05-03,Ran,1985,x,-1",
            "2021-05-03,Ran,1985,x,nan",
            "2021-13-03,Ran,1985,x,4",
            "2999-01-01,Ran,1985,x,4",
            "0001-01-01,Ran,1985,x,4",
            "1900-01-01,Ran,1985,x,4",
            "soon,Ran,1985,x,4",
            "9999-12-31T23:59:59-14:00,Ran,1985,x,4",
        ],
    )
    def test_a_bad_row_is_counted_and_left_out(self, row: str) -> None:
        file = read_history_file(f"{LETTERBOXD},Rating\n{row}\n2021-05-03,Heat,1995,x,4\n".encode(), "x.csv")
        assert [entry.title for entry in file.entries] == ["Heat"]
        assert file.bad_rows == 1

    def test_what_no_database_can_store_is_no_title(self) -> None:
        titles = ["\ud800", "a\0b"]
        rows = [
            {"watched_at": "2020-01-01T00:00:00Z", "movie": {"title": one, "year": 1, "ids": {"imdb": one}}}
            for one in titles
        ]
        with pytest.raises(BrokenFile, match="no title that could be read"):
            read(json.dumps(rows), "x.json")

    def test_html_and_formulas_are_titles_like_any_other(self) -> None:
        found = read(f"{LETTERBOXD}\n2021-05-03,=cmd|' /C calc'!A0,1995,x\n2021-05-03,<b>Up</b>,1995,x\n")
        assert [entry.title for entry in found] == ["=cmd|' /C calc'!A0", "<b>Up</b>"]


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ratings.csv", "0" * 10_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n1,2\n", "none of the files"),
        (b"[]", "none of the files"),
        (b"[1]", "no list of titles"),
        (b'{"a": 1}', "no list of titles"),
        (b'[{"watched_at": 1, "watched_at": 2}]', "not valid JSON"),
        (b'[{"watched_at": NaN}]', "not valid JSON"),
        (b'[{"watched_at": ' + b"9" * 5_000 + b"}]", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'[{"watched_at": 1e999, "movie": {"title": "x"}}]', "no title that could be read"),
        (b"Title,Date\n", "no title that could be read"),
        (b'Title,Date\n"Heat', "no CSV"),
        (b"Title,Date\n" + b"x" * 200_000, "no CSV"),
        (b"Title,Date\n" + b"x" * 30_000 + b",1\n", "longer than 20,000"),
        (b"Title,Date\nCaf\xe9,12/31/22\n", "not valid UTF-8"),
        ("Title,Date\n".encode("utf-16"), "not valid UTF-8"),
        (b"Title,Date\nHe\0at,12/31/22\n", "NUL byte"),
        (b" <!doctype html><title>Log in</title>", "web page"),
        (_zip(), "a zip archive"),
        (gzip.compress(b"0" * 10_000_000), "packed by gzip"),
        (b"Title,Date\n" + b"x,12/31/22\n" * (MOST_ROWS + 1), "more than 50,000 rows"),
        (
            b"Title,Date\n" + b"".join(b"x%d,12/31/22\n" % number for number in range(MOST_TITLES + 1)),
            "more than 5,000 titles",
        ),
    ],
)
def test_what_cannot_be_trusted_is_refused_in_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason) as refusal:
        read_history_file(data, "mine.csv")
    assert refusal.value.message.startswith("mine.csv")
    assert len(refusal.value.message) < 200
