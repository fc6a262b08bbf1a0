"""Features of lists that were logged without them, as of the moment each was shown.

Lists made elsewhere come without features, and lists from before a change of the features have others. The
log is walked through once in the order of time: whatever happened at a moment or later is not known yet when
the features of that moment are computed, by the function that serving uses.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from core.arrays import Bools, Doubles, Floats, Ints
from core.domain import UseCase
from core.progress import Progress
from interactions.models import UserInteraction
from interactions.selectors import TEACHES, said_in
from interactions.successes import successes_among
from ranking.context import ScoringContext
from ranking.datasets.impressions import ImpressionReplay
from ranking.datasets.past_models import ModelsOfThen
from ranking.datasets.session_log import SessionChunk, in_time_order, read_sessions, sessions_until
from ranking.feature_rows import features_of
from ranking.features import FEATURE_SET, FEATURES, are_known
from ranking.methods import PRUNED, SEARCH
from ranking.person import person_before
from ranking.request import RankingRequest
from ranking.snapshot import CatalogSnapshot, read_snapshot
from ranking.statistics.demand import DemandSweep, ItemDemand
from ranking.statistics.events import Events
from ranking.statistics.exposure import Impressions
from ranking.statistics.responses import ResponseSweep
from recommendations.models import RecommendationSession

# Sessions written at once; each is one branch of a CASE.
_WRITTEN = 200
_EVENTS = 20_000


@dataclass(frozen=True, slots=True)
class FilledIn:
    """The counts of a backfill. `unknown_slots`: the catalog lacks their item, so they have no features."""

    sessions: int
    slots: int
    unknown_slots: int


def fill_in_features(*, use_case: UseCase, progress: Progress, until: datetime | None = None) -> FilledIn:
    """Computes and stores the features of the lists shown up to `until` that have none of the present sort.

    Held in memory are the catalog, models, and the history of the people whose lists are filled in, and the
    log of events where models of the past are fitted. A run that is broken off has stored whole sessions, and
    the next one goes on after them.
    """
    lacking = sessions_until(use_case, until or timezone.now()).filter(
        Q(features=None) | ~Q(feature_set=FEATURE_SET)
    )
    people = np.array(sorted(lacking.order_by().values_list("user_id", flat=True).distinct()), dtype=np.int64)
    sessions = slots = unknown = 0
    if len(people):
        moments = np.array(
            [
                moment.timestamp()
                for moment in lacking.order_by("created_at").values_list("created_at", flat=True)
            ]
        )
        replay = _LogReplay(use_case, people, until or timezone.now(), moments)
        progress.begin(lacking.count(), "lists without features")
        for chunk in read_sessions(lacking):
            features = _features_of(chunk, replay)
            _store(chunk, features)
            sessions += len(chunk.sizes)
            slots += len(features)
            unknown += int((~are_known(features)).sum())
            progress.advance(len(chunk.sizes))
    return FilledIn(sessions, slots, unknown)


@dataclass(slots=True)
class _History:
    """One person's events, oldest first, in flat memory; `ends` is when each was withdrawn, or infinite."""

    item_ids: "array[int]" = field(default_factory=lambda: array("q"))
    weights: "array[float]" = field(default_factory=lambda: array("d"))
    times: "array[float]" = field(default_factory=lambda: array("d"))
    ends: "array[float]" = field(default_factory=lambda: array("d"))

    def before(self, moment: float) -> Events:
        """The state at the moment, from the events added so far."""
        stood = np.array(self.ends) >= moment
        count = int(stood.sum())
        return Events(
            user_ids=np.zeros(count, dtype=np.int64),
            item_ids=np.array(self.item_ids, dtype=np.int64)[stood],
            weights=np.array(self.weights, dtype=np.float32)[stood],
            times=np.array(self.times)[stood],
            relevant=np.zeros(count, dtype=np.bool_),
        )


