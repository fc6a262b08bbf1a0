"""Wishes of a request for one list, beside whom it is for: filter, factors, earlier pages, examples."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from uuid import UUID

import numpy as np

from core.arrays import Bools, Doubles, Ints
from core.errors import InvalidInput, NotFound
from core.filters import (
    BOOST_FACTORS,
    BURY_FACTORS,
    MAX_FACTORS,
    BadFilter,
    Condition,
    Not,
    check_cost,
    parse_filter,
    split_factor,
)
from core.values import ID, BadValue, Number, named, shown
from ranking.candidates import Candidates
from ranking.recommenders.barred import Barred
from ranking.snapshot import CatalogSnapshot
from recommendations.selectors import ASKED_ALIKE
from serving.filtering import index_of
from serving.rule_sets import FACET_WORDS

BOOST, BURY = Number(*BOOST_FACTORS), Number(*BURY_FACTORS)
DEFAULT_BOOST, DEFAULT_BURY = 1.5, 0.5
MAX_EXAMPLES = 100
NEWEST, OLDEST = "newest", "oldest"
SORTS = (NEWEST, OLDEST)
# A chain of pages shows so many items at most.
MAX_BEFORE = 2_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """The wishes of one request.

    only       conditions that every item must meet
    factors    conditions with the factor of the score of what meets them
    after      the list of the page before
    offset     so many places at the front are left out: as they were shown last, by a list asked for alike
    alike      a name of all lists that are asked for with this filter, these factors and examples
    positives, negatives  ids of items that count as liked and disliked, for this one list
    unseen     what a list showed them lately, and what they did anything with, is left out
    sort       one of SORTS, or "" for the best first
    sources    of the sources of candidates, those that are asked; all where it is empty
    alone      the person's own history and taste are left out; what they excluded stays out
    note       all of it in JSON, as the record of the list keeps it
    """

    only: tuple[Condition, ...] = ()
    factors: tuple[tuple[Condition, float], ...] = ()
    after: UUID | None = None
    offset: int = 0
    alike: str = ""
    positives: tuple[int, ...] = ()
    negatives: tuple[int, ...] = ()
    alone: bool = False
    unseen: bool = False
    sort: str = ""
    sources: tuple[str, ...] = ()
    note: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Wishes":
        """The wishes in a checked body or query, with the sources of its scenario.

        Raises InvalidInput, whose text begins with the name of what cannot be meant.
        """
        only = [_condition(name, given[name]) for name in ("filter", "exclude") if name in given]
        if "exclude" in given:
            only[-1] = Not(only[-1])
        context = given.get("context", {})
        factors = [
            *_factors("boost", given.get("boost", []), BOOST, DEFAULT_BOOST),
            *_factors("bury", given.get("bury", []), BURY, DEFAULT_BURY),
        ]
        try:
            check_cost([*only, *(condition for condition, _ in factors)])
        except BadFilter as error:
            raise InvalidInput(f"filter, exclude, boost and bury {error}.") from error
        after, offset = given.get("after"), given.get("offset", 0)
        if after is not None and offset:
            raise InvalidInput("offset counts the places of the whole list; say it or after, not both.")
        asked = {name: given[name] for name in _NOTED if name in given}
        alike = _name_of(asked)
        place = {"after": str(after)} if after is not None else {"offset": offset} if offset else {}
        return cls(
            only=tuple(only),
            factors=tuple(factors),
            after=after,
            offset=offset,
            alike=alike,
            positives=_ids("positives", context),
            negatives=_ids("negatives", context),
            alone=bool(context.get("alone", False)),
            unseen=bool(given.get("unseen", False)),
            sort=given.get("sort", ""),
            sources=tuple(given.get("sources", ())),
            note={**asked, **place, ASKED_ALIKE: alike},
        )

    def barred(self, catalog: CatalogSnapshot, before: Ints) -> Barred | None:
        """The items that conditions, examples and the pages `before` bar; None where nothing is barred."""
        examples = np.array([*self.positives, *self.negatives], dtype=np.int64)
        ids = np.concatenate([examples, before])
        if not self.only:
            return Barred(ids) if len(ids) else None
        index = index_of(catalog)
        allowed: Bools = np.logical_and.reduce([index.matching(one) for one in self.only])
        return Barred(ids, catalog.item_ids, ~allowed)

    @property
    def are_of_now(self) -> bool:
        """True where they go by no list before and leave the person as they are."""
        of_before = self.after is not None or self.offset or self.unseen
        return not (of_before or self.alone or self.positives or self.negatives)

    def factors_of(self, item_ids: Ints, catalog: CatalogSnapshot) -> Doubles | None:
        """The factor of each item's score (n,); None where none was asked for."""
        if not self.factors:
            return None
        index, rows = index_of(catalog), catalog.rows_of(item_ids)
        factors = np.ones(len(item_ids))
        for condition, factor in self.factors:
            factors[(rows >= 0) & index.matching(condition)[rows]] *= factor
        return factors

    def sorted(self, candidates: Candidates, catalog: CatalogSnapshot) -> Candidates:
        """The candidates by year where that is asked for, the better first within a year; no year last."""
        if not self.sort:
            return candidates
        rows = catalog.rows_of(candidates.item_ids)
        years = np.where(rows >= 0, index_of(catalog).years[rows], np.nan)
        return candidates.take(np.argsort(years if self.sort == OLDEST else -years, kind="stable"))

    def check_examples(self, catalog: CatalogSnapshot) -> None:
        """Raises NotFound for an example that is no active item of the catalog."""
        examples = np.array([*self.positives, *self.negatives], dtype=np.int64)
        if missing := examples[catalog.rows_of(examples) < 0].tolist():
            raise NotFound(f"context: there is no active item of this kind with the id {missing[0]}.")


NO_WISHES = Wishes()
_NOTED = ("scenario", "filter", "exclude", "boost", "bury", "unseen", "sort", "sources", "context")


def _name_of(asked: Mapping[str, Any]) -> str:
    written = json.dumps(asked, sort_keys=True, default=str)
    return blake2b(written.encode(), digest_size=8).hexdigest()


def _condition(name: str, value: object) -> Condition:
    try:
        return parse_filter(value, FACET_WORDS)
    except BadFilter as error:
        raise InvalidInput(f"{name} {error}.") from error


def _factors(name: str, value: object, rule: Number, default: float) -> list[tuple[Condition, float]]:
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MAX_FACTORS:
        raise InvalidInput(f"{name} has {len(entries)} entries; {MAX_FACTORS} is the most.")
    return [_factor(name, entry, rule, default) for entry in entries]


def _factor(name: str, entry: object, rule: Number, default: float) -> tuple[Condition, float]:
    """`2*genre:Horror`, {"filter": …, "factor": 2}, or a filter alone."""
    given: object = default
    if isinstance(entry, str):
        number, entry = split_factor(entry)
        given = rule.read(number) if number else default
    elif isinstance(entry, dict) and "filter" in entry:
        if unknown := sorted(entry.keys() - {"filter", "factor"}):
            raise InvalidInput(f"{name} has no field {shown(unknown[0])}; it has filter and factor.")
        given, entry = entry.get("factor", default), entry["filter"]
    try:
        factor = named(f"the factor of {name}", rule, given)
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error
    return _condition(name, entry), factor


def _ids(name: str, context: Mapping[str, Any]) -> tuple[int, ...]:
    values = context.get(name, [])
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > MAX_EXAMPLES:
        raise InvalidInput(f"context.{name} must be a list of at most {MAX_EXAMPLES} ids.")
    try:
        return tuple(dict.fromkeys(named(f"context.{name}", ID, value) for value in values))
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error
