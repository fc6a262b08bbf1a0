"""The text search: what a query names, what comes first, and what a worker holds in memory."""

import json
import logging
import random
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.attributes import attribute_texts
from catalog.models import Facet, Item, ItemFacet
from search import state as search_state
from search.query_analysis import MAX_QUERY_CHARACTERS, QueryAnalysis, YearSpan
from search.spelling import squash_without_article
from search.state import SearchState, forget_search, search
from search.text_index import TextIndex, TextItem, build_index
from tests.factories import make_item
from tests.threads import threads_db, together  # noqa: F401  threads_db is a fixture

FILES = {"movie": "films", "drama": "dramas", "startup": "startups"}
COLUMNS = {
    "genres": "genre",
    "actors": "actor",
    "directors": "director",
    "themes": "theme",
    "publishers": "publisher",
    "franchise": "franchise",
    "positions": "position",
}
NONSENSE = [
    "",
    " ",
    "\0",
    "\0" * 10_000,
    "a" * 10_000,
    "the " * 3_000,
    "ﷺ" * 5_000,
    "e" + "\u0301" * 9_999,
    "the of and",
    "🎬🍿",
    "👩‍👩‍👧‍👦" * 200,
    "\ud800",
    "'; DROP TABLE catalog_item; --",
    '" OR 1=1 --',
    "%_%\\",
    "((((((",
    ".*+?[a-z]{1,99}",
    "ㅋㅋㅋㅋㅋㅋ",
    "\u202eabc",
    "99999999999999999999",
    "between 2020 and 1990",
    "0000s 00s '0s",
    "-1",
    "NaN",
    "%s %(x)s {0}",
]


class Demo:
    """The index of a file of the demo catalog, and what it was built from. Item ids are rows plus one."""

    def __init__(self, kind: str) -> None:
        path = Path(settings.BASE_DIR) / "demo" / "data" / f"{FILES[kind]}.jsonl"
        self.rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        self.items = [
            TextItem(row, entry["title"], entry.get("original_title", ""), entry["year"], text_of(entry))
            for row, entry in enumerate(self.rows, 1)
        ]
        self.held = [
            [(kind, name) for column, kind in COLUMNS.items() for name in as_list(entry.get(column))]
            for entry in self.rows
        ]
        self.facets = list(dict.fromkeys(facet for facets in self.held for facet in facets))
        places = {facet: place for place, facet in enumerate(self.facets)}
        links = [
            (row, places[facet], billing)
            for row, facets in enumerate(self.held)
            for billing, facet in enumerate(facets)
        ]
        self.index = build_index(self.items, self.facets, np.array(links))

    def titles(self, query: str, limit: int = 5) -> list[str]:
        return [self.rows[row - 1]["title"] for row in self.index.search(query, limit)[1].item_ids.tolist()]

    def analysis(self, query: str) -> QueryAnalysis:
        return self.index.search(query, 1)[0]


def text_of(entry: dict[str, Any]) -> str:
    return "\n".join([entry["description"], *attribute_texts(entry.get("attributes", {}))])


def as_list(value: object) -> Sequence[str]:
    return [value] if isinstance(value, str) else value if isinstance(value, list) else []


@cache
def demo(kind: str) -> Demo:
    return Demo(kind)


def small(*titles: str, facets: Sequence[Sequence[tuple[str, str]]] = ()) -> TextIndex:
    """An index of items with these titles, ids from 1, and the facets of each."""
    table = list(dict.fromkeys(facet for held in facets for facet in held))
    links = [(row, table.index(facet), 0) for row, held in enumerate(facets) for facet in held]
    items = [TextItem(row, title) for row, title in enumerate(titles, 1)]
    return build_index(items, table, np.array(links, dtype=np.int64))


# --- Order --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FILES)
def test_an_exact_title_comes_first_whatever_else_it_means(kind: str) -> None:
    for item in demo(kind).items:
        for title in {item.title, item.original_title} - {""}:
            analysis, hits = demo(kind).index.search(title, 5)
            first = [row for row, score in zip(hits.item_ids, hits.scores, strict=True) if score == 1.0]
            assert item.item_id in first, title
            assert analysis.is_title


