"""The facets that a person's dislikes hold back, and the kinds of items in whose lists they do not."""

from core.domain import KINDS
from core.domain.words import listed
from feedback.effect import holds_back
from feedback.selectors import HeldBack
from profiles.held_back import get_all_held_back


def held_back_of(user_id: int) -> tuple[list[HeldBack], str]:
    """The facets held back in any lists of the person, and in words the kinds where none is; "" for none."""
    found = get_all_held_back(user_id=user_id)
    if not found:
        return [], ""
    free = [kind for kind in KINDS if not holds_back(user_id, kind)]
    if len(free) == len(KINDS):
        return [], ""
    return found, listed([KINDS[kind].label.lower() for kind in free])
