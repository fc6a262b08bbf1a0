"""Lists for the ranker from the interaction log alone, where there is a history but no list was shown yet.

Two stages that cannot leak: for each of several windows of time models are fitted on what came before it,
each person gets the candidates and features that serving would have made at its start, and the labels are
what they did in the window. Every candidate is kept and no missed item is put in, so that a list is what
serving would bring; docs/research/ranker-on-movielens.md tells what leaving some out costs.

One thing is known from within a window: the history of somebody new is the first half of their own events in
it, as in `holdout`. It makes up their taste and nothing else, and its items are no candidates.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
from django.conf import settings

from core.arrays import Doubles, Floats, Ints
from core.arrow import pa
from core.domain import UseCase
from ranking.candidates import Candidates
from ranking.context import ScoringContext
from ranking.datasets.impressions import SeenLists, responses_before
from ranking.datasets.past_models import PastModels
from ranking.datasets.ranker_rows import RankerRows
from ranking.feature_rows import features_of_shown
from ranking.features import FEATURES
from ranking.person import person_before
from ranking.recommenders.ranker.model import RankerData, RankerParameters
from ranking.registry.loading import ModelSet
from ranking.request import RankingRequest
from ranking.scoring import ranked_pool
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import demand_of
from ranking.statistics.events import Events
from ranking.statistics.lists import ShownLists
from ranking.statistics.split import Person, holdout, time_cuts

DISLIKED, UNTOUCHED, TOUCHED, LIKED = range(4)
METHOD = "bootstrap"
# Dislikes are few and mostly below the top, where order says little; docs/research/ranker-on-movielens.md.
DISLIKE_WEIGHT = 5.0
# Of newcomers there is a second list, from one of so many items each: else no ranker learns what little says.
FIRST_ITEMS = (1, 2, 3, 5, 8)
# Trees that correct the retrieval score, a fixed number of them: one window is too few people to say when to
# stop.
PARAMETERS = RankerParameters(
    base_margin="residual", debias="none", num_leaves=15, rounds=60, early_stopping=0
)


@dataclass(frozen=True, slots=True)
class BootstrapPlan:
    """The cuts of the log in time.

    windows  how many windows of time, each with as many events as the next
    first    the share of the events that comes before the first window
    people   the most people of one window; of more, so many are drawn. A thousand taught a ranker no more on
             a million ratings, and took twice the memory (docs/research/recommenders-measured.md)

    Raises ValueError for a value out of range.
    """

    windows: int = 6
    first: float = 0.3
    people: int = 300

    def __post_init__(self) -> None:
        if self.windows < 1 or self.people < 1 or not 0 < self.first < 1:
            raise ValueError("Windows and people must be at least 1, the first share between 0 and 1.")


@dataclass(frozen=True, slots=True)
class Window:
    """start <= time < end, seconds since 1970."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapList:
    """The list that one person would have been shown at the start of a window, and their acts in it.

    session_id  the same for the same window and person
    window      which window, from 0
    time        its start
    candidates  (n,) in the order of the retriever
    features    (n, f) of each
    relevance   (n,) DISLIKED, UNTOUCHED, TOUCHED without a verdict, or LIKED
    """

    session_id: UUID
    user_id: int
    window: int
    time: float
    candidates: Candidates
    features: Floats
    relevance: Ints


def plan_windows(times: Doubles, plan: BootstrapPlan) -> list[Window]:
    """The windows over a log with these event times, oldest first; none that is empty.

    Raises ValueError if there are no events.
    """
    cuts = time_cuts(times, np.linspace(plan.first, 1.0, plan.windows + 1).tolist())
    # The last event belongs to the last window.
    cuts[-1] = float(np.nextafter(times.max(), np.inf))
    return [Window(start, end) for start, end in pairwise(cuts) if start < end]


def bootstrap_lists(
    events: Events,
    *,
    catalog: CatalogSnapshot,
    use_case: UseCase,
    plan: BootstrapPlan,
    seed: int,
    hyper_parameters: Mapping[str, Mapping[str, Any]] | None = None,
    shown: ShownLists | None = None,
) -> Iterator[BootstrapList]:
    """The lists of every window, oldest window first, of people who did something with what was retrieved.

    What retrieves and scores are the kinds of the use case that learn from events, with `hyper_parameters`
    by kind where given (`PastModels`). A window before which none of them could learn is passed over; a use
    case of none has the lists of its other sources. Of what was `shown` to people, what was known by then is
    in the features. Equal input and seed give equal lists.
    """
    past = PastModels.of(use_case, hyper_parameters or {}, seed, catalog.content)
    if not len(events):
        return
    rng = np.random.default_rng(seed)
    seen = SeenLists.none() if shown is None else SeenLists.of(shown)
    since = time_cuts(events.times, [plan.first / 2])[0]
    windows = plan_windows(events.times, plan)
    models_of = past.at([window.start for window in windows], events, since)
    for number, (window, models) in enumerate(zip(windows, models_of, strict=True)):
        if models.by_kind or not past.trainers:
            context = context_before(events, window.start, catalog, use_case, models, shown=shown)
            yield from _lists_of(events, number, window, context, plan.people, seen, rng)


def context_before(
    events: Events,
    start: float,
    catalog: CatalogSnapshot,
    use_case: UseCase,
    models: ModelSet,
    *,
    shown: ShownLists | None = None,
) -> ScoringContext:
    """The context at `start` with these models, from the events before it.

    The catalog holds only what was there by then: that an item is in it at all may be known from later, as in
    a log whose catalog is made of what was rated.
    """
    training, catalog = events.before(start), catalog.met(events)
    there = catalog.there_at(start)
    item_ids = catalog.item_ids[there]
    demand = demand_of(
        training,
        item_ids,
        half_life_days=settings.POPULARITY_HALF_LIFE_DAYS,
        responses=None if shown is None else responses_before(shown, training, item_ids, start),
    )
    return ScoringContext.of(use_case, catalog.only(there, demand), models)


