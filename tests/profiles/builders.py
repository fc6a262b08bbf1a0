"""Tastes and events without a database, and what two profiles have in common."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from core.domain import TYPES
from profiles.models import Preference
from profiles.reduction import (
    CODES,
    Event,
    Rules,
    Taste,
    encode,
    no_taste,
    reduce_events,
)

RULES = Rules(
    update_every=3,
    dislike_weights=(
        ("not_interested", ((CODES["genre"], -0.3), (CODES["actor"], -0.3))),
        ("other", ()),
        ("wrong_genre", ((CODES["genre"], -0.6),)),
    ),
)
DRAMA, COMEDY, ANN, HEIST = ((1, 0, "Drama"), (2, 0, "Comedy"), (3, 1, "Ann Lee"), (4, 3, "heist"))


def event(
    type_name: str,
    *facets: tuple[int, int, str],
    number: int = 1,
    rating: float | None = None,
    reason: str = "",
) -> Event:
    """The interaction with this id."""
    weight = TYPES[type_name].training_weight(rating)
    return Event(number, type_name, weight, rating is not None, reason, facets)


def reduce_all(*events: Event, rules: Rules = RULES) -> Taste:
    return reduce_events(no_taste(), events, rules)


def top_genres(taste: Taste, limit: int = 5) -> list[str]:
    """The names of the best-liked genres, best first."""
    return [
        taste.names[facet_id] for facet_id, _ in taste.strongest("genre", limit) if facet_id in taste.names
    ]


def score_of(taste: Taste, facet_id: int) -> float:
    return float(taste.scores[np.flatnonzero(taste.facet_ids == facet_id)][0])


def entry_of(taste: Taste, facet_id: int) -> float:
    return float(taste.values[np.flatnonzero(taste.facet_ids == facet_id)][0])


def make_taste(scores: dict[tuple[str, str], float], *, evidence: int = 100) -> Taste:
    """A taste with these scores by (kind, name); the facets are numbered from 1 in the order given."""
    count = len(scores)
    return Taste(
        facet_ids=np.arange(1, count + 1),
        kinds=np.array([CODES[kind] for kind, _ in scores], dtype=np.uint8),
        scores=np.array(list(scores.values()), dtype=np.float64),
        values=np.full(count, 0.5),
        running=np.full(count, 0.5),
        names={number: name for number, (_, name) in enumerate(scores, start=1)},
        evidence=evidence,
    )


def figures(taste: Taste) -> tuple[bytes, int, int]:
    """All the numbers of a taste."""
    return encode(taste), taste.evidence, taste.feedback


def assert_rows_match(user_id: int, taste: Taste) -> None:
    """The preferences in the table are those of the arrays, to the bit."""
    rows = Preference.objects.filter(profile__user=user_id).order_by("facet_id")
    expected = list(zip(taste.facet_ids.tolist(), taste.scores.tolist(), strict=True))
    assert list(rows.values_list("facet_id", "score")) == expected


def manhattan_distances(
    item_facets: "csr_matrix[np.float64]", vector: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The distance (n,) from a taste vector (m,) to each item, by its definition."""
    distances: NDArray[np.float64] = np.abs(item_facets.toarray() - vector).sum(axis=1)
    return distances
