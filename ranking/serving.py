"""The request path: one list for one person, from what is known of them to the row that records it.

user state → retrieve → rank → personalise → filter → arrange → record → respond
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
from django.conf import settings
from django.utils import timezone

from catalog.selectors import ItemCard, get_cards
from config.use_cases import UseCase
from feedback.adjustments import apply_feature_adjustments, combine_adjustments
from feedback.selectors import get_history_and_adjustments
from interactions.types import TYPES
from ranking.candidates import Candidates
from ranking.explaining import Reason, find_reasons
from ranking.live import Live, get_live
from ranking.sources import METHODS, SOURCES, UserState
from recommendations.services import ShownSlot, record_session

MAX_LIMIT = 100
DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class ServedSlot:
    """One position of a served list, with what a person or a program wants to know of it."""

    item: ItemCard
    rank: int
    score: float
    base_score: float
    multiplier: float
    method: str
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class ServedList:
    """One list as it was served and recorded."""

    session_id: UUID
    use_case: str
    method_used: str
    model_version: str
    slots: tuple[ServedSlot, ...]


def recommend(
    *, user_id: int, use_case: UseCase, limit: int = DEFAULT_LIMIT, now: datetime | None = None
) -> ServedList:
    """The best `limit` items (1 to MAX_LIMIT) for a person now, recorded as a session before it returns.

    The list is shorter where the catalogue has no more to offer. Four queries at the most once the process
    is warm: the models, the history, the cards of what is shown, and the session's row.
    """
    now = now or timezone.now()
    live = get_live(use_case.name)
    state = load_user_state(user_id, use_case, now)
    candidates = retrieve(state, live, use_case)
    ranked = rank(candidates)
    personalised = personalise(ranked, state, live)
    allowed = exclude(personalised, state)
    arranged, reasons, cards = arrange(allowed, state, live, limit)
    served = respond(arranged, reasons, cards, live, use_case)
    record(served, arranged, pushed_out(allowed, arranged), user_id, now)
    return served


def load_user_state(user_id: int, use_case: UseCase, now: datetime) -> UserState:
    """What the person did so far with items of this kind, and what their dislikes hold back: one query.

    The weights of one item are added up; a dislike outweighs whatever else there is, as in training.
    """
    speaking_for: dict[int, float] = {}
    against: dict[int, float] = {}
    telling: dict[int, str] = {}
    excluded: set[int] = set()
    history, adjustments = get_history_and_adjustments(user_id=user_id, kind=use_case.kind)
    for item_id, type_name, weight in history:
        row = TYPES[type_name]
        if row.excludes:
            excluded.add(item_id)
        if weight < 0:
            against[item_id] = against.get(item_id, 0.0) + weight
        # Taken out and put in again, so that the order is that of the last thing done.
        speaking_for[item_id] = speaking_for.pop(item_id, 0.0) + max(weight, 0.0)
        if item_id not in telling or row.training > TYPES[telling[item_id]].training:
            telling[item_id] = type_name
    weights = [against.get(item_id, weight) for item_id, weight in speaking_for.items()]
    return UserState(
        user_id=user_id,
        item_ids=np.fromiter(speaking_for, dtype=np.int64, count=len(speaking_for)),
        weights=np.asarray(weights, dtype=np.float32),
        last_types=tuple(telling[item_id] for item_id in speaking_for),
        excluded=np.fromiter(sorted(excluded), dtype=np.int64, count=len(excluded)),
        held_back=combine_adjustments(adjustments, now=now),
    )


def retrieve(state: UserState, live: Live, use_case: UseCase) -> list[Candidates]:
    """What each source of the use case brings, in the order of trust."""
    limit = settings.CANDIDATES_PER_SOURCE
    return [SOURCES[name](state, live, limit) for name in use_case.sources]


def rank(retrieved: Sequence[Candidates]) -> Candidates:
    """One base order over all sources. Without a ranker the order of the best source that answered stands.

    What only a less trusted source brought follows behind, its score scaled to lie below.
    """
    ranked: list[Candidates] = []
    ceiling = 1.0
    for candidates in retrieved:
        ranked.append(candidates.with_base(candidates.source_scores * ceiling))
        if len(candidates):
            ceiling = float(ranked[-1].base_scores[-1])
    return Candidates.join(ranked)


def personalise(candidates: Candidates, state: UserState, live: Live) -> Candidates:
    """Multiplies the base scores by what the person's dislikes hold back, and orders anew."""
    if not state.held_back:
        return candidates
    rows = live.catalogue.rows_of(candidates.item_ids)
    multipliers = np.ones(len(candidates))
    multipliers[rows >= 0] = apply_feature_adjustments(
        live.catalogue.item_facets[rows[rows >= 0]], live.catalogue.facet_ids, state.held_back
    )
    return candidates.with_boost(multipliers)


