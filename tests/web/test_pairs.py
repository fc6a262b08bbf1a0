"""A first taste by pairs: one of two is taken, or neither, and after five the list follows."""

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from interactions.services import record_interaction
from tests.web.conftest import MakeItem
from web.pairs import ENOUGH

PAGE = "/welcome/"
Films = dict[str, list[Item]]


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def pair_on(client: Client) -> tuple[int, int]:
    pair = client.get(PAGE).context["pair"]
    return pair[0].id, pair[1].id


def answer(client: Client, **what: object) -> str:
    one, other = pair_on(client)
    sent = {"pair": [one, other], "this": one, **what}
    return client.post(PAGE, {name: value for name, value in sent.items() if value is not None})["Location"]


def standing(person: User) -> list[tuple[str, int]]:
    return list(
        UserInteraction.objects.filter(user=person, withdrawn_at=None)
        .order_by("pk")
        .values_list("type", "item_id")
    )


def test_the_two_have_no_genre_in_common_and_are_not_offered_twice(ada: Client, two_tastes: Films) -> None:
    page = ada.get(PAGE)
    one, other = page.context["pair"]
    assert not set(one.categories) & set(other.categories)
    assert not {one.id, other.id} & {card.id for card in page.context["offered"]}
    assertContains(page, "This or that?")
    assertContains(page, f"0 of {ENOUGH} answers")


def test_what_is_taken_is_a_like_and_the_other_is_no_no(ada: Client, person: User, two_tastes: Films) -> None:
    one, other = pair_on(ada)
    assert answer(ada) == "/welcome/?kind=movies"
    assert standing(person) == [("like", one)]
    assert not UserInteraction.objects.filter(user=person, item_id=other).exists()
    assert not {one, other} & set(pair_on(ada))
    assertContains(ada.get(PAGE), f"1 of {ENOUGH} answers")


def test_after_five_answers_the_list_follows_them(
    ada: Client, person: User, taste_model: None, two_tastes: Films
) -> None:
    romance = {film.pk for film in two_tastes["Romance"]}
    for number in range(ENOUGH):
        (letter,) = set(pair_on(ada)) & romance
        where = answer(ada, this=letter)
        assert where == ("/?kind=movies" if number == ENOUGH - 1 else "/welcome/?kind=movies")
    page = ada.get(where)
    assertContains(page, "This list follows your answers.")
    assert {slot.item.categories for slot in page.context["served"].slots[:10]} == {("Romance",)}
    assert answer(ada) == "/welcome/?kind=movies"


def test_neither_records_nothing_and_brings_another_pair(
    ada: Client, person: User, two_tastes: Films
) -> None:
    before = set(pair_on(ada))
    answer(ada, this=None, neither="1")
    assert standing(person) == []
    assert not before & set(pair_on(ada))
    assertContains(ada.get(PAGE), f"0 of {ENOUGH} answers")


def test_the_last_answer_can_be_taken_back(ada: Client, person: User, two_tastes: Films) -> None:
    assertNotContains(ada.get(PAGE), "Take the last answer back")
    first = pair_on(ada)
    answer(ada)
    ada.post(PAGE, {"back": "1"})
    assert standing(person) == []
    assert pair_on(ada) == first
    answer(ada)
    UserInteraction.objects.filter(user=person).delete()
    assertRedirects(ada.post(PAGE, {"back": "1"}), "/welcome/?kind=movies")
    assertRedirects(ada.post(PAGE, {"back": "1"}), "/welcome/?kind=movies")


def test_what_was_ticked_beside_a_pair_is_kept(ada: Client, person: User, two_tastes: Films) -> None:
    page = ada.get(PAGE)
    ticked = page.context["offered"][0].id
    answer(ada, pick=ticked, shown=[card.id for card in page.context["offered"]])
    assert {item_id for _, item_id in standing(person)} == {ticked, page.context["pair"][0].id}
    assert ticked in ada.get(PAGE).context["picked"]


def test_a_pair_never_has_what_the_person_said_something_of(
    ada: Client, person: User, two_tastes: Films
) -> None:
    films = [film for some in two_tastes.values() for film in some]
    for film, type_name in zip(films[:-2], ["watched", "dislike", "watchlist_add", "like"] * 8, strict=False):
        record_interaction(user_id=person.pk, item_id=film.pk, type_name=type_name)
    assert set(pair_on(ada)) == {film.pk for film in films[-2:]}
    answer(ada)
    page = ada.get(PAGE)
    assert page.context["pair"] is None
    assertNotContains(page, "This or that?")


@pytest.mark.parametrize(
    "sent",
    [
        {"this": "1"},
        {"this": "99", "pair": ["1", "2"]},
        {"this": "1", "pair": ["1"]},
        {"this": "1", "pair": ["1", "1"]},
        {"neither": "1"},
        {"neither": "1", "pair": ["\0", "2"]},
    ],
)
def test_an_answer_to_no_pair_is_passed_over(
    ada: Client, person: User, make_item: MakeItem, sent: dict[str, object]
) -> None:
    films = [make_item(title) for title in ("Heat", "Ran", "Up")]
    ids = {"1": str(films[0].pk), "2": str(films[1].pk), "99": str(films[2].pk)}
    named = {
        name: [ids.get(one, one) for one in ([value] if isinstance(value, str) else value)]  # type: ignore[attr-defined]
        for name, value in sent.items()
        if name != "neither"
    }
    assert ada.post(PAGE, {**sent, **named}).status_code == 302
    assert standing(person) == []
    assertContains(ada.get(PAGE), f"0 of {ENOUGH} answers")


def test_the_same_pair_sent_twice_counts_once(ada: Client, person: User, two_tastes: Films) -> None:
    one, other = pair_on(ada)
    for this in (one, other):
        ada.post(PAGE, {"pair": [one, other], "this": this})
    assert standing(person) == [("like", one)]
