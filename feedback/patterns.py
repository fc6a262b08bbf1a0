"""Patterns in what people turn down: the table `dislike_patterns`, counted from their dislikes."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Max, Min, Q

from catalog.models import Facet, ItemFacet
from core.domain import CATEGORIES, PEOPLE, REASONS, SERIES
from core.sql import Table, column_names, fill, table_name
from feedback.models import Dislike, DislikePattern
from interactions.models import UserInteraction

KINDS_OF_PATTERNS = tuple(dict.fromkeys((*CATEGORIES, *PEOPLE, *SERIES)))

# COALESCE in place of OR: by the index of `about` SQLite would read all dislikes once for each facet.
_INSERT = fill(
    """
INSERT INTO {pattern} ({columns})
SELECT {dislike.user}, {link.facet}, COUNT(*), MIN({dislike.created_at}), MAX({dislike.created_at})
FROM {dislike}
JOIN {done} ON {done.id} = {dislike.interaction} AND {done.withdrawn_at} IS NULL
JOIN {link} ON {link.item} = {dislike.item} AND NOT {dislike.title_only}
 AND COALESCE({dislike.about}, {link.facet}) = {link.facet}
JOIN {facet} ON {facet.id} = {link.facet}
""",
    pattern=table_name(DislikePattern),
    columns=column_names(DislikePattern, "user", "facet", "dislikes", "since", "last_at"),
    dislike=Table(Dislike, "dislike"),
    done=Table(UserInteraction, "done"),
    link=Table(ItemFacet, "link"),
    facet=Table(Facet, "facet"),
)
_GROUP = fill(
    """
GROUP BY {dislike.user}, {link.facet}
ON CONFLICT ({key}) DO UPDATE SET {counts}
""",
    dislike=Table(Dislike, "dislike"),
    link=Table(ItemFacet, "link"),
    key=column_names(DislikePattern, "user", "facet"),
    counts=", ".join(f"{name} = excluded.{name}" for name in ("dislikes", "since", "last_at")),
)


def telling_reasons() -> list[str]:
    """The reasons that say something about taste."""
    return [reason.name for reason in REASONS.values() if reason.weight > 0.0]


def refresh_patterns(*, user_ids: Collection[int] | None = None) -> None:
    """Counts the patterns anew, of some people or of everybody: two statements, whatever there is."""
    conditions: dict[str, Sequence[Any]] = {
        "dislike.reason": telling_reasons(),
        "facet.kind": KINDS_OF_PATTERNS,
    }
    stored = DislikePattern.objects.all()
    if user_ids is not None:
        stored = stored.filter(user_id__in=user_ids)
        conditions["dislike.user_id"] = list(user_ids)
    with transaction.atomic():
        stored.delete()
        if not all(conditions.values()):
            return
        asked = " AND ".join(f"{name} IN ({_places(values)})" for name, values in conditions.items())
        given = [value for values in conditions.values() for value in values]
        with connection.cursor() as cursor:
            cursor.execute(f"{_INSERT} WHERE {asked} {_GROUP}", given)  # the names are ours


def patterns_of(*, user_id: int) -> list[DislikePattern]:
    """A person's patterns as of now, those turned down most often first.

    Counted from the dislikes, because a like may have ended one since the table was: a read writes nothing.
    """
    standing = ItemFacet.objects.filter(
        Q(item__dislikes__about=None) | Q(item__dislikes__about=F("facet")),
        item__dislikes__title_only=False,
        facet__kind__in=KINDS_OF_PATTERNS,
        item__dislikes__user_id=user_id,
        item__dislikes__interaction__withdrawn_at=None,
        item__dislikes__reason__in=telling_reasons(),
    )
    made = "item__dislikes__created_at"
    counted = standing.values_list("facet_id").annotate(
        times=Count("item__dislikes"), first=Min(made), last=Max(made)
    )
    rows = list(counted.order_by("-times", "facet__name", "facet_id"))
    facets = Facet.objects.in_bulk([facet_id for facet_id, *_ in rows])
    return [
        DislikePattern(user_id=user_id, facet=facets[facet_id], dislikes=times, since=first, last_at=last)
        for facet_id, times, first, last in rows
    ]


def reasons_against(*, item_id: int) -> list[tuple[str, int]]:
    """The reasons for which people turned an item down, with how many did, most often first; one query."""
    standing = Dislike.objects.filter(item_id=item_id, interaction__withdrawn_at=None)
    return list(standing.values_list("reason").annotate(people=Count("pk")).order_by("-people", "reason"))


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))
