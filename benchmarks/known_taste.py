"""The worth of the lists to the demo's simulated people, whose taste is known.

    DEBUG=1 python manage.py load_demo && DEBUG=1 python benchmarks/known_taste.py [--json]

For each person the ten best items that they do not know yet, by ALS trained on the newest dataset with the
default parameters, and by popularity. Their worth is the mean of the person's hidden utility, in standard
deviations above what an average item is worth to them. Nothing is written.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from accounts.models import User
    from core.domain import USE_CASES
    from demo.loading import HABITS, DemoSize
    from demo.people import invent_tastes
    from ranking.datasets.event_log import load_als_events
    from ranking.datasets.manifest import newest_dataset
    from ranking.recommenders.als.model import AlsParameters, fit_als
    from ranking.recommenders.offline import als_recommender, score_recommender
    from ranking.statistics.popularity import decayed_popularity

    people = list(User.objects.filter(is_synthetic=True).order_by("username").values_list("pk", flat=True))
    if not people:
        sys.exit("There are no simulated people. Run load_demo first.")
    # The demo draws its tastes first of all from this generator, so the same ones come out again.
    rng = np.random.default_rng(DemoSize().seed)
    kinds = sorted({USE_CASES[name].kind for name in HABITS})
    tastes = {kind: invent_tastes(kind, people=len(people), rng=rng) for kind in kinds}

    result = {}
    for name in ("movie_home", "drama_home"):
        use_case = USE_CASES[name]
        _, events = load_als_events(newest_dataset("als", name), use_case)
        taste = tastes[use_case.kind]
        popularity = decayed_popularity(events, now=float(events.times.max()), half_life_days=365.0)
        ways = {
            "als": als_recommender(fit_als(events, AlsParameters(), seed=0)),
            "popularity": score_recommender(*popularity),
        }
        worth = {
            way: np.mean(
                [
                    taste.of(row, recommend(events.select(events.user_ids == user_id), 10).tolist()).mean()
                    for row, user_id in enumerate(people)
                ]
            )
            for way, recommend in ways.items()
        }
        result[name] = {way: round(float(value), 3) for way, value in worth.items()}
        best = np.sort(taste.utilities, axis=1)[:, -10:].mean()
        result[name] |= {"events": len(events), "best possible": round(float(best), 3)}
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


if __name__ == "__main__":
    main()
