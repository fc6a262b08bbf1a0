"""Asks serving if a person's dislikes hold anything back in their lists.

Lists are made above this app, by a policy that an experiment may change for some people. So whoever makes
them gives the answer here (`serving.apps`), and what a person is told of a dislike follows what is done.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Loaded by every process at its start (serving/apps.py), and adjustments bring SciPy.
    from feedback.adjustments import FacetDelta

HoldsBack = Callable[[int, str], bool]
"""(user id, kind of item) → True where dislikes hold anything back in the person's lists of that kind."""

_asked: list[HoldsBack] = []


def ask(holds_back: HoldsBack) -> None:
    """Has this function asked from now on, in place of any before."""
    _asked[:] = [holds_back]


def holds_back(user_id: int, kind: str) -> bool:
    """True where a person's dislikes hold anything back in their lists of a kind, and where nobody says."""
    return all(one(user_id, kind) for one in _asked)


def in_force(deltas: "Sequence[FacetDelta]", *, user_id: int, kind: str) -> "Sequence[FacetDelta]":
    """Those of the deltas of a dislike of a `kind` that act for the person: all of them or none."""
    return deltas if deltas and holds_back(user_id, kind) else ()
