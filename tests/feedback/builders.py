"""Items with facets of every kind, and dislikes of them."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike
from feedback.services import save_dislike
from tests.factories import give_facets, make_item


def make_film(title: str = "", **facets: list[str]) -> Item:
    """An item with facets by kind: `make_film(genre=["Action"], actor=["Ann Lee"])`."""
    item = make_item(title)
    if facets:
        give_facets([(item, facets)])
    return item


def full_film(title: str = "") -> Item:
    """An item with one facet of every kind that a dislike may hold back, and one of another kind."""
    return make_film(
        title, genre=["Action"], actor=["Ann Lee"], director=["Bo Ray"], franchise=["Saga"], theme=["Heist"]
    )


def dislike(person: User, item: Item, reason: str = "wrong_genre", *, days_ago: float = 0.0) -> Dislike:
    """A dislike of that many days ago; without a session."""
    moment = timezone.now() - timedelta(days=days_ago)
    return save_dislike(user_id=person.pk, item=item, reason=reason, occurred_at=moment).dislike
