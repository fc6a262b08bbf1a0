"""Sizes of the database after a simulated year, with and without `prune`, for a part of the lists.

On a new database: DEBUG=1 DATABASE_URL=sqlite:////tmp/y.sqlite3 python benchmarks/pruned_year.py [prune] [N]
N is the part of the lists that is lived, one in so many; 200 where it is left out.

Assumed: 40 % of the lists are never seen, others as deep as chance has it; one in ten that was seen is acted
on, with an Idempotency-Key; one login for ten lists. A slot says as much as a real one. `prune` runs weekly.
A year takes minutes, so that the autovacuum of PostgreSQL sees little of it: after each week this program
vacuums what autovacuum would, by its own threshold.
"""

import os
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
django.setup()

from axes.models import AccessLog  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import IdempotencyKey, User  # noqa: E402
from catalog.models import Item  # noqa: E402
from console.pruning import prune  # noqa: E402
from interactions.models import UserInteraction  # noqa: E402
from ranking.features import FEATURES  # noqa: E402
from recommendations.models import RecommendationSession  # noqa: E402

PART = next((int(one) for one in sys.argv[1:] if one.isdigit()), 200)
A_DAY, DAYS, SLOTS = 10_000, 365, 20
_OVER_THRESHOLD = """
    SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup >
    current_setting('autovacuum_vacuum_threshold')::int
    + current_setting('autovacuum_vacuum_scale_factor')::float * (n_live_tup + n_dead_tup)
"""
RNG = np.random.default_rng(1)


def make_list(person: User, items: list[Item], moment: datetime) -> RecommendationSession:
    """One list with SLOTS of the items."""
    shown = RNG.choice(len(items), SLOTS, replace=False)
    numbers = RNG.random((SLOTS, 3)).tolist()
    slots = [
        {
            "item_id": items[index].pk,
            "rank": rank,
            "score": score,
            "base_score": base,
            "method": "ranker",
            "source": "als",
            "source_rank": rank,
            "source_score": found,
            "propensity": 1.0,
        }
        for rank, (index, (score, base, found)) in enumerate(zip(shown, numbers, strict=True), 1)
    ]
    return RecommendationSession(
        id=uuid4(),
        user=person,
        use_case="movie_home",
        method="ranker",
        model_version="als-movie_home-1",
        recommendations_shown=slots,
        features=RNG.random(SLOTS * len(FEATURES)).astype("<f4").tobytes(),
        feature_set="x",
        seen_rank=0 if RNG.random() < 0.4 else int(RNG.integers(1, SLOTS + 1)),
        created_at=moment,
    )


def live_a_day(day: datetime, people: list[User], items: list[Item]) -> None:
    """A part of a day's lists, and what is done with them."""
    lists, acts, keys, logins = [], [], [], []
    for _ in range(A_DAY // PART):
        person = people[RNG.integers(len(people))]
        shown = make_list(person, items, day + timedelta(minutes=float(RNG.integers(1440))))
        lists.append(shown)
        if shown.seen_rank and RNG.random() < 0.1:
            first = shown.recommendations_shown[0]["item_id"]
            acts.append(
                UserInteraction(
                    user=person,
                    item_id=first,
                    type="view",
                    weight=0.5,
                    occurred_at=shown.created_at,
                    recommendation_session=shown,
                    recommendation_rank=1,
                )
            )
            keys.append(
                IdempotencyKey(
                    user=person,
                    route="interactions",
                    key=str(uuid4()),
                    body_digest="0" * 64,
                    response_status=201,
                    response_body="{}" * 100,
                )
            )
        if RNG.random() < 0.1:
            logins.append(AccessLog(username=person.username, ip_address="203.0.113.9"))
    RecommendationSession.objects.bulk_create(lists)
    UserInteraction.objects.bulk_create(acts, ignore_conflicts=True)
    IdempotencyKey.objects.bulk_create(keys)
    IdempotencyKey.objects.filter(pk__in=[row.pk for row in keys]).update(created_at=day)
    AccessLog.objects.bulk_create(logins)
    AccessLog.objects.filter(pk__in=[row.pk for row in logins]).update(attempt_time=day)


def size_in_bytes() -> int:
    """The size of the database, SQLite's free pages among it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def vacuum_as_by_itself() -> int:
    """Vacuums the tables that autovacuum would, on PostgreSQL; returns how many."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(_OVER_THRESHOLD)
        names = [name for (name,) in cursor.fetchall()]
        for name in names:
            cursor.execute(f"VACUUM ANALYZE {connection.ops.quote_name(name)}")
    return len(names)


def main() -> None:
    """Lives the year and prints what is left of it."""
    call_command("migrate", verbosity=0)
    items = Item.objects.bulk_create(
        Item(kind="movie", external_id=f"x{number}", title=f"Film {number}") for number in range(1000)
    )
    people = User.objects.bulk_create(User(username=f"person-{number}") for number in range(500))
    first, seconds, vacuumed = timezone.now() - timedelta(days=DAYS), [], 0
    for number in range(DAYS):
        live_a_day(first + timedelta(days=number), people, items)
        if "prune" in sys.argv and number % 7 == 6:
            began = time.monotonic()
            prune(now=first + timedelta(days=number + 1))
            seconds.append(time.monotonic() - began)
        if number % 7 == 6:
            vacuumed += vacuum_as_by_itself()
    size = size_in_bytes()
    kept = RecommendationSession.objects.count()
    print(f"lists kept: {kept:,} of {A_DAY // PART * DAYS:,}")  # noqa: T201
    print(f"database: {size / 1e6:,.0f} MB for 1/{PART}, {size * PART / 1e9:,.0f} GB in full")  # noqa: T201
    print(f"tables vacuumed: {vacuumed}")  # noqa: T201
    if seconds:
        print(f"prune: {np.median(seconds):.2f} s in the median, {max(seconds):.2f} s at most")  # noqa: T201


if __name__ == "__main__":
    main()
