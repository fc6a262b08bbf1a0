"""False alarms of experiments in which nothing differs, and the time until a real difference is found.

    python benchmarks/aa_test.py [--seeds 200] [--json FILE]            # simulated people, about a minute
    python benchmarks/aa_test.py --real-path 20 [--json FILE]           # whole evenings in the product

Simulated people arrive over 60 days, 50 a day; how much they engage and dislike scatters from one to the
next. Every day the report of the admin is made from all that is known by then (`report_on`), and it counts as
a false alarm if it ever claims anything. Beside it stand a t-test of engagement at 5 %, looked at as often,
and one of each figure.

On the real path the demo's simulated people open lists made by the request path through two arms that are the
same, in a database of its own for each seed, and the report reads the log after every night.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri, stdtr

if TYPE_CHECKING:
    from experiments.outcomes import People

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, PER_DAY, OUTCOME_DAYS, ALPHA = 60, 50, 7, 0.05
REPORT_DAYS = range(OUTCOME_DAYS + 1, DAYS + 1)
WEIGHTS: dict[str, Sequence[float]] = {
    "two arms, 50 : 50": (1, 1),
    "two arms, 90 : 10": (9, 1),
    "three arms": (1, 1, 1),
}
LIFTS = (0.1, 0.2, 0.4)
LOST = (0.1, 0.2)
POWERS = (0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one simulated experiment; people until it was found, None for never."""

    found_after: int | None
    ratio_alarm: bool
    t_test: bool
    any_t_test: bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--real-path", type=int, default=0, metavar="SEEDS")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--run", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DEBUG", "1")
    import django

    django.setup()
    if options.run is not None:
        sys.stdout.write(json.dumps(one_real_run(options.run)) + "\n")
        return
    results = real_path(options.real_path) if options.real_path else simulated(options.seeds)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write(json.dumps(results, indent=1) + "\n")


def simulated(seeds: int) -> dict[str, Any]:
    """A/A experiments, then ones with a real difference, then ones that lose people on one side."""
    nothing = {
        name: [one_experiment(seed, weights) for seed in range(seeds)] for name, weights in WEIGHTS.items()
    }
    lifted = {lift: [one_experiment(seed, (1, 1), lift=lift) for seed in range(seeds)] for lift in LIFTS}
    lossy = {lost: [one_experiment(seed, (1, 1), lost=lost) for seed in range(seeds)] for lost in LOST}
    return {
        "seeds": seeds,
        "people": DAYS * PER_DAY,
        "looks": len(REPORT_DAYS),
        "nothing differs": {
            name: {
                "report": np.mean([one.found_after is not None for one in runs]),
                "t-test of engagement at every look": np.mean([one.t_test for one in runs]),
                "t-test of any figure at every look": np.mean([one.any_t_test for one in runs]),
                "ratio alarms": np.mean([one.ratio_alarm for one in runs]),
            }
            for name, runs in nothing.items()
        },
        "engagement lifted": {
            f"{lift:.0%}": {
                "found": np.mean([one.found_after is not None for one in runs]),
                "people until found, median": _median([one.found_after for one in runs]),
                "people for a t-test made once": {
                    f"{power:.0%}": people_for_one_look(lift, power) for power in POWERS
                },
            }
            for lift, runs in lifted.items()
        },
        "people lost in one arm": {
            f"{lost:.0%}": {"ratio alarms": np.mean([one.ratio_alarm for one in runs])}
            for lost, runs in lossy.items()
        },
    }


