"""Deleting in chunks, with pauses in which others write: SQLite has one writer at a time."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

CHUNK = 500
# After each chunk it rests as long as the chunk took, and at least so long, in seconds.
LEAST_REST = 0.01


def before(now: datetime, days: float) -> datetime | None:
    """The moment so many days ago; None where nothing is ever to go."""
    return now - timedelta(days=days) if days > 0 else None


def delete_rows(rows: QuerySet[Any], *, dry_run: bool) -> int:
    """Deletes rows, a chunk in each transaction; returns how many there were."""
    if dry_run:
        return rows.count()
    gone = 0
    model = rows.model._default_manager  # noqa: SLF001  documented, whatever its name
    for keys in chunks_of(rows):
        with transaction.atomic():
            gone += model.filter(pk__in=keys).delete()[0]
    return gone


def chunks_of(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """The keys of rows in their order, CHUNK at a time. What the caller does with a chunk is rested from."""
    last = None
    ordered = rows.order_by("pk").values_list("pk", flat=True)
    while keys := list((ordered if last is None else ordered.filter(pk__gt=last))[:CHUNK]):
        began = time.monotonic()
        yield keys
        last = keys[-1]
        time.sleep(max(LEAST_REST, time.monotonic() - began))
