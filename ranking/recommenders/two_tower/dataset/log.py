"""The log, read for the two-tower dataset: a batch of people at a time, each one's acts in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db.models import Case, Count, Q, QuerySet, Value, When

from catalog.models import ItemFacet
from core.domain import UseCase
from interactions.models import UserInteraction
from interactions.selectors import TEACHES, said_in, telling_interactions
from profiles.models import TasteProfile
from profiles.reduction import CODES, ItemFacets

# So many interactions are held at once, or those of one person where they have more.
BATCH = 10_000
# Databases take so many parameters at once.
_ITEMS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class People:
    """Everybody from the first to the last user id."""

    first: int
    last: int

    @property
    def rows(self) -> Q:
        """The filter of a table with a user for their rows."""
        return Q(user_id__gte=self.first, user_id__lte=self.last)


class Act(NamedTuple):
    """One interaction that stands. A tuple, because there is one for each row of the log.

    time    seconds since 1970
    weight  signed training weight
    reason  of a dislike; "" where there is none
    rank    the rank from which it was done, from 1; 0 where it came from no list
    score   the score that its slot had; None where it came from no list, or that list does not say
    counts  whether it says anything in the use case
    """

    interaction_id: int
    time: float
    item_id: int
    type_name: str
    weight: float
    rating: float | None
    reason: str
    rank: int
    score: float | None
    counts: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The moment of a taste reset: interactions on record by then do not count afterwards."""

    interaction_id: int
    time: float


@dataclass(frozen=True, slots=True)
class PersonLog:
    """All that one person did, in the order of time."""

    user_id: int
    acts: list[Act]
    reset: Reset | None


def acts_that_count(use_case: UseCase, until: datetime) -> QuerySet[UserInteraction]:
    """The active interactions up to `until` that are signals in the use case."""
    return _standing(until).filter(said_in(use_case))


def people_batches(use_case: UseCase, until: datetime) -> list[People]:
    """Batches of people that together hold everybody with an act in the use case.

    One query; what is held are two numbers per person.
    """
    counts = (
        acts_that_count(use_case, until).order_by("user_id").values_list("user_id").annotate(acts=Count("pk"))
    )
    batches: list[People] = []
    size = BATCH
    for user_id, acts in counts.iterator():
        if batches and size + acts <= BATCH:
            batches[-1] = People(batches[-1].first, user_id)
            size += acts
        else:
            batches.append(People(user_id, user_id))
            size = acts
    return batches


def read_people(use_case: UseCase, people: People, until: datetime) -> Iterator[PersonLog]:
    """The logs of the people who have an act that counts: two queries.

    What was withdrawn is left out, and dislikes that staff excluded. A reset after `until` is not known yet.
    """
    resets = {
        user_id: Reset(reset_id, reset_at.timestamp())
        for user_id, reset_id, reset_at in TasteProfile.objects.filter(
            people.rows, reset_at__lte=until
        ).values_list("user_id", "reset_id", "reset_at")
        if reset_at is not None
    }
    rows = (
        _standing(until)
        .filter(people.rows)
        .annotate(counts=Case(When(said_in(use_case), then=Value(value=True)), default=Value(value=False)))
        .order_by("user_id", "occurred_at", "pk")
        .values_list(
            "user_id",
            "pk",
            "occurred_at",
            "item_id",
            "type",
            "weight",
            "rating",
            "dislike__reason",
            "recommendation_rank",
            "recommendation_score",
            "counts",
        )
    )
    for user_id, of_person in groupby(rows.iterator(), key=itemgetter(0)):
        acts = [
            Act(pk, moment.timestamp(), item_id, name, weight, rating, reason or "", rank or 0, score, counts)
            for _, pk, moment, item_id, name, weight, rating, reason, rank, score, counts in of_person
        ]
        if any(act.counts for act in acts):
            yield PersonLog(user_id, acts, resets.get(user_id))


class FacetsOfItems:
    """The facets of items as a taste profile looks at them; each item is looked up once and kept."""

    def __init__(self) -> None:
        self._known: dict[int, ItemFacets] = {}
        # Items share their facets, so each is one tuple, however many items have it.
        self._facets: dict[int, tuple[int, int, str]] = {}

    def look_up(self, item_ids: set[int]) -> None:
        """Reads what is not known yet: one query for every 5,000 items."""
        missing = sorted(item_ids.difference(self._known))
        self._known.update(dict.fromkeys(missing, ()))
        for start in range(0, len(missing), _ITEMS_AT_ONCE):
            rows = (
                ItemFacet.objects.filter(
                    item_id__in=missing[start : start + _ITEMS_AT_ONCE], facet__kind__in=CODES
                )
                .order_by("item_id", "facet_id")
                .values_list("item_id", "facet_id", "facet__kind")
            )
            for item_id, links in groupby(rows.iterator(), key=itemgetter(0)):
                # Nobody reads the names.
                self._known[item_id] = tuple(
                    self._facets.setdefault(facet_id, (facet_id, CODES[kind], ""))
                    for _, facet_id, kind in links
                )

    def of(self, item_id: int) -> ItemFacets:
        """Those of an item that was looked up. Raises KeyError."""
        return self._known[item_id]


def _standing(until: datetime) -> QuerySet[UserInteraction]:
    return telling_interactions().filter(TEACHES, occurred_at__lte=until)