def one_experiment(seed: int, weights: Sequence[float], *, lift: float = 0.0, lost: float = 0.0) -> Outcome:
    """One experiment looked at every day; the last arm engages more by `lift`, and loses people by `lost`."""
    from experiments.report import report_on
    from ranking.models import Arm, Experiment

    rng = np.random.default_rng(seed)
    experiment = Experiment(
        name="aa", use_case="movie_home", outcome_days=OUTCOME_DAYS, started_at=START, created_at=START
    )
    arms = [Arm(experiment=experiment, name=f"arm-{n}", weight=weight) for n, weight in enumerate(weights)]
    people = invent_people(rng, np.array(weights, dtype=np.float64), lift, lost)
    found_after = None
    ratio_alarm = t_test = any_t_test = False
    for day in REPORT_DAYS:
        now = START + timedelta(days=day)
        report = report_on(experiment, arms, people, now)
        ratio_alarm = ratio_alarm or report.ratio.is_alarming
        if found_after is None and report.is_found:
            found_after = sum(arm.counted for arm in report.arms)
        p_values = naive_p_values(people, now.timestamp())
        t_test, any_t_test = t_test or p_values[0] < ALPHA, any_t_test or min(p_values) < ALPHA
    return Outcome(found_after, ratio_alarm, t_test, any_t_test)


def invent_people(rng: np.random.Generator, weights: Any, lift: float, lost: float) -> "People":
    """Everybody who ever comes; whom the report may know on a day is its own matter."""
    from experiments.outcomes import People

    n = DAYS * PER_DAY
    arms = rng.choice(len(weights), size=n, p=weights / weights.sum())
    last = arms == len(weights) - 1
    lists = 1 + rng.poisson(3.0, size=n)
    seen = np.array([rng.geometric(0.15, size=count).clip(max=20).sum() for count in lists])
    likes = np.minimum(rng.beta(1.5, 10.0, size=n) * np.where(last, 1 + lift, 1.0), 1.0)
    engaged = rng.binomial(seen, likes)
    everybody = People(
        user_ids=np.arange(n),
        arms=arms,
        first=np.sort(START.timestamp() + rng.uniform(0, DAYS * 86_400, size=n)),
        lists=lists,
        seen=seen,
        engaged=engaged,
        disliked=rng.binomial(seen - engaged, rng.beta(0.5, 8.0, size=n)),
        ndcg=np.where(engaged > 0, rng.beta(4.0, 2.0, size=n), np.nan),
    )
    return _take(everybody, ~(last & (rng.random(n) < lost)))


def naive_p_values(people: "People", now: float) -> list[float]:
    """Welch's t-test of each figure between the first two arms, on the same people as the report."""
    over = people.first + OUTCOME_DAYS * 86_400 <= now
    p_values = []
    for values in (people.engaged / people.seen, people.disliked / people.seen, people.ndcg):
        used = over & ~np.isnan(values)
        sides = [values[used & (people.arms == arm)] for arm in (0, 1)]
        enough = min(map(len, sides)) >= 30
        p_values.append(welch(*sides) if enough else 1.0)
    return p_values


def welch(one: Any, other: Any) -> float:
    """The two-sided p-value of Welch's t-test."""
    errors = [side.var(ddof=1) / len(side) for side in (one, other)]
    freedom = sum(errors) ** 2 / sum(
        error**2 / (len(side) - 1) for error, side in zip(errors, (one, other), strict=True)
    )
    return float(2 * stdtr(freedom, -abs(one.mean() - other.mean()) / np.sqrt(sum(errors))))


def people_for_one_look(lift: float, power: float, *, seeds: int = 20) -> int:
    """The number of people that one t-test of engagement needs, with its third of the 5 %."""
    means, variances = np.zeros(2), np.zeros(2)
    for seed in range(seeds):
        people = invent_people(np.random.default_rng(seed), np.ones(2), lift, 0.0)
        for arm in (0, 1):
            rates = (people.engaged / people.seen)[people.arms == arm]
            means[arm] += rates.mean() / seeds
            variances[arm] += rates.var() / seeds
    wanted = (ndtri(1 - ALPHA / 6) + ndtri(power)) ** 2
    return int(np.ceil(2 * wanted * variances.sum() / (means[1] - means[0]) ** 2))


