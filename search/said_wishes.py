"""Wishes in a person's own words: "no war films this week" as a rule, by patterns and the words of a search.

No model of language: what is not understood is said back, and nothing acts before the person has seen it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from catalog.models import Facet
from feedback.rules import ALWAYS, TONIGHT, end_of
from feedback.steering import WantedRule
from search.naming import names_in
from search.query_analysis import clean_query

LONGEST = 200

_MUCH_LESS = (
    r"(?:much|a lot|lots|far|way) (?:less|fewer)|hardly any|barely any"
    r"|(?:tired|sick|bored|fed up) (?:of|by|with)"
)
_LESS = (
    r"(?:an? )?(?:bit |little )?(?:less|fewer)(?: of)?|not (?:so|as|that) (?:many|much)|too (?:many|much)"
    r"|enough(?: of| with)?|cut down on|tone down"
)
_NEVER = (
    r"(?:do not|dont|don't|never|stop|no longer) (?:want(?: to (?:see|watch))?|show(?:ing)?|recommend(?:ing)?"
    r"|like|suggest(?:ing)?)(?: me)?|not in the mood for|can(?:no|')?t stand|no more|never(?: again)?"
    r"|nothing|none|no|not|without|hide|block|ban|exclude|avoid|skip|hate|keep"
)
_MORE = r"more|love|like|want"
_STRENGTHS = re.compile(
    rf"\b(?:(?P<much_less>{_MUCH_LESS})|(?P<less>{_LESS})|(?P<never>{_NEVER})|(?P<more>{_MORE}))(?![\w'])"
)
_TIMES = (
    (TONIGHT, r"(?:for )?tonight|(?:for )?this evening"),
    ("day", r"(?:for )?today|for (?:a|one|1|the) day"),
    ("week", r"(?:for |in )?(?:this|the next|next|a|one) week|for (?:the next )?(?:7|seven) days"),
    ("month", r"(?:for |in )?(?:this|the next|next|a|one) month|for (?:the next )?(?:30|thirty) days"),
)
_NOISE = re.compile(
    r"\b(?:for (?:the|my|our) (?:kids|children|family)|for now|right now|at the moment|please|stuff|things?"
    r"|ones|any ?more|again|away from me|i am|i'm|i)\b"
)
_CLAUSES = re.compile(r"\bbut\b|[;.]")


@dataclass(frozen=True, slots=True)
class SaidWish:
    """One wish as it was understood. `scope`: how long, as in `feedback.rules`."""

    strength: str
    facets: tuple[tuple[str, str], ...]
    name: str
    scope: str


@dataclass(frozen=True, slots=True)
class SaidWishes:
    """The wishes in a text, and the words of it that mean nothing here."""

    text: str
    wishes: tuple[SaidWish, ...]
    not_understood: str


def parse_wishes(text: str) -> SaidWishes:
    """The wishes that a text says. Any text is one; most say nothing. Makes no query once searches are warm.

    A name is understood as the search understands it, with typing errors, in any kind of item.
    """
    text = clean_query(text)
    lower, scope = _take_time(text.lower().replace("’", "'"))
    wishes: list[SaidWish] = []
    lost: list[str] = []
    for strength, words in _clauses(lower):
        named, rest = names_in(words)
        if strength and not rest:
            wishes += [SaidWish(strength, facets, name, scope) for name, facets in named.items()]
        elif words:
            lost.append(words)
    return SaidWishes(text, tuple(wishes), ", ".join(lost))


def is_wish(text: str) -> bool:
    """True for a text that begins by wanting less of something, as no search for a title does."""
    found = _STRENGTHS.match(_clean(clean_query(text).lower().replace("’", "'")))
    return found is not None and bool(_strength(found))


def rules_of(said: SaidWishes, now: datetime) -> list[WantedRule]:
    """The rules that act as these wishes say, one for each facet of a name: one query."""
    names = {name for wish in said.wishes for _, name in wish.facets}
    known = {(facet.kind, facet.name): facet for facet in Facet.objects.filter(name__in=names)}
    return [
        WantedRule(wish.strength, known[facet], ends_at=end_of(wish.scope, now), words=said.text[:LONGEST])
        for wish in said.wishes
        for facet in wish.facets
        if facet in known
    ]


def _take_time(text: str) -> tuple[str, str]:
    """The text without its first naming of a length, and that length."""
    for scope, pattern in _TIMES:
        found = re.search(rf"\b(?:{pattern})\b", text)
        if found is not None:
            return f"{text[: found.start()]} {text[found.end() :]}", scope
    return text, ALWAYS


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """The strength and the words of each clause; "" for the strength of one that wants less of nothing."""
    for clause in _CLAUSES.split(text):
        found = [one for one in _STRENGTHS.finditer(clause) if one.lastgroup]
        before = clause[: found[0].start()] if found else clause
        if found:
            strength = _strength(found[0])
            # "no war and no crime" is one wish of one strength; another one begins another.
            words = before
            for one, next_one in zip(found, [*found[1:], None], strict=True):
                if _strength(one) != strength:
                    yield strength, _clean(words)
                    strength, words = _strength(one), ""
                words += " " + clause[one.end() : next_one.start() if next_one else None]
            yield strength, _clean(words)
        else:
            yield "", _clean(clause)


def _strength(found: "re.Match[str]") -> str:
    return "" if found.lastgroup == "more" else str(found.lastgroup)


def _clean(words: str) -> str:
    return " ".join(_NOISE.sub(" ", words).replace(",", " ").split())
