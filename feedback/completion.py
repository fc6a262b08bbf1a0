"""Completes dislikes that came in bulk or by import: their rows, examples and adjustments.

A dislike is an interaction with a `Dislike` beside it. Where many interactions are written at once, the rows
beside them follow here, by a handful of statements however many there are.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from accounts.services import lock_person
from catalog.models import Facet, Item, ItemFacet
from core.domain import DISLIKE, DOMAIN, FACETS, REASONS
from core.sql import Table, column_names, fill, table_name
from feedback.adjustments import named_share
from feedback.models import Dislike, FeatureAdjustment, NegativeTrainingExample
from feedback.patterns import refresh_patterns
from feedback.services import tell_of_threshold
from feedback.training import calculate_dislike_weight, get_retrainings
from interactions.batch import Batch, record_batch
from interactions.models import UserInteraction
from interactions.services import Recorded, Wanted, record_interactions
from recommendations.models import RecommendationSession

# While a statement has written a row and the others have not followed yet; none is left when they are done.
_UNFINISHED = Dislike.UNFINISHED
# After so many half-lives an adjustment is under a thousandth, and is not written any more.
_FADED_AFTER = 7

_TABLES: dict[str, Table | str] = {
    "done": Table(UserInteraction, "done"),
    "item": Table(Item, "item"),
    "session": Table(RecommendationSession, "session"),
    "dislike": Table(Dislike, "dislike"),
    "link": Table(ItemFacet, "link"),
    "facet": Table(Facet, "facet"),
    "dislikes": table_name(Dislike),
    "examples": table_name(NegativeTrainingExample),
    "adjustments": table_name(FeatureAdjustment),
}

_INSERT_DISLIKES = fill(
    """
INSERT INTO {dislikes} ({columns})
SELECT {done.user}, {done.item}, {item.title}, {done.id}, {done.recommendation_session},
       COALESCE({session.use_case}, ''), COALESCE({session.model_version}, ''),
       {done.recommendation_rank}, {done.recommendation_score},
       %s, %s, '', '', %s, %s, {done.occurred_at}
FROM {done}
JOIN {item} ON {item.id} = {done.item}
LEFT JOIN {session} ON {session.id} = {done.recommendation_session}
LEFT JOIN {dislike} ON {dislike.interaction} = {done.id}
WHERE {done.type} = %s AND {done.withdrawn_at} IS NULL AND {dislike.id} IS NULL
""",
    columns=column_names(
        Dislike,
        "user",
        "item",
        "title",
        "interaction",
        "session",
        "use_case",
        "model_version",
        "rank",
        "predicted_score",
        "context_source",
        "reason",
        "recommendation_set_id",
        "feedback_text",
        "review_state",
        "title_only",
        "created_at",
    ),
    **_TABLES,
)
_OF_PEOPLE = fill(" AND {done.user} IN (", **_TABLES)

# Written out, so that the index of these rows is used.
_UNFINISHED_ROWS = " WHERE {dislike.context_source} = '" + _UNFINISHED + "'"
_INSERT_EXAMPLES = fill(
    """
INSERT INTO {examples} ({columns})
SELECT {dislike.id}, 0.0, {dislike.predicted_score}, {dislike.predicted_score}, %s, %s, {dislike.created_at}
FROM {dislike}
"""
    + _UNFINISHED_ROWS,
    columns=column_names(
        NegativeTrainingExample,
        "dislike",
        "actual",
        "predicted",
        "error",
        "weight",
        "used_in_training",
        "created_at",
    ),
    **_TABLES,
)
_OF_REASON = fill(" AND {dislike.reason} = %s", **_TABLES)
_INSERT_ADJUSTMENTS = fill(
    """
INSERT INTO {adjustments} ({columns})
SELECT {dislike.id}, {facet.id}, %s
FROM {dislike}
JOIN {link} ON {link.item} = {dislike.item}
JOIN {facet} ON {facet.id} = {link.facet} AND {facet.kind} = %s
"""
    + _UNFINISHED_ROWS
    + " AND {dislike.reason} = %s AND {dislike.about} IS NULL AND NOT {dislike.title_only}"
    + " AND {dislike.created_at} > %s",
    columns=column_names(FeatureAdjustment, "dislike", "facet", "delta"),
    **_TABLES,
)
# Of a no that names the one facet that it is about.
_INSERT_NAMED_ADJUSTMENTS = fill(
    """
