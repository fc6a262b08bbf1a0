"""The header Idempotency-Key wherever a write has no id of its own: one effect, one answer."""

import pytest
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, User
from catalog.models import Item
from interactions.models import UserInteraction
from tests.answers import assert_refused
from tests.factories import make_item

# The address, a body, and another body. Places for the item and the person are filled in.
WRITES = {
    "dislike": ("/api/dislike", {"movie_id": "ITEM", "reason": "wrong_genre"}, {"movie_id": "ITEM"}),
    "dislike by title": ("/api/dislike", {"movie_title": "Heat"}, {"movie_title": "heat"}),
    "feedback": ("/api/feedback", {"item_id": "ITEM", "rating": 1}, {"item_id": "ITEM", "rating": 0}),
    "rate": ("/api/profile/PERSON/rate", {"item_id": "ITEM", "rating": 9}, {"item_id": "ITEM", "rating": 2}),
    "action": ("/api/movies/ITEM/watched", {"rating": 9}, {"rating": 2}),
    "item dislike": ("/api/movies/ITEM/dislike", {"reason": "wrong_genre"}, {}),
    "interactions": (
        "/api/interactions",
        {"interactions": [{"item_id": "ITEM", "type": "like"}]},
        {"interactions": [{"item_id": "ITEM", "type": "view"}]},
    ),
}


@pytest.fixture
def item(db: None) -> Item:
    return make_item("Heat", genres=["Crime", "Drama"])


def filled(value: object, places: dict[str, int]) -> object:
    match value:
        case dict():
            return {name: filled(one, places) for name, one in value.items()}
        case list():
            return [filled(one, places) for one in value]
        case str():
            return places.get(value, value)
    return value


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_sent_twice_is_done_once_and_answered_byte_for_byte(
    api: APIClient, person: User, item: Item, name: str
) -> None:
    address, body, other = WRITES[name]
    places = {"ITEM": item.pk, "PERSON": person.pk}
    for place, value in places.items():
        address = address.replace(place, str(value))
    headers = {"Idempotency-Key": "k"}
    first = api.post(address, filled(body, places), format="json", headers=headers)
    # Without the key, what follows would be answered otherwise: as on record, or as of no such title.
    Item.objects.filter(pk=item.pk).update(title="Another")
    again = api.post(address, filled(body, places), format="json", headers=headers)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.status_code == 201
    assert UserInteraction.objects.count() == 1
    assert IdempotencyKey.objects.count() == 1
    assert_refused(api.post(address, filled(other, places), format="json", headers=headers), 422)


def test_a_rating_in_the_address_is_what_its_key_belongs_to(api: APIClient, person: User, item: Item) -> None:
    address = f"/api/profile/{person.pk}/rate?item_id={item.pk}&rating="
    first, again, other = (
        api.post(address + rating, headers={"Idempotency-Key": "k"}) for rating in ("9", "9", "2")
    )
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert_refused(other, 422)


def test_an_answer_that_an_earlier_release_kept_is_given_again(person: User) -> None:
    kept = IdempotencyKey(user=person, response_body={"success": True})
    assert kept.answer() == {"success": True}