@pytest.mark.parametrize("kind", FILES)
def test_what_has_everything_named_comes_above_what_mentions_the_words(kind: str) -> None:
    rng = random.Random(1)
    shown = demo(kind)
    for _ in range(300):
        facets = rng.choice(shown.held)
        named = rng.sample(facets, min(2, len(facets)))
        query = " ".join(name for _, name in named)
        analysis, hits = shown.index.search(query, 500)
        groups: dict[str, set[tuple[str, str]]] = {}
        for facet in analysis.facets:
            groups.setdefault(facet.typed, set()).add((facet.kind, facet.name))
        has_all = [
            all(set(shown.held[row - 1]) & group for group in groups.values())
            for row, score in zip(hits.item_ids, hits.scores, strict=True)
            if score < 0.99  # above that the query is a title
        ]
        if not analysis.text:
            assert has_all == sorted(has_all, reverse=True), query


def test_facets_beat_words_and_words_in_titles_beat_words_in_descriptions() -> None:
    index = build_index(
        [
            TextItem(1, "Other", description="Nothing medical, no drama, but both words: medical drama."),
            TextItem(2, "Medical Drama Queens"),
            TextItem(3, "Plain", description="A ward."),
        ],
        [("genre", "Medical"), ("genre", "Drama")],
        np.array([[2, 0, 0], [2, 1, 1]]),
    )
    assert index.search("medical drama", 3)[1].item_ids.tolist() == [3, 2, 1]


def test_of_two_with_one_title_the_year_decides() -> None:
    items = [
        TextItem(1, "Dune", year=2021),
        TextItem(2, "Dune", year=1984),
        TextItem(3, "Dune 1984", year=2000),
    ]
    index = build_index(items, [], np.empty((0, 3), dtype=np.int64))
    assert index.search("dune 1984", 3)[1].item_ids.tolist()[:2] == [3, 2]
    assert index.search("dune (2021)", 3)[1].item_ids.tolist()[0] == 1


@pytest.mark.parametrize(
    ("kind", "query", "first"),
    [
        ("movie", "amelie", "Amélie"),
        ("movie", "godf", "The Godfather"),
        ("movie", "the godfathr", "The Godfather"),
        ("movie", "shinning", "The Shining"),
        ("movie", "silence of the lamps", "The Silence of the Lambs"),
        ("movie", "spiderman", "Spider-Man: Into the Spider-Verse"),
        ("movie", "artificial intelligence romance", "Her"),
        ("movie", "기생충", "Parasite"),
        ("movie", "기생ㅊ", "Parasite"),
        ("movie", "千と千尋", "Spirited Away"),
        ("movie", "la vita e bella", "Life Is Beautiful"),
        ("movie", "иди и смотри", "Come and See"),
        ("movie", "zombies on a train after 2015", "Train to Busan"),
        ("drama", "시그너", "Signal"),
        ("drama", "오징어게임", "Squid Game"),
        ("drama", "사랑의 불시차", "Crash Landing on You"),
        ("drama", "netflix zombies 2019", "Kingdom"),
        ("drama", "lawyer with autism", "Extraordinary Attorney Woo"),
        ("startup", "asthma cough app", "Quillowen"),
    ],
)
def test_the_first_hit(kind: str, query: str, first: str) -> None:
    assert demo(kind).titles(query)[0] == first


def test_every_title_is_found_with_one_wrong_letter() -> None:
    rng = random.Random(1)
    titles = [item.title for item in demo("movie").items if len(squash_without_article(item.title)) >= 8]
    for title in titles:
        places = [place for place, letter in enumerate(title) if letter.isalpha() and place > 3]
        place = rng.choice(places)
        query = title[:place] + "q" + title[place + 1 :]
        assert title in demo("movie").titles(query, 3), query


# --- Analysis -----------------------------------------------------------------------------------


