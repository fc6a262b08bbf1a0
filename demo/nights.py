"""Simulated evenings: people open the real feed, look down it for a while, and do what they feel like."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction

from catalog.models import Item
from core.domain import UseCase
from demo.people import HiddenTastes
from feedback.services import save_dislike
from interactions.services import record_interaction
from recommendations.services import report_seen
from serving.pipeline import ServedList, recommend

LIST_LENGTH = 20
# A person examines rank r with probability 1 / log2(r + 1), then stops for the night at the first miss
# beyond this rank; the deepest rank examined is what the page would report.
PATIENCE = 5
# Reasons of dislikes, as shares of all of a person's dislikes.
REASON_SHARES = {
    "not_interested": 0.34,
    "wrong_genre": 0.25,
    "already_watched": 0.18,
    "poor_quality": 0.11,
    "irrelevant": 0.07,
    "other": 0.05,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One person opening one feed at one moment; `person` is a row of the hidden tastes."""

    person: int
    user_id: int
    moment: datetime


@dataclass(frozen=True, slots=True)
class NightReport:
    """The outcome of a night in one use case; `worth` is the summed hidden utility of the items examined."""

    lists: int
    examined: int
    engaged: int
    disliked: int
    worth: float


def simulate_visits(
    visits: Sequence[Visit], use_case: UseCase, tastes: HiddenTastes, rng: np.random.Generator
) -> NightReport:
    """Plays the visits one after another, in one transaction: a killed run leaves whole nights only."""
    examined = engaged = disliked = 0
    worth = 0.0
    with transaction.atomic(), _no_line_per_dislike():
        for visit in visits:
            served = recommend(
                user_id=visit.user_id, use_case=use_case, limit=LIST_LENGTH, now=visit.moment, rng=rng
            )
            seen = _examined_ranks(len(served.slots), rng)
            if not seen:
                continue
            report_seen(user_id=visit.user_id, session_id=served.session_id, rank=max(seen))
            acts = _react(visit, served, seen, use_case, tastes, rng)
            examined += len(seen)
            worth += float(tastes.of(visit.person, [served.slots[rank - 1].item.id for rank in seen]).sum())
            engaged += sum(name not in ("dislike", "view") for name in acts)
            disliked += acts.count("dislike")
    return NightReport(len(visits), examined, engaged, disliked, worth)


@contextmanager
def _no_line_per_dislike() -> Iterator[None]:
    log = logging.getLogger("feedback.services")  # noqa: TID251  its level is set, nothing is logged
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def _examined_ranks(length: int, rng: np.random.Generator) -> list[int]:
    seen = []
    for rank in range(1, length + 1):
        if rng.random() < 1 / np.log2(rank + 1):
            seen.append(rank)
        elif rank > PATIENCE:
            break
    return seen


def _react(
    visit: Visit,
    served: ServedList,
    seen: Sequence[int],
    use_case: UseCase,
    tastes: HiddenTastes,
    rng: np.random.Generator,
) -> list[str]:
    """The acts of the person on each item examined; returns the interaction types recorded."""
    shown = [served.slots[rank - 1].item.id for rank in seen]
    acts = []
    for place, (item_id, utility) in enumerate(zip(shown, tastes.of(visit.person, shown), strict=True), 1):
        moment = visit.moment + timedelta(seconds=20 * place)
        act = choose_action(float(utility), use_case, rng)
        if act is None:
            continue
        type_name, rating = act
        if type_name == "dislike":
            save_dislike(
                user_id=visit.user_id,
                item=Item.objects.get(pk=item_id),
                reason=str(rng.choice(list(REASON_SHARES), p=list(REASON_SHARES.values()))),
                session_id=served.session_id,
                occurred_at=moment,
            )
        else:
            record_interaction(
                user_id=visit.user_id,
                item_id=item_id,
                type_name=type_name,
                rating=rating,
                session_id=served.session_id,
                occurred_at=moment,
            )
        acts.append(type_name)
    return acts


def choose_action(
    utility: float, use_case: UseCase, rng: np.random.Generator
) -> tuple[str, float | None] | None:
    """The acts of a person on an item that they examined and that is worth `utility` to them.

    Returns the interaction type with a rating where it has one, or None for passing it over.
    """
    felt = utility + 0.7 * rng.standard_normal()
    if felt > 1.2 and rng.random() < 0.6:
        if use_case.kind in ("movie", "drama"):
            # A rating of about 7 for what just convinces, 10 for the very best.
            choices = ("watched", "like", "watchlist_add", "favorite")
            name = str(rng.choice(choices, p=(0.35, 0.35, 0.2, 0.1)))
            rating = float(np.clip(np.round(5.0 + 2.0 * felt), 0, 10)) if name == "watched" else None
            return name, rating
        return str(rng.choice(use_case.positive_interactions)), None
    if felt < -0.2 and rng.random() < 0.3:
        return "dislike", None
    if felt > 0.0 and rng.random() < 0.3:
        return "view", None
    return None
