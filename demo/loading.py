"""Everything that `load_demo` does: a catalog, people, and a week of evenings with models in between."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.models import Item
from core.domain import DEFAULT_USE_CASE, ROLES, TYPES, USE_CASES, UseCase
from core.domain.roles import use_cases_of_kind
from core.errors import NotAllowed
from core.progress import Progress
from core.runs import CommandRun, kept
from curation.models import Rule
from curation.services import save_rule
from demo.experiments import start_example, stop_example
from demo.nights import Visit, choose_action, simulate_visits
from demo.people import HiddenTastes, invent_tastes
from feedback.completion import complete_dislikes
from imports.items import import_items
from interactions.models import ItemPopularity, UserInteraction
from interactions.popularity import refresh_popularity
from interactions.ratings import weigh_ratings
from interactions.services import Wanted, record_interactions
from ranking.datasets.event_log import generate_als_dataset
from ranking.recommenders.als.train import TRAINER
from ranking.recommenders.event_training import train_on_events
from ranking.registry.versions import activate_version, find_version
from ranking.retraining.retrain import retrain
from serving.live import forget_state

logger = structlog.stdlib.get_logger(__name__)

DATA = Path(__file__).parent / "data"
FILES = {"movie": "films.jsonl", "drama": "dramas.jsonl", "startup": "startups.jsonl"}
END_USER, END_USER_PASSWORD = "demo", "demo-pass"
STAFF, STAFF_PASSWORD = "staff", "staff-pass"
PERSON_PREFIX = "demo-person-"
# Interactions of each person before the first night, as a history that an operator imports.
HISTORY = {"movie": 30, "drama": 15, "startup": 6}
HISTORY_DAYS = 120
PICKS = 6
# What the demo's staff want of the lists of films.
EXAMPLE_RULE = {
    "kind": Rule.Kind.QUOTA,
    "use_case": DEFAULT_USE_CASE,
    "about": Rule.About.EACH,
    "each": "director",
    "number": 2,
    "note": "No list is the work of one director.",
}
# Of these the demo closes the loop: models are compared, and live only if better.
RETRAINED_KINDS = ("movie", "drama")
# The kinds of recommender that are trained between two evenings.
NIGHTLY_KINDS = ("als", "ranker")
# Chance that a person opens each feed that is for them on a given night.
HABITS = {"movie_home": 0.9, "drama_home": 0.6, "developer_startup": 0.4, "investor_startup": 0.3}
# Likes of the demo account at its first visit, so that its feed has something to follow.
DEMO_GENRES = ("Science Fiction", "Mystery")


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The content of the demo, and the way to enter it."""

    changed: bool
    items: int
    people: int
    nights: int
    address: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoSize:
    """The size of the simulation; the default takes about two minutes on two cores."""

    people: int = 120
    nights: int = 7
    seed: int = 7


def load_demo(*, size: DemoSize, address: str, progress: Progress) -> DemoSummary:
    """Fills an empty installation with the demo; a second call changes nothing.

    The accounts are made last: where they exist, all else does. What a killed run left is cleared first.
    Raises NotAllowed where DEBUG is off, because the demo's passwords are public.
    """
    if not settings.DEBUG:
        raise NotAllowed("load_demo makes accounts with public passwords, so it runs only with DEBUG=1.")
    is_new = not User.objects.filter(username=STAFF).exists()
    if is_new:
        User.objects.filter(is_synthetic=True).delete()
        load_catalog(progress)
        people = make_people(size.people)
        _simulate_nights(people, size, progress)
        _make_accounts()
    return DemoSummary(
        changed=is_new,
        items=Item.objects.count(),
        people=User.objects.filter(is_synthetic=True).count(),
        nights=size.nights,
        address=address,
        accounts=(f"{END_USER} / {END_USER_PASSWORD}", f"{STAFF} / {STAFF_PASSWORD} ({address}/admin/)"),
    )


def load_catalog(progress: Progress) -> None:
    """The films, dramas and start-ups of the demo."""
    for kind, name in FILES.items():
        import_items(path=DATA / name, kind=kind, progress=progress)
    # The films and dramas are real; the start-ups are invented and say so wherever they appear.
    Item.objects.filter(kind="startup").update(is_synthetic=True)


def make_people(count: int) -> list[int]:
    """Makes simulated people; returns their ids in a fixed order."""
    people = [
        User(
            username=f"{PERSON_PREFIX}{number:03}",
            first_name="Simulated",
            last_name=f"Person {number}",
            is_synthetic=True,
            roles=[role_of(number - 1)],
            password=make_password(None),
        )
        for number in range(1, count + 1)
    ]
    User.objects.bulk_create(people)
    made = User.objects.filter(is_synthetic=True).order_by("pk")
    return list(made.values_list("pk", flat=True))


def role_of(person: int) -> str:
    """The role of a simulated person, by their row: each role in turn."""
    return list(ROLES)[person % len(ROLES)]


