"""The effect of five dislikes for `wrong_genre` on the next list, and of taking them back, on the demo.

    DATABASE_URL=… MODEL_DIR=… DEBUG=1 python benchmarks/dislikes.py [--people 40] [--json]

Needs the demo (`manage.py load_demo`). Each person is served a list, dislikes five films of the genre that is
most frequent in it and stands outside it, is served again, takes all five back, and is served once more.
Everything happens in a transaction that is rolled back.
"""

import argparse
import json
import logging
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
DISLIKES, LIST_LENGTH = 5, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from django.db import transaction

    from accounts.models import User
    from catalog.models import Item
    from core.domain import USE_CASES
    from feedback.services import save_dislike, undo_dislike
    from serving.pipeline import ServedList, recommend

    logging.getLogger("feedback.services").setLevel(logging.WARNING)  # noqa: TID251  sets a level only
    people = User.objects.filter(interactions__item__kind="movie").distinct().order_by("pk")
    shares: list[tuple[float, float, float]] = []
    is_same_after = []

    def serve(user_id: int) -> ServedList:
        return recommend(user_id=user_id, use_case=USE_CASES["movie_home"], limit=LIST_LENGTH)

    def share(served: ServedList, genre: str) -> float:
        return sum(genre in slot.item.categories for slot in served.slots) / len(served.slots)

    with transaction.atomic():
        for user_id in people.values_list("pk", flat=True)[: options.people]:
            before = serve(user_id)
            genre = Counter(name for slot in before.slots for name in slot.item.categories).most_common(1)[0][
                0
            ]
            shown = [slot.item.id for slot in before.slots]
            others = (
                Item.objects.filter(kind="movie", is_active=True, facets__kind="genre", facets__name=genre)
                .exclude(pk__in=shown)
                .exclude(interactions__user_id=user_id)
            )
            dislikes = [
                save_dislike(user_id=user_id, item=item, reason="wrong_genre").dislike.pk
                for item in others.order_by("pk")[:DISLIKES]
            ]
            after = serve(user_id)
            for dislike_id in dislikes:
                undo_dislike(user_id=user_id, dislike_id=dislike_id)
            undone = serve(user_id)
            shares.append((share(before, genre), share(after, genre), share(undone, genre)))
            is_same_after.append([slot.item.id for slot in undone.slots] == shown)
        transaction.set_rollback(True)
    if not shares:
        sys.exit("There are no people with interactions. Load the demo first.")

    mean = np.mean(shares, axis=0)
    result = {
        "people": len(shares),
        "share_before": round(float(mean[0]), 3),
        "share_after_five_dislikes": round(float(mean[1]), 3),
        "share_after_undo": round(float(mean[2]), 3),
        "people_whose_share_fell": sum(after < before for before, after, _ in shares),
        "people_whose_share_rose": sum(after > before for before, after, _ in shares),
        "people_with_the_same_list_after_undo": sum(is_same_after),
    }
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


if __name__ == "__main__":
    main()
