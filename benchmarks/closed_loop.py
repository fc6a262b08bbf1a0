"""The closed loop on simulated people: does saying no make the lists better, night by night?

    python benchmarks/closed_loop.py [--nights 10] [--seeds 5] [--people 120] [--way NAME …] [--json FILE]

Each run has a database of its own, the demo's films, and people whose taste no model is told. The ways:

    loop           models are retrained every night and go live when the gate lets them; dislikes act at once
    no retraining  the models of the first night serve throughout; likes and dislikes still act at once
    popularity     no model and no adjustments: the lists change with what is popular, bent and boosted by the
                   taste of each person, and what a person disliked or watched does not come again
    charts         the same without taste: what is popular, for everybody

A night's dislike rate is the share of slots examined that were disliked; engagement is the share liked,
watched or kept for later; worth is the mean hidden utility of the slots examined.

--json is written after each run, and a run that it holds already is not made again.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WAYS = ("loop", "no retraining", "popularity", "charts")
FIGURES = ("dislike_rate", "engagement_rate", "worth")
Results = dict[str, dict[str, list[dict[str, float]]]]
"""The nights' figures by way and seed."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=10)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--way", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--run", nargs=2, metavar=("SEED", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        seed, way = options.run
        sys.stdout.write(json.dumps(one_run(int(seed), way, options.people, options.nights)) + "\n")
        return
    results: Results = {way: {} for way in WAYS}
    if options.json and options.json.exists():
        results |= json.loads(options.json.read_text())
    seeds = [str(seed) for seed in range(options.first_seed, options.first_seed + options.seeds)]
    for seed in seeds:
        for way in options.way:
            if seed in results[way]:
                continue
            results[way][seed] = in_own_process(seed, way, options)
            sys.stderr.write(f"seed {seed}, {way}: last night {results[way][seed][-1]}\n")
            if options.json:
                options.json.write_text(json.dumps(results) + "\n")
    chosen = {way: [results[way][seed] for seed in seeds] for way in options.way}
    sys.stdout.write(as_table(chosen, options.nights) + "\n")


def in_own_process(seed: str, way: str, options: argparse.Namespace) -> list[dict[str, float]]:
    """One run in a fresh process with a fresh database and fresh folders."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DEBUG": "1",
            "LOG_LEVEL": "WARNING",
            "DATABASE_URL": f"sqlite:///{folder}/loop.sqlite3",
            "MODEL_DIR": f"{folder}/models",
            "DATASET_DIR": f"{folder}/datasets",
            "LOCK_DIR": f"{folder}/locks",
        }
        if way == "charts":
            head = "[use_cases.movie_home]\n"
            domain = (ROOT / "heed.toml").read_text("utf-8").replace(head, head + 'sources = ["popular"]\n')
            # Scenarios name sources that it has no more.
            domain = re.sub(
                r"^\[scenarios\..*?(?=^\[(?!scenarios)|\Z)", "", domain, flags=re.MULTILINE | re.DOTALL
            )
            (Path(folder) / "heed.toml").write_text(domain, "utf-8")
            environment |= {"HEED_CONFIG": f"{folder}/heed.toml", "BOOST_STRENGTH": "0"}
        size = ["--people", str(options.people), "--nights", str(options.nights)]
        command = [sys.executable, __file__, *size, "--run", seed, way]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            sys.exit(done.stderr)
        answer: list[dict[str, float]] = json.loads(done.stdout)
        return answer


def one_run(seed: int, way: str, people_count: int, nights: int) -> list[dict[str, float]]:
    """Plays the nights in the database of the environment; a night's figures each."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from core.domain import USE_CASES
    from core.progress import Progress
    from demo import loading
    from demo.nights import simulate_visits
    from demo.people import invent_tastes
    from interactions.popularity import refresh_popularity
    from ranking.retraining.retrain import retrain
    from serving.live import forget_state

    # With DEBUG every query is kept, which a run has no use for.
    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    if way in ("popularity", "charts"):
        for name in ("GENRE", "CAST", "LIGHTER", "LIGHT", "FRANCHISE"):
            setattr(settings, f"DISLIKE_{name}_SHARE", 0.0)
    quiet = Progress(quiet=True)
    use_case = USE_CASES["movie_home"]
    loading.load_catalog(quiet)
    people = loading.make_people(people_count)
    rng = np.random.default_rng(seed)
    tastes = invent_tastes(use_case.kind, people=len(people), rng=rng)
    tonight = timezone.now().replace(hour=19, minute=0, second=0, microsecond=0)
    first_evening = tonight - timedelta(days=nights)
    loading.bring_history(people, use_case.kind, tastes, first_evening, rng)
    figures = []
    for night in range(nights):
        evening = first_evening + timedelta(days=night)
        outcomes: tuple[Any, ...] = ()
        refresh_popularity(use_case=use_case.name, now=evening)
        if way == "loop" or (night == 0 and way == "no retraining"):
            outcomes = retrain(
                use_case=use_case, if_needed=False, seed=seed, progress=quiet, now=evening
            ).outcomes
        forget_state()
        visits = list(loading.visits_of(people, use_case, evening, rng))
        report = simulate_visits(visits, use_case, tastes, rng)
        figures.append(
            {
                "dislike_rate": report.disliked / report.examined,
                "engagement_rate": report.engaged / report.examined,
                "worth": report.worth / report.examined,
                "activated": float(sum(one.status == "active" for one in outcomes)),
            }
        )
    return figures


def as_table(results: dict[str, list[list[dict[str, float]]]], nights: int) -> str:
    """Per night and way the mean over the seeds, and the last nights against those without a loop."""
    lines = ["| night | " + " | ".join(f"{way}: dislikes, engaged, worth" for way in results) + " |"]
    lines.append("|---" * (len(results) + 1) + "|")
    for night in range(nights):
        cells = []
        for runs in results.values():
            means = {name: np.mean([run[night][name] for run in runs]) for name in FIGURES}
            cells.append(
                f"{means['dislike_rate']:.2%}, {means['engagement_rate']:.1%}, {means['worth']:+.2f}"
            )
        lines.append(f"| {night + 1} | " + " | ".join(cells) + " |")
    for way in results:
        if way != "loop" and "loop" in results:
            lines += [_beside(results["loop"], results[way], way, figure) for figure in FIGURES[:2]]
    return "\n".join(lines)


def _beside(
    loop: list[list[dict[str, float]]], others: list[list[dict[str, float]]], way: str, figure: str
) -> str:
    """The ratio of a rate of the last three nights, by seed and over all."""
    mine, theirs = (
        [np.mean([night[figure] for night in run[-3:]]) for run in runs] for runs in (loop, others)
    )
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    return (
        f"{figure} of the last three nights, loop / {way}: mean {np.mean(ratios):.2f}, of the means "
        f"{np.mean(mine) / np.mean(theirs):.2f}, by seed {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
    )


if __name__ == "__main__":
    main()
