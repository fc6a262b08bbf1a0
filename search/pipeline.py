"""Search for one person: hits of the text search, boosted by their taste, recorded like any list shown.

score = relevance × (1 + the parts of taste). A title that is the query stays first.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from catalog.cards import current_cards
from catalog.selectors import ItemCard
from core.domain import BOOSTED, UseCase
from core.domain.words import listed
from feedback.records import get_refused_and_rules
from profiles.boosts import boost
from profiles.selectors import STRANGER, PersonalTaste, get_taste
from ranking.candidates import Boost, Candidates
from ranking.context import ScoringContext
from ranking.features import FEATURE_SET
from ranking.methods import SEARCH
from ranking.tastes import liked_facets
from recommendations.services import RecordedSession, ShownSlot, record_session, record_sessions
from search.asking import Asked
from search.narrowing import find_hits, read_asked
from search.query_analysis import QueryAnalysis
from serving.carousels import rules_without_history
from serving.explaining import boosting, liked_sentence
from serving.live import get_context
from serving.opening import barred_by
from serving.pipeline import Personalization

MAX_FOUND = 100
DEFAULT_FOUND = 20
# So many hits are boosted or not before the list is cut.
_POOL = 200
# Hits above this are titles that the query means (docs/explanation/search.md, "The order").
_TITLE_RELEVANCE = 0.991
# A few more than asked for are looked up: the index may not know yet that an item was hidden.
_SPARE = 5


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An item that was found. `relevance`, 0 to 1, is that of the text alone; `score` is with the taste.

    is_barred  the person's own rules keep it out of their lists; its title was searched for
    """

    item: ItemCard
    rank: int
    score: float
    relevance: float
    boost: Boost
    why: str
    is_barred: bool = False

    @property
    def is_title(self) -> bool:
        """True where its title is what was searched for."""
        return self.relevance > _TITLE_RELEVANCE


@dataclass(frozen=True, slots=True)
class FoundList:
    """The hits for a query in one use case. `session_id`: None where nothing was recorded.

    asked     what the query says beside its words
    left_out  how many more the person's own rules keep out
    """

    session_id: UUID | None
    use_case: str
    query: str
    analysis: QueryAnalysis
    personalization: Personalization
    items: tuple[FoundItem, ...]
    asked: Asked
    left_out: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Ordered:
    """The hits for a query in their final order."""

    use_case: UseCase
    context: ScoringContext
    analysis: QueryAnalysis
    asked: Asked
    hits: Candidates
    left_out: int = 0
    barred: AbstractSet[int] = frozenset()

    def without(self, refused: AbstractSet[int], barred: AbstractSet[int]) -> "_Ordered":
        """The same hits but for what the person refused, unless its title is what they searched for.

        `left_out` counts those that only their own rules bar.
        """
        is_title = self.hits.base_scores > _TITLE_RELEVANCE
        ids = self.hits.item_ids.tolist()
        kept = np.array([one not in refused and one not in barred for one in ids], dtype=np.bool_) | is_title
        only_barred = sum(
            1 for one, stays in zip(ids, kept.tolist(), strict=True) if not stays and one in barred
        )
        return replace(self, hits=self.hits.take(kept), left_out=only_barred, barred=barred)


def search_items(
    *,
    user_id: int | None,
    use_case: UseCase,
    query: str,
    limit: int = DEFAULT_FOUND,
    is_recorded: bool = True,
    now: datetime | None = None,
) -> FoundList:
    """At most `limit` items of one use case for `query`: see `search_kinds`."""
    (found,) = search_kinds(
        user_id=user_id, use_cases=[use_case], query=query, limit=limit, is_recorded=is_recorded, now=now
    )
    return found


def search_kinds(
    *,
    user_id: int | None,
    use_cases: Sequence[UseCase],
    query: str,
    limit: int = DEFAULT_FOUND,
    is_recorded: bool = True,
    now: datetime | None = None,
) -> list[FoundList]:
    """At most `limit` items for `query`, any text, in each of the use cases, best first.

    What a person knows is found too: they may be looking for it. What they refused is found by its title
    alone, what staff block not at all. Without a person nothing is boosted and nothing recorded; nor is
    anything with `is_recorded` off, for what is shown while typing. Four queries at the most, however many
    use cases: the taste, what was refused, the cards, the sessions' rows.
    """
    taste = STRANGER if user_id is None else get_taste(user_id)
    asked = read_asked(query)
    ordered = [_order(use_case, query, asked, taste, user_id) for use_case in use_cases]
    if user_id is not None and any(len(one.hits) for one in ordered):
        refused, rules = get_refused_and_rules(user_id=user_id)
        ordered = [one.without(refused, barred_by(rules, one.context.catalog)) for one in ordered]
    front = [one.hits.item_ids[: limit + _SPARE].tolist() for one in ordered]
    cards = current_cards(item_id for ids in front for item_id in ids) if any(front) else {}
    is_recorded = is_recorded and user_id is not None
    found = [_found(one, taste, cards, limit, is_recorded=is_recorded) for one in ordered]
    if user_id is not None:
        now = now or timezone.now()
        sessions = [_session(one, user_id, one.session_id, now) for one in found if one.session_id]
        if len(sessions) == 1:
            # Without the transaction that several rows need.
            record_session(sessions[0])
        else:
            record_sessions(sessions)
    return found


