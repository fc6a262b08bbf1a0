"""Searches in sentences: how they are read, and that what is found keeps to it."""

import pytest

from catalog.models import Item
from core.domain import USE_CASES
from search.naming import names_in
from search.narrowing import read_asked
from search.pipeline import search_kinds
from search.state import search
from tests.factories import give_facets, make_item, new_item
from tests.search.queries import QUERIES, Query

pytestmark = pytest.mark.django_db
GENRES = (
    *("Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family", "Health"),
    *("Horror", "Medical", "Music", "Romance", "Science Fiction", "Thriller", "War"),
)
THEMES = ("zombies", "vampires", "superhero", "hospital", "violence")
TITLES = ("Alien", "Get Out", "Toy Story", "Oldboy", "Heat", "Blade Runner", "Spirited Away", "Fargo")


@pytest.fixture
def catalog() -> None:
    rows: list[tuple[Item, dict[str, list[str]]]] = []
    for kind in ("movie", "drama", "startup"):
        for number, genre in enumerate(GENRES):
            country = ("South Korea", "Japan", "France", "Germany", "Italy")[number % 5]
            item = new_item(
                f"{kind}{number:02d}x", kind=kind, year=1950 + 5 * number, attributes={"country": country}
            )
            genres = list(dict.fromkeys([genre, "Drama"]))
            rows.append((item, {"genre": genres, "theme": [THEMES[number % len(THEMES)]]}))
    rows += [(new_item(title, year=1979), {"genre": ["Thriller", "Horror"]}) for title in TITLES]
    rows.append((new_item("Parasite", original_title="기생충"), {"genre": ["Thriller"]}))
    rows.append((new_item("Hanks himself"), {"actor": ["Tom Hanks"]}))
    Item.objects.bulk_create([item for item, _ in rows])
    give_facets(rows)


def mistake_in(query: Query) -> str:
    """The parts of a query that were read wrongly; "" where none was."""
    asked = read_asked(query.text)
    text = asked.text if not asked.is_plain else query.text
    analyses = [search(kind, text, 1).analysis for kind in ("movie", "drama", "startup")]
    named = {facet.name for analysis in analyses for facet in analysis.facets}
    without = {name for words in asked.without for name in names_in(words)[0]}
    years = analyses[0].years and (analyses[0].years.first, analyses[0].years.last)
    read = {
        "has": (set(query.has) <= named and not named & set(query.without)),
        "without": set(query.without) <= without and not without & set(query.has),
        "like": asked.like.lower() == query.like.lower(),
        "kind": not query.kind or asked.kind == query.kind,
        "country": asked.country == query.country,
        "children": asked.children == query.for_children,
        "years": years == query.years,
    }
    return ", ".join(name for name, is_right in read.items() if not is_right)


def test_nearly_all_of_sixty_sentences_are_read_right(catalog: None) -> None:
    assert len(QUERIES) == 60
    mistakes = {query.text: wrong for query in QUERIES if (wrong := mistake_in(query))}
    assert set(mistakes) == {"non-romantic comedy"}


@pytest.mark.parametrize("query", [one for one in QUERIES if one.without], ids=lambda one: one.text)
def test_nothing_that_is_found_has_what_is_not_wanted(catalog: None, query: Query) -> None:
    (found,) = search_kinds(user_id=None, use_cases=[USE_CASES["movie_home"]], query=query.text, limit=50)
    for one in found.items:
        names = {name for of_kind in one.item.facets.values() for name in of_kind}
        assert not names & set(query.without), (one.item.title, query.text)


def test_a_time_is_no_part_of_what_is_not_wanted(catalog: None) -> None:
    assert read_asked("no war films this week").without == ("war films",)


@pytest.mark.parametrize(
    "title", ["Not Okay", "Like Stars on Earth", "No Country for Old Men", "For Kids Only"]
)
def test_a_title_is_that_title_whatever_its_words_would_mean(catalog: None, title: str) -> None:
    make_item(title)
    assert read_asked(title).is_plain
    assert read_asked(title.lower()).is_plain


@pytest.mark.parametrize(
    "text", ["", "not", "no", "like", "like like", "-", "- -", "not not not", "for", "but", "like ," * 30]
)
def test_any_text_is_a_search(catalog: None, text: str) -> None:
    search_kinds(user_id=None, use_cases=[USE_CASES["movie_home"]], query=text, limit=5)