def test_a_query_names_facets_years_and_leaves_the_rest() -> None:
    analysis = demo("drama").analysis("Medical dramas by tvN with Yoo Yeon-seok after 2015 on Wards")
    assert analysis.categories == ("Medical", "Drama")
    assert analysis.people == ("Yoo Yeon-seok",)
    assert analysis.names("publisher") == ("tvN",)
    assert analysis.years == YearSpan(2016, None)
    assert analysis.text == "Wards"
    assert not analysis.is_title


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("1994", 1994, 1994),
        ("from 1994", 1994, 1994),
        ("90s", 1990, 1999),
        ("the '90s", 1990, 1999),
        ("1990s", 1990, 1999),
        ("00s", 2000, 2009),
        ("10s", 2010, 2019),
        ("2010's", 2010, 2019),
        ("eighties", 1980, 1989),
        ("90년대", 1990, 1999),
        ("1994년", 1994, 1994),
        ("2010년 이후", 2010, None),
        ("2010 이전", None, 2009),
        ("after 2010", 2011, None),
        ("since 2010", 2010, None),
        ("from 2010 onwards", 2010, None),
        ("before 1980", None, 1979),
        ("until 1980", None, 1980),
        ("between 1980 and 1990", 1980, 1990),
        ("1990-1980", 1980, 1990),
        ("from 1980 to 1990", 1980, 1990),
    ],
)
def test_years(query: str, first: int | None, last: int | None) -> None:
    for text in (query, f"Drama {query}", f"{query} drama", query.upper()):
        analysis = demo("drama").analysis(text)
        assert analysis.years == YearSpan(first, last), text
        assert analysis.text == ""


@pytest.mark.parametrize("query", ["3000", "12345", "1994x", "x1994", "5 s", "0s", "9s", "1799"])
def test_other_numbers_are_no_years(query: str) -> None:
    assert demo("movie").analysis(query).years is None


def test_only_items_of_the_years_come_first_where_nothing_else_is_named() -> None:
    _, hits = demo("movie").index.search("90s", 1000)
    years = [demo("movie").rows[row - 1]["year"] for row in hits.item_ids.tolist()]
    wanted = sum(1990 <= row["year"] <= 1999 for row in demo("movie").rows)
    assert all(1990 <= year <= 1999 for year in years[:wanted])


def test_people_are_known_with_one_typing_error() -> None:
    rng = random.Random(2)
    people = {name for kind, name in demo("movie").facets if kind in ("actor", "director") and len(name) > 8}
    missed = []
    for name in rng.sample(sorted(people), 100):
        place = rng.randrange(1, len(name) - 1)
        typed = {
            name[:place] + "q" + name[place + 1 :],
            name[:place] + name[place + 1 :],
            name[:place] + "q" + name[place:],
            name[: place - 1] + name[place] + name[place - 1] + name[place + 1 :],
        }
        missed += [text for text in typed if name not in demo("movie").analysis(text).people]
    # An error may make another name or two known words.
    assert len(missed) <= 10, missed


def test_a_correct_word_is_not_corrected() -> None:
    index = small("The Horse", "A House", facets=[[("theme", "mouse")], [("theme", "house")]])
    assert index.search("horse", 5)[0].themes == ()
    assert index.search("housr", 5)[0].themes == ("house",)


def test_words_before_a_name_say_in_which_role() -> None:
    held = [[("actor", "Clint Eastwood")], [("director", "Clint Eastwood")]]
    index = small("One", "Two", facets=held)
    assert set(index.search("clint eastwood", 5)[1].item_ids.tolist()) == {1, 2}
    for query, kind, first in [
        ("directed by clint eastwood", "director", 2),
        ("starring Eastwood", "actor", 1),
    ]:
        analysis, hits = index.search(query, 5)
        assert [facet.kind for facet in analysis.facets] == [kind]
        assert hits.item_ids.tolist()[0] == first
        assert analysis.text == ""


def test_a_family_name_stands_for_its_bearer_unless_many_bear_it() -> None:
    held = [[("actor", f"{name} Jackson")] for name in ("Ann", "Ben", "Cy", "Dee")]
    index = small(*"ABCD", "E", facets=[*held, [("director", "Quentin Tarantino")]])
    assert index.search("tarantino", 5)[0].people == ("Quentin Tarantino",)
    analysis, hits = index.search("jackson", 5)
    assert analysis.people == ()
    assert set(hits.item_ids.tolist()) == {1, 2, 3, 4}


