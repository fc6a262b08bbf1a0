"""The titles by which a list is explained share something with their slots, and none explains too much."""

from collections import Counter

import pytest
from django.utils import timezone

from accounts.models import User
from catalog.models import Facet, Item
from core.domain import USE_CASES
from feedback.steering import WantedRule, add_rules
from interactions.models import ItemPopularity
from serving.carousels import similar_items
from serving.pipeline import recommend
from tests.factories import make_active_als, make_interaction
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


def whys(person: User, limit: int) -> dict[str, str]:
    served = recommend(user_id=person.pk, use_case=MOVIES, limit=limit)
    return {slot.item.title: slot.why for slot in served.slots}


@pytest.fixture
def mixed(person: User) -> list[Item]:
    """A liked crime film, which a model puts beside twenty others: half of crime, half of music."""
    liked = make_film("Oldboy", genre=["Crime"], director=["Park"])
    others = [make_film(f"Film {n}", genre=[("Crime", "Music")[n % 2]]) for n in range(20)]
    make_active_als([[liked.pk, *(one.pk for one in others)]])
    make_interaction(person, liked)
    return others


def test_a_reason_needs_something_in_common(person: User, mixed: list[Item]) -> None:
    told = whys(person, 20)
    for number, film in enumerate(mixed):
        assert number % 2 == 0 or "Oldboy" not in told[film.title]
    assert told["Film 1"] == "People with a taste like yours chose it."


def test_no_title_explains_more_than_a_fifth(person: User, mixed: list[Item]) -> None:
    told = Counter("Oldboy" in why for why in whys(person, 20).values())
    assert told[True] == 4


def test_a_title_that_is_like_it_takes_the_place(person: User, mixed: list[Item]) -> None:
    """Of two liked titles the one that has something in common is named, whichever the model names."""
    make_interaction(person, make_film("Amadeus", genre=["Music"]), day=1)
    told = whys(person, 20)
    named = {title: why for title, why in told.items() if "Amadeus" in why}
    assert len(named) == 4
    assert set(named.values()) == {"Music, like Amadeus."}


def test_more_like_this_puts_what_it_shares_first(person: User, mixed: list[Item]) -> None:
    near = similar_items(item_id=mixed[0].pk, use_case=MOVIES, limit=20)
    categories = [one.item.categories[0] for one in near]
    assert categories[:10] == ["Crime"] * 10


def test_what_is_directed_by_the_same_says_so(person: User, mixed: list[Item]) -> None:
    film = make_film("Decision", genre=["Crime"], director=["Park"])
    ItemPopularity.objects.create(item=film, use_case="movie_home", score=1.0, refreshed_at=timezone.now())
    assert whys(person, 25)["Decision"] in {
        "Because you liked Oldboy, also directed by Park.",
        "Directed by Park, like Oldboy.",
    }


def test_an_actor_or_a_publisher_alone_is_no_reason(person: User) -> None:
    liked = make_film("Oldboy", genre=["Crime"], actor=["Choi"], publisher=["Egg"])
    films = [
        make_film("Song", genre=["Music"], actor=["Choi"]),
        make_film("Dance", genre=["Music"], publisher=["Egg"]),
    ]
    make_active_als([[liked.pk, *(film.pk for film in films)]])
    make_interaction(person, liked)
    assert not [why for why in whys(person, 5).values() if "Oldboy" in why]


def test_what_was_turned_down_is_not_said_to_be_liked(person: User) -> None:
    for day in range(6):
        make_interaction(person, make_film(f"Joke {day}", genre=["Comedy"]), day=day)
    for number in range(3):
        film = make_film(f"Laugh {number}", genre=["Comedy"])
        ItemPopularity.objects.create(
            item=film, use_case="movie_home", score=1.0, refreshed_at=timezone.now()
        )
    assert "Because you like comedy films." in whys(person, 5).values()
    add_rules(user_id=person.pk, wanted=[WantedRule("less", Facet.objects.get(name="Comedy"))])
    told = whys(person, 5)
    assert len(told) == 3
    assert not [why for why in told.values() if "you like" in why]