def relevance_of(item_ids: Ints, person: Person, touched: Ints) -> Ints:
    """(n,): what the person made of each item later; `touched` are the items of all their events."""
    relevance = np.full(len(item_ids), UNTOUCHED, dtype=np.int64)
    relevance[np.isin(item_ids, touched)] = TOUCHED
    relevance[np.isin(item_ids, person.relevant_items)] = LIKED
    relevance[np.isin(item_ids, person.disliked_items)] = DISLIKED
    return relevance


def ranker_data(lists: Iterable[BootstrapList]) -> RankerData:
    """The lists as a trainer takes them; nothing was shown, so every candidate counts as examined."""
    # Bytes that grow in place: the lists of a long log held side by side and then joined are twice as much.
    features, relevance = bytearray(), bytearray()
    sizes: list[int] = []
    user_ids: list[int] = []
    times: list[float] = []
    for one in lists:
        features += one.features.tobytes()
        relevance += one.relevance.tobytes()
        sizes.append(len(one.relevance))
        user_ids.append(one.user_id)
        times.append(one.time)
    grades = np.frombuffer(relevance, dtype=np.int64)
    return RankerData(
        features=np.frombuffer(features, dtype=np.float32).reshape(-1, len(FEATURES)),
        relevance=grades,
        weights=_weights(grades),
        ranks=np.concatenate([np.empty(0, dtype=np.int64), *map(_ranks, sizes)]),
        exposure=np.ones(len(grades)),
        sizes=np.array(sizes, dtype=np.int64),
        user_ids=np.array(user_ids, dtype=np.int64),
        times=np.array(times, dtype=np.float64),
    )


def ranker_rows(one: BootstrapList) -> RankerRows:
    """A list as rows of the ranker dataset, for `RankerWriter`."""
    candidates = one.candidates
    size = len(candidates)
    return RankerRows(
        session_ids=[one.session_id],
        sizes=np.array([size], dtype=np.int64),
        user_ids=np.array([one.user_id], dtype=np.int64),
        times=np.array([one.time]),
        touched=np.ones(1, dtype=np.bool_),
        item_ids=candidates.item_ids,
        ranks=_ranks(size),
        scores=candidates.base_scores,
        base_scores=candidates.base_scores,
        methods=pa.array([METHOD] * size, pa.string()),
        relevance=one.relevance,
        sample_weights=_weights(one.relevance),
        hard_negatives=np.zeros(size, dtype=np.bool_),
        features=one.features,
        propensities=np.full(size, np.nan),
        example_ids=np.zeros(size, dtype=np.int64),
    )


def _lists_of(
    events: Events,
    number: int,
    window: Window,
    context: ScoringContext,
    people: int,
    seen: SeenLists,
    rng: np.random.Generator,
) -> Iterator[BootstrapList]:
    within = events.between(window.start, window.end)
    within = within.select(np.argsort(within.user_ids, kind="stable"))
    # Nobody else is evaluated: of a long log that sorts and pairs a small part.
    acting = events.select(np.isin(events.user_ids, within.user_ids[within.relevant]))
    part = holdout(acting, window.start, window.end, drawn=(people, rng))
    del acting
    for person in part.people():
        first, after = np.searchsorted(within.user_ids, [person.user_id, person.user_id + 1])
        arriving = at_arrival(person, window.start, int(rng.choice(FIRST_ITEMS)))
        for known, when in [(person, ""), *((known, " at arrival") for known in arriving)]:
            state = person_before(known.history, seen=seen.before(person.user_id, window.start))
            request = RankingRequest.of(state, context, window.start)
            candidates = ranked_pool(request)
            relevance = relevance_of(candidates.item_ids, known, within.item_ids[first:after])
            if not (relevance > UNTOUCHED).any():
                continue
            name = f"heed {context.use_case.name} {window.start!r} {person.user_id}{when}"
            yield BootstrapList(
                session_id=uuid5(NAMESPACE_OID, name),
                user_id=person.user_id,
                window=number,
                time=window.start,
                candidates=candidates,
                features=features_of_shown(request, candidates.item_ids),
                relevance=relevance,
            )


def at_arrival(person: Person, start: float, items: int) -> list[Person]:
    """Somebody whose history begins at `start` or later, as they were after their first `items`.

    What they did with the rest of their history is then what they did afterwards. Nobody, where the history
    begins before, holds no more items than that, or where nothing in its first part speaks for an item.
    """
    history = person.history
    met, first = np.unique(history.item_ids, return_index=True)
    if not len(history) or history.times[0] < start or len(met) <= items:
        return []
    is_known = np.isin(history.item_ids, met[np.argsort(first)[:items]])
    known, later = history.select(is_known), history.select(~is_known)
    if not (known.weights > 0).any():
        return []
    disliked = np.union1d(person.disliked_items, later.item_ids[later.weights < 0])
    liked = np.union1d(person.relevant_items, later.item_ids[later.relevant])
    return [Person(person.user_id, known, np.setdiff1d(liked, disliked), disliked)]


def _weights(relevance: Ints) -> Doubles:
    return np.where(relevance == DISLIKED, DISLIKE_WEIGHT, 1.0)


def _ranks(size: int) -> Ints:
    return np.arange(1, size + 1, dtype=np.int64)
