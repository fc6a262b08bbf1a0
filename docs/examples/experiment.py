"""Plays an experiment from question to answer, with invented people, in a database that is gone afterwards.

    DEBUG=1 .venv/bin/python docs/examples/experiment.py

The question: may the newest films stand first, for everybody? The people are those of the demo; what they
like is hidden from Heed.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np

PEOPLE, NIGHTS, SEED = 240, 4, 1


@contextmanager
def own_installation() -> Iterator[None]:
    """An empty installation in a temporary folder, with the films of the demo."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("MODEL_DIR", "DATASET_DIR", "REPORT_DIR", "LOCK_DIR"):
            os.environ[name] = f"{folder}/{name}"
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{folder}/heed.sqlite3",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "ERROR",
        }
        sys.path.insert(0, str(Path(__file__).parents[2]))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield


def main() -> None:
    from django.utils import timezone

    from core.domain import USE_CASES
    from core.progress import Progress
    from demo import loading
    from demo.nights import simulate_visits
    from demo.people import invent_tastes
    from experiments.page import describe
    from experiments.report import make_report
    from experiments.services import ArmPlan, create_experiment, start_experiment
    from interactions.popularity import refresh_popularity
    from serving.live import forget_state

    quiet, rng, films = Progress(quiet=True), np.random.default_rng(SEED), USE_CASES["movie_home"]
    evening = timezone.now().replace(hour=19, minute=0, second=0) - timedelta(days=NIGHTS + 1)

    # The people, what they did before, and a model of it.
    loading.load_catalog(quiet)
    people = loading.make_people(PEOPLE)
    tastes = invent_tastes(films.kind, people=PEOPLE, rng=rng)
    loading.bring_history(people, films.kind, tastes, evening, rng)
    refresh_popularity(use_case=films.name, now=evening)
    loading.train_and_activate(films, evening, SEED, quiet)

    # The question as two arms. The first is the control. In the admin this is a form.
    experiment = create_experiment(
        name="newest-first",
        use_case=films.name,
        description="May the newest films stand first? Decided by engagement.",
        arms=[ArmPlan("usual"), ArmPlan("newest", boosts=False, policy={"sources": ["fresh"]})],
        outcome_days=1,
    )
    experiment.salt = "the same people in the same arms, each time"
    experiment.save(update_fields=["salt"])
    experiment = start_experiment(experiment=experiment, now=evening)
    forget_state()  # a server sees it by itself within two seconds

    # People come, and after each evening somebody looks.
    for night in range(NIGHTS):
        now = evening + timedelta(days=night)
        come = people[: PEOPLE * (night + 1) // NIGHTS]
        simulate_visits(list(loading.visits_of(come, films, now, rng)), films, tastes, rng)
        page = describe(make_report(experiment, now=now + timedelta(hours=23)))
        said = [finding.text for finding in (*page.findings, page.ratio)]
        sys.stdout.write("\n  ".join([f"After evening {night + 1}", *said]) + "\n\n")


if __name__ == "__main__":
    with own_installation():
        main()
