"""Reads of one item for staff: how often lists showed it, where, and how people responded."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast, TruncWeek

from console.selectors.serving import TAKEN
from core.domain import DISLIKE, USE_CASES
from core.domain.roles import use_cases_of_kind
from interactions.selectors import NOT_ABUSE, active_interactions
from recommendations.models import RecommendationSession
from recommendations.selectors import PRUNED_METHOD

WEEKS = (4, 12, 26)
USUAL_WEEKS = 12
# So many lists of a week are looked through, the newest: no index finds the slots within them.
MOST_LISTS = 2_000
_RANKS = ((1, 1), (2, 3), (4, 10), (11, 20), (21, None))


@dataclass(slots=True)
class Tally:
    """The numbers of times that something was shown, seen, taken up (liked, kept, …) and turned down."""

    shown: int = 0
    seen: int = 0
    taken: int = 0
    disliked: int = 0

    @property
    def response_rate(self) -> float | None:
        """Taken up per time seen; None where nobody saw it."""
        return self.taken / self.seen if self.seen else None

    @property
    def dislike_rate(self) -> float | None:
        """Turned down per time seen; None where nobody saw it."""
        return self.disliked / self.seen if self.seen else None

    def add(self, slot: "_Shown") -> None:
        """Counts one time that it was shown."""
        self.shown += 1
        self.seen += slot.seen
        self.taken += slot.taken
        self.disliked += slot.disliked


@dataclass(slots=True)
class ItemWeek:
    """A week, by its Monday (UTC): the lists that were made, those looked through, and what they held."""

    first: date
    made: int = 0
    looked: int = 0
    tally: Tally = field(default_factory=Tally)


@dataclass(slots=True)
class Place:
    """Lists of one use case into which one source brought the item; `ranks` is the sum of its ranks."""

    use_case: str
    source: str
    tally: Tally = field(default_factory=Tally)
    ranks: int = 0

    @property
    def mean_rank(self) -> float:
        """Its mean rank there."""
        return self.ranks / max(1, self.tally.shown)


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """All of it over the weeks up to now, oldest week first; `ranks` by words such as "4 to 10"."""

    weeks: list[ItemWeek]
    places: list[Place]
    ranks: list[tuple[str, Tally]]
    total: Tally

    @property
    def is_sampled(self) -> bool:
        """True where more lists were made than looked through."""
        return any(week.looked < week.made for week in self.weeks)


@dataclass(slots=True)
class _Shown:
    """One slot that held the item."""

    week: int
    use_case: str
    source: str
    rank: int
    seen: bool
    taken: bool = False
    disliked: bool = False


def get_item_figures(*, item_id: int, kind: str, weeks: int, now: datetime) -> ItemFigures:
    """The figures of an item over `weeks` weeks, the last of which is not over: a query a week, and two."""
    monday = now.astimezone(UTC).date() - timedelta(days=now.astimezone(UTC).weekday())
    found = [ItemWeek(monday - timedelta(weeks=weeks - 1 - number)) for number in range(weeks)]
    since = _start(found[0].first)
    lists = RecommendationSession.objects.filter(
        use_case__in=[one.name for one in use_cases_of_kind(kind)], created_at__gte=since, created_at__lt=now
    ).exclude(method=PRUNED_METHOD)
    made = dict(
        lists.order_by()
        .annotate(week=TruncWeek("created_at", tzinfo=UTC))
        .values_list("week")
        .annotate(count=Count("pk"))
    )
    slots: dict[UUID, _Shown] = {}
    for number, week in enumerate(found):
        start = _start(week.first)
        week.made = made.get(start, 0)
        week.looked = min(week.made, MOST_LISTS)
        of_week = lists.filter(created_at__gte=start, created_at__lt=start + timedelta(weeks=1))
        slots |= dict(_slots_of(item_id, of_week, number)) if week.made else {}
    _respond(slots, item_id, since)
    return _summed(found, slots.values())


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _slots_of(
    item_id: int, lists: QuerySet[RecommendationSession], week: int
) -> Iterator[tuple[UUID, _Shown]]:
    """The slots with the item in the newest of the lists: one query, of which few rows come back."""
    newest = RecommendationSession.objects.filter(
        pk__in=lists.order_by("-created_at").values("pk")[:MOST_LISTS]
    )
    text = newest.annotate(text=Cast("recommendations_shown", TextField()))
    # Both databases write JSON with a blank behind the colon; which slot it is, is looked up below.
    holding = text.filter(
        Q(text__contains=f'"item_id": {item_id},') | Q(text__contains=f'"item_id": {item_id}}}')
    )
    rows = holding.order_by().values_list("pk", "use_case", "seen_rank", "recommendations_shown")
    for pk, use_case, seen_rank, shown in rows.iterator(chunk_size=500):
        for slot in shown:
            if slot["item_id"] == item_id:
                rank = slot["rank"]
                yield pk, _Shown(week, use_case, slot["source"], rank, seen=rank <= seen_rank)


def _respond(slots: dict[UUID, _Shown], item_id: int, since: datetime) -> None:
    """Marks what people did with the item from these lists: one query. Whoever did something saw it."""
    acts = active_interactions().filter(
        NOT_ABUSE, item_id=item_id, occurred_at__gte=since, recommendation_session__isnull=False
    )
    rows = acts.order_by().values_list("recommendation_session_id", "type", "weight")
    for session_id, type_name, weight in rows.iterator(chunk_size=2_000):
        slot = slots.get(session_id)
        if slot is not None:
            slot.seen = True
            slot.taken |= type_name in TAKEN and weight > 0.0
            slot.disliked |= type_name == DISLIKE


def _summed(weeks: list[ItemWeek], slots: Iterable[_Shown]) -> ItemFigures:
    places: dict[tuple[str, str], Place] = {}
    ranks, total = defaultdict[int, Tally](Tally), Tally()
    for slot in slots:
        place = places.setdefault((slot.use_case, slot.source), Place(slot.use_case, slot.source))
        place.ranks += slot.rank
        band = next(number for number, (_, last) in enumerate(_RANKS) if last is None or slot.rank <= last)
        for tally in (weeks[slot.week].tally, place.tally, ranks[band], total):
            tally.add(slot)
    return ItemFigures(
        weeks=weeks,
        places=sorted(places.values(), key=lambda one: (-one.tally.shown, one.use_case, one.source)),
        ranks=[(_words(*_RANKS[band]), ranks[band]) for band in sorted(ranks)],
        total=total,
    )


def _words(first: int, last: int | None) -> str:
    if last is None:
        return f"{first} and below"
    return str(first) if first == last else f"{first} to {last}"


def label_of(use_case: str) -> str:
    """The label of a use case, or its name where heed.toml no longer has it."""
    return USE_CASES[use_case].label if use_case in USE_CASES else use_case
