"""Personas: the rules, in their order."""

import pytest

from core.domain import DOMAIN
from profiles.personas import find_personas
from profiles.reduction import no_taste
from tests.profiles.builders import make_taste


@pytest.mark.parametrize(
    ("scores", "persona"),
    [
        ({("genre", "Medical"): 0.3, ("genre", "Drama"): 0.3}, "Medical Fan"),
        ({("genre", "Thriller"): 0.4, ("genre", "Drama"): 0.35}, "Thriller Enthusiast"),
        ({("genre", "Slice of Life"): 0.3, ("genre", "Romance"): 0.3}, "Slice of Life Enthusiast"),
        ({("theme", "hospital"): 0.3, ("genre", "Drama"): 0.31}, "Medical Fan"),
        # Close to the strongest is meant: a little Medical beside much Drama makes no Medical Fan.
        ({("genre", "Medical"): 0.12, ("genre", "Drama"): 0.5}, "Drama Devotee"),
        ({("genre", "Robotics"): 0.3}, "Robotics Enthusiast"),
        ({("genre", "Robotics"): 0.2, ("theme", "seed"): 0.3}, "Robotics Enthusiast"),
    ],
)
def test_the_strongest_genres_and_themes_name_the_person(
    scores: dict[tuple[str, str], float], persona: str
) -> None:
    assert find_personas(make_taste(scores))[0] == persona


def test_who_likes_two_sorts_alike_has_two_personas() -> None:
    taste = make_taste({("genre", "Medical"): 0.7, ("genre", "Slice of Life"): 0.58})
    assert find_personas(taste) == ("Medical Fan", "Slice of Life Enthusiast")


@pytest.mark.parametrize(
    "scores",
    [
        {},
        {("genre", "Drama"): 0.06},
        {("genre", "Drama"): -0.5},
        {("actor", "Ann Lee"): 0.5},
        {("theme", "seed"): 0.5},
    ],
)
def test_nobody_is_named_after_nothing(scores: dict[tuple[str, str], float]) -> None:
    assert find_personas(make_taste(scores)) == ()
    assert find_personas(no_taste()) == ()


def test_the_rules_are_in_small_letters() -> None:
    assert DOMAIN.personas.rules
    assert all(name == name.casefold() for names in DOMAIN.personas.rules.values() for name in names)
