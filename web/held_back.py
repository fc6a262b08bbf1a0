"""The facets that a person's dislikes hold back, and the kinds of items in whose lists they do not."""

from dataclasses import replace

from core.domain import KINDS
from core.domain.words import listed
from feedback.effect import strength_of
from feedback.selectors import HeldBack
from profiles.held_back import get_all_held_back


def held_back_of(user_id: int) -> tuple[list[HeldBack], str]:
    """The facets held back in any lists of the person, and in words the kinds where none is; "" for none.

    Where an experiment gives dislikes several strengths, the factors are those of the strongest.
    """
    found = get_all_held_back(user_id=user_id)
    if not found:
        return [], ""
    strengths = {kind: strength_of(user_id, kind) for kind in KINDS}
    free = [kind for kind in KINDS if not strengths[kind]]
    if len(free) == len(KINDS):
        return [], ""
    strongest = max(strengths.values())
    acting = [replace(one, factor=one.factor**strongest) for one in found]
    return acting, listed([KINDS[kind].label.lower() for kind in free])
