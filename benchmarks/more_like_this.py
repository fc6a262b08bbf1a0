"""The share of "more like this" that has nothing in common with the item: by genre, and by any facet.

    DATABASE_URL=… MODEL_DIR=… DEBUG=1 python benchmarks/more_like_this.py [--kind movie] [--json]

Needs the demo (`manage.py load_demo`), or any catalog. For each active item of the kind the neighbors are
those of its page. Nothing is written.
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
    parser.add_argument("--kind", default="movie")
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from catalog.models import Facet
    from core.domain import CATEGORIES
    from core.domain.roles import use_cases_of_kind
    from ranking.neighbors import neighbor_scores
    from serving.live import get_context

    context = get_context(next(iter(use_cases_of_kind(options.kind))).name)
    catalog = context.catalog
    if not len(catalog.item_ids):
        sys.exit(f"There are no items of the kind {options.kind}. Load the demo first.")
    has = catalog.content.facets.astype(bool).astype(np.int64)
    is_category = np.isin(
        catalog.facet_ids, list(Facet.objects.filter(kind__in=CATEGORIES).values_list("pk", flat=True))
    )
    facets = np.asarray(has.toarray())
    genres = facets[:, is_category]
    by_genre, by_any = genres @ genres.T, facets @ facets.T
    neighbors = strange = stranger = 0
    for row in range(len(catalog.item_ids)):
        scores = neighbor_scores(row, context)
        best = np.argsort(-scores, kind="stable")[: options.limit]
        best = best[scores[best] > 0.0]
        neighbors += len(best)
        strange += int((by_genre[row, best] == 0).sum())
        stranger += int((by_any[row, best] == 0).sum())
    result = {
        "items": len(catalog.item_ids),
        "neighbors": neighbors,
        "without_a_shared_genre": round(strange / max(1, neighbors), 4),
        "without_any_shared_facet": round(stranger / max(1, neighbors), 4),
    }
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


if __name__ == "__main__":
    main()
