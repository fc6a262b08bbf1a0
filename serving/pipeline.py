"""The request path: one list for one person, from what is known of them to the row that records it.

person → retrieve → rank → personalize → filter → arrange → respond → record
"""

import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.utils import timezone

from catalog.selectors import ItemCard
from core.arrays import Floats
from core.domain import BOOSTED, UseCase
from core.measures import count_list, stage
from core.written import Written, as_json
from profiles.selectors import PersonalTaste
from ranking.boosting import boost_strength, personalize
from ranking.candidates import Boost, Candidates
from ranking.context import ScoringContext
from ranking.feature_rows import features_of_shown
from ranking.features import FEATURE_SET
from ranking.methods import EXPLORATION, PIN, RANKER
from ranking.recommenders.registry import RECOMMENDERS
from ranking.request import RankingRequest
from ranking.scoring import exclude, rank, retrieve
from recommendations.services import RecordedSession, ShownSlot, record_session
from serving.arranging import Arrangement, arrange
from serving.curating import brought_by_pins
from serving.live import get_state
from serving.opening import open_request
from serving.telling import sentence_for
from serving.wishes import NO_WISHES, Wishes

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
# The slots of so many lists are kept of a person as they were shown, those shown last.
_LISTS_KEPT = 2


@dataclass(frozen=True, slots=True)
class ServedSlot:
    """One position of a served list, with what a person or a program wants to know of it.

    passed_over  in how many of their last lists the person saw it and did nothing with it
    rules        ids of the rules of staff that put it there, boosted or buried it
    written      what was written of it before, by the form
    """

    item: ItemCard
    rank: int
    score: float
    base_score: float
    boost: Boost
    method: str
    source: str
    why: str
    passed_over: int
    rules: tuple[int, ...] = ()
    written: dict[Hashable, Written] = field(default_factory=dict, compare=False, repr=False)

    @property
    def multiplier(self) -> float:
        """The factor of the base score."""
        return self.boost.multiplier


@dataclass(frozen=True, slots=True)
class Personalization:
    """The influence of the person's taste on a list, and that taste in short.

    applied             True where it boosted or brought anything in this list
    original_alpha      how much of a score is left to the base where nothing is known of a person
    personalized_alpha  how much of it is left with this person (profiles.boosts); so much where none boosts
    personas            the one that fits first stands first; none where nothing is known
    """

    applied: bool
    original_alpha: float
    personalized_alpha: float
    top_categories: Mapping[str, float]
    personas: tuple[str, ...]

    @property
    def alpha_adjusted(self) -> bool:
        """True where the alpha of this person is another than that of a stranger."""
        return self.personalized_alpha != self.original_alpha

    @classmethod
    def of(cls, taste: PersonalTaste, *, applied: bool, strength: float) -> "Personalization":
        """The personalization of a list by `taste`, of whose boosts the share `strength` was applied."""
        alpha = taste.alpha if strength > 0.0 else taste.original_alpha
        return cls(applied, taste.original_alpha, alpha, taste.top_categories, taste.personas)


@dataclass(frozen=True, slots=True)
class ServedList:
    """One list as it was served and recorded. The arm of the experiment is for the record alone.

    features  (slots, f) as in `ranking.features`, NaN for what is not known
    rules     ids of the rules of staff that acted on it
    """

    session_id: UUID
    use_case: str
    method_used: str
    model_version: str
    experiment_arm: str
    slots: tuple[ServedSlot, ...]
    personalization: Personalization
    features: Floats
    rules: tuple[int, ...] = ()


def recommend(
    *,
    user_id: int,
    use_case: UseCase,
    limit: int = DEFAULT_LIMIT,
    wishes: Wishes = NO_WISHES,
    now: datetime | None = None,
    rng: np.random.Generator | None = None,
) -> ServedList:
    """The best `limit` items (1 to MAX_LIMIT) for a person now, recorded as a session before it returns.

    The list is shorter where the catalog has no more to offer. `rng` decides where to explore; left out,
    nobody can foresee it. Three queries once the process is warm: the record of the person, the cards of
    what is shown, and the session's row; a fourth for the taste of somebody who did something since.
    Raises NotFound for an example or a page before that there is not.
    """
    began = time.perf_counter()
    now = now or timezone.now()
    context = get_state(use_case.name).for_person(user_id)
    with stage("person"):
        request = open_request(user_id, context, now, wishes)
    request, allowed = from_place(request, wishes, order(request, wishes))
    # A place that chance gave away would break an order by year.
    chance = None if wishes.sort else rng or np.random.default_rng()
    return finish(
        allowed,
        request,
        limit,
        now=now,
        began=began,
        chance=chance,
        note=wishes.note,
        is_sorted=bool(wishes.sort),
    )


