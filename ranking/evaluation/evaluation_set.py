"""The evaluation set: everything after a moment, which no model that is compared may have seen."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from django.conf import settings

from core.arrays import Ints
from profiles.selectors import STRANGER, PersonalTaste
from ranking.datasets.impressions import SeenLists, responses_before
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import demand_of
from ranking.statistics.events import Events
from ranking.statistics.lists import ENGAGED, ShownLists
from ranking.statistics.split import Holdout, Person, holdout

# Where too little came since the models learned, this share of the whole log is evaluated on.
EVALUATED_OF_ALL = 0.1
# More people or lists than these are sampled: the intervals are narrow by then, and time is not free.
MAX_PEOPLE = 2000
MAX_LISTS = 2000

TasteAt = Callable[[int, float, Collection[int]], PersonalTaste]
"""(user id, moment, items of which that very moment counts as well) → what was believed of them then."""


def unknown_taste(user_id: int, moment: float, also: Collection[int] = ()) -> PersonalTaste:
    """The taste of a stranger, for everybody."""
    return STRANGER


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSet:
    """The log from `start` on, and what was known before.

    start      seconds since 1970
    people     whom to make lists for, and what they did afterwards; None where there is nobody
    lists      lists shown since, as far as they were seen, without items that the catalog knows no more;
               none where there are no sessions
    events     the whole log, sorted by person and time: the past of each list is read from it
    catalog    the items that were there at `start` or stand in the lists, in the demand of `start`
    found      how many people and lists there were before any were left out by chance
    seen       the lists of any time that people saw
    taste_at   what was believed of people at moments of the past
    """

    start: float
    people: Holdout | None
    lists: ShownLists
    events: Events
    catalog: CatalogSnapshot
    found: tuple[int, int]
    seen: SeenLists
    taste_at: TasteAt = unknown_taste

    @property
    def people_count(self) -> int:
        """The number of people whom lists are made for, or were shown."""
        made_for = np.empty(0, dtype=np.int64) if self.people is None else self.people.user_ids
        return len(np.union1d(made_for, self.lists.user_ids))

    @property
    def people_with_evidence(self) -> int:
        """The number of them who liked anything afterwards, or engaged with anything in a list."""
        made_for = np.empty(0, dtype=np.int64) if self.people is None else self.people.user_ids
        engaged = self.lists.list_of_slot[self.lists.relevance >= ENGAGED]
        return len(np.union1d(made_for, self.lists.user_ids[engaged]))

    def not_there_at(self, moment: float) -> Ints:
        """The ids of the items of the catalog that came after a moment, which no list of then can hold."""
        late: Ints = self.catalog.item_ids[~self.catalog.there_at(moment)]
        return late

    def taste_of(self, person: Person) -> PersonalTaste:
        """The taste of somebody whom lists are made for, from what their history knows."""
        # The history of a newcomer ends within the window, perhaps between things of one moment.
        last = float(person.history.times[-1]) if len(person.history) else self.start
        return self.taste_at(person.user_id, max(last, self.start), person.history.item_ids.tolist())

    def history(self, user_id: int, before: float) -> Events:
        """The events of the person before a moment, oldest first."""
        first, last = np.searchsorted(self.events.user_ids, [user_id, user_id + 1])
        upto = first + np.searchsorted(self.events.times[first:last], before)
        return self.events.slice(int(first), int(upto))


def evaluation_set(
    *,
    events: Events,
    lists: ShownLists,
    catalog: CatalogSnapshot,
    start: float,
    seed: int = 0,
    taste_at: TasteAt = unknown_taste,
) -> EvaluationSet:
    """Cuts the log at `start` (seconds since 1970); `lists` may hold any of before.

    At most MAX_PEOPLE people and MAX_LISTS lists are kept, drawn by `seed`.
    """
    ordered = events.select(np.lexsort((events.item_ids, events.times, events.user_ids)))
    rng = np.random.default_rng(seed)
    training = ordered.before(start)
    end = float(ordered.times.max(initial=start)) + 1.0
    people = holdout(ordered, start, end) if (training.weights > 0).any() else None
    # Nobody could place an item that was taken out since, whichever model knew it.
    shown = lists.keep(catalog.holds(lists.item_ids)).since(start)
    catalog = catalog.met(ordered, lists)
    known = catalog.there_at(start) | np.isin(catalog.item_ids, shown.item_ids)
    item_ids = catalog.item_ids[known]
    demand = demand_of(
        training,
        item_ids,
        half_life_days=settings.POPULARITY_HALF_LIFE_DAYS,
        responses=responses_before(lists, training, item_ids, start),
    )
    catalog = catalog.only(known, demand)
    return EvaluationSet(
        start=start,
        people=people.sample(MAX_PEOPLE, rng) if people is not None and len(people) else None,
        lists=shown.sample(MAX_LISTS, rng),
        events=ordered,
        catalog=catalog,
        found=(0 if people is None else len(people), len(shown)),
        seen=SeenLists.of(lists),
        taste_at=taste_at,
    )
