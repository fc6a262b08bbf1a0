"""Reads for the reduction: the stored profile, and the part of the log that came after it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import BigIntegerField, Count, FloatField, Max, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Cast

from catalog.models import Facet, ItemFacet
from core.domain import REASONS, SPREADING, TYPES
from core.queries import CompiledQuery, Parameter, Statement, moment_as_text, moment_of
from core.sql import Table, fill
from feedback.models import Dislike
from interactions.models import UserInteraction
from interactions.selectors import TAKING_BACK, active_interactions
from profiles.models import TasteProfile
from profiles.reduction import (
    CODES,
    KINDS,
    NAMED,
    WEIGHT_OF_SHARE,
    Event,
    ItemFacets,
    Rules,
    Taste,
    decode,
    no_taste,
    reduce_events,
)

# Every list that is served asks this, and building it by the ORM would take longer than running it. The rows
# up to the cursor are the same as long as there are as many, with the same sum of their ids and as many
# reasons: a reason is only ever added. Events are reduced in the order of time: it starts from nothing where
# one was taken back, and where something new happened before what is included already. Then `goes_on_after`
# is NULL. Facets come once for each item, not for each event: of a long history that is a tenth. An id plus 0
# keeps PostgreSQL from walking the rows of everybody after the cursor.
_READ = """
WITH profile AS (
    SELECT * FROM {stored} WHERE {stored.user} = %s
), log AS (
    SELECT COUNT(CASE WHEN {done.id} <= {profile.cursor} THEN 1 END) AS log_rows,
           COALESCE(SUM(CASE WHEN {done.id} <= {profile.cursor} THEN {done.id} END), 0) AS log_ids,
           COUNT(CASE WHEN {done.id} <= {profile.cursor} THEN {dislike.id} END) AS log_reasons,
           MIN(CASE WHEN {done.id} > {profile.cursor} THEN {done.occurred_at} END) AS first_new
    FROM profile
    JOIN {done}
      ON {done.user} = {profile.user} AND {done.withdrawn_at} IS NULL AND {done.id} + 0 > {profile.reset_id}
     AND ({profile.reset_at} IS NULL OR {done.occurred_at} >= {profile.reset_at}) AND {counts}
    LEFT JOIN {dislike} ON {done.type} = 'dislike' AND {dislike.interaction} = {done.id}
), state AS (
    SELECT CASE WHEN {profile.rules} = %s
                 AND {profile.rows} = log.log_rows AND {profile.ids} = log.log_ids
                 AND {profile.reasons} = log.log_reasons
                 AND (log.first_new IS NULL OR {profile.cursor_at} IS NULL
                      OR log.first_new >= {profile.cursor_at})
           THEN {profile.cursor} END AS goes_on_after
    FROM log LEFT JOIN profile ON TRUE
), news AS (
    SELECT {done.id} AS id, {done.item} AS item, {listed}(
        {done.id}, CAST({done.occurred_at} AS text), {done.type}, {done.weight},
        CASE WHEN {done.rating} IS NULL THEN 0 ELSE 1 END,
        CASE WHEN {dislike.title_only} THEN '(title)' WHEN {dislike.about} IS NOT NULL THEN '(named)'
             ELSE {dislike.reason} END,
        {done.item}, {dislike.about}
    ) AS entry
    FROM state LEFT JOIN profile ON TRUE
    JOIN {done} ON {done.user} = %s AND {done.withdrawn_at} IS NULL
     AND {done.id} + 0 > COALESCE(state.goes_on_after, {profile.reset_id}, 0)
     AND ({profile.reset_at} IS NULL OR {done.occurred_at} >= {profile.reset_at}) AND {counts}
    LEFT JOIN {dislike} ON {done.type} = 'dislike' AND {dislike.interaction} = {done.id}
)
SELECT {profile.id}, {profile.vector}, {profile.names}, {profile.evidence}, {profile.feedback},
       {profile.cursor}, {profile.cursor_at}, {profile.rows}, {profile.ids}, {profile.reasons},
       {profile.reset_id}, {profile.reset_at}, state.goes_on_after,
       (SELECT CAST({collected}({entry}) AS text) FROM news),
       (SELECT CAST({collected}({listed}({link.item}, {facet.id}, {facet.kind}, {facet.name})) AS text)
        FROM {link} JOIN {facet} ON {facet.id} = {link.facet} WHERE {link.item} IN (SELECT item FROM news))
