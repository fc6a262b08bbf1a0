"""The cost of a person's taste in a recommendation request, and of reading and making a profile.

    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/boosts.py [--items 10000] [--candidates 500] [--json]
    DATABASE_URL=... python benchmarks/boosts.py --profiles [--json]

The first needs no database: the catalog is made up, each item with 3 genres of 20, 8 people of 20,000 and
5 themes of 500, and each person did something with that many of its items. The second times the profiles of
the people in the database, those with the most interactions first; it writes their profiles.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

GENRES, ACTORS, DIRECTORS, THEMES = 20, 18_000, 2_000, 500
KINDS = np.repeat([0, 1, 2, 3], [GENRES, ACTORS, DIRECTORS, THEMES])
HISTORIES = (0, 5, 50, 500, 2_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--profiles", action="store_true", help="time the profiles in the database instead")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    result = _time_profiles() if options.profiles else _time_arrays(options)
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def _time_arrays(options: argparse.Namespace) -> dict[str, object]:
    from core.sparse import Reversible
    from profiles.boosts import boost, personal_alpha
    from profiles.personas import find_personas
    from profiles.reduction import Event, Rules, decode, encode, no_taste, reduce_events
    from profiles.taste import nearness, vector_for

    rng = np.random.default_rng(0)
    catalog = _invent_facets(options.items, rng)
    facet_ids = np.arange(1, len(KINDS) + 1)
    candidates = catalog[rng.choice(options.items, options.candidates, replace=False)]
    rules, by_facet = Rules(3, ()), Reversible.of(catalog)
    rows = []
    for history in HISTORIES:
        events = [
            Event(number, "like", 2.0, False, "", _facets(catalog, int(row)))
            for number, row in enumerate(rng.choice(options.items, history))
        ]
        taste = reduce_events(no_taste(), events, rules)
        data, alpha = encode(taste), personal_alpha(taste)
        ways: dict[str, Callable[[], object]] = {
            "boost": lambda taste=taste, alpha=alpha: boost(  # type: ignore[misc]
                candidates, facet_ids, taste, alpha=alpha, strength=1.0
            ),
            "distances_to_all_items": lambda taste=taste: nearness(  # type: ignore[misc]
                by_facet, vector_for(taste, facet_ids)
            ),
            "decode_alpha_persona": lambda data=data, taste=taste: (  # type: ignore[misc]
                personal_alpha(decode(data, names={}, evidence=1, feedback=1)),
                find_personas(taste),
            ),
            "one_more_interaction": lambda taste=taste, events=events: reduce_events(  # type: ignore[misc]
                taste, events[-1:], rules
            ),
        }
        times = {name: _median_ms(act, options.rounds) for name, act in ways.items()}
        rows.append({"history": history, "facets": len(taste.facet_ids), "bytes": len(data), "ms": times})
    return {"items": options.items, "candidates": options.candidates, "rows": rows}


def _time_profiles() -> dict[str, object]:
    from django.db import connection
    from django.db.models import Count

    from accounts.models import User
    from profiles.catching_up import rebuild_profile
    from profiles.selectors import get_taste

    people = list(
        User.objects.annotate(done=Count("interactions"))
        .filter(done__gt=0)
        .order_by("-done")
        .values_list("pk", "done")
    )
    rows = []
    for user_id, done in [*people[:5], *people[len(people) // 2 :][:5]]:
        anew = _median_ms(lambda user_id=user_id: rebuild_profile(user_id=user_id), 3)  # type: ignore[misc]
        read = _median_ms(lambda user_id=user_id: get_taste(user_id), 50)  # type: ignore[misc]
        facets = len(get_taste(user_id).taste.facet_ids)
        rows.append({"interactions": done, "facets": facets, "read_ms": read, "make_anew_ms": anew})
    return {"database": connection.vendor, "rows": rows}


def _facets(catalog: "csr_matrix[np.float64]", row: int) -> tuple[tuple[int, int, str], ...]:
    columns = catalog.indices[catalog.indptr[row] : catalog.indptr[row + 1]].tolist()
    return tuple((column + 1, int(KINDS[column]), f"facet {column}") for column in columns)


def _invent_facets(items: int, rng: np.random.Generator) -> "csr_matrix[np.float64]":
    """(items, facets): genres first, then actors, directors and themes."""
    rows, columns = [], []
    for item in range(items):
        first = 0
        for count, chosen in ((GENRES, 3), (ACTORS, 7), (DIRECTORS, 1), (THEMES, 5)):
            columns += (first + rng.choice(count, chosen, replace=False)).tolist()
            rows += [item] * chosen
            first += count
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(items, len(KINDS)))


def _median_ms(act: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return round(float(np.median(times)) * 1000, 3)


if __name__ == "__main__":
    main()
