"""The counts that all workers share: in the database, or in Redis."""

import time
from functools import cache
from typing import Protocol

from django.conf import settings
from django.db import connection

from accounts.models import RateCount
from core.sql import column_names, fill, table_name


class StoreAway(Exception):
    """The store of the counts does not answer."""


class Store(Protocol):
    """Counts by key, each of which ends some seconds after it began."""

    def add(self, key: str, amount: int, seconds: int) -> tuple[int, float]:
        """The count after `amount` more, and in how many seconds it ends."""
        ...


# One statement, so that two workers never count past each other. A count that ends later than any that begins
# now could was begun while the clock was wrong: nobody waits for a day that never was.
_ADD = fill(
    "INSERT INTO {table} ({columns}) VALUES (%(key)s, %(amount)s, %(until)s) "
    "ON CONFLICT ({key}) DO UPDATE SET "
    "count = CASE WHEN {over} THEN excluded.count ELSE {table}.count + excluded.count END, "
    "until = CASE WHEN {over} THEN excluded.until ELSE {table}.until END "
    "RETURNING {columns}",
    over=f"{table_name(RateCount)}.until <= %(now)s OR {table_name(RateCount)}.until > %(latest)s",
    table=table_name(RateCount),
    columns=column_names(RateCount, "key", "count", "until"),
    key=column_names(RateCount, "key"),
)


class DatabaseStore:
    """Counts in a table of the database."""

    def add(self, key: str, amount: int, seconds: int) -> tuple[int, float]:
        now = time.time()
        with connection.cursor() as cursor:
            # Twice as long, because the clocks of two machines differ a little.
            given = {"until": now + seconds, "now": now, "latest": now + 2 * seconds}
            cursor.execute(_ADD, {"key": key, "amount": amount, **given})
            _, count, until = cursor.fetchone()
        return count, until - now


# Asked by strangers too, so a worker asks the database no oftener than this.
_PROVEN_FOR = 1.0
_proven_at = -_PROVEN_FOR


def prove_writable() -> None:
    """Raises the error of the database where nothing can be written: it is away, full, or only reads."""
    global _proven_at
    if time.monotonic() - _proven_at >= _PROVEN_FOR:
        DatabaseStore().add("ready", 0, 60)
        _proven_at = time.monotonic()


class RedisStore:
    """Counts in Redis, which forgets them by itself. Raises StoreAway."""

    def __init__(self, url: str) -> None:
        # Only who counts in Redis waits for its library, a fifth of a second.
        import redis

        self._error = redis.RedisError
        self._redis = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)

    def add(self, key: str, amount: int, seconds: int) -> tuple[int, float]:
        name = f"heed:limit:{key}"
        try:
            with self._redis.pipeline(transaction=True) as steps:
                steps.set(name, 0, ex=seconds, nx=True)
                steps.incrby(name, amount)
                steps.pttl(name)
                _, count, left = steps.execute()
        except self._error as error:
            raise StoreAway(str(error)) from error
        return int(count), max(0.0, int(left) / 1000)


def store() -> Store:
    """The store of the settings."""
    return _redis_store(settings.RATE_LIMIT_REDIS_URL) if settings.RATE_LIMIT_REDIS_URL else DatabaseStore()


@cache
def _redis_store(url: str) -> RedisStore:
    return RedisStore(url)
