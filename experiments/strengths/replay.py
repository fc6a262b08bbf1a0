"""Logged lists with all that a strength needs to be applied to them anew: what acted on each slot then."""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles
from core.domain import REASONS, UseCase
from feedback.adjustments import Adjustment, apply_feature_adjustments, combine_adjustments
from feedback.models import FeatureAdjustment
from ranking.datasets.labels import Outcomes, read_outcomes
from ranking.datasets.ranker_rows import DISLIKED, ENGAGED
from ranking.datasets.session_log import SessionChunk, read_sessions, sessions_until
from ranking.methods import EXPLORATION, RANKER
from ranking.snapshot import CatalogSnapshot
from recommendations.selectors import RECENT_DAYS, RECENT_LISTS

DAYS = 90
# The newest lists are read, so that memory and time have an end.
MOST_LISTS = 20_000


@dataclass(frozen=True, slots=True)
class Held:
    """A facet that a dislike held back until it was taken back, by a setting's share ("": a fixed one)."""

    adjustment: Adjustment
    until: float
    setting: str


@dataclass(frozen=True, slots=True, eq=False)
class ReplayedList:
    """A list of n slots as it was shown.

    scores       (n,) as they ordered it; base (n,) before boosts, penalties and what was passed over
    times_passed (n,) in how many of the person's last lists each was seen and left alone
    propensities (n,) P(this item anywhere in the list) under the policy that showed it
    explored     (n,) put there by chance
    seen         (n,) as far as the person looked
    engaged, disliked  (n,)
    """

    user_id: int
    number: int
    moment: datetime
    by_ranker: bool
    scores: Doubles
    base: Doubles
    times_passed: Doubles
    propensities: Doubles
    explored: Bools
    seen: Bools
    engaged: Bools
    disliked: Bools
    facets: "csr_matrix[np.float64]"
    held: Sequence[Held]

    def penalties_with(
        self,
        catalog: CatalogSnapshot,
        *,
        scale: Mapping[str, float] | None = None,
        half_life: float | None = None,
    ) -> Doubles:
        """(n,) the penalties with the shares of some settings scaled, or with another half-life."""
        if not self.held:
            return np.ones(len(self.scores))
        scale = scale or {}
        scaled = [
            Adjustment(
                one.adjustment.facet_id,
                max(-0.99, one.adjustment.delta * scale.get(one.setting, 1.0)),
                one.adjustment.since,
            )
            for one in self.held
        ]
        factors = combine_adjustments(scaled, now=self.moment, half_life_days=half_life)
        return apply_feature_adjustments(self.facets, catalog.facet_ids, factors, settings.DISLIKES_STRENGTH)