INSERT INTO {adjustments} ({columns})
SELECT {dislike.id}, {facet.id}, %s
FROM {dislike}
JOIN {facet} ON {facet.id} = {dislike.about} AND {facet.kind} = %s
"""
    + _UNFINISHED_ROWS
    + " AND {dislike.reason} = %s AND NOT {dislike.title_only} AND {dislike.created_at} > %s",
    columns=column_names(FeatureAdjustment, "dislike", "facet", "delta"),
    **_TABLES,
)


def record_with_dislikes(*, user_id: int, wanted: Sequence[Wanted]) -> list[Recorded]:
    """Records interactions as `record_interactions` does, each dislike among them with its row beside it."""
    if all(one.type_name != DISLIKE for one in wanted):
        return record_interactions(user_id=user_id, wanted=wanted)
    with transaction.atomic():
        lock_person(user_id=user_id)
        recorded = record_interactions(user_id=user_id, wanted=wanted)
        complete_dislikes(user_ids=[user_id])
    return recorded


def record_many_with_dislikes(*, rows: Sequence[object], create_users: bool) -> Batch:
    """Records interactions of many people as `record_batch` does, each dislike with its row beside it."""
    with transaction.atomic():
        batch = record_batch(rows=rows, create_users=create_users)
        if batch.dislikers:
            complete_dislikes(user_ids=batch.dislikers)
    return batch


def complete_dislikes(*, user_ids: Collection[int] | None = None, is_import: bool | None = None) -> int:
    """Writes the rows beside the standing dislikes that lack one: some people's, or all after an import.

    `is_import` says so of some people's, too.

    Those of an import wait for no review, and one that the person says here later takes the place of theirs.
    What an import wrote itself, with a reason, is finished along with them. Returns how many were finished.
    Needs the locks of the people, or an import's.
    """
    if is_import is None:
        is_import = user_ids is None
    before = get_retrainings()
    reason = DOMAIN.dislikes.plain
    state = Dislike.ReviewState.IMPORTED if is_import else Dislike.ReviewState.NEW
    with transaction.atomic():
        people = sorted(user_ids or ())
        statement = _INSERT_DISLIKES
        if user_ids is not None:
            statement += f"{_OF_PEOPLE}{', '.join(['%s'] * len(people))})"
        count = _execute(statement, [_UNFINISHED, reason, state.value, False, DISLIKE, *people])
        reasons = _reasons_of_unfinished() if is_import else {reason: count}
        count = sum(reasons.values())
        if count == 0:
            return 0
        for each in reasons:
            _follow(each, may_name=is_import)
        _name_sources(is_import=is_import)
        refresh_patterns(user_ids=user_ids)
    tell_of_threshold(before, get_retrainings())
    return count


def _reasons_of_unfinished() -> dict[str, int]:
    """The number of rows beside dislikes that are to be finished, by their reason."""
    unfinished = Dislike.objects.filter(context_source=_UNFINISHED).order_by("reason")
    return dict(unfinished.values_list("reason").annotate(rows=Count("pk")))


def _follow(reason: str, *, may_name: bool) -> None:
    """Writes the examples and the adjustments of the rows that have this reason and are to be finished.

    `may_name`: some may name the one facet that they are about.
    """
    if weight := calculate_dislike_weight(reason):
        _execute(_INSERT_EXAMPLES + _OF_REASON, [weight, False, reason])
    oldest = timezone.now() - timedelta(days=_FADED_AFTER * settings.DISLIKE_HALF_LIFE_DAYS)
    for kind, share in REASONS[reason].shares().items():
        _execute(_INSERT_ADJUSTMENTS, [-share, kind, reason, _adapted(oldest)])
    for kind in FACETS if may_name else ():
        share = named_share(reason, kind)
        _execute(_INSERT_NAMED_ADJUSTMENTS, [-share, kind, reason, _adapted(oldest)])


def _name_sources(*, is_import: bool) -> None:
    unfinished = Dislike.objects.filter(context_source=_UNFINISHED)
    sources = Dislike.ContextSource
    if not is_import:
        unfinished.exclude(session=None).update(context_source=sources.SESSION)
    unfinished.update(context_source=sources.IMPORT if is_import else sources.NONE)


def _execute(statement: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _adapted(moment: datetime) -> Any:
    """A moment in the form that the database compares with its own."""
    field = Dislike._meta.get_field("created_at")  # noqa: SLF001  documented, whatever its name
    return field.get_db_prep_value(moment, connection=connection, prepared=True)