def test_a_name_is_never_half_of_what_was_typed_in_one_piece() -> None:
    index = small("One", "Two", facets=[[("actor", "Song Kang")], [("genre", "Horror")]])
    assert index.search("song kang-ho", 5)[0].people == ()
    assert index.search("song kang/horror", 5)[0].people == ("Song Kang",)


@pytest.mark.parametrize(
    ("query", "genres"),
    [
        ("sci-fi", {"Science Fiction"}),
        ("scifi", {"Science Fiction"}),
        ("romcom", {"Romance", "Comedy"}),
        ("funny romantic", {"Romance", "Comedy"}),
        ("로맨스", {"Romance"}),
        ("thrillers", {"Thriller"}),
    ],
)
def test_other_words_for_a_genre(query: str, genres: set[str]) -> None:
    assert set(demo("drama").analysis(query).categories) == genres


# --- Any text is a query ------------------------------------------------------------------------


@pytest.mark.parametrize("query", NONSENSE)
@pytest.mark.parametrize("kind", FILES)
def test_nonsense_gives_a_well_formed_result(kind: str, query: str) -> None:
    well_formed(demo(kind).index, query, 20)


@pytest.mark.slow
@hypothesis_settings(max_examples=200)
@given(
    st.text()
    | st.lists(
        st.sampled_from(["drama", "90s", "the", "song", "kang", "의", "before", "2010", "by", "-", "x"])
    ).map(" ".join),
    st.integers(-1, 30),
)
def test_any_text_gives_a_well_formed_result(query: str, limit: int) -> None:
    well_formed(demo("drama").index, query, limit)


def well_formed(index: TextIndex, query: str, limit: int) -> None:
    analysis, hits = index.search(query, limit)
    assert len(hits.item_ids) == len(hits.scores) <= max(0, limit)
    assert len(set(hits.item_ids.tolist())) == len(hits.item_ids)
    assert np.isin(hits.item_ids, index.item_ids).all()
    assert ((hits.scores > 0) & (hits.scores <= 1)).all()
    assert (np.diff(hits.scores) <= 0).all()
    assert len(analysis.query) <= MAX_QUERY_CHARACTERS
    assert len(analysis.text) <= MAX_QUERY_CHARACTERS
    assert "\0" not in analysis.query + analysis.text


@pytest.mark.parametrize("query", ["", "xyzzyq plughq", "the of and", "🎬🍿"])
def test_what_means_nothing_finds_nothing(query: str) -> None:
    assert demo("drama").titles(query) == []


@pytest.mark.parametrize("titles", [[], [""], ["!!!"], ["\0"], ["the"]])
def test_a_catalog_without_words_can_be_searched(titles: list[str]) -> None:
    index = small(*titles)
    for query in NONSENSE:
        well_formed(index, query, 5)


def test_the_same_search_gives_the_same_answer() -> None:
    first, second = (Demo("drama").index.search("romance with ghosts", 50)[1] for _ in range(2))
    assert first.item_ids.tolist() == second.item_ids.tolist()
    assert first.scores.tolist() == second.scores.tolist()


# --- In a worker --------------------------------------------------------------------------------


@pytest.fixture
def fresh() -> Iterator[None]:
    forget_search()
    yield
    forget_search()


@pytest.fixture
def catalog(db: None, fresh: None) -> list[Item]:
    return [
        make_item("Hospital Nights", kind="drama", genres=["Medical", "Drama"], year=2020),
        make_item("Court Days", kind="drama", genres=["Legal"], year=1994),
        make_item("Hospital Nights", kind="movie", genres=["Medical"]),
    ]


def found(kind: str, query: str) -> list[int]:
    return [int(item_id) for item_id in search(kind, query).hits.item_ids]


