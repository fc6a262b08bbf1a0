"""Analysis of a search query: facets of every kind, and years."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.domain import CATEGORIES, DOMAIN, FACETS, PEOPLE, THEMES
from core.text import words
from search.spelling import Spelling

MAX_QUERY_CHARACTERS = 200
MAX_WORDS = 16
# A name is looked for in so many words at most, and typing errors in so many places of one query.
_LONGEST_NAME = 6
_MAX_CORRECTIONS = 24
_SHORTEST_CORRECTED = 5

_FILLERS = frozenset(words(DOMAIN.search.fillers))
_CUES = {facet.name: frozenset(words(" ".join(facet.cues))) for facet in FACETS.values() if facet.cues}


def _pattern_of(expression: str) -> re.Pattern[str]:
    """A pattern for an expression with or without its hyphens and blanks, and with an s behind it."""
    text = re.escape(expression.lower()).replace(r"\-", "-?").replace(r"\ ", " ?")
    return re.compile(rf"\b{text}s?\b", re.IGNORECASE)


_EXPRESSIONS = tuple((_pattern_of(text), plain) for text, plain in DOMAIN.search.expressions.items())

_PIECE = re.compile(r"[^\s/,;|+]+")
_YEAR = r"(1[89]\d\d|20\d\d)"
_FROM_TO = re.compile(rf"\b(?:between|from)?\s*{_YEAR}\s*(?:-|–|to|and|until)\s*{_YEAR}\b")
_AFTER = re.compile(rf"\b(?:after|later than|newer than)\s+{_YEAR}\b")
_SINCE = re.compile(rf"\b(?:since\s+{_YEAR}|from\s+{_YEAR}\s+on(?:wards?)?)\b|\b{_YEAR}년?\s*이후")
_BEFORE = re.compile(rf"\b(?:before|earlier than|older than)\s+{_YEAR}\b|\b{_YEAR}년?\s*이전")
_UNTIL = re.compile(rf"\b(?:until|up to|till)\s+{_YEAR}\b")
_DECADE = re.compile(r"(?:\bthe\s+)?(?:\b|')((?:18|19|20)?\d)0(?:'?s\b|년대)")
_EXACTLY = re.compile(rf"(?:\b(?:in|from)\s+)?\b{_YEAR}(?:\b|년)")
_SPELLED = {"fifties": 1950, "sixties": 1960, "seventies": 1970, "eighties": 1980, "nineties": 1990}
_SPELLED_DECADE = re.compile(rf"(?:\bthe\s+)?\b({'|'.join(_SPELLED)})\b")


@dataclass(frozen=True, slots=True)
class YearSpan:
    """Years from `first` to `last`, both included; None is open."""

    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class NamedFacet:
    """A facet that a query names, and the normalized words that name it."""

    kind: str
    name: str
    typed: str


@dataclass(frozen=True, slots=True)
class QueryAnalysis:
    """The parts of a query, in its order. `query` is what was looked at, `text` the words that name nothing.

    A name that is several facets (somebody in two roles, a category that is also a theme) counts as each.
    `is_title`: the query is the whole title of an item, so that its words may mean nothing else.
    """

    query: str
    facets: tuple[NamedFacet, ...] = ()
    years: YearSpan | None = None
    text: str = ""
    is_title: bool = False

    @property
    def categories(self) -> tuple[str, ...]:
        return self.names(*CATEGORIES)

    @property
    def themes(self) -> tuple[str, ...]:
        return self.names(*THEMES)

    @property
    def people(self) -> tuple[str, ...]:
        return self.names(*PEOPLE)

    def names(self, *kinds: str) -> tuple[str, ...]:
        """The names of the facets of `kinds`, each once."""
        return tuple(dict.fromkeys(facet.name for facet in self.facets if facet.kind in kinds))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a query that an item should satisfy: one of `facets` (rows), `years`, or else `words`."""

    words: tuple[str, ...]
    facets: tuple[int, ...] = ()
    years: YearSpan | None = None


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query in parts; the words that name years come last. `rest` is the query without these words.

    `has_unknown`: a word of it stands nowhere in the catalog.
    """

    analysis: QueryAnalysis
    parts: tuple[Part, ...]
    rest: str
    has_unknown: bool


@dataclass(frozen=True, slots=True)
class Names:
    """The facets of a catalog by their names. Rows number `kinds` and `names`."""

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    rows: Mapping[str, tuple[int, ...]]  # by the squashed words of the name
    spelling: Spelling

    @classmethod
    def of(
        cls, facets: Sequence[tuple[str, str]], family_names: Mapping[str, tuple[int, ...]] | None = None
    ) -> "Names":
        """The table of (kind, name) pairs. Names of one letter, or of fillers alone, are never found.

        `family_names` are words that name the people of these rows as well as their whole names do.
        """
        rows: dict[str, tuple[int, ...]] = {}
        for row, (_, name) in enumerate(facets):
            stems = words(name)
            key = "".join(stems)
            if len(key) > 1 and not _FILLERS.issuperset(stems):
                rows[key] = (*rows.get(key, ()), row)
        # A catalog without that category does not know the other name either.
        for other, name in DOMAIN.search.names.items():
            key = "".join(words(other))
            meant = [row for row in rows.get("".join(words(name)), ()) if facets[row][0] in CATEGORIES]
            if meant:
                rows[key] = tuple(dict.fromkeys((*rows.get(key, ()), *meant)))
        for word, people in (family_names or {}).items():
            rows[word] = tuple(dict.fromkeys((*rows.get(word, ()), *people)))
        return cls(
            kinds=tuple(kind for kind, _ in facets),
            names=tuple(name for _, name in facets),
            rows=rows,
            spelling=Spelling.of(rows, least=_SHORTEST_CORRECTED),
        )


def clean_query(query: str) -> str:
    """The beginning of `query` that is looked at: at most MAX_QUERY_CHARACTERS, no control characters."""
    text = unicodedata.normalize("NFC", query[: 4 * MAX_QUERY_CHARACTERS])
    plain = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(plain.split())[:MAX_QUERY_CHARACTERS].strip()


def analyze(query: str, names: Names, known_words: Mapping[str, int]) -> ParsedQuery:
    """The analysis of the cleaned `query`.

    The longest name wins, from left to right. A typing error is allowed in a name of five letters or more
    where one of its words is none of `known_words`.
    """
    text, years, typed_years = _take_years(query)
    for pattern, plain in _EXPRESSIONS:
        text = pattern.sub(plain, text)
    typed = _Typed.of(text)
    parts, facets, free = [], [], []
    for start, end, rows in _spans(typed, names, known_words):
        stems = typed.stems[start:end]
        if rows:
            facets += [NamedFacet(names.kinds[row], names.names[row], typed.text(start, end)) for row in rows]
        elif stems[0] in _FILLERS:
            continue
        else:
            free.append(typed.pieces[start])
        parts.append(Part(stems, rows))
    if years is not None:
        parts.append(Part(tuple(words(typed_years)), (), years))
    analysis = QueryAnalysis(query, tuple(facets), years, _in_order(free, typed.texts))
    has_unknown = any(word not in known_words for word in typed.stems)
    return ParsedQuery(analysis, tuple(parts), text, has_unknown)


@dataclass(frozen=True, slots=True)
class _Typed:
    """The words of a query, and the pieces between its blanks in which they were typed."""

    texts: tuple[str, ...]
    stems: tuple[str, ...]
    pieces: tuple[int, ...]  # of each word

    @classmethod
    def of(cls, text: str) -> "_Typed":
        texts = tuple(_PIECE.findall(text))
        pairs = [(stem, place) for place, piece in enumerate(texts) for stem in words(piece)][:MAX_WORDS]
        return cls(texts, tuple(stem for stem, _ in pairs), tuple(place for _, place in pairs))

    def text(self, start: int, end: int) -> str:
        return _in_order(self.pieces[start:end], self.texts)

    def is_whole(self, start: int, end: int) -> bool:
        """True where the words from `start` to `end` leave no piece half taken."""
        pieces = self.pieces
        begins = start == 0 or pieces[start - 1] != pieces[start]
        return begins and (end == len(pieces) or pieces[end - 1] != pieces[end])


def _in_order(pieces: Iterable[int], texts: Sequence[str]) -> str:
    return " ".join(texts[place] for place in dict.fromkeys(pieces))


def _spans(
    typed: _Typed, names: Names, known_words: Mapping[str, int]
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """The query from left to right: begin and end of each name or single word, and the facet it names."""
    corrections = _MAX_CORRECTIONS
    start = 0
    while start < len(typed.stems):
        furthest = min(len(typed.stems), start + _LONGEST_NAME)
        ends = [end for end in range(furthest, start, -1) if typed.is_whole(start, end)]
        keys = {end: "".join(typed.stems[start:end]) for end in ends}
        found = next(((end, names.rows[key]) for end, key in keys.items() if key in names.rows), None)
        for end in ends:
            if found is not None or corrections == 0:
                break
            key = keys[end]
            if len(key) >= _SHORTEST_CORRECTED and any(
                word not in known_words for word in typed.stems[start:end]
            ):
                corrections -= 1
                rows = tuple(row for near in names.spelling.near(key) for row in names.rows[near])
                found = (end, rows) if rows else None
        end, rows = found or (start + 1, ())
        yield start, end, _in_role(rows, typed.stems[:start], names)
        start = end


def _in_role(rows: tuple[int, ...], before: tuple[str, ...], names: Names) -> tuple[int, ...]:
    """Those of `rows` that the words before a name speak of: "directed by", "with"; all where none is."""
    cues = set(before[-2:] if before[-1:] == ("by",) else before[-1:])
    for kind, words_for_it in _CUES.items():
        meant = tuple(row for row in rows if names.kinds[row] == kind)
        if meant and cues & words_for_it:
            return meant
    return rows


def _take_years(query: str) -> tuple[str, YearSpan | None, str]:
    """The query without its first naming of years, these years, and how they were named."""
    lower = query.lower()
    for pattern, span in _SPANS:
        found = pattern.search(lower)
        if found is not None and len(lower) == len(query):
            rest = f"{query[: found.start()]} {query[found.end() :]}"
            numbers = [group for group in found.groups() if group is not None]
            return rest, span(numbers), found.group()
    return query, None, ""


def _decade(numbers: Sequence[str]) -> YearSpan:
    first = int(numbers[0]) * 10
    if first < 100:
        first += 1900 if first >= 30 else 2000
    return YearSpan(first, first + 9)


def _range(numbers: Sequence[str]) -> YearSpan:
    first, last = sorted(map(int, numbers))
    return YearSpan(first, last)


_SPANS = (
    (_FROM_TO, _range),
    (_AFTER, lambda numbers: YearSpan(int(numbers[0]) + 1, None)),
    (_SINCE, lambda numbers: YearSpan(int(numbers[0]), None)),
    (_BEFORE, lambda numbers: YearSpan(None, int(numbers[0]) - 1)),
    (_UNTIL, lambda numbers: YearSpan(None, int(numbers[0]))),
    (_DECADE, _decade),
    (_SPELLED_DECADE, lambda numbers: YearSpan(_SPELLED[numbers[0]], _SPELLED[numbers[0]] + 9)),
    (_EXACTLY, lambda numbers: YearSpan(int(numbers[0]), int(numbers[0]))),
)
