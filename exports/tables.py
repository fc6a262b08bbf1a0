"""The tables that can be exported: their columns, and how their rows are read, a batch at a time.

`import_items`, `import_interactions` and `import_sessions` read the columns of theirs back.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias
from uuid import UUID

from django.db.models import QuerySet

from catalog.models import Item, ItemFacet
from core.arrow import pa
from core.domain import FACETS, KINDS
from exports.writing import Entry
from feedback.models import Dislike
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession

BATCH = 1_000

Query: TypeAlias = QuerySet[Any, tuple[Any, ...]]
_TEXT, _TIME, _NUMBER = pa.string(), pa.timestamp("us", tz="UTC"), pa.float64()


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an export.

    schema   the columns in every format
    query    the values of its rows in order, the key of each first; of one kind of item, or of all
    entries  the rows that a batch of these values makes
    more     columns that a file of Parquet has besides, and an import would not know
    """

    name: str
    schema: pa.Schema
    query: Callable[[str | None], Query]
    entries: Callable[[Sequence[tuple[Any, ...]]], list[Entry]]
    more: pa.Schema = field(default_factory=lambda: pa.schema([]))

    def read(self, kind: str | None = None) -> Iterator[Entry]:
        """All rows, of one kind of item or of all."""
        rows = self.query(kind).iterator(chunk_size=BATCH)
        while batch := list(islice(rows, BATCH)):
            yield from self.entries(batch)

    def page(self, kind: str | None, after: int, limit: int) -> tuple[list[Entry], int | None]:
        """At most `limit` rows behind the key `after`, and the key to go on behind; None at the end."""
        rows = list(self.query(kind).filter(pk__gt=after)[: limit + 1])
        return self.entries(rows[:limit]), rows[limit - 1][0] if len(rows) > limit else None


_ITEM_COLUMNS = (
    "external_id",
    "kind",
    "title",
    "original_title",
    "year",
    "description",
    "published_at",
    "url",
    "image_url",
    "is_active",
    "is_synthetic",
    "attributes",
)
_ITEM_TYPES = {"year": pa.int16(), "published_at": _TIME, "is_active": pa.bool_(), "is_synthetic": pa.bool_()}


def _items(kind: str | None) -> Query:
    kinds = list(KINDS) if kind is None else [kind]
    return Item.objects.filter(kind__in=kinds).order_by("pk").values_list("pk", *_ITEM_COLUMNS)


def _item_entries(rows: Sequence[tuple[Any, ...]]) -> list[Entry]:
    names: dict[tuple[int, str], list[str]] = defaultdict(list)
    links = ItemFacet.objects.filter(item_id__in=[row[0] for row in rows], facet__kind__in=list(FACETS))
    for item_id, kind, name in links.order_by("item_id", "billing", "pk").values_list(
        "item_id", "facet__kind", "facet__name"
    ):
        names[item_id, kind].append(name)
    return [
        dict(zip(_ITEM_COLUMNS, row[1:], strict=True))
        | {facet.column: names.get((row[0], facet.name), []) for facet in FACETS.values()}
        for row in rows
    ]


_INTERACTION_COLUMNS = {
    "user": "user__username",
    "kind": "item__kind",
    "item": "item__external_id",
    "type": "type",
    "rating": "rating",
    "occurred_at": "occurred_at",
    "withdrawn_at": "withdrawn_at",
    "reason": "dislike__reason",
    "feedback_text": "dislike__feedback_text",
    "about": "dislike__about__name",
    "title_only": "dislike__title_only",
}
SAID = ("reason", "feedback_text", "about", "title_only")
_ABOUT_KIND = "dislike__about__kind"


def _interactions(kind: str | None) -> Query:
    rows = UserInteraction.objects.order_by("pk")
    of_kind = rows if kind is None else rows.filter(item__kind=kind)
    return of_kind.values_list("pk", *_INTERACTION_COLUMNS.values(), _ABOUT_KIND)


def _interaction_entries(rows: Sequence[tuple[Any, ...]]) -> list[Entry]:
    return [_interaction_entry(row[1:-1], row[-1]) for row in rows]


def _interaction_entry(values: Sequence[Any], about_kind: str | None) -> Entry:
    entry = dict(zip(_INTERACTION_COLUMNS, values, strict=True))
    return entry if about_kind is None else entry | {"about": f"{about_kind}:{entry['about']}"}


_DISLIKE_COLUMNS = {
    "user": "user__username",
    "kind": "item__kind",
    "item": "item__external_id",
    "title": "title",
    "reason": "reason",
    "feedback_text": "feedback_text",
    "disliked_at": "created_at",
    "withdrawn_at": "interaction__withdrawn_at",
    "session": "session_id",
    "rank": "rank",
    "predicted_score": "predicted_score",
    "use_case": "use_case",
    "model_version": "model_version",
    "review_state": "review_state",
}


def _dislikes(kind: str | None) -> Query:
    rows = Dislike.objects.order_by("pk")
    of_kind = rows if kind is None else rows.filter(item__kind=kind)
    return of_kind.values_list("pk", *_DISLIKE_COLUMNS.values())