FROM state LEFT JOIN profile ON TRUE
"""
# A look at an item that the person refuses says nothing for it, as in `reduction.without_looks`; nor does
# what only took a state back, as in `telling_interactions`.
_COUNTS = """(
    {done.is_state} OR {done.weight} <= 0 OR NOT EXISTS (
        SELECT 1 FROM {refused}
        WHERE {refused.user} = {done.user} AND {refused.item} = {done.item}
          AND {refused.withdrawn_at} IS NULL AND {refused.weight} < 0
    )
)"""
_TOOK_NOTHING_BACK = """ AND NOT ({done.type} = '{undo}' AND EXISTS (
    SELECT 1 FROM {ended}
    WHERE {ended.user} = {done.user} AND {ended.item} = {done.item} AND {ended.type} IN ({states})
      AND {ended.withdrawn_at} = {done.occurred_at}
))"""


def _counts() -> str:
    """The condition under which a row of the log counts."""
    done = Table(UserInteraction, "done")
    parts = [fill(_COUNTS, done=done, refused=Table(UserInteraction, "refused"))]
    for undo, states in TAKING_BACK.items():
        names = ", ".join(f"'{name}'" for name in states)
        ended = Table(UserInteraction, "ended")
        parts.append(fill(_TOOK_NOTHING_BACK, done=done, ended=ended, undo=undo, states=names))
    return "".join(parts)


# SQLite no longer knows of a text out of a subquery that it is JSON.
_JSON_FUNCTIONS = {
    "sqlite": ("json_group_array", "json_array", "json(entry)"),
    "postgresql": ("json_agg", "json_build_array", "entry"),
}
_SQL = {
    vendor: fill(
        _READ,
        collected=collected,
        listed=listed,
        entry=entry,
        counts=_counts(),
        stored=Table(TasteProfile, "stored"),
        profile=Table(TasteProfile, "profile"),
        done=Table(UserInteraction, "done"),
        dislike=Table(Dislike, "dislike"),
        link=Table(ItemFacet, "link"),
        facet=Table(Facet, "facet"),
    )
    for vendor, (collected, listed, entry) in _JSON_FUNCTIONS.items()
}


def _statement() -> Statement:
    user_id = Parameter("user_id")
    return Statement(_SQL[connection.vendor], [user_id, Parameter("rules", str), user_id])


_query = CompiledQuery(_statement)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The part of the log that a taste includes: see TasteProfile."""

    interaction_id: int = 0
    occurred_at: datetime | None = None
    rows: int = 0
    ids: int = 0
    reasons: int = 0

    def after(self, events: list[Event], last_at: datetime | None) -> "Cursor":
        """The cursor once `events` are included too, the last of them of the moment `last_at`."""
        if not events:
            return self
        return Cursor(
            interaction_id=max(self.interaction_id, *(event.interaction_id for event in events)),
            occurred_at=last_at,
            rows=self.rows + len(events),
            ids=self.ids + sum(event.interaction_id for event in events),
            reasons=self.reasons + sum(1 for event in events if event.reason),
        )


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """A taste as of now, and what it took. `anew`: it was made from nothing, not from what was stored."""

    taste: Taste
    cursor: Cursor
    events: list[Event]
    anew: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A person's profile as it is stored, and the part of the log that it lacks.

    profile_id  None where nothing is stored yet
    cursor      what of the log is in `taste`
    anew        `taste` is no longer what the log says: `events` are to be reduced from nothing
    events      oldest first; empty where the profile is up to date
    last_at     the moment of the last of them
    """

    profile_id: int | None = None
    taste: Taste = field(default_factory=no_taste)
    cursor: Cursor = field(default_factory=Cursor)
    reset_id: int = 0
    reset_at: datetime | None = None
    anew: bool = True
    events: list[Event] = field(default_factory=list)
    last_at: datetime | None = None

    @property
    def is_current(self) -> bool:
        return not self.anew and not self.events

    def stands(self, profiles: QuerySet[TasteProfile]) -> bool:
        """True where the profile, of those of the person, is still the one that was read: one query."""
        cursor = self.cursor
        read = (self.profile_id, cursor.interaction_id, cursor.occurred_at, cursor.rows, cursor.ids)
        stored = profiles.values_list(
            "pk", "cursor", "cursor_at", "rows", "ids", "reset_id", "reset_at"
        ).first()
        return stored == (None if self.profile_id is None else (*read, self.reset_id, self.reset_at))

    def catch_up(self, rules: Rules) -> CaughtUp:
        """Adds what is lacking. Writes nothing."""
        taste, cursor = self.taste, self.cursor
        if self.anew:
            taste, cursor = no_taste(), Cursor(interaction_id=self.reset_id)
        reduced = reduce_events(taste, self.events, rules)
        return CaughtUp(reduced, cursor.after(self.events, self.last_at), self.events, self.anew)


def current_rules() -> Rules:
    """The rules of the reduction as the settings and the reasons of dislikes have them."""
    weights = []
    for reason in REASONS.values():
        shares = reason.shares().items()
        spoken = [
            (CODES[kind], max(-1.0, WEIGHT_OF_SHARE * share)) for kind, share in shares if kind in CODES
        ]
        weights.append((reason.name, tuple(sorted(spoken))))
    named = max(-1.0, WEIGHT_OF_SHARE * settings.DISLIKE_NAMED_SHARE)
    weights.append((NAMED, tuple((code, named) for code in range(len(KINDS)))))
    return Rules(settings.TASTE_UPDATE_EVERY, tuple(sorted(weights)), SPREADING)


@cache
def digest(rules: Rules) -> str:
    """16 characters that are others for other rules, and for other meanings in heed.toml."""
    meanings = [
        (row.name, row.profile, row.training, row.is_rated, row.is_statement) for row in TYPES.values()
    ]
    return hashlib.sha256(repr((KINDS, meanings, rules)).encode()).hexdigest()[:16]


def counted_interactions(
    user_id: int, *, reset_id: int, reset_at: datetime | None
) -> QuerySet[UserInteraction]:
    """A person's interactions since the reset: none that were taken back.

    Of a look at what they refuse this says nothing: it was done, and does not count for their taste.
    """
    counted = active_interactions().filter(user_id=user_id, pk__gt=reset_id)
    return counted if reset_at is None else counted.filter(occurred_at__gte=reset_at)


@dataclass(frozen=True, slots=True)
class AskedLog:
    """The stored profile and what it lacks, as the database gave them."""

    user_id: int
    row: tuple[Any, ...]

    def read(self) -> Reading:
        """The profile and the events that it lacks."""
        profile_id, vector, names, evidence, feedback, *rest = self.row
        cursor, cursor_at, rows, ids, reasons, reset_id, reset_at, goes_on_after, *texts = rest
        events, last_at = _events_from(*texts)
        if profile_id is None:
            return Reading(events=events, last_at=last_at)
        return Reading(
            profile_id=profile_id,
            taste=decode(
                bytes(vector),
                names={int(facet_id): name for facet_id, name in json.loads(names).items()},
                evidence=evidence,
                feedback=feedback,
            ),
            cursor=Cursor(cursor, moment_of(cursor_at), rows, ids, reasons),
            reset_id=reset_id,
            reset_at=moment_of(reset_at),
            anew=goes_on_after is None,
            events=events,
            last_at=last_at,
        )


def ask_log(user_id: int, rules: Rules, *, anew: bool = False) -> AskedLog:
    """The stored profile and what it lacks: one query, however much that is.

    With `anew` everything since the reset is reduced, whatever is stored.
    """
    (row,) = _query.ask(user_id=user_id, rules="" if anew else digest(rules))
    return AskedLog(user_id, row)


def mark_rows(user_id: Parameter) -> "list[QuerySet[Any, tuple[int, str, float, str]]]":
    """Rows that are others wherever `ask_log` finds another profile or another log: id, text, number, moment.

    They are cheaper than the log. The profile has one moment for each state of it. The rows of the log are
    the same as long as there are as many, with the same sum of their ids and of their weights; what a dislike
    says is only ever added, and what it is about goes with its facet.
    """
    stored = TasteProfile.objects.filter(user_id=user_id).order_by()
    log = active_interactions().filter(user_id=user_id).order_by().values("user_id")
    said = Dislike.objects.filter(user_id=user_id).order_by().values("user_id")
    logged = log.annotate(
        ids=Cast(Sum("pk"), BigIntegerField()),
        many=Cast(Count("pk"), TextField()),
        weights=Sum("weight"),
        last=moment_as_text(Max("occurred_at")),
    )
    meant = said.annotate(
        reasons=Count("pk", filter=~Q(reason="")),
        alone=Cast(Count("pk", filter=Q(title_only=True)), TextField()),
        named=Cast(Count("about"), FloatField()),
        last=moment_as_text(Max("created_at")),
    )
    return [
        stored.values_list("cursor", "rules", Value(0.0), moment_as_text("updated_at")),
        logged.values_list("ids", "many", "weights", "last"),
        meant.values_list("reasons", "alone", "named", "last"),
    ]


def read_log(user_id: int, rules: Rules, *, anew: bool = False) -> Reading:
    """The same, read."""
    return ask_log(user_id, rules, anew=anew).read()


def name_facets(facet_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """(kind, name) of each of these facets that still exists, by id: one query."""
    rows = Facet.objects.filter(pk__in=list(facet_ids)).values_list("pk", "kind", "name")
    return {facet_id: (kind, name) for facet_id, kind, name in rows}


def _events_from(entries: str | None, facets: str | None) -> tuple[list[Event], datetime | None]:
    """The interactions of the query's JSON, each with the facets of its item; and when the last was."""
    rows = json.loads(entries or "[]")
    # Moments of one database sort as text in the order of time.
    rows.sort(key=itemgetter(1, 0))
    of_item = defaultdict[int, list[tuple[int, int, str]]](list)
    for item_id, facet_id, kind, name in json.loads(facets or "[]"):
        if kind in CODES:
            of_item[item_id].append((facet_id, CODES[kind], name))
    # Events with the same item share them.
    facets_of: dict[int, ItemFacets] = {item_id: tuple(found) for item_id, found in of_item.items()}
    events = []
    for interaction_id, _, type_name, weight, is_rated, reason, item_id, about in rows:
        spoken_of = facets_of.get(item_id, ())
        if about is not None:
            spoken_of = tuple(facet for facet in spoken_of if facet[0] == about)
        events.append(Event(interaction_id, type_name, weight, bool(is_rated), reason or "", spoken_of))
    return events, moment_of(rows[-1][1]) if rows else None
