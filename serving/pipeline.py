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
from scipy.sparse import csr_matrix

from catalog.selectors import ItemCard
from core.domain import TYPES, UseCase
from feedback.adjustments import apply_feature_adjustments, combine_adjustments
from feedback.selectors import get_history_and_adjustments
from profiles.boosts import Boosts, boost
from profiles.selectors import PersonalTaste, get_taste
from ranking.blending import blend, joint_scores, popularity_share, put_behind
from ranking.candidates import Boost, Candidates
from ranking.features import FEATURE_SET, History, compute_features
from ranking.live import Live, get_live
from ranking.sources import (
    EXPLORATION,
    METHODS,
    RANKER,
    SOURCES,
    UserState,
    als_scores,
    fold_in_person,
    tower_scores,
)
from ranking.statistics.events import summed_history
from recommendations.services import RecordedSession, ShownSlot, record_session
from serving.arranging import Arrangement, arrange

MAX_LIMIT = 100
DEFAULT_LIMIT = 20


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
        """What the base score was multiplied by."""
        return self.boost.multiplier


@dataclass(frozen=True, slots=True)
class Personalization:
    """How far a list was bent towards the person's taste, and that taste in short.

    applied             whether it lifted or brought anything in this list
    original_alpha      how much of a score is left to the base where nothing is known of a person
    personalized_alpha  how much of it is left with this person (profiles.boosts)
    persona             None where nothing is known
    """

    applied: bool
    original_alpha: float
    personalized_alpha: float
    top_categories: tuple[str, ...]
    persona: str | None

    @classmethod
    def of(cls, taste: PersonalTaste, *, applied: bool) -> "Personalization":
        """What a list says of `taste`."""
        return cls(applied, taste.original_alpha, taste.alpha, taste.top_categories, taste.persona)


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

    The list is shorter where the catalogue has no more to offer. `rng` decides where to explore; left out,
    nobody can foresee it. Four queries once the process is warm: the history, the taste, the cards of what is
    shown, and the session's row.
    """
    now = now or timezone.now()
    live = get_live(use_case.name).for_person(user_id)
    state = load_user_state(user_id, use_case, live, now)
    candidates = retrieve(state, live, use_case)
    ranked = rank(candidates, state, live, now)
    personalised = personalise(ranked, state, live)
    allowed = exclude(personalised, state)
    arranged = arrange(allowed, state, live, limit, rng or np.random.default_rng())
    served = respond(arranged, state, live, use_case)
    record(served, arranged.shown, pushed_out(allowed, arranged.shown), user_id, now)
    return served


def load_user_state(user_id: int, use_case: UseCase, live: Live, now: datetime) -> UserState:
    """All that is known of the person: two queries."""
    return load_history_state(user_id, use_case, live, now).with_taste(get_taste(user_id), live)


def load_history_state(user_id: int, use_case: UseCase, live: Live, now: datetime) -> UserState:
    """What the person did that counts in this use case, and what their dislikes hold back: one query."""
    telling: dict[int, str] = {}
    history, adjustments = get_history_and_adjustments(user_id=user_id, use_case=use_case)
    for item_id, type_name, _ in history:
        if item_id not in telling or TYPES[type_name].training > TYPES[telling[item_id]].training:
            telling[item_id] = type_name
    excluded = {item_id for item_id, type_name, _ in history if TYPES[type_name].excludes}
    item_ids, weights = summed_history(
        np.fromiter((row[0] for row in history), dtype=np.int64, count=len(history)),
        np.fromiter((row[2] for row in history), dtype=np.float64, count=len(history)),
    )
    return UserState(
        user_id=user_id,
        item_ids=item_ids,
        weights=weights.astype(np.float32),
        last_types=tuple(telling[item_id] for item_id in item_ids.tolist()),
        excluded=np.fromiter(sorted(excluded), dtype=np.int64, count=len(excluded)),
        held_back=combine_adjustments(adjustments, now=now),
        als_user=fold_in_person(item_ids, weights.astype(np.float32), live.als),
    )


def retrieve(state: UserState, live: Live, use_case: UseCase) -> list[Candidates]:
    """What each source of the use case brings, in the order of trust: the first that has an answer most."""
    limit = settings.CANDIDATES_PER_SOURCE
    retrieved = []
    for name in use_case.sources:
        retrieved.append(SOURCES[name](state, live, limit))
        if len(retrieved[-1]):
            limit = min(settings.CANDIDATES_PER_SOURCE, settings.CANDIDATES_PER_FURTHER_SOURCE)
    return retrieved


def rank(retrieved: Sequence[Candidates], state: UserState, live: Live, now: datetime) -> Candidates:
    """One base order over all sources, with the features that it and the coming datasets are made from.

    Without a ranker the models that retrieve order what they know. The rest follows behind in the order of
    trust, its scores scaled to lie below. What a model says of somebody is mixed with what everybody wants,
    the less the more it knows of them.
    """
    scaled: list[Candidates] = []
    ceiling = 1.0
    for candidates in retrieved:
        scaled.append(candidates.with_base(candidates.source_scores * ceiling))
        if len(candidates):
            ceiling = float(scaled[-1].base_scores[-1])
    pool = Candidates.join(scaled)
    rows = live.catalogue.rows_of(pool.item_ids)
    by_als, places = als_scores(pool.item_ids, state, live)
    pool = pool.with_features(
        compute_features(
            rows,
            by_als,
            places,
            history=known_history(state, live),
            content=live.catalogue.content,
            demand=live.catalogue.demand,
            als=live.als,
            now=now.timestamp(),
        )
    )
    if live.ranker is None and state.als_user is None and state.tower_user is None:
        return pool
    if live.ranker is None:
        by_tower = tower_scores(pool.item_ids, state, live)
        scores = put_behind(joint_scores(by_als, by_tower, state), pool.base_scores)
    else:
        scores = live.ranker.probabilities(pool.features)
    popularity = live.catalogue.demand.popularity[rows]
    return pool.with_base(blend(scores, popularity, popularity_share(state, live)))


def known_history(state: UserState, live: Live) -> History:
    """The person's history as rows of the catalogue; what it does not know is left out."""
    rows = live.catalogue.rows_of(state.item_ids)
    return History(rows[rows >= 0], state.weights[rows >= 0].astype(np.float64))