def test_kinds_are_searched_apart(catalog: list[Item]) -> None:
    drama, legal, movie = (item.pk for item in catalog)
    assert found("drama", "medical") == [drama]
    assert found("movie", "medical") == [movie]
    assert found("drama", "legal 90s") == [legal]
    assert found("startup", "medical") == []
    result = search("drama", "medical 2020")
    assert (result.analysis.categories, result.analysis.years) == (("Medical",), YearSpan(2020, 2020))
    with pytest.raises(KeyError):
        search("unicorn", "medical")


def test_inactive_items_are_not_found(catalog: list[Item]) -> None:
    make_item("Hospital Mornings", kind="drama", genres=["Vanished"], is_active=False)
    assert found("drama", "hospital") == [catalog[0].pk]
    assert search("drama", "vanished").analysis.categories == ()


def test_attributes_are_found_as_words_of_a_description_are(catalog: list[Item]) -> None:
    titled = make_item("Portugal", kind="drama")
    attributes = {"country": ["Spain", "Portugal"], "runtime": 1994, "subtitled": True}
    made_there = make_item("Plain", kind="drama", attributes=attributes)
    assert found("drama", "portugal") == [titled.pk, made_there.pk]
    assert found("drama", "country") == found("drama", "subtitled") == []


def test_the_first_search_reads_the_catalog_and_the_next_nothing(
    catalog: list[Item], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):
        found("drama", "hospital")
    with django_assert_num_queries(0):
        found("drama", "hospital")
        found("drama", "legal")


def rename_item(item: Item) -> None:
    Item.objects.filter(pk=item.pk).update(title="Hospital Dawns")


def rename_facet(item: Item) -> None:
    Facet.objects.filter(item_facets__item=item, name="Medical").update(name="Surgical")


def take_facet(item: Item) -> None:
    ItemFacet.objects.filter(item=item, facet__name="Drama").delete()


def hide_item(item: Item) -> None:
    Item.objects.filter(pk=item.pk).update(is_active=False)


def change_attributes(item: Item) -> None:
    Item.objects.filter(pk=item.pk).update(attributes={"country": "Portugal"})


@pytest.mark.parametrize("change", [rename_item, rename_facet, take_facet, hide_item, change_attributes])
def test_what_has_changed_is_indexed_anew(catalog: list[Item], change: object) -> None:
    state = SearchState("drama")
    before = state.get()
    assert callable(change)
    change(catalog[0])
    state.refresh()
    assert state.get() is not before


def test_what_has_not_changed_is_not_indexed_anew(
    catalog: list[Item], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    state = SearchState("drama")
    before = state.get()
    make_item("A film", kind="movie")
    with django_assert_num_queries(1):
        state.refresh()
    assert state.get() is before


def test_a_refresh_that_fails_leaves_the_index_serving(
    catalog: list[Item], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert found("drama", "hospital") == [catalog[0].pk]
    rename_item(catalog[0])
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(search_state, "read_mark", lambda kind: 1 / 0)
        search_state._refresher.refresh("drama")
    assert "could not be built again key=drama" in caplog.text
    assert found("drama", "nights") == [catalog[0].pk]
    search_state._refresher.refresh("drama")
    assert found("drama", "dawns") == [catalog[0].pk]


def test_a_search_in_an_old_index_has_it_refreshed_in_the_background(
    threads_db: None,  # noqa: F811
    fresh: None,
    settings: Settings,
) -> None:
    item = make_item("Hospital Nights", kind="drama")
    settings.CATALOG_REFRESH_SECONDS = 0.0
    assert found("drama", "hospital") == [item.pk]
    rename_item(item)
    deadline = time.monotonic() + 30
    while found("drama", "dawns") != [item.pk]:
        assert time.monotonic() < deadline


def test_many_first_searches_build_one_index(
    threads_db: None,  # noqa: F811
    fresh: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = make_item("Hospital Nights", kind="drama")
    built = []
    read_index = search_state.read_index

    def count(kind: str) -> TextIndex:
        built.append(kind)
        return read_index(kind)

    monkeypatch.setattr(search_state, "read_index", count)
    results = together(6, lambda _: found("drama", "hospital"))
    assert results == [[item.pk]] * 6
    assert built == ["drama"]
