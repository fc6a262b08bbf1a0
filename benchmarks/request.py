"""The time and the queries of one recommendation request, on the database at hand.

    DATABASE_URL=… DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/request.py [--requests 300] [--json]

Needs a catalog with interactions and active models (docs/research/als.md). It records the lists that it asks
for, so run it on a copy. Each round measures every way once, so that ratios hold on a noisy machine; the
features and the prediction, which are parts of rank(), are measured by themselves as well.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from accounts.models import User
    from core.domain import USE_CASES
    from ranking.feature_rows import features_of
    from ranking.scoring import rank, retrieve
    from serving.live import get_context
    from serving.opening import open_request
    from serving.pipeline import recommend

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    use_case = USE_CASES["movie_home"]
    context = get_context(use_case.name)
    people = list(User.objects.filter(interactions__isnull=False).distinct()[:50])
    if not people:
        sys.exit("There are no people with interactions. Import some first.")
    client = Client()

    def over_http(person: User) -> None:
        answer = client.get("/api/recommendations/personalized/movies?limit=20")
        if answer.status_code != 200:
            sys.exit(f"The request was answered {answer.status_code}.")

    now = timezone.now()
    requests = {person.pk: open_request(person.pk, context, now) for person in people}
    retrieved = {pk: retrieve(request) for pk, request in requests.items()}
    pools = {pk: rank(request, retrieved[pk]) for pk, request in requests.items()}
    read = {pk: features_of(requests[pk], pool.item_ids) for pk, pool in pools.items()}

    def features(person: User) -> None:
        features_of(requests[person.pk], pools[person.pk].item_ids)

    def predict(person: User) -> None:
        if context.ranker is not None:
            context.ranker.probabilities(read[person.pk])

    ways: dict[str, Callable[[User], object]] = {
        "open_request()": lambda person: open_request(person.pk, context, now),
        "retrieve()": lambda person: retrieve(requests[person.pk]),
        "rank()": lambda person: rank(requests[person.pk], retrieved[person.pk]),
        "features, within rank()": features,
        "prediction, within rank()": predict,
        "recommend()": lambda person: recommend(user_id=person.pk, use_case=use_case, limit=20),
        "HTTP with a browser session": over_http,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(options.requests):
        person = people[number % len(people)]
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        for name, act in ways.items():
            started = time.perf_counter()
            act(person)
            times[name].append(time.perf_counter() - started)
    with CaptureQueriesContext(connection) as queries:
        over_http(people[0])

    result = {
        "database": connection.vendor,
        "items": len(context.catalog.item_ids),
        "model": context.models.label() or "none",
        "candidates": round(float(np.mean([len(pool) for pool in pools.values()]))),
        "history": round(float(np.mean([len(request.person.item_ids) for request in requests.values()]))),
        "queries_per_http_request": len(queries),
        "milliseconds": {
            name: {"median": _ms(values, 50), "p95": _ms(values, 95)} for name, values in times.items()
        },
    }
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def _ms(values: list[float], percentile: float) -> float:
    return round(float(np.percentile(values, percentile)) * 1000, 2)


if __name__ == "__main__":
    main()