def exclude(candidates: Candidates, state: UserState) -> Candidates:
    """The final guarantee: whatever came before, nothing excluded gets past this line."""
    return candidates.take(~np.isin(candidates.item_ids, state.excluded))


def arrange(
    candidates: Candidates, state: UserState, live: Live, limit: int
) -> tuple[Candidates, list[Reason], dict[int, ItemCard]]:
    """The best `limit` that are still active, why each is there, and the cards of all that is named.

    A few more than asked for are looked up, since the snapshot may not know yet that an item was hidden.
    """
    front = candidates.take(np.arange(len(candidates)) < limit + 5)
    reasons = find_reasons(front, state, live)
    named = {*front.item_ids.tolist(), *(reason.item_id for reason in reasons if reason.item_id)}
    cards = get_cards(named)
    shown = [row for row, item_id in enumerate(front.item_ids.tolist()) if item_id in cards][:limit]
    return front.take(np.asarray(shown, dtype=np.intp)), [reasons[row] for row in shown], cards


def pushed_out(allowed: Candidates, arranged: Candidates) -> list[int]:
    """The items that would be in this list if no dislike held them back."""
    by_base = np.argsort(-allowed.base_scores, kind="stable")[: len(arranged)]
    held_back = allowed.take(by_base[allowed.multipliers[by_base] < 1.0])
    return [int(item_id) for item_id in np.setdiff1d(held_back.item_ids, arranged.item_ids)]


def respond(
    arranged: Candidates, reasons: Sequence[Reason], cards: dict[int, ItemCard], live: Live, use_case: UseCase
) -> ServedList:
    """The list as it will be sent, under a new session id."""
    slots = tuple(
        ServedSlot(
            item=cards[item_id],
            rank=rank,
            score=score,
            base_score=base_score,
            multiplier=multiplier,
            method=METHODS[source],
            source=source,
            why=reason.sentence(cards),
        )
        for rank, (item_id, score, base_score, multiplier, source, reason) in enumerate(
            zip(
                arranged.item_ids.tolist(),
                arranged.scores.tolist(),
                arranged.base_scores.tolist(),
                arranged.multipliers.tolist(),
                arranged.sources.tolist(),
                reasons,
                strict=True,
            ),
            start=1,
        )
    )
    # A list is made by the most trusted source in it, also where a dislike moved its items from the top.
    method = next((METHODS[name] for name in use_case.sources if name in arranged.sources), "none")
    made_by_als = live.als is not None and "als" in arranged.sources
    return ServedList(
        session_id=uuid4(),
        use_case=use_case.name,
        method_used=method,
        model_version=live.als.label if live.als is not None and made_by_als else "",
        slots=slots,
    )


def record(
    served: ServedList, arranged: Candidates, pushed_out: list[int], user_id: int, now: datetime
) -> None:
    """Writes the session's row: one INSERT. What was retrieved where is kept with each slot."""
    places = zip(served.slots, arranged.source_ranks.tolist(), arranged.source_scores.tolist(), strict=True)
    record_session(
        session_id=served.session_id,
        user_id=user_id,
        use_case=served.use_case,
        method=served.method_used,
        model_version=served.model_version,
        slots=[
            ShownSlot(
                item_id=slot.item.id,
                rank=slot.rank,
                score=slot.score,
                base_score=slot.base_score,
                method=slot.method,
                source=slot.source,
                source_rank=source_rank,
                source_score=source_score,
                # Nothing is left to chance yet, so what was shown was certain to be.
                propensity=1.0,
            )
            for slot, source_rank, source_score in places
        ],
        pushed_out=pushed_out,
        now=now,
    )
