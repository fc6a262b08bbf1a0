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
_WEIGHED = """
SELECT centered.*,
       full_weight * (counted - middle) / CASE WHEN counted < middle THEN middle ELSE {most} - middle END
       AS own_weight
FROM (
    SELECT averaged.*,
           CASE WHEN mean < {lowest} THEN {lowest} WHEN mean > {highest} THEN {highest} ELSE mean
           END AS middle
    FROM (
        SELECT rated.*, CASE type {full_weights} ELSE 0.0 END AS full_weight,
               ({scale} * {prior} + COALESCE(SUM(counted) OVER earlier, 0.0))
               / ({prior} + COUNT(counted) OVER earlier) AS mean
        FROM ({rows}) AS rated
        WINDOW earlier AS (
            PARTITION BY user_id ORDER BY occurred_at, item_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    ) AS averaged
) AS centered
"""
_STANDING = """
SELECT {one.id} AS id, {one.user} AS user_id, {one.item} AS item_id, {one.type} AS type,
       {one.occurred_at} AS occurred_at, {one.rating} AS counted
FROM {one}
WHERE {one.rating} IS NOT NULL AND {one.withdrawn_at} IS NULL AND {one.user} IN ({people})
"""
_WEIGH = """
UPDATE {log} SET {weight} = weighed.own_weight
FROM ({weighed}) AS weighed
WHERE {log}.{id} = weighed.id AND ABS({log}.{weight} - weighed.own_weight) > 1e-9
RETURNING {log}.{id}, {log}.{weight}
"""


def weighed_ratings(rows: str) -> str:
    """The SQL of rows with their `own_weight`: the training weight against the person's own middle.

    `rows` is that of ratings with `user_id`, `item_id`, `type`, `occurred_at`, and `counted`: the rating of
    those that stand, nothing of the others.
    """
    full_weights = " ".join(f"WHEN '{name}' THEN {TYPES[name].training!r}" for name in RATED)
    return fill(
        _WEIGHED,
        rows=rows,
        full_weights=full_weights or "WHEN NULL THEN 0.0",
        most=repr(MAX_RATING),
        scale=repr(MIDDLE_RATING),
        prior=repr(MIDDLE_PRIOR),
        lowest=repr(MIDDLE_RATING - MIDDLE_REACH),
        highest=repr(MIDDLE_RATING + MIDDLE_REACH),
    )


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
    standing = fill(_STANDING, one=Table(UserInteraction, "one"), people=", ".join(["%s"] * people))
    return fill(
        _WEIGH,
        log=table_name(UserInteraction),
        id=column_names(UserInteraction, "id"),
        weight=column_names(UserInteraction, "weight"),
        weighed=weighed_ratings(standing),
    )
