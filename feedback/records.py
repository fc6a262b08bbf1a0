"""The record of a person as a list for them needs it: what they did, what they turned down, what they saw."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import compress
from operator import itemgetter
from typing import Any, Literal, TypeAlias
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import IntegerField, QuerySet, Value
from django.utils import timezone

from core.arrays import Ints, positions
from core.domain import USE_CASES, UseCase
from core.errors import NotFound
from core.queries import CompiledQuery, Parameter, mark_of, moment_as_text, moment_of
from feedback.adjustments import Adjustment
from feedback.models import FeatureAdjustment
from feedback.rules import NO_RULES, StandingRules, rule_rows
from interactions.selectors import HistoryRow, history_rows, refused_rows
from recommendations.selectors import (
    RECENT_DAYS,
    SeenSlot,
    count_passed_over,
    last_alike,
    lists_seen,
    page_before,
    slots_seen,
)


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """The record of a person in a use case, as a list for them needs it.

    history      the acts, oldest first
    adjustments  what their dislikes hold back
    passed_over  how often each item was seen in their last lists, of those that they did nothing with
    seen         the slots of these lists that they saw, oldest list first
    before       ids that the list `after` and those before it showed, page by page
    rules        the rules of their own that stand
    """

    history: list[HistoryRow]
    adjustments: list[Adjustment]
    passed_over: dict[int, int]
    seen: list[SeenSlot]
    before: tuple[int, ...] = ()
    rules: StandingRules = NO_RULES


@dataclass(frozen=True, slots=True)
class AskedRecord:
    """The rows of a record as the database gave them, (target id, text, number, moment, part) each."""

    rows: list[tuple[Any, ...]]
    after: UUID | None = None

    @property
    def mark(self) -> bytes:
        """Bytes that are others for a record in which anything is another."""
        return mark_of(self.rows)

    def read(self, items: Ints) -> PersonRecord:
        """The record, without acts on other items than `items`, those of the kind (sorted).

        Raises NotFound where the list `after` is no list of theirs in this use case.
        """
        parts: dict[int, list[tuple[Any, ...]]] = {part: [] for part in range(_BESIDE + 1)}
        for row in sorted(self.rows, key=_BY_TIME):
            parts[row[4]].append(row)
        if self.after is not None and not parts[_PAGE]:
            raise NotFound("after: there is no such recommendation session of this use case.")
        acted_on = np.array([row[0] for row in parts[_HISTORY]], dtype=np.int64)
        of_kind = (positions(acted_on, items) >= 0).tolist()
        acts = [row[:3] for row in compress(parts[_HISTORY], of_kind)]
        seen = slots_seen((row[0], row[1], _read_moment(row[3])) for row in parts[_LISTS])
        pages = {part: json.loads(parts[part][-1][1]) for part in (_PAGE, _ASKED) if parts[part]}
        rules = ([(row[0], row[1]) for row in parts[part]] for part in _RULES.values())
        return PersonRecord(
            history=acts,
            adjustments=[Adjustment(row[0], row[2], _read_moment(row[3])) for row in parts[_ADJUSTMENTS]],
            passed_over=count_passed_over(seen, {act[0] for act in acts}) if seen else {},
            seen=seen,
            before=(
                *(pages.get(_ASKED) or {}).get("before", ()),
                *(entry["item_id"] for entry in pages.get(_PAGE, ())),
            ),
            rules=StandingRules.of(*rules),
        )


def ask_record(
    *,
    user_id: int,
    use_case: UseCase,
    now: datetime,
    after: UUID | None = None,
    alike: str = "",
    beside: "RowsOf | None" = None,
) -> AskedRecord:
    """The record of a person, in one query, because a recommendation request may make six at most.

    `before` is of the list `after`, or of the last one of the last day that was asked for by the name
    `alike`. The rows of `beside` are read with it, for its mark alone.
    """
    values: dict[str, Any] = {"user_id": user_id, "since": now - timedelta(days=RECENT_DAYS), "now": now}
    page: _Page = ""
    if after is not None:
        page = "after"
        values |= {"after": after, "oldest": now - timedelta(days=settings.RECOMMENDATION_SESSION_DAYS)}
    elif alike:
        page = "alike"
        values |= {"alike": alike, "oldest": now - _ONE_READING}
    return AskedRecord(_record_query(use_case.name, page, beside).ask(**values), after)


def _read_moment(written: str) -> datetime:
    moment = moment_of(written)
    if moment is None:  # pragma: no cover  the columns are not nullable
        raise ValueError("A row of a record has no time.")
    return moment


def get_refused_and_rules(*, user_id: int) -> tuple[set[int], StandingRules]:
    """The items that a person refused, and their own rules that stand: one query."""
    now = timezone.now()
    refused = refused_rows(user_id=user_id).annotate(part=_part(_HISTORY))
    parts = [
        rule_rows(user_id, now, target).values_list(f"{target}_id", "strength").annotate(part=_part(number))
        for target, number in _RULES.items()
    ]
    rows = list(refused.union(*parts, all=True))
    by_part = {
        part: [(target_id, strength) for target_id, strength, of in rows if of == part]
        for part in _RULES.values()
    }
    return {item_id for item_id, _, part in rows if part == _HISTORY}, StandingRules.of(*by_part.values())


# How the list whose places are left out is named, if any.
_Page: TypeAlias = Literal["", "after", "alike"]
# Whoever asks for a list from a place on goes on with one of this time.
_ONE_READING = timedelta(days=1)
# The parts of a record that are read as one.
_HISTORY, _ADJUSTMENTS, _LISTS, _OF_FACETS, _OF_ITEMS, _PAGE, _ASKED, _BESIDE = range(8)
_RULES = {"facet": _OF_FACETS, "item": _OF_ITEMS}
_BY_TIME = itemgetter(3, 0, 1)


# Rows of a person, (id, text, number, moment) each.
RowsOf: TypeAlias = Callable[[Parameter], "list[QuerySet[Any, Any]]"]


@cache
def _record_query(use_case: str, page: _Page, beside: RowsOf | None) -> CompiledQuery:
    """The parts of a record, one under another, in the order of the numbers in the last column."""

    def build() -> "QuerySet[Any, Any]":
        user_id = Parameter("user_id")
        parts = [
            FeatureAdjustment.objects.filter(
                dislike__user_id=user_id, dislike__interaction__withdrawn_at=None
            )
            .order_by()
            .values_list("facet_id", Value(""), "delta", moment_as_text("dislike__created_at")),
            lists_seen(user_id=user_id, use_case=use_case, since=Parameter("since", datetime)),
            *(rule_rows(user_id, Parameter("now", datetime), target) for target in _RULES),
        ]
        oldest = Parameter("oldest", datetime)
        if page == "after":
            named = Parameter("after", UUID)
            parts += page_before(user_id=user_id, use_case=use_case, session_id=named, oldest=oldest)
        elif page == "alike":
            asked = Parameter("alike", str)
            parts += last_alike(user_id=user_id, use_case=use_case, asked=asked, oldest=oldest)
        history = history_rows(user_id=user_id, use_case=USE_CASES[use_case]).annotate(part=_part(_HISTORY))
        numbered = [rows.annotate(part=_part(number)) for number, rows in enumerate(parts, _HISTORY + 1)]
        further = [] if beside is None else [rows.annotate(part=_part(_BESIDE)) for rows in beside(user_id)]
        return history.union(*numbered, *further, all=True)

    return CompiledQuery(build)


def _part(number: int) -> Value:
    return Value(number, output_field=IntegerField())
