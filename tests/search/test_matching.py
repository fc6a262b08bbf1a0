"""Titles from other catalogs: which item each of them means, and where that is in doubt."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.matching import Match, WantedTitle, match_titles
from search.state import forget_search
from tests.factories import make_item

FILMS = [
    ("Heat", "", 1995),
    ("Heart", "", 2009),
    ("Parasite", "기생충", 2019),
    ("Amélie", "Le Fabuleux Destin d'Amélie Poulain", 2001),
    ("The Silence of the Lambs", "", 1991),
    ("Star Wars: Episode IV - A New Hope", "", 1977),
    ("Pinocchio", "", 1940),
    ("Pinocchio", "", 2022),
    ("Spider-Man", "", 2002),
    ("Undated", "", None),
]


@pytest.fixture
def films(db: None) -> dict[int, str]:
    forget_search()
    made = [make_item(title, original_title=original, year=year) for title, original, year in FILMS]
    make_item("Ran", year=1985, is_active=False)
    return {film.pk: str(film) for film in made}


def matched(
    films: dict[int, str], *names: str, year: int | None = None, shortened: str = ""
) -> tuple[str, str]:
    (match,) = match_titles([WantedTitle(names, year, (shortened,) if shortened else ())], ["movie", "drama"])
    return ("", "") if match is None else (films[match.item_id], match.doubt)


@pytest.mark.parametrize(
    ("title", "year", "item"),
    [
        ("Heat", 1995, "Heat (1995)"),
        ("heat", 1996, "Heat (1995)"),
        ("HEAT", None, "Heat (1995)"),
        ("기생충", 2019, "Parasite (2019)"),
        ("Le fabuleux destin d’Amelie Poulain", 2001, "Amélie (2001)"),
        ("Silence of the Lambs", 1991, "The Silence of the Lambs (1991)"),
        ("The Silence of teh Lambs", 1991, "The Silence of the Lambs (1991)"),
        ("Spiderman", 2002, "Spider-Man (2002)"),
        ("Pinocchio", 2022, "Pinocchio (2022)"),
        ("Pinocchio", 1940, "Pinocchio (1940)"),
        ("Undated", 1999, "Undated"),
    ],
)
def test_a_title_of_about_that_year_is_sure(
    films: dict[int, str], title: str, year: int | None, item: str
) -> None:
    assert matched(films, title, year=year) == (item, "")


@pytest.mark.parametrize(
    ("title", "year", "shortened", "item", "doubt"),
    [
        ("Heat", 1986, "", "Heat (1995)", "another year"),
        ("Pinocchio", None, "", "Pinocchio (1940)", "several have this title"),
        ("Silense of the Lambs", None, "", "The Silence of the Lambs (1991)", "spelled differently"),
        ("Star Wars", 1977, "", "Star Wars: Episode IV - A New Hope (1977)", "a longer title"),
        ("Parasite: The Making of", None, "Parasite", "Parasite (2019)", "a part of the title"),
    ],
)
def test_what_may_be_another_is_proposed_with_the_reason(
    films: dict[int, str], title: str, year: int | None, shortened: str, item: str, doubt: str
) -> None:
    assert matched(films, title, year=year, shortened=shortened) == (item, doubt)


@pytest.mark.parametrize(
    "title", ["Nothing Like It", "Ran", "!!!", "", "Hart", "x" * 300, "=cmd|' /C calc'!A0"]
)
def test_what_is_not_here_is_not_found(films: dict[int, str], title: str) -> None:
    assert matched(films, title, year=1985) == ("", "")


def test_a_second_name_is_tried(films: dict[int, str]) -> None:
    assert matched(films, "Gisaengchung", "Parasite", year=2019) == ("Parasite (2019)", "")


def test_it_asks_the_database_for_nothing_once_the_index_is_there(films: dict[int, str]) -> None:
    match_titles([], ["movie"])
    with CaptureQueriesContext(connection) as queries:
        found = match_titles([WantedTitle((title,), year) for title, _, year in FILMS] * 20, ["movie"])
    assert len(queries) == 0
    assert found[0] == Match(next(iter(films)))
