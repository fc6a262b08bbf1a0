"""Reads what a search says beside words to be found: "not horror", "like Alien but funnier", "for kids".

They are taken from the query first; what is left is searched as any text is. The words stand in heed.toml.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from core.domain import DOMAIN, KINDS, ItemKind

_NEGATION = r"(?:not|no|non|nothing|without|except(?: for)?|minus|excluding)"
# A minus that begins a word, and the words of negation with what may stand between them and the name.
_NEGATED = re.compile(
    rf"(?:(?:\b(?:but|and|that is|which is)\s+)?\b{_NEGATION}\b[\s-]*(?:(?:too|so|very|any|a|an|the)\s+)?"
    r"|(?:^|\s)-(?=\w))"
    r"(?P<what>[^,;]+?)"
    rf"(?=\s*(?:[,;]|$|\bbut\b|\bfor\b|\bfrom\b|\bwith\b|\blike\b|\b{_NEGATION}\b|\s-\w))",
    re.IGNORECASE,
)
_LIKE = re.compile(
    r"(?:^|\b)(?:(?:something|anything|more|movies?|films?|dramas?|shows?|series)\s+)*"
    r"(?:like|similar to|in the style of|in the vein of)\s+(?P<title>.+?)"
    r"(?=\s*(?:[,;]|$|\bbut\b|\bfor (?:my |the )?(?:kids|children)\b"
    r"|\bfrom the \d|\bfrom (?:1[89]|20)\d\d|\bwithout\b))",
    re.IGNORECASE,
)
_CHILDREN = re.compile(
    r"\b(?:(?:good |suitable |fit )?for (?:the |my |our |small |young |whole )*(?:kids?|children|family)"
    r"|(?:family|kid)[- ]friendly|(?:kids?|children'?s?)(?= (?:movies?|films?|shows?|series|dramas?)\b))\b",
    re.IGNORECASE,
)
_MORE = re.compile(r"\b(?:but|and|just|only)\s+", re.IGNORECASE)
_EDGES = re.compile(r"^(?:\s|,|;|\bbut\b|\band\b)+|(?:\s|,|;|\bbut\b|\band\b)+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search in its parts.

    text      what is left, to be found as any text
    without   words after a "not", each group by itself
    like      what follows a "like": a title, if there is one of that name
    children  True where it is to be for children
    country   as attributes name it; "" for none
    kind      the kind of item that it names; "" for none
    """

    text: str
    without: tuple[str, ...] = ()
    like: str = ""
    children: bool = False
    country: str = ""
    kind: str = ""

    @property
    def is_plain(self) -> bool:
        """True where nothing was taken from the text."""
        return not (self.without or self.like or self.children or self.country)


def read_query(query: str, understood: Callable[[str], bool]) -> Asked:
    """The parts of a cleaned query. Any text is one; most have but `text`.

    understood  True for words that name something; what follows a "not" and names nothing stays in the text
    """
    asked = Asked(query, kind=_kind_in(query))
    found = _LIKE.search(query)
    if found:
        asked = replace(asked, text=_without(query, found), like=found["title"].strip())
    asked = _take_negations(asked, understood)
    if found := _CHILDREN.search(asked.text):
        asked = replace(asked, text=_without(asked.text, found), children=True)
    return _take_words(asked)


def _take_negations(asked: Asked, understood: Callable[[str], bool]) -> Asked:
    text, without = asked.text, []
    for found in list(_NEGATED.finditer(text))[::-1]:
        what = _words_at_its_end(found["what"])
        if understood(what.named):
            without.append(what.named)
            text = f"{text[: found.start()]} {what.rest} {text[found.end() :]}"
    return replace(asked, text=_tidy(text), without=tuple(without[::-1]))


@dataclass(frozen=True, slots=True)
class _Negated:
    named: str
    rest: str


# A time is of the wish that the same words may be, and not of a search.
_TIMES = re.compile(
    r"\b(?:(?:for |in )?(?:this|the next|next|a|one) (?:week|month|evening)|tonight|today)\b", re.IGNORECASE
)
_YEARS = re.compile(
    r"\b(?:the )?(?:\d{2}|\d{4})s?\b.*$|\b(?:fifties|sixties|seventies|eighties|nineties)\b.*$"
)


def _words_at_its_end(what: str) -> _Negated:
    """The negated words without years behind them, which belong to the search itself: "no animation 80s"."""
    what = _TIMES.sub(" ", what)
    found = _YEARS.search(what)
    named = what[: found.start()] if found else what
    return _Negated(_tidy(named), found.group() if found else "")


def _take_words(asked: Asked) -> Asked:
    """The country that the text names, and other words for what it wants more of: "funnier" is Comedy."""
    text = asked.text
    for word, plain in DOMAIN.search.more.items():
        text = re.sub(rf"\b{re.escape(word)}\b", plain, text, flags=re.IGNORECASE)
    for word, country in _countries().items():
        # Names of Hangul have no end of a word behind them that a pattern could see.
        pattern = rf"(?:\bfrom\s+)?\b{re.escape(word)}\b"
        rest, times = re.subn(pattern, " ", text, count=1, flags=re.IGNORECASE)
        if times:
            return replace(asked, text=_tidy(rest), country=country)
    return replace(asked, text=_tidy(text))


def _countries() -> Mapping[str, str]:
    """The country by each word for it, its own name too; longer words first."""
    words = {**{name.lower(): name for name in DOMAIN.search.countries.values()}, **DOMAIN.search.countries}
    return dict(sorted(words.items(), key=lambda pair: -len(pair[0])))


def _kind_in(query: str) -> str:
    """The kind that a query names by one of its words; "" for none, and where it names several."""
    words = set(re.findall(r"[\w-]+", query.lower()))
    words |= {word.replace("-", "") for word in words}
    named = [kind.name for kind in KINDS.values() if words & _words_for(kind)]
    return named[0] if len(named) == 1 else ""


def _words_for(kind: ItemKind) -> set[str]:
    words = {kind.name, kind.noun, kind.plural, kind.label.lower()}
    singular = {word.removesuffix("s") for word in words}
    return singular | {f"{word}s" for word in singular}


def _without(text: str, found: "re.Match[str]") -> str:
    return _tidy(f"{text[: found.start()]} {text[found.end() :]}")


def _tidy(text: str) -> str:
    return " ".join(_MORE.sub(" ", _EDGES.sub("", text)).split()).strip(" ,;")