def _simulate_nights(people: list[int], size: DemoSize, progress: Progress) -> None:
    rng = np.random.default_rng(size.seed)
    use_cases = [USE_CASES[name] for name in HABITS]
    kinds = sorted({use_case.kind for use_case in use_cases})
    tastes = {kind: invent_tastes(kind, people=len(people), rng=rng) for kind in kinds}
    tonight = timezone.now().replace(hour=19, minute=0, second=0, microsecond=0)
    first_evening = tonight - timedelta(days=size.nights)
    for kind in kinds:
        bring_history(people, kind, tastes[kind], first_evening, rng)
    experiment = start_example(now=first_evening, seed=size.seed)
    for night in range(size.nights):
        evening = first_evening + timedelta(days=night)
        for use_case in use_cases:
            if night == 0:
                refresh_popularity(use_case=use_case.name, now=evening)
                train_and_activate(use_case, evening, size.seed, progress)
            else:
                _learn_from_last_night(use_case, evening, size.seed, progress)
        forget_state()
        for use_case in use_cases:
            visits = list(visits_of(people, use_case, evening, rng))
            progress.begin(len(visits), f"visits, night {night + 1} of {size.nights}")
            report = simulate_visits(visits, use_case, tastes[use_case.kind], rng)
            logger.info(
                "night simulated",
                night=night + 1,
                use_case=use_case.name,
                lists=report.lists,
                examined=report.examined,
                engaged=report.engaged,
                disliked=report.disliked,
            )
            progress.advance(len(visits))
    for use_case in use_cases:
        if use_case.kind in RETRAINED_KINDS:
            _retrain(use_case, timezone.now(), size.seed, progress)
        else:
            refresh_popularity(use_case=use_case.name)
            train_and_activate(use_case, timezone.now(), size.seed, progress)
    stop_example(experiment, now=timezone.now())
    forget_state()


def _learn_from_last_night(use_case: UseCase, evening: datetime, seed: int, progress: Progress) -> None:
    """The jobs of cron before the next evening.

    To keep the demo quick, films alone do so every night, and of the kinds that are in NIGHTLY_KINDS; all
    are trained after the last night.
    """
    if use_case.name == DEFAULT_USE_CASE:
        nightly = tuple(kind for kind in use_case.models if kind in NIGHTLY_KINDS)
        _retrain(replace(use_case, models=nightly), evening, seed, progress)
    else:
        refresh_popularity(use_case=use_case.name, now=evening)


def _retrain(use_case: UseCase, moment: datetime, seed: int, progress: Progress) -> None:
    run = CommandRun("retrain", use_case=use_case.name, progress=progress)
    with kept(run):
        run.summary = asdict(
            retrain(use_case=use_case, if_needed=False, seed=seed, progress=progress, now=moment)
        )


def bring_history(
    people: list[int], kind: str, tastes: HiddenTastes, until: datetime, rng: np.random.Generator
) -> None:
    """Acts of people on items that they met elsewhere, more often on items they like."""
    rows = []
    for person, user_id in enumerate(people):
        use_case = next(one for one in use_cases_of_kind(kind) if one.role in (None, role_of(person)))
        chances = np.exp(0.8 * tastes.utilities[person])
        met = rng.choice(tastes.item_ids, size=HISTORY[kind], replace=False, p=chances / chances.sum())
        for item_id, utility in zip(met.tolist(), tastes.of(person, met.tolist()), strict=True):
            act = choose_action(float(utility), use_case, rng)
            if act is not None:
                rows.append(
                    UserInteraction(
                        user_id=user_id,
                        item_id=item_id,
                        type=act[0],
                        rating=act[1],
                        weight=TYPES[act[0]].training_weight(act[1]),
                        occurred_at=until - timedelta(days=rng.uniform(1, HISTORY_DAYS)),
                    )
                )
    UserInteraction.objects.bulk_create(rows, batch_size=1000)
    weigh_ratings(people)
    complete_dislikes()


def visits_of(
    people: list[int], use_case: UseCase, evening: datetime, rng: np.random.Generator
) -> Iterator[Visit]:
    """The people who open the feed on an evening, with their times, one after another."""
    minutes = np.sort(rng.uniform(0, 240, size=len(people)))
    order = rng.permutation(len(people))
    for person, minute in zip(order.tolist(), minutes.tolist(), strict=True):
        if rng.random() < HABITS[use_case.name] and use_case.role in (None, role_of(person)):
            yield Visit(person, people[person], evening + timedelta(minutes=minute))


def train_and_activate(use_case: UseCase, moment: datetime, seed: int, progress: Progress) -> None:
    """The first ALS model of a use case, of everything up to `moment`."""
    dataset = generate_als_dataset(use_case=use_case, progress=progress, now=moment)
    trained = train_on_events(
        TRAINER,
        use_case=use_case,
        dataset=Path(dataset.folder),
        chosen={},
        seed=seed,
        progress=progress,
    )
    activate_version(version=find_version(label=trained.version), why="the demo's newest")


def _make_accounts() -> None:
    with transaction.atomic():
        demo = User.objects.create_user(END_USER, password=END_USER_PASSWORD, roles=list(ROLES))
        known = ItemPopularity.objects.filter(use_case=DEFAULT_USE_CASE, item__facets__kind="genre")
        liked = known.filter(item__facets__name__in=DEMO_GENRES).order_by("-score", "item_id")
        picks = list(dict.fromkeys(liked.values_list("item_id", flat=True)))[:PICKS]
        wanted = [Wanted(item_id, "like") for item_id in picks]
        record_interactions(user_id=demo.pk, wanted=wanted)
        staff = User.objects.create_superuser(STAFF, password=STAFF_PASSWORD)
        save_rule(rule=Rule(**EXAMPLE_RULE), by=staff)
