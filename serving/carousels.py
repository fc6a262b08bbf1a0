"""Item to item: similar items, and rows of "because you watched" for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from catalog.cards import current_cards
from catalog.selectors import ItemCard
from core.domain import TYPES, UseCase
from core.errors import NotFound
from curation.acting import RuleSet
from feedback.records import get_refused_and_rules
from ranking.context import ScoringContext
from ranking.evaluation_report import segment_of
from ranking.feature_rows import features_of
from ranking.features import FEATURE_SET
from ranking.neighbors import neighbor_scores
from ranking.person import PersonState
from ranking.recommenders.similar.recommender import APPROVED
from ranking.request import RankingRequest
from recommendations.services import RecordedSession, ShownSlot, record_sessions
from serving.live import get_context
from serving.opening import barred_by, load_person

SIMILAR = "similar"
MAX_CAROUSELS = 5
# Interactions that say that a person knows an item well enough to be reminded of it.
_STRONG = frozenset(row.name for row in TYPES.values() if row.polarity > 0 and row.is_state)
# A few more than asked for are looked up: the snapshot may not know yet that an item was hidden.
_SPARE = 5


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """An item with how near it is, 0 to 1."""

    item: ItemCard
    score: float


@dataclass(frozen=True, slots=True)
class Carousel:
    """One row of a feed: items similar to `because`, which the person has done `type_name` with."""

    session_id: UUID
    use_case: str
    because: ItemCard
    type_name: str
    model_version: str
    items: tuple[SimilarItem, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    item_ids: NDArray[np.int64]
    scores: NDArray[np.float64]


def similar_items(
    *, item_id: int, use_case: UseCase, limit: int, user_id: int | None = None
) -> tuple[SimilarItem, ...]:
    """The items most like one, best first, without those that the person refused or
    never wants, and without what staff block. Two queries at the most.

    Raises NotFound for an item that is not in the catalog of the use case.
    """
    context = get_context(use_case.name)
    barred = set(rules_without_history(context, user_id).blocked.tolist())
    if user_id is not None:
        refused, rules = get_refused_and_rules(user_id=user_id)
        barred |= refused | barred_by(rules, context.catalog)
    near = _near(item_id, context, np.array(sorted(barred), dtype=np.int64), limit)
    if near is None:
        raise NotFound("There is no such item.")
    return _with_cards(near, current_cards(near.item_ids.tolist()), limit)


def rules_without_history(context: ScoringContext, user_id: int | None) -> RuleSet:
    """The rules of staff in force where nobody's history is read: those for everybody.

    For a visitor those for newcomers as well, since they have none.
    """
    if not context.rules:
        return context.rules
    return context.rules.in_force(timezone.now().timestamp(), segment_of(0) if user_id is None else "")


def because_you_watched(
    *, user_id: int, use_case: UseCase, carousels: int, limit: int, now: datetime | None = None
) -> list[Carousel]:
    """Rows for the last items that the person liked, watched or kept, newest first; recorded as sessions.

    What they rated below 5 makes no row. Nothing excluded is in any row, and nothing twice. Empty for who has
    done nothing yet.
    Three queries at the most: the history, the cards, and the sessions' rows.
    """
    now = now or timezone.now()
    context = get_context(use_case.name)
    person = load_person(user_id, context, now)
    rows = _rows_of_neighbors(person, context, carousels, limit)
    wanted = [item_id for because, near in rows for item_id in (because, *near.item_ids.tolist())]
    cards = current_cards(wanted) if wanted else {}
    type_of = dict(zip(person.item_ids.tolist(), person.last_types, strict=True))
    made = [
        Carousel(
            session_id=uuid4(),
            use_case=use_case.name,
            because=cards[because],
            type_name=type_of[because],
            model_version=context.models.label([context.lead or ""]),
            items=_with_cards(near, cards, limit),
        )
        for because, near in rows
        if because in cards
    ]
    made = [carousel for carousel in made if carousel.items]
    if made:
        request = RankingRequest.of(person, context, now.timestamp())
        record_sessions([_session(carousel, request, now) for carousel in made])
    return made


def _rows_of_neighbors(
    person: PersonState, context: ScoringContext, carousels: int, limit: int
) -> list[tuple[int, _Near]]:
    barred = person.excluded
    rows: list[tuple[int, _Near]] = []
    history = zip(person.item_ids.tolist(), person.last_types, person.weights.tolist(), strict=True)
    for item_id, type_name, weight in reversed(list(history)):
        if len(rows) == carousels:
            break
        is_told = type_name in _STRONG and weight >= APPROVED
        near = _near(item_id, context, barred, limit) if is_told else None
        if near is not None and len(near.item_ids):
            rows.append((item_id, near))
            barred = np.concatenate([barred, near.item_ids])
    return rows


def _near(item_id: int, context: ScoringContext, barred: NDArray[np.int64], limit: int) -> _Near | None:
    """The nearest items that are not barred, best first; None for an item that is not in the catalog."""
    catalog = context.catalog
    row = int(catalog.rows_of(np.array([item_id], dtype=np.int64))[0])
    if row < 0:
        return None
    scores = neighbor_scores(row, context)
    rows = catalog.rows_of(barred)
    scores[rows[rows >= 0]] = 0.0
    best = np.argsort(-scores, kind="stable")[: limit + _SPARE]
    best = best[scores[best] > 0.0]
    return _Near(catalog.item_ids[best], scores[best])


def _with_cards(near: _Near, cards: dict[int, ItemCard], limit: int) -> tuple[SimilarItem, ...]:
    pairs = zip(near.item_ids.tolist(), near.scores.tolist(), strict=True)
    shown = [SimilarItem(cards[item_id], score) for item_id, score in pairs if item_id in cards]
    return tuple(shown[:limit])


def _session(carousel: Carousel, request: RankingRequest, now: datetime) -> RecordedSession:
    """The carousel as it is recorded, with the features that the ranker's dataset reads."""
    item_ids = np.array([similar.item.id for similar in carousel.items], dtype=np.int64)
    features = features_of(request, item_ids)
    return RecordedSession(
        session_id=carousel.session_id,
        user_id=request.person.user_id,
        use_case=carousel.use_case,
        method=SIMILAR,
        model_version=carousel.model_version,
        slots=_slots(carousel.items),
        features=features.astype("<f4").tobytes(),
        feature_set=FEATURE_SET,
        now=now,
    )


def _slots(items: Sequence[SimilarItem]) -> list[ShownSlot]:
    return [
        ShownSlot(
            item_id=similar.item.id,
            rank=rank,
            score=similar.score,
            base_score=similar.score,
            method=SIMILAR,
            source=SIMILAR,
            source_rank=rank,
            source_score=similar.score,
            propensity=1.0,
        )
        for rank, similar in enumerate(items, 1)
    ]
