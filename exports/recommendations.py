"""The list of everybody at one moment, ordered by the code that serves. None is recorded as shown."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from accounts.selectors import people_served
from catalog.models import Item
from core.arrow import pa
from core.domain import UseCase
from exports.writing import Entry
from serving.curating import curated_list
from serving.live import get_state
from serving.opening import open_request
from serving.pipeline import order, versions_of

COLUMNS = pa.schema(
    [
        ("user", pa.string()),
        ("use_case", pa.string()),
        ("rank", pa.int16()),
        ("kind", pa.string()),
        ("item", pa.string()),
        ("score", pa.float64()),
        ("base_score", pa.float64()),
        ("source", pa.string()),
        ("model_version", pa.string()),
        ("experiment_arm", pa.string()),
        ("made_at", pa.timestamp("us", tz="UTC")),
    ]
)
_PEOPLE = 500


def read_recommendations(*, use_case: UseCase, limit: int, now: datetime) -> Iterator[Entry]:
    """The best `limit` items for each active person who may have these lists, best first, a person at a time.

    Chance has no places in them. Two queries for each person, besides what brings their taste up to date.
    """
    state = get_state(use_case.name)
    active = Item.objects.filter(kind=use_case.kind, is_active=True)
    names = dict(active.values_list("pk", "external_id").iterator(chunk_size=10_000))
    people = people_served().filter(is_active=True).order_by("pk").values_list("pk", "username", "roles")
    for user_id, username, roles in people.iterator(chunk_size=_PEOPLE):
        if use_case.role not in (None, *roles):
            continue
        context = state.for_person(user_id)
        request = open_request(user_id, context, now)
        allowed = order(request)
        # Hidden since the catalog was read.
        standing = np.array([item_id in names for item_id in allowed.item_ids.tolist()], dtype=np.bool_)
        shown = curated_list(allowed.take(standing), request, limit)
        version = versions_of(shown, request)
        columns = (shown.item_ids, shown.scores, shown.base_scores, shown.sources)
        for rank, (item_id, score, base_score, source) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True), 1
        ):
            yield {
                "user": username,
                "use_case": use_case.name,
                "rank": rank,
                "kind": use_case.kind,
                "item": names[item_id],
                "score": score,
                "base_score": base_score,
                "source": source,
                "model_version": version,
                "experiment_arm": context.arm,
                "made_at": now,
            }
