"""A first taste by pairs: of two well-known titles a person takes one, or neither.

The answers stand in the login session, so that a pair comes once and the last answer can be taken back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from catalog.selectors import ItemCard
from core.domain import UseCase

# So many answers make a list that follows them.
ENOUGH = 5
_KEY = "pairs"
_MOST_REMEMBERED = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """One pair that was shown: `chosen` is the id that was taken, None for neither."""

    shown: tuple[int, int]
    chosen: int | None


def answers_of(request: HttpRequest, use_case: UseCase) -> list[Answer]:
    """The answers of this login session, the last one last."""
    kept = request.session.get(_KEY, {}).get(use_case.name, [])
    return [Answer((one, other), chosen) for one, other, chosen in kept]


def keep_answers(request: HttpRequest, use_case: UseCase, answers: Sequence[Answer]) -> None:
    """Remembers the answers."""
    rows = [[*answer.shown, answer.chosen] for answer in answers[-_MOST_REMEMBERED:]]
    request.session[_KEY] = {**request.session.get(_KEY, {}), use_case.name: rows}


def taken_of(answers: Sequence[Answer]) -> int:
    """The number of answers that took one of the two: neither says nothing."""
    return sum(answer.chosen is not None for answer in answers)


def next_pair(cards: Sequence[ItemCard], barred: Collection[int]) -> tuple[ItemCard, ItemCard] | None:
    """The next two of `cards`, as unlike as can be: no category is in both where there are such two.

    `barred` are those shown before, and what the person said something of. None where too few are left.
    """
    left = [card for card in cards if card.id not in barred]
    if len(left) < 2:
        return None
    first, *others = left
    return first, min(others, key=lambda card: len(set(card.categories) & set(first.categories)))