class _LogReplay:
    """The state of the log at a moment that only moves forward."""

    def __init__(self, use_case: UseCase, people: Ints, until: datetime, lacking: Doubles) -> None:
        """`people` sorted: whose history is needed; `until`: the end of what is asked for.

        `lacking` (n,) rising: the times of the lists that are asked for.
        """
        self._people = people
        self._catalog: CatalogSnapshot = read_snapshot(use_case.name)
        self._sweep = DemandSweep(self._catalog.item_ids, half_life_days=settings.POPULARITY_HALF_LIFE_DAYS)
        # How often each type spoke for each item so far, (n,). Which are approvals depends on all of them.
        self._spoke: defaultdict[str, Doubles] = defaultdict(lambda: np.zeros(len(self._catalog.item_ids)))
        self._histories: defaultdict[int, _History] = defaultdict(_History)
        self._chunks = _read_events(use_case)
        self._coming = next(self._chunks, None)
        self._use_case = use_case
        self._responses = ResponseSweep(self._catalog.item_ids)
        self._impressions = ImpressionReplay(use_case, until, people, self._responses)
        self._context = ScoringContext.of(use_case, self._catalog.at(self._demand(-np.inf)))
        self._models = ModelsOfThen(use_case, self._catalog, lacking, until)

    def context_at(self, moment: float) -> ScoringContext:
        """The demand from what happened before the moment, and the model that had been trained by then."""
        happened, shown = self._add_before(moment), self._impressions.advance(moment)
        if happened or shown:
            # The orders by popularity are for retrieving by it, and features need none.
            catalog = replace(self._context.catalog, demand=self._demand(moment))
            self._context = replace(self._context, catalog=catalog)
        models = self._models.before(moment)
        if models is not self._context.models:
            self._context = ScoringContext.of(self._context.use_case, self._context.catalog, models)
        return self._context

    def _demand(self, moment: float) -> ItemDemand:
        """The demand so far, with what counts as a success by the log so far."""
        successes = successes_among(self._use_case, self._spoke)
        counts = [self._spoke[name] for name in successes if name in self._spoke]
        return self._sweep.demand(
            np.sum(counts, axis=0) if counts else None, self._responses.responses(moment)
        )

    def history(self, user_id: int, moment: float) -> Events:
        """The events of the person up to the moment of `context_at`."""
        return self._histories[user_id].before(moment)

    def seen(self, user_id: int, moment: float) -> Impressions:
        """The slots that the person had seen lately, up to the moment of `context_at`."""
        return self._impressions.seen(user_id, moment)

    def _add_before(self, moment: float) -> bool:
        """Consumes the events before the moment; True if there were any."""
        anything = False
        while self._coming is not None:
            coming = self._coming
            count = int(np.searchsorted(coming.events.times, moment))
            self._add(coming.slice(0, count))
            anything = anything or count > 0
            if count < len(coming.events):
                self._coming = coming.slice(count, len(coming.events))
                break
            self._coming = next(self._chunks, None)
        return anything

    def _add(self, log: "_EventChunk") -> None:
        events, ends, types = log.events, log.ends, log.types
        self._sweep.add(events)
        answers = events.select(log.answers)
        self._responses.answer(answers.item_ids, answers.weights.astype(np.float64), answers.times)
        rows = self._catalog.rows_of(events.item_ids)
        for name in np.unique(types[events.weights > 0.0]).tolist():
            np.add.at(self._spoke[name], rows[(types == name) & (events.weights > 0.0) & (rows >= 0)], 1.0)
        for place in np.flatnonzero(np.isin(events.user_ids, self._people)).tolist():
            history = self._histories[int(events.user_ids[place])]
            history.item_ids.append(int(events.item_ids[place]))
            history.weights.append(float(events.weights[place]))
            history.times.append(float(events.times[place]))
            history.ends.append(float(ends[place]))


