"""The share of "more like this", and of reasons that name a title, that has nothing in common with the item.

    DATABASE_URL=… MODEL_DIR=… DEBUG=1 python benchmarks/more_like_this.py [--kind movie] [--people 50]
    … python benchmarks/more_like_this.py --pairs 25 --seed 7      lists pairs, to be judged by hand

Needs the demo (`manage.py load_demo`), or any catalog. For each active item of the kind the neighbors are
those of its page; for each person the reasons are those of a list made now. Nothing is written.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def shared_of(context: Any) -> dict[str, Any]:
    """For each group of facets, how many of them two items share, (n, n); `any` counts all."""
    from ranking.item_content import GROUPS

    content = context.catalog.content
    facets = np.asarray(content.facets.astype(bool).astype(np.int64).toarray())
    of_group = {name: facets[:, content.groups == place] for place, name in enumerate(GROUPS)}
    return {name: columns @ columns.T for name, columns in {**of_group, "any": facets}.items()}


def neighbors_of(context: Any, limit: int) -> list[tuple[int, int]]:
    """The rows of each item and of its neighbors, the nearest first."""
    from ranking.neighbors import neighbor_scores

    pairs = []
    for row in range(len(context.catalog.item_ids)):
        scores = neighbor_scores(row, context)
        best = np.argsort(-scores, kind="stable")[:limit]
        pairs += [(row, int(other)) for other in best[scores[best] > 0.0]]
    return pairs


def named_in_reasons(
    context: Any, use_case: Any, people: int, limit: int
) -> tuple[int, list[tuple[int, int]]]:
    """The number of slots of these lists, and the rows of slot and title where a reason names one."""
    from django.db import transaction

    from accounts.models import User
    from catalog.models import Item
    from serving.pipeline import recommend

    catalog, slots, pairs = context.catalog, 0, []
    chose = User.objects.filter(interactions__item__kind=use_case.kind).distinct().order_by("pk")
    with transaction.atomic():
        for user_id in chose.values_list("pk", flat=True)[:people]:
            history = Item.objects.filter(interactions__user=user_id, kind=use_case.kind)
            titles = {item.title: item.pk for item in history}
            served = recommend(user_id=user_id, use_case=use_case, limit=limit, rng=np.random.default_rng(1))
            slots += len(served.slots)
            for slot in served.slots:
                named = [one for one in titles if one in slot.why and one != slot.item.title]
                if named:
                    rows = catalog.rows_of(np.array([slot.item.id, titles[max(named, key=len)]]))
                    pairs.append((int(rows[0]), int(rows[1])))
        transaction.set_rollback(True)
    return slots, pairs


def shares_of(pairs: list[tuple[int, int]], shared: dict[str, Any]) -> dict[str, float]:
    """The shares of pairs that have no category, neither category nor theme, and nothing in common."""
    rows = np.array(pairs).reshape(-1, 2)
    genre, theme, anything = (shared[name][rows[:, 0], rows[:, 1]] for name in ("genre", "theme", "any"))
    counts = {
        "without_a_shared_genre": genre == 0,
        "without_a_shared_genre_or_theme": (genre == 0) & (theme == 0),
        "without_any_shared_facet": anything == 0,
    }
    return {name: round(float(mask.mean()), 4) if len(rows) else 0.0 for name, mask in counts.items()}


def print_pairs(context: Any, pairs: list[tuple[int, int]], count: int, seed: int) -> None:
    """A random choice of pairs as rows of a table, with all that the two share."""
    from catalog.selectors import get_cards

    ids = context.catalog.item_ids
    chosen = np.random.default_rng(seed).choice(len(pairs), size=min(count, len(pairs)), replace=False)
    cards = get_cards(int(ids[row]) for place in chosen for row in pairs[place])
    for place in sorted(chosen.tolist()):
        one, other = (cards[int(ids[row])] for row in pairs[place])
        both = [
            name for kind, names in one.facets.items() for name in names if name in other.facets.get(kind, ())
        ]
        print(f"| {one.title} ({one.year}) | {other.title} ({other.year}) | {', '.join(both)} | |")  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", default="movie")
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from core.domain.roles import use_cases_of_kind
    from serving.live import get_context

    use_case = next(iter(use_cases_of_kind(options.kind)))
    context = get_context(use_case.name)
    if not len(context.catalog.item_ids):
        sys.exit(f"There are no items of the kind {options.kind}. Load the demo first.")
    pairs = neighbors_of(context, options.limit)
    if options.pairs:
        print_pairs(context, pairs, options.pairs, options.seed)
        return
    shared = shared_of(context)
    slots, named = named_in_reasons(context, use_case, options.people, limit=25)
    result = {
        "items": len(context.catalog.item_ids),
        "neighbors": {"count": len(pairs), **shares_of(pairs, shared)},
        "reasons": {"slots": slots, "name_a_title": len(named), **shares_of(named, shared)},
    }
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


if __name__ == "__main__":
    main()
