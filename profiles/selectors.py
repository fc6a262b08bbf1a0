"""Reads of a person's taste for serving, and for the pages that show it to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Avg, Count, Min
from numpy.typing import NDArray

from profiles.background import catch_up_later
from profiles.boosts import ORIGINAL_ALPHA, personal_alpha
from profiles.catching_up import catch_up
from profiles.log import AskedLog, Reading, ask_log, counted_interactions, current_rules, name_facets
from profiles.models import TasteProfile
from profiles.personas import find_personas, top_categories
from profiles.reduction import KINDS, NEUTRAL, Taste, no_taste

# With more new interactions than these, storing the outcome is worth the writing.
REDUCED_IN_MEMORY = 30
TOP = 10
TOP_ENTRIES = 20


@dataclass(frozen=True, slots=True, eq=False)
class PersonalTaste:
    """All that one request needs of a person's taste. `alpha`: see boosts.personal_alpha."""

    taste: Taste
    alpha: float
    personas: tuple[str, ...]
    top_categories: Mapping[str, float]

    @property
    def original_alpha(self) -> float:
        return ORIGINAL_ALPHA


STRANGER = PersonalTaste(no_taste(), ORIGINAL_ALPHA, (), {})
"""The taste of somebody of whom nothing is known."""


@dataclass(frozen=True, slots=True)
class FacetFigure:
    """A facet, and its score (-1 to 1) or its entry in the taste vector (0 to 1)."""

    kind: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """The acts of a person since their last reset. `mean_rating` 0 to 10; None where there is nothing yet."""

    interactions: dict[str, int]
    ratings: int
    mean_rating: float | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Profile:
    """The taste profile of a person, by facet kind: the best-liked facets, and the least-liked ones."""

    personas: tuple[str, ...]
    alpha: float
    liked: dict[str, list[FacetFigure]]
    disliked: dict[str, list[FacetFigure]]
    statistics: Statistics
    reset_at: datetime | None


@dataclass(frozen=True, slots=True)
class VectorState:
    """The taste vector's clearest entries, and how far it is from moving again."""

    entries: list[FacetFigure]
    feedback: int
    next_update_in: int


def get_taste(user_id: int) -> PersonalTaste:
    """The taste of a person as of now, in one query. Nobody with this id has no taste."""
    return read_taste(ask_log(user_id, current_rules()))


def read_taste(asked: AskedLog) -> PersonalTaste:
    """The taste of a person whose log was asked for.

    What is new is reduced here and not stored. Where that is more than REDUCED_IN_MEMORY interactions, the
    profile is brought up to date in the background, so that the next reader has less to do.
    """
    reading = asked.read()
    if len(reading.events) > REDUCED_IN_MEMORY:
        # The thread sees only what is committed.
        transaction.on_commit(partial(catch_up_later, asked.user_id))
    return taste_of(reading)


def taste_of(reading: Reading) -> PersonalTaste:
    """The taste by a log that was read: no query."""
    taste = reading.taste if reading.is_current else reading.catch_up(current_rules()).taste
    return PersonalTaste(
        taste=taste,
        alpha=personal_alpha(taste),
        personas=find_personas(taste),
        top_categories=top_categories(taste, 3),
    )


def get_profile(user_id: int) -> Profile:
    """The taste profile of a person, brought up to date; a constant number of queries."""
    taste = catch_up(user_id=user_id)
    reset_id, reset_at = (
        TasteProfile.objects.filter(user_id=user_id).values_list("reset_id", "reset_at").get()
    )
    best = np.concatenate([_first(taste, code, -taste.scores) for code in range(len(KINDS))])
    worst = np.concatenate([_first(taste, code, taste.scores) for code in range(len(KINDS))])
    liked, disliked = best[taste.scores[best] > 0.0], worst[taste.scores[worst] < 0.0]
    named = name_facets(taste.facet_ids[np.union1d(liked, disliked)].tolist())
    return Profile(
        personas=find_personas(taste),
        alpha=personal_alpha(taste),
        liked=_by_kind(_figures(taste, liked, taste.scores, named)),
        disliked=_by_kind(_figures(taste, disliked, taste.scores, named)),
        statistics=_statistics(user_id, reset_id, reset_at),
        reset_at=reset_at,
    )


def get_vector_state(user_id: int) -> VectorState:
    """The entries of the taste vector that lie farthest from neutral, brought up to date."""
    taste = catch_up(user_id=user_id)
    clearness = np.abs(taste.values - NEUTRAL)
    rows = np.argsort(-clearness, kind="stable")[:TOP_ENTRIES]
    rows = rows[clearness[rows] > 0.0]
    return VectorState(
        entries=_figures(taste, rows, taste.values, name_facets(taste.facet_ids[rows].tolist())),
        feedback=taste.feedback,
        next_update_in=next_update_in(taste),
    )


def next_update_in(taste: Taste) -> int:
    """The number of further pieces of feedback that move the taste vector."""
    every: int = settings.TASTE_UPDATE_EVERY
    return every - taste.feedback % every


def _first(taste: Taste, code: int, keys: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rows of the TOP facets of one kind with the smallest keys, smallest first."""
    rows = np.flatnonzero(taste.kinds == code)
    first: NDArray[np.int64] = rows[np.argsort(keys[rows], kind="stable")[:TOP]]
    return first


def _figures(
    taste: Taste, rows: NDArray[np.int64], values: NDArray[np.float64], named: dict[int, tuple[str, str]]
) -> list[FacetFigure]:
    facets = zip(taste.facet_ids[rows].tolist(), values[rows].tolist(), strict=True)
    return [FacetFigure(*named[facet_id], value) for facet_id, value in facets if facet_id in named]


def _by_kind(figures: list[FacetFigure]) -> dict[str, list[FacetFigure]]:
    return {kind: [figure for figure in figures if figure.kind == kind] for kind in KINDS}


def _statistics(user_id: int, reset_id: int, reset_at: datetime | None) -> Statistics:
    rows = list(
        counted_interactions(user_id, reset_id=reset_id, reset_at=reset_at)
        .order_by()
        .values_list("type")
        .annotate(times=Count("pk"), ratings=Count("rating"), mean=Avg("rating"), first=Min("occurred_at"))
    )
    # Only one type of interaction has a rating.
    rated = next(((ratings, mean) for _, _, ratings, mean, _ in rows if ratings), (0, None))
    return Statistics(
        interactions={name: times for name, times, *_ in sorted(rows)},
        ratings=rated[0],
        mean_rating=rated[1],
        since=min((first for *_, first in rows), default=None),
    )
