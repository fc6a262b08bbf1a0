"""Idempotency keys: one effect and one answer."""

from typing import Any

import pytest

from accounts.models import IdempotencyKey, User
from accounts.services import answer_once
from catalog.models import Facet
from core.errors import KeyReused
from tests.factories import make_user
from tests.threads import together

BODY = {"a": 1, "b": ["x", None]}


class Effect:
    """Makes a row each time it runs, so that the rows count the runs."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def __call__(self) -> tuple[int, dict[str, Any]]:
        number = Facet.objects.count()
        Facet.objects.create(kind="genre", name=f"run {number}")
        if self.error is not None:
            raise self.error
        return 201, {"number": number, "half": 0.1, "nothing": None}


def once(
    user: User, *, route: str = "here", key: str = "k", body: object = BODY
) -> tuple[int, dict[str, Any]]:
    return answer_once(user=user, route=route, key=key, body=body, act=Effect())


def test_the_same_key_gets_the_same_answer_and_no_second_effect(person: User) -> None:
    first = once(person)
    assert once(person) == first == (201, {"number": 0, "half": 0.1, "nothing": None})
    assert Facet.objects.count() == 1


def test_the_order_of_keys_in_the_body_does_not_matter(person: User) -> None:
    first = once(person, body={"a": 1, "b": 2})
    assert once(person, body={"b": 2, "a": 1}) == first


@pytest.mark.parametrize("other", [{}, {"a": 2}, {"a": "1", "b": ["x", None]}, [BODY], None, BODY | {"c": 1}])
def test_another_body_under_the_same_key_is_refused(person: User, other: object) -> None:
    once(person)
    with pytest.raises(KeyReused):
        once(person, body=other)
    assert Facet.objects.count() == 1


def test_a_key_belongs_to_one_person_and_one_route(person: User, other_person: User) -> None:
    once(person)
    once(other_person, body={"other": 1})
    once(person, route="there", body={"other": 1})
    once(person, key="K")
    assert Facet.objects.count() == 4


def test_without_a_key_it_runs_every_time_and_keeps_nothing(person: User) -> None:
    once(person, key="")
    once(person, key="")
    assert Facet.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "k"])
def test_an_error_leaves_neither_key_nor_effect(person: User, key: str) -> None:
    def fail() -> None:
        answer_once(user=person, route="here", key=key, body=BODY, act=Effect(RuntimeError("on the way")))

    with pytest.raises(RuntimeError, match="on the way"):
        fail()
    assert not Facet.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert once(person, key=key)[0] == 201


def test_twenty_at_once_with_one_key_have_one_effect_and_one_answer(threads_db: None) -> None:
    person = make_user()
    answers = together(20, lambda _: once(person))
    assert all(answer == answers[0] for answer in answers)
    assert Facet.objects.count() == 1
    assert IdempotencyKey.objects.count() == 1


def test_twenty_at_once_with_two_bodies_have_one_effect(threads_db: None) -> None:
    person = make_user()

    def one(index: int) -> str:
        try:
            once(person, body={"parity": index % 2})
        except KeyReused:
            return "refused"
        return "done"

    assert sorted(together(20, one)) == ["done"] * 10 + ["refused"] * 10
    assert Facet.objects.count() == 1
