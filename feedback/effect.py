"""Asks serving how much a person's dislikes hold back in their lists.

Lists are made above this app, by a policy that an experiment may change for some people. So whoever makes
them gives the answer here (`serving.apps`), and what a person is told of a dislike follows what is done.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Loaded by every process at its start (serving/apps.py), and adjustments bring SciPy.
    from feedback.adjustments import FacetDelta

# One dislike as four of the same kind. No experiment needs more to show that it is too much.
MOST_STRENGTH = 4.0

StrengthOf = Callable[[int, str], float]
"""(user id, kind of item) → the exponent of the penalties in the person's lists of that kind; 0 is none."""

_asked: list[StrengthOf] = []


def ask(strength_of: StrengthOf) -> None:
    """Has this function asked from now on, in place of any before."""
    _asked[:] = [strength_of]


def strength_of(user_id: int, kind: str) -> float:
    """The exponent of the penalties in a person's lists of a kind; 1 where nobody says."""
    return _asked[0](user_id, kind) if _asked else 1.0


def in_force(deltas: "Sequence[FacetDelta]", *, user_id: int, kind: str) -> "Sequence[FacetDelta]":
    """The deltas of a dislike of a `kind` as they act for the person: −0.15 is −0.28 where strength is 2."""
    strength = strength_of(user_id, kind) if deltas else 0.0
    if strength in (0.0, 1.0):
        return deltas if strength else ()
    return [replace(one, delta=round((1.0 + one.delta) ** strength - 1.0, 4)) for one in deltas]
