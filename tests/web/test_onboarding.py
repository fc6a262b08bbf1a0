"""Well-known titles for people of whom nothing is known."""

from collections import Counter

from accounts.models import User
from core.domain import KINDS, USE_CASES
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction
from tests.web.conftest import MakeItem
from web.onboarding import kinds_with_items, popular_items

FILMS = USE_CASES["movie_home"]


def test_picks_are_spread_over_the_genres(person: User, make_item: MakeItem) -> None:
    for number in range(20):
        item = make_item(f"Duel {number}", genre=["Action"])
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="favorite")
    for genre in ("Romance", "Horror", "Western"):
        for number in range(3):
            item = make_item(f"{genre} {number}", genre=[genre])
            record_interaction(user_id=person.pk, item_id=item.pk, type_name="view")
    refresh_popularity(use_case="movie_home")
    picks = popular_items(FILMS, 12)
    first = Counter(card.categories[0] for card in picks)
    assert first == {
        "Action": 3,
        "Romance": 3,
        "Horror": 3,
        "Western": 3,
    }
    assert picks[0].categories == ("Action",)


def test_without_any_popularity_the_newest_are_offered(make_item: MakeItem) -> None:
    made = {make_item(f"Film {number}").pk for number in range(3)}
    assert {card.id for card in popular_items(FILMS, 10)} == made


def test_only_kinds_with_items_are_offered(make_item: MakeItem) -> None:
    assert kinds_with_items() == []
    make_item("Quillowen", kind="startup")
    assert kinds_with_items() == [KINDS["startup"]]
    assert popular_items(FILMS, 5) == []
