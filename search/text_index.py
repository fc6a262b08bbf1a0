"""The text index of a catalog: built once from its items and their facets, searched many times.

An item's score is made of what the parts of the query (query_analysis) find in it:

    part that names facets or years   0.90 to 1 where the item has them, else at most 0.85 × its words
    part that is a word               BM25F over title, people, other facets and description (text_counts)
    score                             the mean of the parts, each weighing as much as it tells items apart

In this order: the query is the title; everything named is there, and every other word too; the rest.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from core.domain import PEOPLE
from core.text import words
from search.query_analysis import (
    Names,
    ParsedQuery,
    Part,
    QueryAnalysis,
    YearSpan,
    analyze,
    clean_query,
)
from search.spelling import Spelling, squash, squash_without_article
from search.text_counts import Grams, WordCounts, count_grams, count_words

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

# Scores of an item whose title is the query: as it is; with the year named beside it; but for the article;
# but for a typing error.
_TITLE, _TITLE_AND_YEAR, _TITLE_BUT_ARTICLE, _TITLE_MISSPELLED = 1.0, 0.998, 0.995, 0.992
# A title as short as "Prime" is one error away from a word that means something else; it is looked for only
# where the query has a word that the catalog does not know.
_SHORTEST_MISSPELLED_TITLE, _LONG_TITLE = 5, 10
# An item that has everything named lies in this range, every other one below it.
_COMPLETE, _COMPLETE_TOP = 0.90, 0.99
# The beginning of a title, and a title or name that is spelled alike, at most.
_PREFIX, _PREFIX_TOP, _ALIKE_TITLE, _ALIKE_NAME = 0.80, 0.88, 0.87, 0.80
_LEAST_ALIKE_TITLE, _LEAST_ALIKE_NAME, _MOST_ALIKE_NAMES = 0.45, 0.6, 10
# Strength of a facet where an item has it, where it stands first in the billing, and where the item only
# mentions its name.
_HAS, _BILLED_FIRST, _MENTIONS = 0.90, 0.04, 0.85
# Strength of another word than the typed one: its continuation (of the last word), one typing error apart.
_CONTINUED, _MISSPELLED = 0.8, 0.7
_MOST_CONTINUATIONS, _MOST_MISSPELLED, _SHORTEST_MISSPELLED, _SHORTEST_CONTINUED = 60, 20, 4, 2
_MOST_PREFIXED = 500
# Hits below this score, or this share of the best one, are noise.
_LEAST_SCORE, _LEAST_SHARE = 0.1, 0.25
_NO_YEAR = -10_000
_MOST_BEARERS, _SHORTEST_FAMILY_NAME = 3, 4


@dataclass(frozen=True, slots=True)
class TextItem:
    """The searched texts of one item, besides its facets. The texts of its attributes end its description."""

    item_id: int
    title: str
    original_title: str = ""
    year: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Hits:
    """Found items, best first: ids and scores in (0, 1], aligned."""

    item_ids: Ints
    scores: Floats


@dataclass(frozen=True, slots=True)
class Titles:
    """The squashed titles with their items, sorted, with and without a leading article."""

    keys: tuple[str, ...]
    rows: NDArray[np.int32]
    whole: NDArray[np.bool_]  # False: this key lacks the article
    spelling: Spelling

    def starting_with(self, key: str) -> slice:
        """The titles that begin with `key`, the shortest first where they share it; at most 500."""
        begin = bisect_left(self.keys, key)
        end = bisect_left(self.keys, key + "\U0010ffff", lo=begin)
        return slice(begin, min(end, begin + _MOST_PREFIXED))

    def equal_to(self, key: str) -> slice:
        begin = bisect_left(self.keys, key)
        return slice(begin, bisect_left(self.keys, key + "\0", lo=begin))


@dataclass(frozen=True, slots=True)
class TextIndex:
    """The index of n items. Nothing in it changes, so threads share it."""

    item_ids: Ints
    years: NDArray[np.int32]
    counts: WordCounts
    sorted_words: tuple[str, ...]
    spelling: Spelling  # of the words of titles and names
    names: Names
    holders: "csc_matrix[np.float32]"  # (n, facets): 1 / (1 + billing) where the item has the facet
    titles: Titles
    grams: Grams
    gram_rows: NDArray[np.int32]  # the item of each label, or -1 − the facet

    def search(self, query: str, limit: int) -> tuple[QueryAnalysis, Hits]:
        """Analysis of `query`, and at most `limit` items for it. Any text is a query; most find nothing."""
        query = clean_query(query)
        parsed = analyze(query, self.names, self.counts.columns)
        analysis = replace(parsed.analysis, is_title=self._is_title(query))
        if not len(self.item_ids) or not query or limit < 1:
            return analysis, Hits(np.empty(0, np.int64), np.empty(0, np.float32))
        scores = self._by_parts(parsed.parts)
        np.maximum(scores, self._by_labels(query), out=scores)
        self._raise_titles(query, parsed, scores)
        return analysis, self._best(scores, limit)

    def _is_title(self, query: str) -> bool:
        found = self.titles.equal_to(squash(query))
        return bool(query) and bool(self.titles.whole[found].any())

    def _best(self, scores: Floats, limit: int) -> Hits:
        rows = np.flatnonzero(scores >= max(_LEAST_SCORE, _LEAST_SHARE * float(scores.max())))
        if len(rows) > limit:
            least = np.partition(scores[rows], len(rows) - limit)[len(rows) - limit]
            rows = rows[scores[rows] >= least]
        rows = rows[np.argsort(-scores[rows], kind="stable")][:limit]
        return Hits(self.item_ids[rows], scores[rows])

    # --- Parts --------------------------------------------------------------------------------

    def _by_parts(self, parts: Sequence[Part]) -> Floats:
        total = np.zeros(len(self.item_ids), dtype=np.float32)
        if not parts:
            return total
        complete = np.ones(len(total), dtype=np.bool_)
        masses = self._masses(parts)
        for place, part in enumerate(parts):
            strengths = self._by_words(part.words, is_last=place == len(parts) - 1)
            if part.facets or part.years is not None:
                named = self._strengths_of(part)
                strengths = np.where(
                    named > 0, named + (1 - _HAS - _BILLED_FIRST) * strengths, _MENTIONS * strengths
                )
                complete &= named > 0
            else:
                complete &= strengths > 0
            total += masses[place] * strengths
        if any(part.facets or part.years is not None for part in parts):
            low = np.where(complete, _COMPLETE, 0.0)
            high = np.where(complete, _COMPLETE_TOP, _COMPLETE - 0.01)
            return (low + (high - low) * total).astype(np.float32)
        return (_COMPLETE - 0.01) * total

    def _masses(self, parts: Sequence[Part]) -> Floats:
        """The weight of each part, with sum 1: the rarer, the more. Years weigh as the mean of the others."""
        others = [
            self.counts.rarity(
                int(np.count_nonzero(self._strengths_of(part)))
                if part.facets
                else self.counts.holders_of(part.words[0])
            )
            for part in parts
            if part.years is None
        ]
        mean = sum(others) / len(others) if others else 1.0
        # The years come last.
        masses = np.array([*others, mean][: len(parts)], dtype=np.float32)
        masses /= masses.sum()
        return masses

    def _strengths_of(self, part: Part) -> Floats:
        """0.90 to 0.94 where an item has one of the facets, or is of the years, that `part` names; else 0."""
        strengths = np.zeros(len(self.item_ids), dtype=np.float32)
        if part.years is not None:
            strengths[_within(self.years, part.years)] = _HAS
        for facet in part.facets:
            span = slice(self.holders.indptr[facet], self.holders.indptr[facet + 1])
            rows = self.holders.indices[span]
            strengths[rows] = np.maximum(strengths[rows], _HAS + _BILLED_FIRST * self.holders.data[span])
        return strengths

    def _by_words(self, typed: Sequence[str], *, is_last: bool) -> Floats:
        """The mean over `typed` of the best that any spelling of each word finds in each item."""
        total = np.zeros(len(self.item_ids), dtype=np.float32)
        for place, word in enumerate(typed):
            found = np.zeros(len(self.item_ids), dtype=np.float32)
            for column, quality in self._spellings(word, is_last=is_last and place == len(typed) - 1).items():
                rows, weights = self.counts.weights_of(column)
                found[rows] = np.maximum(found[rows], quality * weights)
            total += found
        total /= max(1, len(typed))
        return total

    def _spellings(self, word: str, *, is_last: bool) -> Mapping[int, np.float32]:
        """The columns of the words that `word` may mean, each with what it counts."""
        columns = self.counts.columns
        found: dict[int, np.float32] = {}
        if word not in columns and len(word) >= _SHORTEST_MISSPELLED:
            found |= {
                columns[near]: np.float32(_MISSPELLED) for near in self.spelling.near(word)[:_MOST_MISSPELLED]
            }
        if is_last and len(word) >= _SHORTEST_CONTINUED:
            begin = bisect_left(self.sorted_words, word)
            end = bisect_left(self.sorted_words, word + "\U0010ffff", lo=begin)
            for longer in self.sorted_words[begin : min(end, begin + _MOST_CONTINUATIONS)]:
                found[columns[longer]] = np.float32(_CONTINUED)
        if word in columns:
            found[columns[word]] = np.float32(1.0)
        return found

    # --- Titles and names as wholes -----------------------------------------------------------

    def _by_labels(self, query: str) -> Floats:
        """Scores of items by titles that begin with the query, and by titles and names spelled like it."""
        scores = np.zeros(len(self.item_ids), dtype=np.float32)
        key = squash(query)
        if not key:
            return scores
        labels, cosines = self.grams.alike(squash_without_article(query))
        rows = self.gram_rows[labels]
        is_title = (rows >= 0) & (cosines >= _LEAST_ALIKE_TITLE)
        np.maximum.at(scores, rows[is_title], _ALIKE_TITLE * cosines[is_title])
        is_name = np.flatnonzero((rows < 0) & (cosines >= _LEAST_ALIKE_NAME))
        for label in is_name[np.argsort(-cosines[is_name], kind="stable")][:_MOST_ALIKE_NAMES]:
            facet = -1 - rows[label]
            rows_of_facet = self.holders.indices[self.holders.indptr[facet] : self.holders.indptr[facet + 1]]
            scores[rows_of_facet] = np.maximum(scores[rows_of_facet], _ALIKE_NAME * cosines[label])
        span = self.titles.starting_with(key)
        share = np.array([len(key) / len(title) for title in self.titles.keys[span]], dtype=np.float32)
        np.maximum.at(scores, self.titles.rows[span], _PREFIX + (_PREFIX_TOP - _PREFIX) * share)
        return scores

    def _raise_titles(self, query: str, parsed: ParsedQuery, scores: Floats) -> None:
        """Puts the items whose title is the query on top of `scores`."""
        key = squash_without_article(query)
        if len(key) >= (_SHORTEST_MISSPELLED_TITLE if parsed.has_unknown else _LONG_TITLE):
            for near in self.titles.spelling.near(key):
                self._raise(near, _TITLE_MISSPELLED, scores)
        self._raise(key, _TITLE_BUT_ARTICLE, scores)
        if parsed.analysis.years is not None:
            years = _within(self.years, parsed.analysis.years)
            self._raise(squash_without_article(parsed.rest), _TITLE_AND_YEAR, scores, only=years)
        found = self.titles.equal_to(squash(query)) if squash(query) else slice(0)
        scores[self.titles.rows[found][self.titles.whole[found]]] = _TITLE

    def _raise(self, key: str, score: float, scores: Floats, only: NDArray[np.bool_] | None = None) -> None:
        if key:
            rows = self.titles.rows[self.titles.equal_to(key)]
            rows = rows if only is None else rows[only[rows]]
            scores[rows] = np.maximum(scores[rows], np.float32(score))


def _within(years: NDArray[np.int32], span: YearSpan) -> NDArray[np.bool_]:
    first = _NO_YEAR + 1 if span.first is None else span.first
    last = np.iinfo(np.int32).max if span.last is None else span.last
    return (years >= first) & (years <= last)


def build_index(
    items: Sequence[TextItem], facets: Sequence[tuple[str, str]], links: NDArray[np.int64]
) -> TextIndex:
    """The index of `items`, sorted by id, with `facets` as (kind, name).

    `links` has shape (number of links, 3): item row, facet row, billing from 0.
    """
    links = links.reshape(-1, 3)
    billing = (1.0 / (1.0 + links[:, 2])).astype(np.float32)
    shape = (len(items), len(facets))
    holders = csc_matrix((billing, (links[:, 0], links[:, 1])), shape=shape)
    counts, label_words = count_words(
        titles=[f"{item.title}\n{item.original_title}" for item in items],
        descriptions=[item.description for item in items],
        facets=facets,
        holders=csr_matrix((np.ones(len(links), np.float32), (links[:, 0], links[:, 1])), shape=shape),
    )
    labels, gram_rows = _labels(items, facets)
    return TextIndex(
        item_ids=np.array([item.item_id for item in items], dtype=np.int64),
        years=np.array([_NO_YEAR if item.year is None else item.year for item in items], dtype=np.int32),
        counts=counts,
        sorted_words=tuple(sorted(label_words)),
        spelling=Spelling.of(label_words, least=_SHORTEST_MISSPELLED),
        names=Names.of(facets, _family_names(facets, holders, counts)),
        holders=holders,
        titles=_titles(items),
        grams=count_grams(labels),
        gram_rows=gram_rows,
    )


def _family_names(
    facets: Sequence[tuple[str, str]], holders: "csc_matrix[np.float32]", counts: WordCounts
) -> dict[str, tuple[int, ...]]:
    """The last words of people's names that stand for them: few bear it, and it means little else.

    "Tarantino" does; "Jackson", borne by many, and "Winter", a common word, do not.
    """
    bearers: dict[str, list[int]] = {}
    for row, (kind, name) in enumerate(facets):
        if kind in PEOPLE and len(parts := words(name)) > 1:
            bearers.setdefault(parts[-1], []).append(row)
    found = {}
    for word, rows in bearers.items():
        items = sum(int(holders.indptr[row + 1] - holders.indptr[row]) for row in rows)
        few = len({facets[row][1] for row in rows}) <= _MOST_BEARERS
        if few and len(word) >= _SHORTEST_FAMILY_NAME and 2 * items >= counts.holders_of(word):
            found[word] = tuple(rows)
    return found


def _titles(items: Sequence[TextItem]) -> Titles:
    found: dict[tuple[str, int], bool] = {}
    for row, item in enumerate(items):
        for title in (item.title, item.original_title):
            found.setdefault((squash_without_article(title), row), False)
            found[squash(title), row] = True
    entries = sorted((key, row, whole) for (key, row), whole in found.items() if key)
    return Titles(
        keys=tuple(key for key, _, _ in entries),
        rows=np.array([row for _, row, _ in entries], dtype=np.int32),
        whole=np.array([whole for _, _, whole in entries], dtype=np.bool_),
        spelling=Spelling.of(dict.fromkeys(key for key, _, _ in entries), least=_SHORTEST_MISSPELLED_TITLE),
    )


def _labels(
    items: Sequence[TextItem], facets: Sequence[tuple[str, str]]
) -> tuple[list[str], NDArray[np.int32]]:
    """The titles and names that are compared as wholes, and the item row or −1 − facet row of each."""
    labels, rows = [], []
    for row, item in enumerate(items):
        for title in {item.title, item.original_title} - {""}:
            labels.append(squash_without_article(title))
            rows.append(row)
    for row, (_, name) in enumerate(facets):
        labels.append(squash(name))
        rows.append(-1 - row)
    return labels, np.array(rows, dtype=np.int32)