def finish(
    allowed: Candidates,
    request: RankingRequest,
    limit: int,
    *,
    now: datetime,
    began: float,
    chance: np.random.Generator | None,
    note: Mapping[str, Any],
    is_sorted: bool = False,
) -> ServedList:
    """The list of the best of `allowed`, recorded before it returns: two queries.

    `began` is when its making began, by the clock of `time.perf_counter`. `chance` decides where to explore.
    `is_sorted` says that the order is by something else than scores.
    """
    with stage("arrange"):
        arranged = arrange(allowed, request, limit, chance, with_pins=not is_sorted)
    with stage("respond"):
        served = respond(arranged, request)
    with stage("record"):
        shown = arranged.shown
        by_score = shown.take(np.array(arranged.pinned, dtype=np.int64) == 0)
        left_out = [] if is_sorted else pushed_out(arranged.competing, by_score)
        record(served, shown, left_out, request, now, note, began)
    if request.context.memory is not None:
        request.context.memory.weigh(request.remembered)
    count_list(
        use_case=served.use_case,
        method=served.method_used,
        model_version=served.model_version,
        sources=[slot.source for slot in served.slots],
    )
    return served


def order(request: RankingRequest, wishes: Wishes = NO_WISHES) -> Candidates:
    """All that a person may be shown, best first, before chance has its places. Reads and writes nothing."""
    with stage("retrieve"):
        retrieved = retrieve(request, wishes.sources)
        if (pinned := None if wishes.sort else brought_by_pins(request)) is not None:
            retrieved = [*retrieved, pinned]
    with stage("rank"):
        ranked = rank(request, retrieved)
    with stage("personalize"):
        personalized = personalize(ranked, request)
    if (asked := wishes.factors_of(personalized.item_ids, request.context.catalog)) is not None:
        personalized = personalized.with_asked(asked)
    return wishes.sorted(exclude(personalized, request.not_to_show), request.context.catalog)


def from_place(
    request: RankingRequest, wishes: Wishes, ordered: Candidates
) -> tuple[RankingRequest, Candidates]:
    """The request and what is ordered for it, without the places before the one that it wants to begin at.

    Those that no list showed, of one asked for alike in the last day, are filled by the best of now.
    """
    while (lacking := wishes.offset - len(request.shown_before)) > 0 and len(ordered):
        request = request.without(ordered.item_ids[:lacking])
        ordered = (
            ordered.take(np.arange(lacking, len(ordered)))
            if lacking < len(ordered)
            else order(request, wishes)
        )
    return request, ordered


def pushed_out(allowed: Candidates, arranged: Candidates) -> list[int]:
    """The items that would be in this list if no dislike held them back."""
    by_boosted = np.argsort(-allowed.boosted_scores, kind="stable")[: len(arranged)]
    penalized = allowed.item_ids[by_boosted[allowed.penalties[by_boosted] < 1.0]]
    # An item that still has a place by its score gave it up to chance, not to a dislike.
    placed = {*arranged.item_ids.tolist(), *allowed.item_ids[: len(arranged)].tolist()}
    return sorted(set(penalized.tolist()) - placed)


def respond(arranged: Arrangement, request: RankingRequest) -> ServedList:
    """The list as it will be sent, under a new session id."""
    shown, context = arranged.shown, request.context
    slots = _slots(arranged, request)
    # A list is made by the most trusted source in it, also where a dislike moved its items from the top.
    source = next((name for name in context.policy.sources if name in shown.sources), None)
    is_bent = any(
        slot.boost.taste > 1.0 or (slot.source != PIN and RECOMMENDERS[slot.source].is_taste)
        for slot in slots
    )
    return ServedList(
        session_id=uuid4(),
        use_case=context.use_case.name,
        method_used=_method(source, context) if source is not None else PIN if slots else "none",
        model_version=versions_of(shown, request),
        experiment_arm=context.arm,
        slots=slots,
        personalization=Personalization.of(
            request.person.taste, applied=is_bent, strength=boost_strength(request)
        ),
        features=features_of_shown(request, shown.item_ids),
        rules=arranged.rules,
    )


