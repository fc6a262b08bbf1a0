"""The lift that accounts of a day give an item, by their number: with the bound on new accounts, and without.

    python benchmarks/reliability/new_accounts.py [--people 200] [--items 60] [--json FILE] [--database postgres://…/EMPTY]

Settled people like the items of one of two halves, the first ones more often. Then k accounts of a day ago
like the item that is wanted least, and the three that are wanted most, as who wants to be found beside them
would. Told is its place among the most popular ones, and its median place for the settled people by ALS,
among what they have not liked, trained on the same log.
"""

import argparse
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from catalog.models import Item

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "reliability")]
NUMBERS = (0, 1, 2, 5, 10, 20, 50, 100, 500, 2_000)
USE_CASE = "movie_home"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--database")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    from site_of_its_own import set_up

    with tempfile.TemporaryDirectory() as folder:
        set_up(folder, options.database)
        rows = measure(options.people, options.items)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    print("| k | popular, bound | popular, free | ALS, bound | ALS, free |")  # noqa: T201
    print("|---" * 5 + "|")  # noqa: T201
    for row in rows:
        print("| " + " | ".join(str(figure) for figure in row.values()) + " |")  # noqa: T201


def measure(people: int, items: int) -> list[dict[str, float]]:
    """The places of the item for each number of accounts."""
    from django.core.management import call_command
    from django.db import transaction
    from django.test import override_settings

    call_command("migrate", verbosity=0)
    films = made_catalog(items)
    settled_likes(films, people, np.random.default_rng(1))
    rows = []
    for number in NUMBERS:
        with transaction.atomic():
            like(new_people(number, days=1.0, first=people), [films[-1], *films[:3]])
            places = [*of_popularity(films[-1]), *of_als(films[-1])]
            with override_settings(NEW_ACCOUNT_DAYS=0.0):
                free = [*of_popularity(films[-1]), *of_als(films[-1])]
            transaction.set_rollback(True)
        rows.append(
            {
                "accounts": number,
                "popular_bound": places[0],
                "popular_free": free[0],
                "als_bound": places[1],
                "als_free": free[1],
            }
        )
    return rows


def made_catalog(items: int) -> "list[Item]":
    from catalog.models import Item

    made = [
        Item(kind="movie", external_id=f"f{number}", title=f"Film {number}", is_active=True)
        for number in range(items)
    ]
    return Item.objects.bulk_create(made)


def new_people(number: int, *, days: float, first: int = 0) -> list[int]:
    """The ids of people with passwords who joined so many days ago."""
    from django.utils import timezone

    from accounts.models import User

    joined = timezone.now() - timedelta(days=days)
    made = [
        User(username=f"p{first + one}", date_joined=joined, password="md5$a$b")  # noqa: S106  logs in nowhere
        for one in range(number)
    ]
    return [person.pk for person in User.objects.bulk_create(made)]


def settled_likes(films: "list[Item]", people: int, rng: np.random.Generator) -> None:
    """The likes of people of a month ago, each of the even items or of the odd ones."""
    numbers = np.arange(len(films))
    for one, person in enumerate(new_people(people, days=30.0)):
        chances = np.where(numbers % 2 == one % 2, 0.8, 0.05) * (1.0 - numbers / len(films))
        like([person], [films[number] for number in np.flatnonzero(rng.random(len(films)) < chances)])


def like(people: list[int], films: "list[Item]") -> None:
    from django.utils import timezone

    from interactions.models import UserInteraction

    now = timezone.now()
    UserInteraction.objects.bulk_create(
        UserInteraction(user_id=person, item=film, type="like", weight=2.0, occurred_at=now)
        for person in people
        for film in films
    )


def of_popularity(film: "Item") -> list[int]:
    """The place of an item among the most popular ones, from 1."""
    from interactions.models import ItemPopularity
    from interactions.popularity import refresh_popularity

    refresh_popularity(use_case=USE_CASE)
    in_order = ItemPopularity.objects.filter(use_case=USE_CASE).order_by("-score", "item_id")
    return [list(in_order.values_list("item_id", flat=True)).index(film.pk) + 1]


def of_als(film: "Item") -> list[float]:
    """The median place of an item by ALS for people who did not like it, among what each has not liked."""
    from django.utils import timezone

    from core.domain import USE_CASES
    from ranking.datasets.event_log import read_events
    from ranking.recommenders.als.model import AlsParameters, fit_als, fold_in, score_all

    events = read_events(USE_CASES[USE_CASE], timezone.now())
    model = fit_als(events, AlsParameters(), seed=0, threads=1)
    row_of = int(np.flatnonzero(model.item_ids == film.pk)[0])
    places = []
    for person in np.unique(events.user_ids)[:100]:
        liked = model.rows_of(np.unique(events.item_ids[events.user_ids == person]))
        if row_of in liked:
            continue
        scores = score_all(model, fold_in(model, liked, np.full(len(liked), 2.0, dtype=np.float32)))
        scores[liked] = -np.inf
        places.append(1 + int((scores > scores[row_of]).sum()))
    return [float(np.median(places))]


if __name__ == "__main__":
    main()
