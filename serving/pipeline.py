"""The request path: one list for one person, from what is known of them to the row that records it.

person → retrieve → rank → personalize → filter → arrange → respond → record
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
from django.utils import timezone

from catalog.selectors import ItemCard
from core.domain import DISLIKE, TYPES, UseCase
from feedback.adjustments import combine_adjustments
from feedback.selectors import get_record
from profiles.boosts import penalties_of
from profiles.selectors import STRANGER, PersonalTaste, get_taste
from ranking.boosting import boost_strength, personalize
from ranking.candidates import Boost, Candidates
from ranking.context import ScoringContext
from ranking.features import FEATURE_SET
from ranking.methods import EXPLORATION, RANKER
from ranking.person import PersonState, build_person
from ranking.recommenders.registry import RECOMMENDERS
from ranking.scoring import RankingRequest, exclude, rank, retrieve, with_features
from recommendations.services import RecordedSession, ShownSlot, record_session
from serving.arranging import Arrangement, arrange
from serving.live import get_state

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
# Of what a person turned down because they know it, so many count last.
MOST_KNOWN = 20


@dataclass(frozen=True, slots=True)
class ServedSlot:
    """One position of a served list, with what a person or a program wants to know of it."""

    item: ItemCard
    rank: int
    score: float
    base_score: float
    boost: Boost
    method: str
    source: str
    why: str

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
    """One list as it was served and recorded. The arm of the experiment is for the record alone."""

    session_id: UUID
    use_case: str
    method_used: str
    model_version: str
    experiment_arm: str
    slots: tuple[ServedSlot, ...]
    personalization: Personalization


def recommend(
    *,
    user_id: int,
    use_case: UseCase,
    limit: int = DEFAULT_LIMIT,
    now: datetime | None = None,
    rng: np.random.Generator | None = None,
) -> ServedList:
    """The best `limit` items (1 to MAX_LIMIT) for a person now, recorded as a session before it returns.

    The list is shorter where the catalog has no more to offer. `rng` decides where to explore; left out,
    nobody can foresee it. Four queries once the process is warm: the history, the taste, the cards of what is
    shown, and the session's row.
    """
    now = now or timezone.now()
    context = get_state(use_case.name).for_person(user_id)
    request = open_request(user_id, context, now)
    ranked = rank(request, retrieve(request))
    personalized = personalize(ranked, request)
    allowed = exclude(personalized, request.person)
    arranged = arrange(allowed, request, limit, rng or np.random.default_rng())
    served = respond(arranged, request)
    record(served, arranged.shown, pushed_out(allowed, arranged.shown), request, now)
    return served


def open_request(user_id: int, context: ScoringContext, now: datetime) -> RankingRequest:
    """All that is known of the person, before the recommenders of the context: two queries."""
    person = load_person(user_id, context.use_case, now, taste=get_taste(user_id))
    return RankingRequest.of(person, context, now.timestamp())


def load_person(
    user_id: int, use_case: UseCase, now: datetime, *, taste: PersonalTaste = STRANGER
) -> PersonState:
    """The record of a person in this use case: one query."""
    record = get_record(user_id=user_id, use_case=use_case, now=now)
    history = record.history
    return build_person(
        user_id=user_id,
        item_ids=np.fromiter((row[0] for row in history), dtype=np.int64, count=len(history)),
        weights=np.fromiter((row[2] for row in history), dtype=np.float64, count=len(history)),
        types=[row[1] for row in history],
        excluded={item_id for item_id, type_name, _ in history if TYPES[type_name].excludes},
        penalties=_stronger(combine_adjustments(record.adjustments, now=now), penalties_of(taste.taste)),
        taste=taste,
        known=[item_id for item_id, name, weight in history if name == DISLIKE and not weight][-MOST_KNOWN:],
        passed_over=record.passed_over,
    )


def _stronger(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """The lower factor of each facet: a dislike is in the taste too, and holds back once."""
    return {facet_id: min(one.get(facet_id, 1.0), other.get(facet_id, 1.0)) for facet_id in {*one, *other}}


def pushed_out(allowed: Candidates, arranged: Candidates) -> list[int]:
    """The items that would be in this list if no dislike held them back."""
    by_boosted = np.argsort(-allowed.boosted_scores, kind="stable")[: len(arranged)]
    penalized = allowed.take(by_boosted[allowed.penalties[by_boosted] < 1.0])
    # An item that still has a place by its score gave it up to chance, not to a dislike.
    placed = np.union1d(arranged.item_ids, allowed.item_ids[: len(arranged)])
    return [int(item_id) for item_id in np.setdiff1d(penalized.item_ids, placed)]


def respond(arranged: Arrangement, request: RankingRequest) -> ServedList:
    """The list as it will be sent, under a new session id."""
    shown, context = arranged.shown, request.context
    columns = (shown.item_ids, shown.scores, shown.base_scores, shown.sources)
    rows = zip(
        *(column.tolist() for column in columns),
        shown.boost_rows(),
        arranged.explored,
        arranged.reasons,
        strict=True,
    )
    slots = tuple(
        ServedSlot(
            item=arranged.cards[item_id],
            rank=rank,
            score=score,
            base_score=base_score,
            boost=boost_of_slot,
            method=_method(source, context, explored=explored),
            source=source,
            why=reason.sentence(arranged.cards[item_id], arranged.cards),
        )
        for rank, (item_id, score, base_score, source, boost_of_slot, explored, reason) in enumerate(rows, 1)
    )
    # A list is made by the most trusted source in it, also where a dislike moved its items from the top.
    source = next((name for name in context.policy.sources if name in shown.sources), None)
    is_bent = any(RECOMMENDERS[slot.source].is_taste or slot.boost.taste > 1.0 for slot in slots)
    return ServedList(
        session_id=uuid4(),
        use_case=context.use_case.name,
        method_used="none" if source is None else _method(source, context),
        model_version=_versions(shown, request),
        experiment_arm=context.arm,
        slots=slots,
        personalization=Personalization.of(
            request.person.taste, applied=is_bent, strength=boost_strength(request)
        ),
    )


def _versions(shown: Candidates, request: RankingRequest) -> str:
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
    served: ServedList, shown: Candidates, pushed_out: list[int], request: RankingRequest, now: datetime
) -> None:
    """Writes the session's row: one INSERT, with what was retrieved where and the features of each slot."""
    shown = with_features(shown, request)
    columns = (shown.source_ranks, shown.source_scores, shown.propensities)
    rows = zip(served.slots, *(column.tolist() for column in columns), strict=True)
    session = RecordedSession(
        session_id=served.session_id,
        user_id=request.person.user_id,
        use_case=served.use_case,
        method=served.method_used,
        model_version=served.model_version,
        experiment_arm=served.experiment_arm,
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
                propensity=propensity,
            )
            for slot, source_rank, source_score, propensity in rows
        ],
        features=shown.features.astype("<f4").tobytes(),
        feature_set=FEATURE_SET,
        pushed_out=pushed_out,
        now=now,
    )
    record_session(session)