def _slots(arranged: Arrangement, request: RankingRequest) -> tuple[ServedSlot, ...]:
    shown = arranged.shown
    columns = (shown.item_ids, shown.scores, shown.base_scores, shown.sources)
    factors = (shown.penalties, shown.seen, shown.asked, shown.curated)
    rows = zip(
        zip(*(column.tolist() for column in columns), strict=True),
        map(tuple, shown.boosts.tolist()),
        zip(*(column.tolist() for column in factors), strict=True),
        arranged.explored,
        arranged.pinned,
        request.rules.weighing(shown.item_ids),
        arranged.reasons,
        strict=True,
    )
    slots = tuple(_slot(rank, row, arranged.cards, request) for rank, row in enumerate(rows, 1))
    kept = request.remembered.slots
    # Another request of the same person may do the same at this moment.
    for asked in list(kept)[: max(0, len(kept) - _LISTS_KEPT * len(slots))]:
        kept.pop(asked, None)
    return slots


def _slot(
    rank: int, row: tuple[Any, ...], cards: Mapping[int, ItemCard], request: RankingRequest
) -> ServedSlot:
    """The slot of a candidate: one that is kept, where all in it is the same."""
    (item_id, score, base_score, source), parts, factors, explored, pin, rules, reason = row
    item, because = cards[item_id], cards.get(reason.item_id or 0)
    passed_over = request.person.passed_over.get(item_id, 0)
    kept, asked = request.remembered.slots, (rank, passed_over, row)
    # Taken out and put in again: what was shown last stands last.
    before: tuple[ServedSlot, ItemCard | None] | None = kept.pop(asked, None)
    if before is not None and before[0].item is item and before[1] is because:
        kept[asked] = before
        return before[0]
    slot = ServedSlot(
        item=item,
        rank=rank,
        score=score,
        base_score=base_score,
        boost=Boost(dict(zip(BOOSTED, parts, strict=True)), *factors),
        method=PIN if pin else _method(source, request.context, explored=explored),
        source=source,
        why=sentence_for(reason, item, cards, request),
        passed_over=passed_over,
        rules=(*filter(None, [pin]), *rules),
    )
    kept[asked] = (slot, because)
    return slot


def versions_of(shown: Candidates, request: RankingRequest) -> str:
    """The labels of the versions that made the list.

    A ranker reads what the lead says of everything, and nothing of the other models. Without one the models
    that know the person order together what any of them brought.
    """
    context = request.context
    brought = set(np.unique(shown.sources).tolist())
    if not len(shown):
        return ""
    if context.ranker is not None:
        orderers = [name for name, kind in RECOMMENDERS.items() if kind.orders]
        return context.models.label([context.lead or "", *orderers, *brought])
    return context.models.label(request.knowing if brought & set(context.trained) else ())


def _method(source: str, context: ScoringContext, *, explored: bool = False) -> str:
    """The name of what gave a slot its place."""
    if explored:
        return EXPLORATION
    return RECOMMENDERS[source].method if context.ranker is None else RANKER


def record(
    served: ServedList,
    shown: Candidates,
    pushed_out: list[int],
    request: RankingRequest,
    now: datetime,
    asked_for: Mapping[str, Any],
    began: float,
) -> None:
    """Writes the session's row: one INSERT, with what was retrieved where and the features of each slot."""
    columns = (shown.source_ranks, shown.source_scores, shown.propensities)
    rows = zip(served.slots, *(column.tolist() for column in columns), strict=True)
    session = RecordedSession(
        session_id=served.session_id,
        user_id=request.person.user_id,
        use_case=served.use_case,
        method=served.method_used,
        model_version=served.model_version,
        experiment_arm=served.experiment_arm,
        slots=[_entry(slot, *retrieved) for slot, *retrieved in rows],
        features=served.features.astype("<f4").tobytes(),
        feature_set=FEATURE_SET,
        pushed_out=pushed_out,
        asked_for=asked_for if not request.shown_before else {**asked_for, "before": [*request.shown_before]},
        rules=served.rules,
        now=now,
        made_in_ms=round(1000 * (time.perf_counter() - began)),
    )
    record_session(session)


def _entry(slot: ServedSlot, source_rank: int, source_score: float, propensity: float) -> Written:
    """The entry of a slot in the record."""
    asked = (source_rank, source_score, propensity)
    if asked not in slot.written:
        entry = ShownSlot(
            item_id=slot.item.id,
            rank=slot.rank,
            score=slot.score,
            base_score=slot.base_score,
            method=slot.method,
            source=slot.source,
            source_rank=source_rank,
            source_score=source_score,
            propensity=propensity,
            rules=slot.rules,
        )
        slot.written[asked] = as_json(entry.as_json())
    return slot.written[asked]
