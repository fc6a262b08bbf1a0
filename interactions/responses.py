"""The responses to what was shown, item by item and day by day, added up by the database.

A slot that was seen counts as the chance that its rank is examined, 1 / log2(rank + 1); a list was seen as
deep as the page reported or as anything was done with it. `ranking.statistics.responses` says the same of the
past.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from accounts.models import User
from accounts.selectors import is_new_account
from core import sql
from core.domain import UseCase
from interactions.models import UserInteraction
from interactions.new_accounts import new_in
from interactions.selectors import TEACHES, active_interactions, said_in
from recommendations.models import RecommendationSession
from recommendations.selectors import PRUNED_METHOD, SEARCH_METHOD

_SEEN = """
SELECT {item_id}, DATE({session.created_at}{utc}), {session.user} IN ({new}), SUM(LN(2.0) / LN({rank} + 1.0))
FROM {session} {slots}
WHERE {session.user} NOT IN (SELECT {silent.id} FROM {silent} WHERE {silent.owner} IS NOT NULL)
  AND {session.user} NOT IN (SELECT {silent.id} FROM {silent} WHERE {silent.discounted_at} IS NOT NULL)
  AND {session.use_case} = %s AND {session.created_at} <= %s AND {session.method} <> %s
  AND {rank} <= {deeper}({session.seen_rank}, COALESCE((
    SELECT MAX({done.recommendation_rank}) FROM {done}
    WHERE {done.recommendation_session} = {session.id} AND {done.withdrawn_at} IS NULL
  ), 0))
GROUP BY 1, 2, 3
"""
# In the place of the ids of new accounts, who are others at every moment.
_NEW = "-- new accounts --"
_TABLES = {
    "session": sql.Table(RecommendationSession, "session"),
    "done": sql.Table(UserInteraction, "done"),
    "silent": sql.Table(User, "silent"),
}
_OF_VENDOR = {
    "postgresql": sql.fill(
        _SEEN,
        **_TABLES,
        slots=sql.fill(
            "CROSS JOIN LATERAL jsonb_array_elements({session.recommendations_shown}) AS slot", **_TABLES
        ),
        new=_NEW,
        item_id="(slot ->> 'item_id')::bigint",
        rank="(slot ->> 'rank')::int",
        deeper="GREATEST",
        utc=" AT TIME ZONE 'UTC'",
    ),
    "sqlite": sql.fill(
        _SEEN,
        **_TABLES,
        slots=sql.fill(", json_each({session.recommendations_shown}) AS slot", **_TABLES),
        new=_NEW,
        item_id="json_extract(slot.value, '$.item_id')",
        rank="json_extract(slot.value, '$.rank')",
        deeper="MAX",
        utc="",
    ),
}


@dataclass(frozen=True, slots=True)
class DayOfResponses:
    """One item on one day: expected examinations, slots engaged with, and slots turned down.

    is_new  says whether these are of new accounts (`interactions.new_accounts`) or of everybody else
    """

    item_id: int
    day: date
    is_new: bool
    examined: float = 0.0
    engaged: int = 0
    refused: int = 0


def responses_by_day(use_case: UseCase, until: datetime) -> Iterator[DayOfResponses]:
    """The responses to the lists of a use case up to a moment: two queries, a row for each item and day."""
    new, made_lately = User.objects.filter(is_new_account(until)).values("pk").query.sql_with_params()
    statement = _OF_VENDOR[connection.vendor].replace(_NEW, new)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*made_lately, use_case.name, until, SEARCH_METHOD])
        while rows := cursor.fetchmany(5000):
            for item_id, day, is_new, examined in rows:
                yield DayOfResponses(item_id, _as_date(day), bool(is_new), examined=float(examined))
    acts = (
        new_in(active_interactions(), until)
        .filter(TEACHES, said_in(use_case), recommendation_session__use_case=use_case.name)
        .filter(occurred_at__lte=until)
        .exclude(recommendation_session__method__in=[SEARCH_METHOD, PRUNED_METHOD])
        .order_by()
        .values_list("item_id", TruncDate("occurred_at"), "is_new")
        .annotate(
            engaged=Count("recommendation_session", distinct=True, filter=Q(weight__gt=0.0)),
            refused=Count("recommendation_session", distinct=True, filter=Q(weight__lt=0.0)),
        )
    )
    for item_id, day, is_new, engaged, refused in acts.iterator(chunk_size=5000):
        yield DayOfResponses(item_id, day, bool(is_new), engaged=engaged, refused=refused)


def _as_date(day: date | str) -> date:
    # SQLite has no dates, only texts of them.
    return date.fromisoformat(day) if isinstance(day, str) else day