def personalise(candidates: Candidates, state: UserState, live: Live) -> Candidates:
    """Lifts what fits the person's taste, then holds back what their dislikes do, and orders anew.

    personalized = base × (1 + the parts of taste) × dislikes.
    """
    if not state.held_back and not len(state.taste.taste.facet_ids):
        return candidates
    facets = live.catalogue.content.facets[live.catalogue.rows_of(candidates.item_ids)]
    held_back = candidates.held_back
    if state.held_back and live.variant.feedback:
        held_back = apply_feature_adjustments(facets, live.catalogue.facet_ids, state.held_back)
    return candidates.with_boosts(lift(facets, state, live).parts, held_back)


def lift(facets: "csr_matrix[np.float64]", state: UserState, live: Live) -> Boosts:
    """How far the taste of the person lifts items with these facets, (n, m) as in the catalogue.

    A ranker knows the taste from its features, so there the lift has a strength of its own.
    """
    strength = settings.BOOST_STRENGTH if live.ranker is None else settings.BOOST_STRENGTH_WITH_RANKER
    if not live.variant.boosts:
        strength = 0.0
    taste = state.taste
    return boost(facets, live.catalogue.facet_ids, taste.taste, alpha=taste.alpha, strength=strength)


def exclude(candidates: Candidates, state: UserState) -> Candidates:
    """The final guarantee: whatever came before, nothing excluded gets past this line."""
    return candidates.take(~np.isin(candidates.item_ids, state.excluded))


def pushed_out(allowed: Candidates, arranged: Candidates) -> list[int]:
    """The items that would be in this list if no dislike held them back."""
    by_lifted = np.argsort(-allowed.lifted_scores, kind="stable")[: len(arranged)]
    held_back = allowed.take(by_lifted[allowed.held_back[by_lifted] < 1.0])
    # What still has a place by its score gave it up to chance, not to a dislike.
    placed = np.union1d(arranged.item_ids, allowed.item_ids[: len(arranged)])
    return [int(item_id) for item_id in np.setdiff1d(held_back.item_ids, placed)]


def respond(arranged: Arrangement, state: UserState, live: Live, use_case: UseCase) -> ServedList:
    """The list as it will be sent, under a new session id."""
    shown = arranged.shown
    columns = (shown.item_ids, shown.scores, shown.base_scores, shown.sources)
    rows = zip(
        *(column.tolist() for column in columns),
        shown.boosts(),
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
            method=_method(source, live, explored=explored),
            source=source,
            why=reason.sentence(arranged.cards[item_id], arranged.cards),
        )
        for rank, (item_id, score, base_score, source, boost_of_slot, explored, reason) in enumerate(rows, 1)
    )
    # A list is made by the most trusted source in it, also where a dislike moved its items from the top.
    source = next((name for name in use_case.sources if name in shown.sources), None)
    is_bent = any(slot.source == "taste" or slot.boost.lift > 1.0 for slot in slots)
    return ServedList(
        session_id=uuid4(),
        use_case=use_case.name,
        method_used="none" if source is None else _method(source, live),
        model_version=_label(shown, state, live),
        experiment_arm=live.variant.label,
        slots=slots,
        personalization=Personalization.of(state.taste, applied=is_bent),
    )


def _label(shown: Candidates, state: UserState, live: Live) -> str:
    """The versions that made the list.

    Without a ranker the models that know the person order together what either brought. A ranker reads what
    ALS says of everything, and nothing of the two-tower model.
    """
    by_ranker = len(shown) > 0 and live.ranker is not None
    by_models = live.ranker is None and bool(np.isin(shown.sources, ("als", "two_tower")).any())
    return live.label(
        als=by_ranker or (by_models and state.als_user is not None),
        two_tower="two_tower" in shown.sources or (by_models and state.tower_user is not None),
        ranker=by_ranker,
    )


def _method(source: str, live: Live, *, explored: bool = False) -> str:
    """What gave a slot its place."""
    if explored:
        return EXPLORATION
    return METHODS[source] if live.ranker is None else RANKER


def record(served: ServedList, shown: Candidates, pushed_out: list[int], user_id: int, now: datetime) -> None:
    """Writes the session's row: one INSERT, with what was retrieved where and the features of each slot."""
    columns = (shown.source_ranks, shown.source_scores, shown.propensities)
    rows = zip(served.slots, *(column.tolist() for column in columns), strict=True)
    session = RecordedSession(
        session_id=served.session_id,
        user_id=user_id,
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