@dataclass(slots=True)
class _Memory:
    """The last lists of each person that they saw anything of, as serving would count them."""

    lists: dict[int, deque[tuple[float, frozenset[int]]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=RECENT_LISTS))
    )

    def times_passed(self, user_id: int, moment: float, item_ids: Sequence[int]) -> Doubles:
        """(n,) in how many of them each item was seen and left alone."""
        oldest = moment - timedelta(days=RECENT_DAYS).total_seconds()
        recent = [left for at, left in self.lists[user_id] if at > oldest]
        return np.array([sum(item_id in left for left in recent) for item_id in item_ids], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Slots:
    """Columns of all slots of a chunk, (n,) each."""

    chances: Doubles
    scores: Doubles
    base: Doubles
    explored: Bools
    by_ranker: Bools

    @classmethod
    def of(cls, chunk: SessionChunk) -> "_Slots":
        methods = chunk.texts("method").to_numpy(zero_copy_only=False)
        return cls(
            chances=chunk.numbers("propensity"),
            scores=chunk.numbers("score"),
            base=chunk.numbers("base_score"),
            explored=methods == EXPLORATION,
            by_ranker=methods == RANKER,
        )


def replay(use_case: UseCase, catalog: CatalogSnapshot, now: datetime) -> Iterator[ReplayedList]:
    """The lists of the last DAYS with known chances, oldest first; three queries for each chunk of them."""
    since = now - timedelta(days=DAYS)
    ours = sessions_until(use_case, now).filter(created_at__gte=since, is_external=False)
    oldest = ours.order_by("-created_at").values_list("created_at", flat=True)[MOST_LISTS - 1 : MOST_LISTS]
    held = _read_held(use_case, now)
    memory, number = _Memory(), 0
    for chunk in read_sessions(ours.filter(created_at__gte=max([since, *oldest]))):
        outcomes, slots = read_outcomes(chunk, use_case, now), _Slots.of(chunk)
        for row, (end, size) in enumerate(
            zip(np.cumsum(chunk.sizes).tolist(), chunk.sizes.tolist(), strict=True)
        ):
            one = _list_of(chunk, outcomes, slots, row, slice(end - size, end), number, catalog, held, memory)
            number += 1
            if one is not None:
                yield one


def _read_held(use_case: UseCase, now: datetime) -> dict[int, list[Held]]:
    rows = FeatureAdjustment.objects.filter(
        dislike__item__kind=use_case.kind, dislike__created_at__lt=now
    ).values_list(
        "dislike__user_id",
        "facet_id",
        "facet__kind",
        "delta",
        "dislike__reason",
        "dislike__created_at",
        "dislike__interaction__withdrawn_at",
    )
    found: dict[int, list[Held]] = defaultdict(list)
    for user_id, facet_id, kind, delta, reason, since, withdrawn in rows.order_by("pk").iterator():
        share = REASONS[reason].holds_back.get(kind, "")
        until = np.inf if withdrawn is None else withdrawn.timestamp()
        held = Held(Adjustment(facet_id, delta, since), until, share if isinstance(share, str) else "")
        found[user_id].append(held)
    return found


def _list_of(
    chunk: SessionChunk,
    outcomes: Outcomes,
    slots: "_Slots",
    row: int,
    part: slice,
    number: int,
    catalog: CatalogSnapshot,
    held: Mapping[int, Sequence[Held]],
    memory: _Memory,
) -> ReplayedList | None:
    """The list in a row of a chunk; None where its chances or scores are not known, or nothing was seen.

    What rules of staff pinned, boosted or buried is left out: no strength put it where it stands.
    """
    user_id, at = int(chunk.user_ids[row]), float(chunk.times[row])
    item_ids, acted = chunk.item_ids[part], outcomes.acted[part]
    ranks = chunk.ranks[part]
    depth = max(int(chunk.seen_ranks[row]), int(ranks[acted].max(initial=0)))
    seen = ranks <= depth
    times = memory.times_passed(user_id, at, item_ids.tolist())
    if seen.any():
        memory.lists[user_id].append((at, frozenset(item_ids[seen & ~acted].tolist())))
    # Chance could have had any place after the first that no pin took.
    open_places = int((~chunk.pinned[part])[1:].sum())
    free = ~chunk.ruled[part]
    item_ids, seen, times = item_ids[free], seen[free], times[free]
    chances, scores, base = slots.chances[part][free], slots.scores[part][free], slots.base[part][free]
    rows = catalog.rows_of(item_ids)
    if not seen.any() or not ((chances > 0.0) & (scores > 0.0) & (base > 0.0) & (rows >= 0)).all():
        return None
    explored = slots.explored[part][free]
    mine = [one for one in held.get(user_id, ()) if one.adjustment.since.timestamp() < at < one.until]
    places = np.where(explored, max(open_places, 1), 1)
    return ReplayedList(
        user_id=user_id,
        number=number,
        moment=datetime.fromtimestamp(at, UTC),
        by_ranker=bool(slots.by_ranker[part].any()),
        scores=scores,
        base=base,
        times_passed=times,
        propensities=np.minimum(chances * places, 1.0),
        explored=explored,
        seen=seen,
        engaged=outcomes.relevance[part][free] >= ENGAGED,
        disliked=outcomes.relevance[part][free] == DISLIKED,
        facets=catalog.content.facets[rows],
        held=mine,
    )
