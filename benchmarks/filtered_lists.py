"""The time of a personalized list with and without filters, on an invented catalog of any size.

    DATABASE_URL=… DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/filtered_lists.py [--items 10000] [--rounds 9]

Fills the database, which must be migrated, up to `--items` films with 200 people who did something with them,
so use one of its own. Each round asks every way once, in turn, so that ratios hold on a noisy machine; the
first round warms up and is not counted. Prints medians in milliseconds and the most queries of a request.
"""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
PEOPLE, ACTS = 200, 50
GENRES, COUNTRIES = 20, 40
STEP = 20_000
WORDS = ("night", "ferry", "harbour", "salt", "road", "paper", "birds", "orbit", "winter", "glass", "river")

# Nearly all that a body may ask for: 46 conditions, 36 of them with 50 values, in five levels, and 40 words.
_LEAVES = [
    {"attributes.country": [f"Country {(n * 7 + m) % (2 * COUNTRIES)}" for m in range(50)]} for n in range(16)
]
_TEXTS = [{"text": [f"{word} {number}" for number in (7, 77)]} for word in WORDS]
_PEOPLE = [{"actor": [f"Actor {n * 50 + m}" for m in range(50)]} for n in range(20)]
_DEEPEST = {"not": {"any": [{"all": [{"not": _PEOPLE[0]}, *_PEOPLE[1:]]}, *_LEAVES]}}
WAYS: dict[str, dict[str, object]] = {
    "no filter": {},
    "one genre": {"filter": "genre:Genre 3"},
    "genre and years": {"filter": "genre:Genre 3|Genre 4,year:1990..1999"},
    "none of a genre": {"exclude": "genre:Genre 3"},
    "an attribute": {"filter": {"attributes.runtime": {"from": 90, "to": 120}}},
    "words of the title": {"filter": "text:night ferry"},
    "one item in 10,000": {"filter": "actor:Actor 17"},
    "boost and bury": {"boost": "2*genre:Genre 3", "bury": "year:..1990"},
    "46 conditions of up to 50 values": {"filter": {**_DEEPEST, "all": _TEXTS[:10]}},
    "no filter, again": {},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from rest_framework.test import APIClient

    from accounts.models import User
    from accounts.services import issue_service_token

    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    settings.RATE_LIMIT_FACTOR = 0
    fill(options.items)
    client = APIClient()
    token = issue_service_token(user=User.objects.get(username="bench-0"), may_act_for_others=False)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    queries = slots = 0
    for number in range(options.rounds + 1):
        for name, body in WAYS.items():
            with CaptureQueriesContext(connection) as asked:
                started = time.perf_counter()
                answer = client.post("/api/recommendations/personalized/movies", body, format="json")
                elapsed = time.perf_counter() - started
            if answer.status_code != 200:
                sys.exit(f"{name} was answered {answer.status_code}: {answer.content[:300]!r}")
            if number:
                times[name].append(elapsed)
                queries = max(queries, len(asked))
                slots = min(slots or 20, len(answer.json()["recommendations"]) or 20)
    result = {
        "database": connection.vendor,
        "items": options.items,
        "most_queries": queries,
        "shortest_list": slots,
        "milliseconds": {name: round(float(np.median(of)) * 1000, 1) for name, of in times.items()},
        "fastest": {name: round(float(np.min(of)) * 1000, 1) for name, of in times.items()},
    }
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def fill(wanted: int) -> None:
    """Adds films until there are `wanted`, and the people with their acts."""
    from django.db import connection, transaction

    from accounts.models import User
    from accounts.services import create_people
    from catalog.models import Facet, Item, ItemFacet
    from core.domain import TYPES
    from interactions.models import UserInteraction
    from interactions.popularity import refresh_popularity

    rng = np.random.default_rng(1)
    actors = max(wanted // 2_500, 20)
    names = [("genre", f"Genre {n}") for n in range(GENRES)] + [
        ("actor", f"Actor {n}") for n in range(actors)
    ]
    Facet.objects.bulk_create((Facet(kind=kind, name=name) for kind, name in names), ignore_conflicts=True)
    facets = {(kind, name): pk for pk, kind, name in Facet.objects.values_list("pk", "kind", "name")}
    insert = f"INSERT INTO {ItemFacet._meta.db_table} (item_id, facet_id, billing) VALUES (%s, %s, %s)"  # noqa: S608, SLF001
    have = Item.objects.count()
    for start in range(have, wanted, STEP):
        size = min(STEP, wanted - start)
        words = rng.integers(0, len(WORDS), size=(size, 3))
        with transaction.atomic(), connection.cursor() as cursor:
            items = Item.objects.bulk_create(
                Item(
                    kind="movie",
                    external_id=f"bench-{start + n}",
                    title=f"{' '.join(WORDS[word] for word in words[n])} {start + n}",
                    year=1950 + int(rng.integers(75)),
                    attributes={
                        "runtime": int(rng.integers(60, 200)),
                        "country": [f"Country {int(rng.integers(COUNTRIES))}"],
                    },
                )
                for n in range(size)
            )
            links = []
            for item in items:
                genres = rng.choice(GENRES, 2, replace=False).tolist()
                cast = rng.integers(0, actors, 2).tolist()
                kinds = [("genre", f"Genre {n}") for n in genres] + [("actor", f"Actor {n}") for n in {*cast}]
                links += [(item.pk, facets[kind], place) for place, kind in enumerate(kinds)]
            cursor.executemany(insert, links)
    if not User.objects.filter(username="bench-0").exists():
        create_people([f"bench-{n}" for n in range(PEOPLE)])
        people = User.objects.filter(username__startswith="bench-").values_list("pk", flat=True)
        ids = np.array(Item.objects.order_by("pk").values_list("pk", flat=True))
        now = datetime.now(UTC)
        UserInteraction.objects.bulk_create(
            UserInteraction(
                user_id=person,
                item_id=int(item),
                type="like",
                is_state=True,
                weight=TYPES["like"].training,
                occurred_at=now - timedelta(hours=place),
            )
            for person in people
            # What few people met is popular with the many.
            for place, item in enumerate(ids[np.unique((rng.random(ACTS) ** 3 * len(ids)).astype(int))])
        )
        refresh_popularity(now=now)


if __name__ == "__main__":
    main()
