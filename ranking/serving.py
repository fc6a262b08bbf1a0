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
from interactions.selectors import get_history
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
    state = load_user_state(user_id, use_case)
    candidates = retrieve(state, live, use_case)
    ranked = rank(candidates)
    personalised = personalise(ranked)
    allowed = exclude(personalised, state)
    arranged, reasons, cards = arrange(allowed, state, live, limit)
    served = respond(arranged, reasons, cards, live, use_case)
    record(served, arranged, user_id, now)
    return served


def load_user_state(user_id: int, use_case: UseCase) -> UserState:
    """What the person did so far with items of this kind: one query.

    The weights of one item are added up; a dislike outweighs whatever else there is, as in training.
    """
    speaking_for: dict[int, float] = {}
    against: dict[int, float] = {}
    telling: dict[int, str] = {}
    excluded: set[int] = set()
    for item_id, type_name, weight in get_history(user_id=user_id, kind=use_case.kind):
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


def personalise(candidates: Candidates) -> Candidates:
    """Boosts and dislike adjustments will multiply the base score here; until then it passes through."""
    return candidates


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
            method=METHODS[source],
            source=source,
            why=reason.sentence(cards),
        )
        for rank, (item_id, score, base_score, source, reason) in enumerate(
            zip(
                arranged.item_ids.tolist(),
                arranged.scores.tolist(),
                arranged.base_scores.tolist(),
                arranged.sources.tolist(),
                reasons,
                strict=True,
            ),
            start=1,
        )
    )
    method = slots[0].method if slots else "none"
    made_by_als = live.als is not None and method == "als"
    return ServedList(
        session_id=uuid4(),
        use_case=use_case.name,
        method_used=method,
        model_version=live.als.label if live.als is not None and made_by_als else "",
        slots=slots,
    )


def record(served: ServedList, arranged: Candidates, user_id: int, now: datetime) -> None:
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
        now=now,
    )
