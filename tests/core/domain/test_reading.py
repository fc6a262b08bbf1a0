"""A heed.toml with a mistake stops the start with one sentence: the file, the key, and what is allowed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from core.domain import BOOSTED, CATEGORIES, DOMAIN, FACETS, KINDS, PEOPLE, REASONS, TYPES, USE_CASES
from core.domain.reading import read_domain

SHIPPED = (configured.BASE_DIR / "heed.toml").read_text(encoding="utf-8")


def refused(tmp_path: Path, text: str) -> str:
    """The sentence with which a file is refused, without its path."""
    path = tmp_path / "heed.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImproperlyConfigured) as error:
        read_domain(path)
    sentence = str(error.value)
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


def changed(old: str, new: str) -> str:
    assert old in SHIPPED, old
    return SHIPPED.replace(old, new, 1)


MISTAKES = {
    # An unknown key, at each depth.
    '[site]\nname = "Heed"': (
        '[site]\nnmae = "Heed"',
        "site.nmae: unknown key; allowed are name, color, dark_color, logo, headline",
    ),
    "[dislikes]": (
        "[dislike]",
        "dislike: unknown key; allowed are kinds, facets, interactions, use_cases, reasons, dislikes",
    ),
    'column = "genres"': ('colunm = "genres"', "facets.genre.colunm: unknown key; allowed are column, label"),
    '[kinds.movie]\nplural = "movies"': (
        '[kinds.movie]\nname = "film"\nplural = "movies"',
        "kinds.movie.name: unknown key; the name is the 'movie' of [kinds.movie]",
    ),
    # A value of another type, or out of range.
    'label = "Films"': ("label = 3", "kinds.movie.label: must be text in quotes, not 3"),
    "boost_cap = 0.5": ('boost_cap = "0.5"', "facets.genre.boost_cap: must be a number, not '0.5'"),
    "taste = true": ('taste = "yes"', "facets.genre.taste: must be true or false, not 'yes'"),
    "relevance = 2": ("relevance = 2.5", "interactions.view.relevance: must be a whole number, not 2.5"),
    'positive_interactions = ["like", "favorite", "watchlist_add"]': (
        'positive_interactions = "like"',
        "use_cases.movie_home.positive_interactions: must be a list, not 'like'",
    ),
    "boost_cap = 0.3": ("boost_cap = -0.3", "facets.actor.boost_cap: must be at least 0.0, not -0.3"),
    "boost_cap = 0.2": ("boost_cap = 1.5", "facets.director.boost_cap: must be at most 1.0, not 1.5"),
    "polarity = -1": ("polarity = -2", "interactions.dislike.polarity: must be -1, 0 or 1, not -2"),
    'group = "people"': (
        'group = "persons"',
        "facets.actor.group: must be 'category', 'theme', 'people', 'series' or 'other', not 'persons'",
    ),
    'color = "#a83a1f"': ('color = "red"', "site.color: must be a color such as #a83a1f, not 'red'"),
    'plural = "dramas"': (
        'plural = "K Dramas"',
        "kinds.drama.plural: must be small letters, digits, underscores and hyphens",
    ),
    'numbers = ["votes"': (
        'numbers = ["0 votes"',
        "kinds.movie.numbers.0: must be letters, digits, _, . and -, at most 60 of them, a letter first",
    ),
    '"runtime", "budget"]': (
        '"' + '", "'.join(f"n{place}" for place in range(15)) + '"]',
        "kinds.movie.numbers: must have at most 16 entries",
    ),
    'icon = "like"': ('icon = "heart"', "interactions.like.icon: must be 'like', 'favorite'"),
    'label = "Dramas"': ('label = ""', "kinds.drama.label: must not be empty, not ''"),
    # Something that is missing.
    'label = "I invest"\n': ("", "roles.investor.label: is missing"),
    'plain = "not_interested"\n': ("", "dislikes.plain: is missing"),
    "[interactions.view]": (
        "[interactions.look]",
        "interactions.view: is missing; the product",
    ),
    # Names that clash.
    'plural = "startups"': ('plural = "movies"', "kinds.startup.plural: must not be movies, which movie has"),
    'plural = "movies"': ('plural = "items"', "kinds.movie.plural: must not be items, which is an address"),
    'column = "themes"': ('column = "genres"', "facets.theme.column: must not be genres, which genre has"),
    'column = "actors"': (
        'column = "year"',
        "facets.actor.column: must not be year, which is a column",
    ),
    'action = "watchlist"': ('action = "like"', "interactions.watchlist_add.action: must not be like, which"),
    # Names of nothing.
    '[use_cases.drama_home]\nkind = "drama"': (
        '[use_cases.drama_home]\nkind = "series"',
        "use_cases.drama_home.kind: must be one of movie, drama, startup, not 'series'",
    ),
    'role = "investor"': (
        'role = "mentor"',
        "use_cases.investor_startup.role: must be one of developer",
    ),
    'kept = ["watchlist"]': ('kept = ["shelf"]', "kinds.movie.kept: must be one of favorite, like, watched"),
    'actions = ["like", "favorite", "apply"': (
        'actions = ["like", "favorite", "buy"',
        "kinds.startup.actions: must be one of",
    ),
    'positive_interactions = ["like", "apply"]': (
        'positive_interactions = ["like", "watched"]',
        "use_cases.developer_startup.positive_interactions: must be one of like, favorite, apply, int",
    ),
    'holds_back = { genre = "DISLIKE_GENRE_SHARE"': (
        'holds_back = { subject = "DISLIKE_GENRE_SHARE"',
        "reasons.wrong_genre.holds_back: must be one of genre, actor, director, theme, publisher",
    ),
    'undo = "watchlist_remove"': ('undo = "unlist"', "interactions.watchlist_add.undo: must be one of"),
    'plain = "not_interested"': (
        'plain = "bored"',
        "dislikes.plain: must be one of wrong_genre, poor",
    ),
    # Scenarios.
    '[scenarios.e_mail]\nuse_case = "movie_home"': (
        '[scenarios.e_mail]\nuse_case = "book_home"',
        "scenarios.e_mail.use_case: must be one of movie_home, drama_home",
    ),
    "limit = 12": ("limit = 0", "scenarios.after_watching.limit: must be at least 1, not 0"),
    'sources = ["transitions"': (
        'sources = ["clairvoyance"',
        "scenarios.after_watching.sources: must be among the sources of use_cases.movie_home (als, two_tower",
    ),
    "[scenarios.home]": ('[scenarios.home]\nfilter = "shade:red"', "scenarios.home.filter: has 'shade'"),
    'boost = ["1.5*year:2015.."]': (
        'boost = ["9*year:2015.."]',
        "scenarios.e_mail.boost: must have a factor from 1 to 3, not '9'",
    ),
    "limit = 5\n": ('bury = ["0.5*x"]\n', "scenarios.e_mail.bury: 'x' is no condition"),
    # Shares.
    'holds_back = { actor = "DISLIKE_CAST_SHARE"': (
        "holds_back = { actor = -0.1",
        "reasons.poor_quality.holds_back.actor: must be a share from 0 to 1 or the name of a setting",
    ),
    'holds_back = { genre = "DISLIKE_LIGHT_SHARE" }': (
        'holds_back = { genre = "SECRET_KEY" }',
        "reasons.irrelevant.holds_back.genre: must be one of DISLIKE_CAST_SHARE, DISLIKE_FRANCHISE_SHARE",
    ),
    "weight = 0.5": ("weight = 2.0", "reasons.irrelevant.weight: must be at most 1.0, not 2.0"),
    # The product relies on these.
    '[roles.investor]\nlabel = "I invest"': (
        '[roles.investor]\nlabel = "I invest"\n[roles.mentor]\nlabel = "I help"',
        "roles.mentor: must be the role of a use case, and opens no list so far",
    ),
    'said = "You like {title}."': (
        'said = "You like {name}."',
        "interactions.like.said: may have {title} in it and no other braces",
    ),
    "[dislikes]\n": (
        '[dislikes]\nquestion = "No more of {title}?"\n',
        "dislikes.question: may have {noun} in it and no other braces",
    ),
    'otherwise = "{name} Enthusiast"': (
        'otherwise = "{0} Fan"',
        "personas.otherwise: may have {name} in it and no other braces",
    ),
    'label = "Not for me"': (
        'label = "Not for me"\nprofile = -0.5',
        "interactions.dislike: must have polarity = -1, is_state = true and no profile",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), [(old, *told) for old, told in MISTAKES.items()])
def test_a_mistake_is_told_in_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert refused(tmp_path, changed(old, new)).startswith(sentence)


def test_a_kind_needs_a_use_case(tmp_path: Path) -> None:
    kind = '[kinds.book]\nplural = "books"\nlabel = "Books"\nactions = ["like"]\n\n[facets.genre]'
    told = refused(tmp_path, changed("[facets.genre]", kind))
    assert told == "use_cases: none is of the kind book; every kind needs one."


@pytest.mark.parametrize("name", ["profile", "movies"])
def test_a_kind_may_not_be_called_what_an_address_means_already(tmp_path: Path, name: str) -> None:
    kind = f'[kinds.{name}]\nplural = "all_{name}"\nlabel = "All"\nactions = ["like"]\n\n[facets.genre]'
    assert refused(tmp_path, changed("[facets.genre]", kind)).startswith(f"kinds.{name}: must not be")


def test_a_kind_is_rated_in_one_way(tmp_path: Path) -> None:
    rated = changed('label = "Favorite"', 'label = "Favorite"\nis_rated = true')
    told = refused(tmp_path, rated)
    assert told == "kinds.movie.actions: at most one may be rated, not favorite and watched."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[kinds.movie\n", "is no TOML: .*line 1"),
        ("[kinds.movie]\n[kinds.movie]\n", "is no TOML: Cannot declare .*twice.*line 2"),
        ('[site]\nname = "A"\nname = "B"\n', "is no TOML: .*line 3"),
        ("", "kinds: is missing"),
        ("kinds = 3\n", "kinds: must be a table, not 3"),
        ("kinds = 2026-01-01\n", "kinds: must be a table, not '2026-01-01'"),
    ],
)
def test_a_file_that_is_no_such_file(tmp_path: Path, text: str, sentence: str) -> None:
    assert re.match(sentence, refused(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"nowhere\.toml: cannot be read .*HEED_CONFIG names"):
        read_domain(tmp_path / "nowhere.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes("[site]\nname = 'Caf\xe9'\n".encode("latin-1"))
    with pytest.raises(ImproperlyConfigured, match="must be text in UTF-8"):
        read_domain(path)


def test_a_command_stops_with_the_sentence_alone(tmp_path: Path) -> None:
    path = tmp_path / "books.toml"
    path.write_text(changed("taste = true", "taste = 1"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=configured.BASE_DIR,
        env={**os.environ, "HEED_CONFIG": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"{path}: facets.genre.taste: must be true or false, not 1.\n"


def test_the_shipped_file_is_what_the_seeds_ask_for() -> None:
    """It may have more."""
    assert list(KINDS)[:3] == ["movie", "drama", "startup"]
    caps = {kind: FACETS[kind].boost_cap for kind in BOOSTED}
    assert caps | {"genre": 0.5, "actor": 0.3, "director": 0.2, "theme": 0.4} == caps
    assert (CATEGORIES[0], PEOPLE[:2]) == ("genre", ("actor", "director"))
    weights = {name: (row.training, row.profile, row.relevance) for name, row in TYPES.items()}
    assert weights == weights | {
        "view": (0.5, 0.3, 2),
        "click": (0.5, 0.3, 2),
        "like": (2.0, 0.6, 3),
        "favorite": (2.5, 0.6, 3),
        "apply": (3.0, 1.0, 4),
        "interest": (3.5, 0.6, 4),
        "watched": (3.0, 1.0, 3),
        "watchlist_add": (2.0, 0.6, 3),
        "watchlist_remove": (0.0, -0.3, 1),
        "dislike": (-1.0, None, 0),
    }
    cases = {case.name: (case.kind, case.role) for case in USE_CASES.values()}
    assert cases == cases | {
        "movie_home": ("movie", None),
        "drama_home": ("drama", None),
        "developer_startup": ("startup", "developer"),
        "investor_startup": ("startup", "investor"),
    }
    models = {"als", "two_tower", "transitions", "ease", "content", "verdict", "ranker"}
    assert [case.name for case in USE_CASES.values() if not models <= set(case.models)] == []
    assert DOMAIN.site.name == "Heed"
    assert DOMAIN.dislikes.plain == "not_interested"


def test_a_share_follows_its_setting(settings: Settings) -> None:
    shares = REASONS["wrong_genre"].shares()
    assert (shares["genre"], shares["franchise"]) == (0.15, 0.12)
    settings.DISLIKE_GENRE_SHARE = 0.4
    assert REASONS["wrong_genre"].shares() == {**shares, "genre": 0.4}
