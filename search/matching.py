"""Items by titles that come from elsewhere: spelled alike, of the same year, or nearly so.

A match is sure where the whole title is the same, or one typing error apart, and the years differ by one at
most; without a year only where one item alone has the title. Everything else is a proposal.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from search.spelling import squash, squash_without_article
from search.state import index_of
from search.text_index import TextIndex

# Two catalogs date the same film by its first night or by its release.
_YEARS_APART = 1
_SHORTEST_MISSPELLED, _SHORTEST_BEGINNING = 5, 4
# Worse than any distance of years that is still the same film.
_UNKNOWN_YEAR = 0.5


@dataclass(frozen=True, slots=True)
class WantedTitle:
    """A title as another catalog has it: its names, the likeliest first, and beginnings of it."""

    names: tuple[str, ...]
    year: int | None = None
    shortened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The item that a title means. `doubt`: why it may be another, in a few words; "" where it is sure."""

    item_id: int
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    item_id: int
    year: int | None

    def years_from(self, year: int | None) -> float:
        return _UNKNOWN_YEAR if self.year is None or year is None else abs(self.year - year)


def match_titles(wanted: Sequence[WantedTitle], kinds: Collection[str]) -> list[Match | None]:
    """The item of each title among those of `kinds`; None where nothing is like it. Makes no query."""
    indexes = [index_of(kind) for kind in kinds]
    return [_match(one, indexes) for one in wanted]


def _match(wanted: WantedTitle, indexes: Sequence[TextIndex]) -> Match | None:
    proposals: list[Match] = []
    for found, doubt in _ways(wanted, indexes):
        near = sorted(found, key=lambda one: (one.years_from(wanted.year), one.item_id))
        if not near:
            continue
        best, years = near[0], near[0].years_from(wanted.year)
        if years > _YEARS_APART:
            proposals.append(Match(best.item_id, "another year"))
        elif doubt:
            proposals.append(Match(best.item_id, doubt))
        else:
            tied = len(near) > 1 and near[1].years_from(wanted.year) == years
            return Match(best.item_id, "several have this title" if tied else "")
    return proposals[0] if proposals else None


def _ways(wanted: WantedTitle, indexes: Sequence[TextIndex]) -> Iterator[tuple[set[_Candidate], str]]:
    """The ways in which a title may be in the indexes, the surest first, each with its doubt."""
    for name in wanted.names:
        yield _titled(squash(name), indexes, whole=True), ""
        yield _titled(squash_without_article(name), indexes), ""
    key = squash_without_article(wanted.names[0])
    if len(key) >= _SHORTEST_MISSPELLED:
        near = {other for index in indexes for other in index.titles.spelling.near(key)}
        found = {one for other in near for one in _titled(other, indexes)}
        yield found, "spelled differently" if wanted.year is None else ""
    for name in wanted.shortened:
        yield _titled(squash(name), indexes, whole=True), "a part of the title"
    if wanted.year is not None and len(key) >= _SHORTEST_BEGINNING:
        yield _beginning(key, wanted.year, indexes), "a longer title"


def _titled(key: str, indexes: Sequence[TextIndex], *, whole: bool = False) -> set[_Candidate]:
    if not key:
        return set()
    return {
        _candidate(index, place)
        for index in indexes
        for place in range(*_bounds(index, key))
        if not whole or index.titles.whole[place]
    }


def _bounds(index: TextIndex, key: str) -> tuple[int, int]:
    span = index.titles.equal_to(key)
    return span.start, span.stop


def _beginning(key: str, year: int, indexes: Sequence[TextIndex]) -> set[_Candidate]:
    """The items of about that year whose title goes on where `key` ends."""
    spans = ((index, index.titles.starting_with(key)) for index in indexes)
    found = (_candidate(index, place) for index, span in spans for place in range(span.start, span.stop))
    return {one for one in found if one.year is not None and one.years_from(year) <= _YEARS_APART}


def _candidate(index: TextIndex, place: int) -> _Candidate:
    row = int(index.titles.rows[place])
    year = int(index.years[row])
    return _Candidate(int(index.item_ids[row]), year if year > 0 else None)
