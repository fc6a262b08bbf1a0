"""The hits for a search that says more than words: what is like a title, and what is left out of them."""

from dataclasses import dataclass, replace

import numpy as np

from core.arrays import Bools, Ints
from core.domain import CATEGORIES, DOMAIN, UseCase
from core.filters import ATTRIBUTE, AnyOf, Condition, Is
from ranking.candidates import Candidates
from ranking.context import ScoringContext
from ranking.methods import SEARCH
from ranking.neighbors import neighbor_scores
from search.asking import Asked, read_query
from search.naming import is_title, is_understood, names_in
from search.query_analysis import QueryAnalysis, clean_query
from search.state import SearchResult, search
from serving.filtering import ItemIndex, index_of

_COUNTRY = "country"
# The title that a "like" names is found by a score of at least this: it is that, but for an error at most.
_IS_NAMED = 0.99
# Scores of what is like a title or meets conditions alone lie between these: none is the title searched for.
_LOWEST, _HIGHEST = 0.3, 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Narrowed:
    """The hits for a query in one kind, best first, with what was read from it."""

    asked: Asked
    analysis: QueryAnalysis
    hits: Candidates


def read_asked(query: str) -> Asked:
    """The parts of a query. The whole title of an item is that title, whatever its words would mean."""
    query = clean_query(query)
    return Asked(query) if is_title(query) else read_query(query, is_understood)


def find_hits(use_case: UseCase, asked: Asked, context: ScoringContext, *, query: str, pool: int) -> Narrowed:
    """At most `pool` items of the use case's kind for a query and its parts. Makes no query of its own."""
    result = search(use_case.kind, query if asked.is_plain else asked.text, pool)
    analysis = replace(result.analysis, query=clean_query(query))
    if asked.is_plain:
        return Narrowed(asked, analysis, _found(result))
    if asked.like:
        named = _find_title(asked.like)
        if named is None:
            plain = search(use_case.kind, query, pool)
            return Narrowed(Asked(asked.text), plain.analysis, _found(plain))
        hits = _having(_like(named, context), analysis, context)
    elif analysis.facets or analysis.years or analysis.text:
        hits = _found(result)
    else:
        hits = _everything(context)
    asked = _known_here(asked, context)
    return Narrowed(asked, analysis, hits.take(_meeting(asked, hits, context)))


def _known_here(asked: Asked, context: ScoringContext) -> Asked:
    """The same without a country where no item of this kind has one on record."""
    return asked if _COUNTRY in index_of(context.catalog).attributes else replace(asked, country="")


def _found(result: SearchResult) -> Candidates:
    scores = np.clip(result.hits.scores.astype(np.float64), 0.0, 1.0)
    return Candidates.from_source(SEARCH, result.hits.item_ids, scores)


def _find_title(title: str) -> int | None:
    """The item whose title it is, of whatever kind; None where there is none."""
    for kind in DOMAIN.kinds:
        hits = search(kind, title, 1).hits
        if len(hits.item_ids) and hits.scores[0] >= _IS_NAMED:
            return int(hits.item_ids[0])
    return None


def _like(item_id: int, context: ScoringContext) -> Candidates:
    row = int(context.catalog.rows_of(np.array([item_id], dtype=np.int64))[0])
    if row < 0:
        return _ordered(np.empty(0, dtype=np.int64))
    near = neighbor_scores(row, context)
    best = np.argsort(-near, kind="stable")
    return _ordered(context.catalog.item_ids[best[near[best] > 0.0]])


def _everything(context: ScoringContext) -> Candidates:
    """All items of the catalog, the most popular first, then the newest."""
    catalog = context.catalog
    rows = np.array(
        list(dict.fromkeys([*catalog.by_popularity.tolist(), *catalog.by_date.tolist()])), np.int64
    )
    return _ordered(catalog.item_ids[rows])


def _ordered(item_ids: Ints) -> Candidates:
    return Candidates.from_source(SEARCH, item_ids, np.linspace(_HIGHEST, _LOWEST, len(item_ids)))


def _having(hits: Candidates, analysis: QueryAnalysis, context: ScoringContext) -> Candidates:
    """Those hits that have what the rest of the query names, such as comedy where it is to be funnier."""
    conditions: list[Condition] = [Is(facet.kind, (facet.name.casefold(),)) for facet in analysis.facets]
    if conditions:
        hits = hits.take(_mask(AnyOf(tuple(conditions)), hits, context))
    if analysis.years is not None:
        first, last = analysis.years.first, analysis.years.last
        years = Is("year", low=first and float(first), high=last and float(last))
        hits = hits.take(_mask(years, hits, context))
    return hits


def _meeting(asked: Asked, hits: Candidates, context: ScoringContext) -> Bools:
    """The mask of the hits that meet all that the query asks beside its words."""
    kept: Bools = np.ones(len(hits), dtype=np.bool_)
    for words in asked.without:
        facets = [facet for of_name in names_in(words)[0].values() for facet in of_name]
        kept &= ~_mask(AnyOf(tuple(Is(kind, (name.casefold(),)) for kind, name in facets)), hits, context)
    if asked.country:
        kept &= _mask(Is(f"{ATTRIBUTE}{_COUNTRY}", (asked.country.casefold(),)), hits, context)
    if asked.children:
        kept &= _mask(_categories(DOMAIN.search.children), hits, context)
        kept &= ~_mask(_categories(DOMAIN.search.grown_up), hits, context)
    return kept


def _categories(names: tuple[str, ...]) -> Condition:
    return AnyOf(tuple(Is(kind, tuple(name.casefold() for name in names)) for kind in CATEGORIES))


def _mask(condition: Condition, hits: Candidates, context: ScoringContext) -> Bools:
    index: ItemIndex = index_of(context.catalog)
    rows = context.catalog.rows_of(hits.item_ids)
    mask: Bools = (rows >= 0) & index.matching(condition)[rows] if len(rows) else np.empty(0, dtype=np.bool_)
    return mask
