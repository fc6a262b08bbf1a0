"""Asks profiles how much a person likes facets, -1 to 1.

The taste is worked out above this app, from interactions and dislikes. So whoever works it out gives the
answer here (`profiles.apps`), and a no that does not say which genre it means is laid on the right one.
"""

from collections.abc import Callable, Mapping

Likings = Callable[[int], Mapping[int, float]]
"""user id → preference of each facet of which anything is known, by its id."""

_asked: list[Likings] = []


def ask(likings: Likings) -> None:
    """Has this function asked from now on, in place of any before."""
    _asked[:] = [likings]


def likings_of(user_id: int) -> Mapping[int, float]:
    """The preference of a person for each facet; nothing where nobody says."""
    return _asked[0](user_id) if _asked else {}
