"""CPU of keeping a worker's catalog up to date: all of it read anew, and changes alone.

    python benchmarks/catalog_changes.py [--items 10000] [--facets 6] [--rounds 5] [--keep]

Makes so many dramas in the database of DATABASE_URL, which must be migrated and have none, and deletes them
at the end unless told to `--keep` them; a database that has so many already is taken as it is. Prints one
JSON line for each way: the least CPU milliseconds of this process, and the milliseconds by the clock, in
which the server's work is.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

USE_CASE, KIND = "drama_home", "drama"
CHANGED = 100
OLD = timedelta(hours=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--facets", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    from catalog.models import Item

    items = Item.objects.filter(kind=KIND)
    if items.count() != options.items:
        make(options.items, options.facets)
    try:
        compare(options.items, options.rounds)
    finally:
        if not options.keep:
            items.delete()


def make(items: int, facets: int) -> None:
    from django.utils import timezone

    from catalog.models import Facet, Item, ItemFacet
    from core.statistics import refresh_statistics
    from interactions.models import ItemPopularity

    names = [Facet(kind="genre", name=f"Facet {number}") for number in range(max(20, items // 20))]
    names = Facet.objects.bulk_create(names, ignore_conflicts=True)
    known = list(Facet.objects.filter(name__startswith="Facet ").values_list("pk", flat=True))
    now = timezone.now()
    for start in range(0, items, 10_000):
        size = min(10_000, items - start)
        made = Item.objects.bulk_create(
            Item(kind=KIND, external_id=f"b{number}", title=f"Drama {number}", year=1950 + number % 70)
            for number in range(start, start + size)
        )
        links = [
            ItemFacet(
                item=item, facet_id=known[(item.pk * 31 + place * place * 7) % len(known)], billing=place
            )
            for item in made
            for place in range(facets)
        ]
        ItemFacet.objects.bulk_create(links, ignore_conflicts=True)
        ItemPopularity.objects.bulk_create(
            ItemPopularity(item=item, use_case=USE_CASE, score=item.pk % 97 / 97, refreshed_at=now)
            for item in made
        )
    Item.objects.filter(kind=KIND).update(changed_at=now - 2 * OLD)
    refresh_statistics(Item, Facet, ItemFacet, ItemPopularity)


def compare(items: int, rounds: int) -> None:
    from django.utils import timezone

    from catalog.models import Item
    from ranking.catalog_rows import read_rows
    from ranking.snapshot import read_snapshot, snapshot_of

    def change() -> None:
        chosen = Item.objects.filter(kind=KIND).order_by("pk").values_list("pk", flat=True)[:CHANGED]
        Item.objects.filter(pk__in=list(chosen)).update(year=1999)

    measure("all read anew", items, rounds, lambda: read_snapshot(USE_CASE))
    rows = read_rows(USE_CASE)
    measure("nothing changed", items, rounds, lambda: rows.changed())
    measure("nothing changed, with the check", items, rounds, lambda: rows.checked())
    change()
    measure("100 changed", items, rounds, lambda: snapshot_of(rows.changed()))
    measure("100 changed, with the check", items, rounds, lambda: snapshot_of(rows.checked()))
    rows = rows.checked()
    late = timezone.now() - OLD
    chosen = Item.objects.filter(kind=KIND).order_by("-pk").values_list("pk", flat=True)[:CHANGED]
    Item.objects.filter(pk__in=list(chosen)).update(year=1999, changed_at=late)
    measure("100 committed late, with the check", items, rounds, lambda: snapshot_of(rows.checked()))


def measure(name: str, items: int, rounds: int, work: Callable[[], object]) -> None:
    cpu, clock = [], []
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        work()
        cpu.append(time.process_time() - used)
        clock.append(time.perf_counter() - began)
    figures = {"cpu_ms": round(min(cpu) * 1000, 1), "ms": round(min(clock) * 1000, 1)}
    print(json.dumps({"way": name, "items": items, **figures}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