def real_path(seeds: int) -> dict[str, Any]:
    """Each seed in a process and a database of its own."""
    runs = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "LOG_LEVEL": "WARNING",
                "DATABASE_URL": f"sqlite:///{folder}/aa.sqlite3",
                **{name: f"{folder}/{name}" for name in ("MODEL_DIR", "DATASET_DIR", "LOCK_DIR")},
            }
            command = [sys.executable, __file__, "--run", str(seed)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            sys.exit(done.stderr)
        runs.append(json.loads(done.stdout))
        sys.stderr.write(f"seed {seed}: {runs[-1]}\n")
    return {
        "seeds": seeds,
        "false alarms": sum(run["found"] for run in runs),
        "t-tests": sum(run["t_test"] for run in runs),
        "ratio alarms": sum(run["ratio_alarm"] for run in runs),
        "runs": runs,
    }


def one_real_run(seed: int, *, people_count: int = 200, nights: int = 8) -> dict[str, Any]:
    """Evenings of simulated people with two arms that are the same; newcomers come every night."""
    from django.core.management import call_command
    from django.utils import timezone

    from core.domain import USE_CASES
    from core.progress import Progress
    from demo import loading
    from demo.nights import simulate_visits
    from demo.people import invent_tastes
    from experiments.outcomes import read_people
    from experiments.report import report_on
    from experiments.services import ArmPlan, create_experiment, start_experiment
    from interactions.popularity import refresh_popularity
    from serving.live import forget_state

    call_command("migrate", verbosity=0)
    use_case = USE_CASES["movie_home"]
    loading.load_catalog(Progress(quiet=True))
    people = loading.make_people(people_count)
    rng = np.random.default_rng(seed)
    tastes = invent_tastes(use_case.kind, people=len(people), rng=rng)
    first_evening = timezone.now().replace(hour=19, minute=0, second=0) - timedelta(days=nights + 1)
    loading.bring_history(people, use_case.kind, tastes, first_evening, rng)
    refresh_popularity(use_case=use_case.name, now=first_evening)
    loading.train_and_activate(use_case, first_evening, seed, Progress(quiet=True))
    arms = [ArmPlan("one"), ArmPlan("other")]
    experiment = create_experiment(name="aa", use_case=use_case.name, arms=arms, outcome_days=1)
    experiment = start_experiment(experiment=experiment, now=first_evening)
    forget_state()
    found = t_test = ratio_alarm = False
    for night in range(nights):
        evening = first_evening + timedelta(days=night)
        known = people[: people_count * (night + 1) // nights]
        simulate_visits(list(loading.visits_of(known, use_case, evening, rng)), use_case, tastes, rng)
        now = evening + timedelta(hours=23)
        arrived = read_people(experiment, list(experiment.arms.all()))
        report = report_on(experiment, list(experiment.arms.all()), arrived, now)
        found, ratio_alarm = found or report.is_found, ratio_alarm or report.ratio.is_alarming
        over = _take(arrived, (arrived.first + 86_400 <= now.timestamp()) & (arrived.seen > 0))
        sides = [(over.engaged / over.seen)[over.arms == arm] for arm in (0, 1)]
        if min(map(len, sides)) >= 30:
            t_test = t_test or welch(*sides) < ALPHA
    figures = [{name: figure.mean for name, figure in arm.figures.items()} for arm in report.arms]
    counted = [arm.counted for arm in report.arms]
    return {
        "found": found,
        "t_test": t_test,
        "ratio_alarm": ratio_alarm,
        "counted": counted,
        "figures": figures,
    }


def _take(people: "People", which: Any) -> "People":
    from experiments.outcomes import People

    columns = ("user_ids", "arms", "first", "lists", "seen", "engaged", "disliked", "ndcg")
    return People(**{name: getattr(people, name)[which] for name in columns})


def _median(found: list[int | None]) -> float | None:
    """Over all experiments; one in which nothing was found counts as the longest. None where that is half."""
    value = float(np.median([np.inf if one is None else one for one in found]))
    return None if np.isinf(value) else value


if __name__ == "__main__":
    main()
