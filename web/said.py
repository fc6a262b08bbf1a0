"""Shows what was understood of a wish in a person's own words, as chips."""

from feedback.rules import ALWAYS, TONIGHT, Strength
from search.said_wishes import parse_wishes
from web.forms import LENGTHS

_LENGTHS = {**LENGTHS, TONIGHT: "tonight"}


def said_chips(text: str) -> list[str]:
    """The wishes that a text says, each in a few words: `Never War, 7 days`."""
    return [
        f"{Strength(wish.strength).label.capitalize()} {wish.name}"
        + ("" if wish.scope == ALWAYS else f", {_LENGTHS[wish.scope]}")
        for wish in (parse_wishes(text).wishes if text else ())
    ]
