"""The limits by their names, and what the settings make of them."""

from dataclasses import dataclass, replace

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# A worker's own share of a limit, given away without asking: six workers exceed it by a tenth at most.
_OWN_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` in `seconds` for each person, of a program or an address so many times as much."""

    name: str
    limit: int
    seconds: int
    program: int = 1000
    address: int = 20

    def times(self, factor: float) -> "Rule":
        """The same rule with a limit so many times as high."""
        return replace(self, limit=max(1, int(self.limit * factor)))

    @property
    def chunk(self) -> int:
        """The number taken from the shared count at once, and the number let through before it is asked."""
        return int(self.limit * _OWN_SHARE)


# Nobody who uses the pages meets them: 300 noes an hour are one every twelve seconds, without a pause.
DEFAULTS = {
    rule.name: rule
    for rule in (
        Rule("sign-up", 30, 3600, address=1),
        Rule("login", 20, 900, address=1),  # wrong passwords, under however many names
        Rule("password-reset", 10, 3600, address=1),  # forms of one address, and mail to one mailbox
        Rule("dislikes", 300, 3600),
        Rule("events", 3000, 3600),  # every other write
        Rule("imports", 60, 3600),  # files of one's own history, and looks at what was found in them
        Rule("search", 120, 60),
        Rule("lists", 600, 3600),
    )
}


def rules() -> dict[str, Rule]:
    """The rules in force; none where RATE_LIMIT_FACTOR is 0. Raises ImproperlyConfigured."""
    factor = settings.RATE_LIMIT_FACTOR
    if factor <= 0:
        return {}
    given = dict(map(_given, settings.RATE_LIMITS))
    return {name: given.get(name, rule).times(factor) for name, rule in DEFAULTS.items()}


def _given(text: str) -> tuple[str, Rule]:
    name, _, amount = text.strip().partition("=")
    limit, _, seconds = amount.partition("/")
    if name not in DEFAULTS or not (limit.isdecimal() and seconds.isdecimal() and int(seconds)):
        raise ImproperlyConfigured(
            f"RATE_LIMITS: {text!r} must be NAME=LIMIT/SECONDS, where NAME is one of {', '.join(DEFAULTS)}."
        )
    return name, replace(DEFAULTS[name], limit=int(limit), seconds=int(seconds))
