"""Interactions recorded a second over HTTP: one person a request, and many people, in batches of 1,000.

    DATABASE_URL=… DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/many_people.py [--rounds 12] [--json]

Each round sends one batch in every form, so that their ratio holds on a noisy machine. It records what it
sends, under items and people of its own, so run it on a copy. The first round warms up and is not counted.
"""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ROWS, ITEMS, PEOPLE = 1_000, 2_000, 5_000
TYPES = ("view", "click", "like", "watched")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from rest_framework.test import APIClient

    from accounts.models import User
    from accounts.services import create_people, issue_service_token
    from catalog.models import Item

    # With DEBUG Django keeps the text of every query.
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    Item.objects.bulk_create(
        [Item(kind="movie", external_id=f"bench-{n}", title=f"Bench {n}") for n in range(ITEMS)],
        ignore_conflicts=True,
    )
    create_people([*(f"bench-{n}" for n in range(PEOPLE)), "bench-app", "bench-alone"])
    item_ids = list(Item.objects.filter(external_id__startswith="bench-").values_list("pk", flat=True))
    clients = {}
    for name, acts in (("bench-app", True), ("bench-alone", False)):
        token = issue_service_token(user=User.objects.get(username=name), may_act_for_others=acts)
        clients[name] = APIClient()
        clients[name].credentials(HTTP_AUTHORIZATION=f"Token {token}")

    # Other pairs of people and items each time, as a repetition is no new row.
    rng = np.random.default_rng()
    times: dict[str, list[tuple[float, float]]] = {"one person": [], "many people": []}
    for _ in range(options.rounds + 1):
        drawn = rng.integers(0, (ITEMS, PEOPLE), size=(ROWS, 2)).tolist()
        now = datetime.now(UTC)
        moments = [(now - timedelta(milliseconds=place)).isoformat() for place in range(ROWS)]
        one: list[dict[str, Any]] = [
            {"item_id": item_ids[item], "type": TYPES[place % 4], "occurred_at": moments[place]}
            for place, (item, _) in enumerate(drawn)
        ]
        many = [
            {
                "user": f"bench-{person}",
                "kind": "movie",
                "external_id": f"bench-{item}",
                "type": TYPES[place % 4],
                "occurred_at": moments[place],
            }
            for place, (item, person) in enumerate(drawn)
        ]
        for name, client, rows in (
            ("one person", clients["bench-alone"], one),
            ("many people", clients["bench-app"], many),
        ):
            body = json.dumps({"interactions": rows})
            started, worked = time.perf_counter(), time.process_time()
            answer = client.post("/api/interactions", body, content_type="application/json")
            times[name].append((time.perf_counter() - started, time.process_time() - worked))
            if answer.status_code != 201:
                sys.exit(f"{name}: the request was answered {answer.status_code}: {answer.content[:300]!r}")

    # (rounds, 2): by the clock, and by the work of this process alone, without the database's.
    rates = {name: ROWS / np.array(values[1:]) for name, values in times.items()}
    names = ("least", "median", "most")
    result = {
        "database": connection.vendor,
        "events_per_second": {
            name: dict(zip(names, np.percentile(rate[:, 0], (0, 50, 100)).round().tolist(), strict=True))
            for name, rate in rates.items()
        },
        "events_per_second_of_work": {name: round(np.median(rate[:, 1])) for name, rate in rates.items()},
        "many_over_one": round(float(np.median(rates["many people"][:, 0] / rates["one person"][:, 0])), 2),
    }
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


if __name__ == "__main__":
    main()
