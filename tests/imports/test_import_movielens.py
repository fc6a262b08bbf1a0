"""`import_movielens`, on a small folder made here and on the real one."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from catalog.models import Item, ItemFacet
from imports.movielens import FLAGS, split_title
from interactions.models import UserInteraction
from tests.imports.helpers import refusal, run, write

pytestmark = pytest.mark.django_db

MOVIES = """movieId,title,genres
1,"Matrix, The (1999)",Action|Sci-Fi
2,"City of Lost Children, The (Cité des enfants perdus, La) (1995)",Children|Film-Noir
3,Cosmos,(no genres listed)
"""
RATINGS = """userId,movieId,rating,timestamp
1,1,4.0,964982703
1,2,2.0,964981247
2,1,3.5,964982224
2,3,0.5,964982931
"""
LINKS = "movieId,imdbId,tmdbId\n1,0133093,603\n2,0112682,902\n3,,\n"
METADATA = [
    {
        "id": 1,
        "tmdbId": 603,
        "title": "ignored",
        "overview": "A hacker learns\nwhat is real.",
        "releaseDate": 10681,
        "director": {"name": "L. Wachowski", "id": 9},
        "topActors": [{"name": "K. Reeves"}, {"name": "C. Moss"}],
        "tags": ["dystopia", " dystopia", "", "x" * 201, 7, *[f"tag {number}" for number in range(20)]],
    },
    {"id": 2, "tmdbId": 1, "releaseDate": -3650, "director": None, "tags": None, "overview": None},
    {"id": 77, "tmdbId": 77},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "movies.csv", MOVIES)
    write(tmp_path / "ratings.csv", RATINGS)
    write(tmp_path / "links.csv", LINKS)
    write(tmp_path / "metadata.json", json.dumps(METADATA))
    return tmp_path


def facets(external_id: str, kind: str) -> list[str]:
    links = ItemFacet.objects.filter(item__external_id=external_id, facet__kind=kind).order_by("billing")
    return list(links.values_list("facet__name", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Matrix, The (1999)", ("The Matrix", "", 1999)),
        ("Toy Story (1995)", ("Toy Story", "", 1995)),
        ("Ready Player One", ("Ready Player One", "", None)),
        ("Seven (a.k.a. Se7en) (1995)", ("Seven", "Se7en", 1995)),
        (
            "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
            ("The City of Lost Children", "La Cité des enfants perdus", 1995),
        ),
        ("Avventura, L' (Adventure, The) (1960)", ("L'Avventura", "The Adventure", 1960)),
        ("Death Note: Desu nôto (2006–2007)", ("Death Note: Desu nôto", "", 2006)),
        (
            "Fist of Fury (Chinese Connection, The) (Jing wu men) (1972)",
            ("Fist of Fury (Chinese Connection, The)", "Jing wu men", 1972),
        ),
        ("Paris, Texas (1984)", ("Paris, Texas", "", 1984)),
        ("2001: A Space Odyssey (1968) ", ("2001: A Space Odyssey", "", 1968)),
        ("(1995)", ("(1995)", "", None)),
    ],
)
def test_title_other_title_and_year(text: str, expected: tuple[str, str, int | None]) -> None:
    assert split_title(text) == expected


LINES = [
    (1, "Matrix, The (1999)", "Action|Sci-Fi"),
    (2, "Amélie (2001)", "Children's|Comedy"),
    (3, "Cosmos", ""),
]
STARS = [(1, 1, 4, 964982703), (1, 2, 2, 964981247), (2, 1, 3, 874724710)]


def lay_out(folder: Path, layout: str) -> None:
    """The same three films and three ratings in one of the layouts of MovieLens."""
    if layout == "csv":
        movies = "".join(
            f'{number},"{title}",{genres or "(no genres listed)"}\n' for number, title, genres in LINES
        )
        write(folder / "movies.csv", "movieId,title,genres\n" + movies)
        ratings = "".join(",".join(map(str, row)) + "\n" for row in STARS)
        write(folder / "ratings.csv", "userId,movieId,rating,timestamp\n" + ratings)
        write(folder / "genome-scores.csv", "movieId,tagId,relevance\n1,1,0.5\n")
    elif layout.startswith("dat"):
        movies = "".join("::".join(map(str, row)) + "\n" for row in LINES)
        write(folder / "movies.dat", movies.encode("iso-8859-1" if layout == "dat latin-1" else "utf-8"))
        write(folder / "ratings.dat", "".join("::".join(map(str, row)) + "\n" for row in STARS))
        write(folder / "users.dat", "1::F::1::10::48067\n")
    else:
        rows = []
        for number, title, genres in LINES:
            flags = ["1" if flag in (genres.split("|") if genres else ["unknown"]) else "0" for flag in FLAGS]
            rows.append(
                "|".join([str(number), title, "01-Jan-1995", "", "http://us.imdb.com/M/x", *flags]) + "\n"
            )
        write(folder / "u.item", "".join(rows).encode("iso-8859-1"))
        write(folder / "u.data", "".join("\t".join(map(str, row)) + "\n" for row in STARS))
        write(folder / "u.user", "1|24|M|technician|85711\n")


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("layout", ["csv", "dat latin-1", "dat utf-8", "100k"])
def test_every_layout_means_the_same(tmp_path: Path, layout: str, is_packed: bool) -> None:
    lay_out(tmp_path, layout)
    if is_packed:
        for path in list(tmp_path.iterdir()):
            write(path.with_name(path.name + ".gz"), gzip.compress(path.read_bytes()))
            path.unlink()
    summary = run("import_movielens", tmp_path)
    assert (summary["movies"]["created"], summary["ratings"]) == (3, 3)
    assert summary["interactions"] == {"created": 5, "replaced": 0, "unchanged": 0, "new_users": 2}
    assert list(Item.objects.order_by("external_id").values_list("title", "year")) == [
        ("The Matrix", 1999),
        ("Amélie", 2001),
        ("Cosmos", None),
    ]
    assert facets("1", "genre") == ["Action", "Science Fiction"]
    assert facets("2", "genre") == ["Family", "Comedy"]
    assert facets("3", "genre") == []
    told = UserInteraction.objects.values_list("user__username", "item__external_id", "type", "rating")
    assert set(told) == {
        ("movielens-1", "1", "watched", 8.0),
        ("movielens-1", "1", "like", None),
        ("movielens-1", "2", "watched", 4.0),
        ("movielens-1", "2", "dislike", None),
        ("movielens-2", "1", "watched", 6.0),
    }
    oldest = UserInteraction.objects.earliest("occurred_at").occurred_at
    assert oldest == datetime.fromtimestamp(874724710, UTC)
    assert run("import_movielens", tmp_path)["interactions"]["created"] == 0


def test_a_folder_of_something_else_is_named(tmp_path: Path) -> None:
    write(tmp_path / "films.csv", "a\n")
    assert "holds none of movies.csv, movies.dat, u.item" in refusal("import_movielens", tmp_path)


def test_a_bad_line_of_an_old_layout_is_told(tmp_path: Path) -> None:
    lay_out(tmp_path, "dat latin-1")
    write(tmp_path / "ratings.dat", "1::1::4::964982703\n1::1::9::964982703\n")
    assert "ratings.dat:2: rating must be from 0.5 to 5, not 9" in refusal("import_movielens", tmp_path)
    write(tmp_path / "ratings.dat", "1::1::4::964982703\n1::1::4\n")
    assert "ratings.dat, line 2: 3 cells where the header has 4" in refusal("import_movielens", tmp_path)


def test_movies_and_ratings(folder: Path) -> None:
    summary = run("import_movielens", folder)
    assert summary["movies"] == {"created": 3, "updated": 0, "unchanged": 0}
    assert summary["ratings"] == 4
    assert summary["interactions"] == {"created": 7, "replaced": 0, "unchanged": 0, "new_users": 2}
    rows = UserInteraction.objects.values_list(
        "user__username", "item__external_id", "type", "rating", "weight"
    )
    assert {(*names, round(weight, 6)) for *names, weight in rows} == {
        ("movielens-1", "1", "watched", 8.0, 1.821429),
        ("movielens-1", "1", "like", None, 2.0),
        ("movielens-1", "2", "watched", 4.0, -0.6),
        ("movielens-1", "2", "dislike", None, -1.0),
        ("movielens-2", "1", "watched", 7.0, 1.2),
        ("movielens-2", "3", "watched", 1.0, -2.421053),
        ("movielens-2", "3", "dislike", None, -1.0),
    }
    moments = set(
        UserInteraction.objects.filter(user__username="movielens-1", item__external_id="1").values_list(
            "occurred_at", flat=True
        )
    )
    assert moments == {datetime.fromtimestamp(964982703, UTC)}
    assert facets("1", "genre") == ["Action", "Science Fiction"]
    assert facets("2", "genre") == ["Family", "Film Noir"]
    assert facets("3", "genre") == []
    assert not User.objects.get(username="movielens-1").has_usable_password()


def test_metadata(folder: Path) -> None:
    summary = run("import_movielens", folder, "--metadata", folder / "metadata.json")
    assert summary["metadata"] == {
        "entries": 3, "updated": 2, "unchanged": 0, "without_movie": 1, "other_tmdb_id": 1,
    }  # fmt: skip
    film = Item.objects.get(external_id="1")
    assert (film.title, film.year) == ("The Matrix", 1999)
    assert film.description == "A hacker learns\nwhat is real."
    assert film.published_at == datetime(1999, 3, 31, tzinfo=UTC)
    assert facets("1", "director") == ["L. Wachowski"]
    assert facets("1", "actor") == ["K. Reeves", "C. Moss"]
    assert facets("1", "theme") == ["dystopia", *[f"tag {number}" for number in range(14)]]
    assert facets("1", "genre") == ["Action", "Science Fiction"]
    assert Item.objects.get(external_id="2").published_at == datetime(1960, 1, 4, tzinfo=UTC)


def test_running_it_again_changes_nothing(folder: Path) -> None:
    arguments = ("import_movielens", folder, "--metadata", folder / "metadata.json")
    run(*arguments)
    items, interactions = list(Item.objects.values()), list(UserInteraction.objects.values())
    links = list(ItemFacet.objects.values())
    again = run(*arguments)
    assert again["movies"] == {"created": 0, "updated": 0, "unchanged": 3}
    assert again["metadata"]["unchanged"] == 2
    assert again["interactions"] == {"created": 0, "replaced": 0, "unchanged": 7, "new_users": 0}
    assert (items, interactions) == (list(Item.objects.values()), list(UserInteraction.objects.values()))
    assert links == list(ItemFacet.objects.values())


def test_links_may_be_absent(folder: Path) -> None:
    (folder / "links.csv").unlink()
    summary = run("import_movielens", folder, "--metadata", folder / "metadata.json")
    assert summary["metadata"]["other_tmdb_id"] == 0


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("movies.csv", "x,Title (2000),Drama", "movies.csv:5: movieId must be a whole number, not 'x'"),
        ("movies.csv", "4,,Drama", "movies.csv:5: title is empty"),
        ("movies.csv", "4,Title (0999),Drama", "movies.csv:5: year must be from 1800 to 2200, not 999"),
        ("ratings.csv", "1,99,4.0,964982703", "ratings.csv:6: there is no movie '99'"),
        ("ratings.csv", "1,1,5.5,964982703", "ratings.csv:6: rating must be from 0.5 to 5, not 5.5"),
        ("ratings.csv", "1,1,,964982703", "ratings.csv:6: rating is empty"),
        ("ratings.csv", ",1,4.0,964982703", "ratings.csv:6: userId is empty"),
        ("ratings.csv", "1,1,4.0,99999999999", "ratings.csv:6: timestamp is in the future"),
        ("links.csv", "4,abc,1", "links.csv:5: imdbId must be a whole number"),
    ],
)
def test_a_bad_row_is_listed_and_nothing_is_stored(folder: Path, name: str, line: str, reason: str) -> None:
    with (folder / name).open("a") as file:
        file.write(line + "\n")
    message = refusal("import_movielens", folder)
    assert message.startswith("1 row is bad")
    assert reason in message
    assert not Item.objects.exists()
    assert not User.objects.exists()
    summary = run("import_movielens", folder, "--max-errors", 1)
    assert summary["bad_rows"] == 1
    assert summary["interactions"]["created"] == 7


@pytest.mark.parametrize(
    "entry",
    [
        {"id": None},
        {"id": 1, "tags": "a"},
        {"id": 1, "releaseDate": 10**9},
        {"id": 1, "topActors": [{"name": "\0"}]},
    ],
)
def test_a_bad_entry_of_the_metadata_is_listed(folder: Path, entry: dict[str, object]) -> None:
    write(folder / "metadata.json", json.dumps([METADATA[0], entry]))
    message = refusal("import_movielens", folder, "--metadata", folder / "metadata.json")
    assert "metadata.json:2: " in message
    assert not Item.objects.exists()


def test_what_is_missing_or_broken_is_named(folder: Path) -> None:
    assert "is not a folder" in refusal("import_movielens", folder / "movies.csv")
    assert "metadata.json cannot be read" in refusal(
        "import_movielens", folder, "--metadata", folder / "no" / "metadata.json"
    )
    write(folder / "movies.csv", "movieId,title\n1,A\n")
    assert "movies.csv, line 1: missing column genres" in refusal("import_movielens", folder)
    (folder / "ratings.csv").unlink()
    assert "ratings.csv cannot be read" in refusal("import_movielens", folder)
    assert not Item.objects.exists()


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_folder_with_its_metadata(tmp_path: Path) -> None:
    data = Path(settings.BASE_DIR).parent / "shared" / "data"
    if not data.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{data} is absent, and CI must have it")
        pytest.skip(f"{data} is absent")
    whole = data / "ml-latest-small"
    for name in ("movies.csv", "links.csv"):
        (tmp_path / name).symlink_to(whole / name)
    head, *ratings = (whole / "ratings.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    # Of every tenth person, since ratings are all alike: benchmarks/import_files.py imports those of all.
    kept = [line for line in ratings if int(line.partition(",")[0]) % 10 == 0]
    write(tmp_path / "ratings.csv", "".join([head, *kept]))
    arguments = ("import_movielens", tmp_path, "--metadata", data / "tmdb-metadata" / "movies_tmdb.json")
    summary = run(*arguments)
    assert summary["movies"]["created"] == 9742
    assert summary["ratings"] == len(kept)
    assert summary["interactions"]["new_users"] == 61
    assert summary["metadata"]["updated"] == 2497
    assert summary["bad_rows"] == 0
    stars = [float(line.split(",")[2]) for line in kept]
    kinds = {
        name: UserInteraction.objects.filter(type=name, withdrawn_at=None).count()
        for name in ("watched", "like", "dislike")
    }
    assert kinds == {
        "watched": len(kept),
        "like": sum(one >= 4 for one in stars),
        "dislike": sum(one <= 2 for one in stars),
    }
    again = run(*arguments)
    assert again["interactions"]["unchanged"] == sum(kinds.values())
    assert again["movies"]["unchanged"] == 9742
    assert again["metadata"]["unchanged"] == 2497