def _features_of(chunk: SessionChunk, replay: _LogReplay) -> Floats:
    """(n, f) of the slots of a chunk; NaN where the catalog does not know the item."""
    features = np.full((len(chunk.item_ids), len(FEATURES)), np.nan, dtype=np.float32)
    start = 0
    for user_id, moment, size in zip(
        chunk.user_ids.tolist(), chunk.times.tolist(), chunk.sizes.tolist(), strict=True
    ):
        context = replay.context_at(moment)
        person = person_before(
            replay.history(user_id, moment), user_id=user_id, seen=replay.seen(user_id, moment)
        )
        request = RankingRequest.of(person, context, moment)
        features[start : start + size] = features_of(request, chunk.item_ids[start : start + size])
        start += size
    return features


def _store(chunk: SessionChunk, features: Floats) -> None:
    ends = np.cumsum(chunk.sizes)
    rows = [
        RecommendationSession(
            pk=session_id, features=features[start:end].astype("<f4").tobytes(), feature_set=FEATURE_SET
        )
        for session_id, start, end in zip(chunk.session_ids, ends - chunk.sizes, ends, strict=True)
    ]
    RecommendationSession.objects.bulk_update(rows, ["features", "feature_set"], batch_size=_WRITTEN)


@dataclass(frozen=True, slots=True, eq=False)
class _EventChunk:
    """n events of the log, oldest first.

    ends     (n,) when each was withdrawn, or infinite
    types    (n,) interaction types
    answers  (n,) True for the first yes and the first no to a slot of a list of the use case
    """

    events: Events
    ends: Doubles
    types: NDArray[np.str_]
    answers: Bools

    def slice(self, start: int, stop: int) -> "_EventChunk":
        part = slice(start, stop)
        return _EventChunk(
            self.events.slice(start, stop), self.ends[part], self.types[part], self.answers[part]
        )


def _read_events(use_case: UseCase) -> Iterator[_EventChunk]:
    """Everything that says something in the use case, oldest first.

    None is marked as a success: which are depends on the moment that is asked about.
    """
    columns = ("user_id", "item_id", "weight", "type", "withdrawn_at", _answers(use_case))
    for rows in in_time_order(_informative(use_case), "occurred_at", *columns, chunk=_EVENTS):
        moments, _, user_ids, item_ids, weights, types, withdrawn, answers = zip(*rows, strict=True)
        events = Events(
            user_ids=np.array(user_ids, dtype=np.int64),
            item_ids=np.array(item_ids, dtype=np.int64),
            weights=np.array(weights, dtype=np.float32),
            times=np.array([moment.timestamp() for moment in moments]),
            relevant=np.zeros(len(rows), dtype=np.bool_),
        )
        ends = np.array([np.inf if end is None else end.timestamp() for end in withdrawn])
        yield _EventChunk(events, ends, np.array(types, dtype=np.str_), np.array(answers, dtype=np.bool_))


def _answers(use_case: UseCase) -> "ExpressionWrapper[Q]":
    """True for an act with a slot of a list of the use case, but for a second yes or no to the same slot."""
    before = UserInteraction.objects.filter(
        TEACHES,
        Q(occurred_at__lt=OuterRef("occurred_at"))
        | Q(occurred_at=OuterRef("occurred_at"), pk__lt=OuterRef("pk")),
        recommendation_session=OuterRef("recommendation_session"),
        item=OuterRef("item"),
    )
    of_list = Q(recommendation_session__use_case=use_case.name)
    of_list &= ~Q(recommendation_session__method__in=[SEARCH, PRUNED])
    again = Q(Exists(before.filter(weight__gt=0.0)), weight__gt=0.0) | Q(
        Exists(before.filter(weight__lt=0.0)), weight__lt=0.0
    )
    return ExpressionWrapper(of_list & ~again, output_field=BooleanField())


def _informative(use_case: UseCase) -> QuerySet[UserInteraction]:
    # An act withdrawn later stood until then. One that is said to have happened before the list that it came
    # from was shown could not have been known when that list was shown.
    possible = Q(recommendation_session=None) | Q(occurred_at__gte=F("recommendation_session__created_at"))
    return UserInteraction.objects.filter(TEACHES, possible, said_in(use_case))
