"""The share of like items that one no prevents in the next list, by how the no is said, on the demo.

    DATABASE_URL=… MODEL_DIR=… DEBUG=1 python benchmarks/responsiveness.py [--people 60] [--json]

Needs the demo (`manage.py load_demo`). Each person is served a list of 20 and says no once to its first film:
by a dislike for each reason and without one, by a rating of 1, or by passing it over, that is by seeing the
list to its end and touching nothing, once or in five lists. Like it is the tenth of the catalog that is
nearest to it by genres, people, themes and series. Prevented is the part of these that the next list would
hold without the no, the film aside, and does not hold with it: 1 − after ÷ before, over the people whose list
has any. Everything happens in transactions that are rolled back, and nothing is left to chance.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if TYPE_CHECKING:
    from serving.pipeline import ServedList

LENGTH = 20
USE_CASE = "movie_home"
# user id, the list
Say = Callable[[int, "ServedList"], object]


@dataclass(frozen=True, slots=True)
class Prevented:
    """The figures of one form: people, like items per list before and after, part prevented, fall."""

    people: int
    before: float
    after: float
    prevented: float
    scores_fall: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from django.conf import settings

    from accounts.models import User

    settings.EXPLORATION_SHARE = 0.0
    logging.getLogger("feedback.services").setLevel(logging.ERROR)  # noqa: TID251  sets a level only
    people = User.objects.filter(interactions__item__kind="movie").distinct().order_by("pk")
    user_ids = list(people.values_list("pk", flat=True)[: options.people])
    if not user_ids:
        sys.exit("There are no people with interactions. Load the demo first.")
    result = {name: measure(user_ids, say) for name, say in forms().items()}
    if options.json:
        print(json.dumps({name: asdict(one) for name, one in result.items()}))  # noqa: T201
        return
    print("| a no by | people | like items before | after | prevented | their scores fall by |")  # noqa: T201
    print("|---|---|---|---|---|---|")  # noqa: T201
    for name, one in result.items():
        figures = f"{one.before:.2f} | {one.after:.2f} | {one.prevented:.0%} | {one.scores_fall:.1%}"
        print(f"| {name} | {one.people} | {figures} |")  # noqa: T201


def forms() -> dict[str, Say]:
    """The ways to say no to the first film of a list."""
    from core.domain import REASONS

    by_reason: dict[str, Say] = {f"`{name}`": partial(dislike, name) for name in REASONS}
    return {
        **by_reason,
        "a dislike without a reason": partial(dislike, None),
        "a rating of 1": rate_low,
        "passing it over": pass_over,
        "passing it over in five lists": pass_over_five,
    }


def dislike(reason: str | None, user_id: int, served: "ServedList") -> None:
    from catalog.models import Item
    from core.domain import DOMAIN
    from feedback.services import save_dislike

    item = Item.objects.get(pk=served.slots[0].item.id)
    reason = reason or DOMAIN.dislikes.plain
    save_dislike(user_id=user_id, item=item, session_id=served.session_id, reason=reason)


def rate_low(user_id: int, served: "ServedList") -> None:
    from interactions.services import record_interaction

    record_interaction(user_id=user_id, item_id=served.slots[0].item.id, type_name="watched", rating=1.0)


def pass_over(user_id: int, served: "ServedList") -> None:
    from recommendations.models import RecommendationSession

    RecommendationSession.objects.filter(pk=served.session_id).update(seen_rank=len(served.slots))


def pass_over_five(user_id: int, served: "ServedList") -> None:
    for _ in range(5):
        pass_over(user_id, served)
        served = serve(user_id, LENGTH)


def measure(user_ids: list[int], say: Say) -> Prevented:
    """The figures over people, each asked alone in a transaction of their own."""
    from django.db import transaction

    counts, falls = [], []
    for user_id in user_ids:
        with transaction.atomic():
            before = serve(user_id, LENGTH)
            film = before.slots[0].item.id
            # A dislike frees a place, which the next one in line would have taken.
            places = LENGTH if say in (pass_over, pass_over_five) else LENGTH + 1
            without = scores_of(serve(user_id, places), film)
            say(user_id, before)
            after = scores_of(serve(user_id, LENGTH), film)
            wide = scores_of(serve(user_id, 100), film)
            transaction.set_rollback(True)
        like = nearest_to(film) & without.keys()
        if like:
            counts.append((len(like), len(nearest_to(film) & after.keys())))
            falls += [1.0 - wide[item_id] / without[item_id] for item_id in like & wide.keys()]
    totals = np.array(counts, dtype=np.float64).reshape(-1, 2)
    return Prevented(
        people=len(counts),
        before=float(totals[:, 0].mean()),
        after=float(totals[:, 1].mean()),
        prevented=1.0 - float(totals[:, 1].sum() / totals[:, 0].sum()),
        scores_fall=float(np.mean(falls)),
    )


def serve(user_id: int, length: int) -> "ServedList":
    from core.domain import USE_CASES
    from serving.pipeline import recommend

    return recommend(user_id=user_id, use_case=USE_CASES[USE_CASE], limit=length)


def scores_of(served: "ServedList", film: int) -> dict[int, float]:
    """The score of each item of a list but the film."""
    return {slot.item.id: slot.score for slot in served.slots if slot.item.id != film}


@cache
def nearest_to(film: int) -> frozenset[int]:
    """The tenth of the catalog that has most in common with a film."""
    from ranking.recommenders.similar.model import content_similarities
    from serving.live import get_context

    catalog = get_context(USE_CASE).catalog
    near = content_similarities(catalog.rows_of(np.array([film])), catalog.content)[:, 0]
    order = np.argsort(-near, kind="stable")[: 1 + len(near) // 10]
    return frozenset(catalog.item_ids[order[near[order] > 0.0]].tolist()) - {film}


if __name__ == "__main__":
    main()
