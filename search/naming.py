"""The facets that words name in any kind of item, as a search understands them."""

from collections.abc import Sequence

from core.domain import FACETS, KINDS
from search.state import search


def names_in(words: str) -> tuple[dict[str, tuple[tuple[str, str], ...]], str]:
    """The facets that words name, by the name that is shown, and the words that name nothing in any kind."""
    if not words:
        return {}, ""
    named: dict[str, list[tuple[str, str]]] = {}
    rests: Sequence[str] = []
    for kind in KINDS:
        analysis = search(kind, words, 1).analysis
        rests = [*rests, analysis.text or (str(analysis.years) if analysis.years else "")]
        for facet in analysis.facets:
            entry = named.setdefault(facet.name, [])
            if FACETS[facet.kind].taste and (facet.kind, facet.name) not in entry:
                entry.append((facet.kind, facet.name))
    found = {name: tuple(facets) for name, facets in named.items() if facets}
    return found, min(rests, key=len)


def is_understood(words: str) -> bool:
    """True for words that name something and hold nothing else."""
    named, rest = names_in(words)
    return bool(named) and not rest


def is_title(query: str) -> bool:
    """True where a query is the whole title of an item of any kind: its words then mean nothing else."""
    return any(search(kind, query, 1).analysis.is_title for kind in KINDS)