def _order(
    use_case: UseCase, query: str, asked: Asked, taste: PersonalTaste, user_id: int | None
) -> _Ordered:
    context = get_context(use_case.name)
    narrowed = find_hits(use_case, asked, context, query=query, pool=_POOL)
    hits = narrowed.hits
    if len(blocked := rules_without_history(context, user_id).blocked):
        hits = hits.take(~np.isin(hits.item_ids, blocked))
    if len(hits) and len(taste.taste.facet_ids) and settings.BOOST_STRENGTH > 0.0:
        hits = hits.with_boosts(_boosts(hits.item_ids, context, taste), hits.penalties)
        # Stable, so that within both groups the order stays.
        is_title = hits.base_scores > _TITLE_RELEVANCE
        hits = hits.take(np.argsort(np.where(is_title, -hits.base_scores, 0.0), kind="stable"))
    return _Ordered(use_case, context, narrowed.analysis, narrowed.asked, hits)


def _boosts(
    item_ids: NDArray[np.int64], context: ScoringContext, taste: PersonalTaste
) -> NDArray[np.float64]:
    """The boosts of each item, (n, kinds); 0 for one that the snapshot does not know yet."""
    catalog = context.catalog
    rows = catalog.rows_of(item_ids)
    known = rows >= 0
    facets = catalog.content.facets[rows[known]]
    boosts = np.zeros((len(item_ids), len(BOOSTED)))
    boosts[known] = boost(
        facets, catalog.facet_ids, taste.taste, alpha=taste.alpha, strength=settings.BOOST_STRENGTH
    ).parts
    return boosts


def _found(
    ordered: _Ordered, taste: PersonalTaste, cards: dict[int, ItemCard], limit: int, *, is_recorded: bool
) -> FoundList:
    hits = ordered.hits
    rows = zip(
        hits.item_ids.tolist(),
        hits.scores.tolist(),
        hits.base_scores.tolist(),
        hits.boost_rows(),
        strict=True,
    )
    # The front alone was looked up, so the spares fill the places of what has been hidden since.
    shown = [row for row in rows if row[0] in cards][:limit]
    liked = liked_facets(
        np.array([row[0] for row in shown], dtype=np.int64),
        taste.taste,
        boosting(taste.taste),
        ordered.context.catalog,
    )
    items = tuple(
        FoundItem(
            item=cards[item_id],
            rank=rank,
            score=score,
            relevance=relevance,
            boost=factors,
            is_barred=item_id in ordered.barred,
            why=_why(
                cards[item_id],
                relevance,
                ordered.analysis,
                ordered.asked,
                liked_of_item if factors.percent > 0 else (),
            ),
        )
        for rank, ((item_id, score, relevance, factors), liked_of_item) in enumerate(
            zip(shown, liked, strict=True), 1
        )
    )
    return FoundList(
        session_id=uuid4() if items and is_recorded else None,
        use_case=ordered.use_case.name,
        query=ordered.analysis.query,
        analysis=ordered.analysis,
        personalization=Personalization.of(
            taste,
            applied=any(item.boost.taste > 1.0 for item in items),
            strength=settings.BOOST_STRENGTH,
        ),
        items=items,
        asked=ordered.asked,
        left_out=ordered.left_out,
    )


def _why(
    card: ItemCard,
    relevance: float,
    analysis: QueryAnalysis,
    asked: Asked,
    liked: tuple[tuple[str, str], ...],
) -> str:
    if relevance > _TITLE_RELEVANCE:
        return "Its title is what you searched for."
    if asked.like:
        return f"It is like {asked.like}."
    if because := liked_sentence(liked, card):
        return because
    named = [facet.name for facet in analysis.facets if facet.name in card.facets.get(facet.kind, ())]
    if named:
        return f"It has what you searched for: {listed(list(dict.fromkeys(named)))}."
    if not (asked.text and analysis.text):
        return "It is what you asked for."
    return "Close to the words that you searched for."


def _session(found: FoundList, user_id: int, session_id: UUID, now: datetime) -> RecordedSession:
    """The list as it is recorded: without features, for its order says nothing of how lists are ranked."""
    return RecordedSession(
        session_id=session_id,
        user_id=user_id,
        use_case=found.use_case,
        method=SEARCH,
        model_version="",
        slots=[
            ShownSlot(
                item_id=one.item.id,
                rank=one.rank,
                score=one.score,
                base_score=one.relevance,
                method=SEARCH,
                source=SEARCH,
                source_rank=None,
                source_score=one.relevance,
                propensity=1.0,
            )
            for one in found.items
        ],
        features=b"",
        feature_set=FEATURE_SET,
        now=now,
    )
