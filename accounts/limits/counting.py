"""Counting in a worker: its own share first, then what it takes from the shared count."""

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError

from accounts.limits.rules import Rule
from accounts.limits.stores import StoreAway, store

logger = structlog.stdlib.get_logger(__name__)

# Those who asked last; who has not asked for long is counted from the start.
_MOST_REMEMBERED = 50_000


@dataclass(slots=True)
class _Count:
    """Requests that this worker let through: `used` of `granted`, `told` of them to the store."""

    granted: int
    until: float
    used: int = 0
    told: int = 0
    denied: bool = False


@dataclass(slots=True)
class Counts:
    """The counts of a worker. Safe to use from several threads."""

    _counts: "OrderedDict[str, _Count]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, rule: Rule, who: str, cost: int = 1) -> float:
        """Counts `cost` more of `who`; the seconds to wait where the limit is reached, else 0."""
        key = hashlib.sha256(f"{rule.name} {who}".encode()).hexdigest()
        with self._lock:
            now = time.monotonic()
            count = self._current(key, rule, now)
            if count.denied:
                return count.until - now
            if count.used + cost <= count.granted:
                count.used += cost
                return 0.0
            wanted, told = max(cost, rule.chunk), count.used - count.told
            count.told += told
        return self._ask(count, rule, key, cost, wanted, told)

    def _ask(self, count: _Count, rule: Rule, key: str, cost: int, wanted: int, told: int) -> float:
        """Takes from the shared count. Where nobody answers the request goes on: it may do without."""
        try:
            total, left = store().add(key, told + wanted, rule.seconds)
        except (DatabaseError, StoreAway) as error:
            logger.error("limits are not counted", error=str(error).partition("\n")[0])
            return 0.0
        allowed = wanted - max(0, total - rule.limit)
        with self._lock:
            count.until = time.monotonic() + left
            if allowed < cost:
                count.denied = True
                return max(1.0, left)
            count.granted = count.used + allowed
            count.told += allowed
            count.used += cost
        return 0.0

    def spent(self, rule: Rule, who: str) -> float:
        """The seconds to wait where what others counted has reached the limit, else 0; counts nothing."""
        key = hashlib.sha256(f"{rule.name} {who}".encode()).hexdigest()
        try:
            total, left = store().add(key, 0, rule.seconds)
        except (DatabaseError, StoreAway):
            return 0.0
        return max(1.0, left) if total >= rule.limit else 0.0

    def forget(self) -> None:
        """Counts everybody from the start."""
        with self._lock:
            self._counts.clear()

    def _current(self, key: str, rule: Rule, now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or count.until <= now:
            count = self._counts[key] = _Count(rule.chunk, now + rule.seconds)
        self._counts.move_to_end(key)
        if len(self._counts) > _MOST_REMEMBERED:
            self._counts.popitem(last=False)
        return count


COUNTS = Counts()
