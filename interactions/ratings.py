"""Weights of ratings against the person's own ratings: below their middle a rating is a no."""

from collections.abc import Collection
from itertools import islice

from django.db import connection

from core.domain import MAX_RATING, MIDDLE_PRIOR, MIDDLE_RATING, MIDDLE_REACH, RATED, TYPES
from core.sql import Table, column_names, fill, table_name
from interactions.models import UserInteraction

# Databases take so many parameters at once.
_AT_ONCE = 500

# The middle of a rating is that of what the person had rated before it and not taken back. So a weight never
# depends on what came later, nor on the order in which ratings reach this database.
_WEIGH = """
WITH averaged AS (
    SELECT {one.id} AS id, {one.rating} AS rating, CASE {one.type} {full_weights} ELSE 0.0 END AS full_weight,
           ({scale} * {prior} + COALESCE(SUM({one.rating}) OVER earlier, 0.0))
           / ({prior} + COUNT({one.rating}) OVER earlier) AS mean
    FROM {one}
    WHERE {one.rating} IS NOT NULL AND {one.withdrawn_at} IS NULL AND {one.user} IN ({people})
    WINDOW earlier AS (
        PARTITION BY {one.user} ORDER BY {one.occurred_at}, {one.item}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
), centered AS (
    SELECT id, rating, full_weight,
           CASE WHEN mean < {lowest} THEN {lowest} WHEN mean > {highest} THEN {highest} ELSE mean
           END AS middle
    FROM averaged
), weighed AS (
    SELECT id, full_weight * (rating - middle)
               / CASE WHEN rating < middle THEN middle ELSE {most} - middle END AS weight
    FROM centered
)
UPDATE {log} SET {weight} = weighed.weight
FROM weighed
WHERE {log}.{id} = weighed.id AND ABS({log}.{weight} - weighed.weight) > 1e-9
RETURNING {log}.{id}, {log}.{weight}
"""


def weigh_ratings(user_ids: Collection[int]) -> dict[int, float]:
    """Sets the training weights of these people's ratings; those that changed, by interaction id.

    Called after every write that adds a rating or takes one back, in its transaction: one query for every
    500 people.
    """
    changed: dict[int, float] = {}
    waiting = iter(user_ids)
    while some := list(islice(waiting, _AT_ONCE)) if RATED else []:
        statement = _statement(len(some))
        with connection.cursor() as cursor:
            cursor.execute(statement, some)
            changed.update(cursor.fetchall())
    return changed


def _statement(people: int) -> str:
    full_weights = " ".join(f"WHEN '{name}' THEN {TYPES[name].training!r}" for name in RATED)
    return fill(
        _WEIGH,
        log=table_name(UserInteraction),
        one=Table(UserInteraction, "one"),
        id=column_names(UserInteraction, "id"),
        weight=column_names(UserInteraction, "weight"),
        full_weights=full_weights,
        most=repr(MAX_RATING),
        scale=repr(MIDDLE_RATING),
        prior=repr(MIDDLE_PRIOR),
        lowest=repr(MIDDLE_RATING - MIDDLE_REACH),
        highest=repr(MIDDLE_RATING + MIDDLE_REACH),
        people=", ".join(["%s"] * people),
    )