def _dislike_entries(rows: Sequence[tuple[Any, ...]]) -> list[Entry]:
    entries = [dict(zip(_DISLIKE_COLUMNS, row[1:], strict=True)) for row in rows]
    return [{**entry, "session": _text(entry["session"])} for entry in entries]


def _text(session_id: UUID | None) -> str | None:
    return None if session_id is None else str(session_id)


_SESSION_VALUES = (
    "user__username",
    "use_case",
    "created_at",
    "seen_rank",
    "model_version",
    "experiment_arm",
    "is_external",
    "recommendations_shown",
)


def _sessions(kind: str | None) -> Query:
    rows = RecommendationSession.objects.order_by("created_at", "pk")
    return rows.values_list("pk", *_SESSION_VALUES)


def _session_entries(rows: Sequence[tuple[Any, ...]]) -> list[Entry]:
    """A row for each slot, and for each further thing that was done with it."""
    shown = {slot["item_id"] for row in rows for slot in row[-1]}
    items = {
        pk: (kind, external_id)
        for ids in _chunks(sorted(shown))
        for pk, kind, external_id in Item.objects.filter(pk__in=ids).values_list("pk", "kind", "external_id")
    }
    acts = _acts([row[0] for row in rows])
    return [entry for row in rows for entry in _slots(row, items, acts)]


_Act: TypeAlias = tuple[str, float | None, datetime]
_Acts: TypeAlias = dict[tuple[UUID, int], list[_Act]]


def _acts(session_ids: Sequence[UUID]) -> _Acts:
    acts: _Acts = defaultdict(list)
    done = UserInteraction.objects.filter(recommendation_session_id__in=session_ids, withdrawn_at=None)
    for session_id, item_id, type_name, rating, occurred_at in done.order_by("pk").values_list(
        "recommendation_session_id", "item_id", "type", "rating", "occurred_at"
    ):
        acts[session_id, item_id].append((type_name, rating, occurred_at))
    return acts


def _slots(row: tuple[Any, ...], items: dict[int, tuple[str, str]], acts: _Acts) -> Iterator[Entry]:
    session_id, user, use_case, shown_at, seen, version, arm, is_external, shown = row
    # What is not in the catalog any more has no name outside.
    slots = [slot for slot in shown if slot["item_id"] in items]
    last = max((slot["rank"] for slot in slots), default=0)
    for slot in slots:
        kind, external_id = items[slot["item_id"]]
        # What a client dated before the list was not done from it.
        done: list[_Act | tuple[None, None, None]] = [
            act for act in acts.get((session_id, slot["item_id"]), []) if act[2] >= shown_at
        ]
        for action, rating, acted_at in done or [(None, None, None)]:
            yield {
                "session": str(session_id),
                "user": user,
                "use_case": use_case,
                "shown_at": shown_at,
                "kind": kind,
                "item": external_id,
                "rank": slot["rank"],
                "score": slot["score"],
                "method": slot["method"],
                "propensity": slot["propensity"],
                "seen": min(seen, last),
                "action": action,
                "rating": rating,
                "acted_at": acted_at,
                "base_score": slot["base_score"],
                "source": slot["source"],
                "model_version": version,
                "experiment_arm": arm,
                "made_elsewhere": is_external,
            }


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _columns(*names: str, **types: pa.DataType) -> pa.Schema:
    return pa.schema([(name, types.get(name, _TEXT)) for name in names])


ITEMS = Table(
    name="items",
    schema=pa.schema(
        [(name, _ITEM_TYPES.get(name, _TEXT)) for name in _ITEM_COLUMNS]
        + [(facet.column, pa.list_(_TEXT)) for facet in FACETS.values()]
    ),
    query=_items,
    entries=_item_entries,
)
INTERACTIONS = Table(
    name="interactions",
    schema=_columns(
        *_INTERACTION_COLUMNS, rating=_NUMBER, occurred_at=_TIME, withdrawn_at=_TIME, title_only=pa.bool_()
    ),
    query=_interactions,
    entries=_interaction_entries,
)
DISLIKES = Table(
    name="dislikes",
    schema=_columns(
        *_DISLIKE_COLUMNS, disliked_at=_TIME, withdrawn_at=_TIME, rank=pa.int16(), predicted_score=_NUMBER
    ),
    query=_dislikes,
    entries=_dislike_entries,
)
SESSIONS = Table(
    name="sessions",
    schema=_columns(
        "session", "user", "use_case", "shown_at", "kind", "item", "rank", "score", "method", "propensity",
        "seen", "action", "rating", "acted_at",
        shown_at=_TIME, rank=pa.int16(), score=_NUMBER, propensity=_NUMBER, seen=pa.int16(), rating=_NUMBER,
        acted_at=_TIME,
    ),
    query=_sessions,
    entries=_session_entries,
    more=_columns(
        "base_score", "source", "model_version", "experiment_arm", "made_elsewhere",
        base_score=_NUMBER, made_elsewhere=pa.bool_(),
    ),
)  # fmt: skip
