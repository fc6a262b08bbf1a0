"""Evaluate an order of lists that were really shown, by what people did with them."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Ints, Rows
from ranking.statistics.exposure import PASSED_OVER, draw_seen
from ranking.statistics.metrics import liked_over_disliked, ndcg_at_k

ENGAGED = 2
LIKED = 3
# Draws of which slots of a list were examined.
DRAWS = 10


@dataclass(frozen=True, slots=True, eq=False)
class ShownLists:
    """g lists with n slots in all, list after list, no slot deeper than the deepest seen.

    sizes         (g,) slots of each list, at least 1
    user_ids      (g,) whose list it was
    times         (g,) when it was shown, seconds since 1970
    item_ids      (n,)
    ranks         (n,) from 1, rising within a list
    scores        (n,) what the list was ordered by; NaN where not known
    relevance     (n,) disliked 0, passed over 1, viewed 2, liked 3, applied 4
    propensities  (n,) P(this item here) under the policy that made the list; NaN where not known
    explored      (n,) whether chance put the item there; any other place after the first was as likely
    """

    sizes: Ints
    user_ids: Ints
    times: Doubles
    item_ids: Ints
    ranks: Ints
    scores: Doubles
    relevance: Ints
    propensities: Doubles
    explored: Bools

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def ends(self) -> Ints:
        """(g,): the slot after the last of each list."""
        return np.cumsum(self.sizes)

    @property
    def list_of_slot(self) -> Rows:
        """(n,): the list each slot belongs to."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def depths(self) -> Ints:
        """(g,): the deepest rank in each list."""
        depths = np.zeros(len(self.sizes), dtype=np.int64)
        np.maximum.at(depths, self.list_of_slot, self.ranks)
        return depths

    def take(self, which: Bools) -> "ShownLists":
        """The lists of a mask (g,)."""
        return self._of(which, which[self.list_of_slot], self.sizes[which])

    def keep(self, which: Bools) -> "ShownLists":
        """The slots of a mask (n,), and the lists that have any of them."""
        sizes = np.bincount(self.list_of_slot[which], minlength=len(self)).astype(np.int64)
        return self._of(sizes > 0, which, sizes[sizes > 0])

    def _of(self, lists: Bools, slots: Bools, sizes: Ints) -> "ShownLists":
        return ShownLists(
            sizes=sizes,
            user_ids=self.user_ids[lists],
            times=self.times[lists],
            item_ids=self.item_ids[slots],
            ranks=self.ranks[slots],
            scores=self.scores[slots],
            relevance=self.relevance[slots],
            propensities=self.propensities[slots],
            explored=self.explored[slots],
        )

    def listing_chances(self) -> Doubles:
        """(n,): P(this item anywhere in the list, as deep as it was seen); NaN where not known.

        What a ranking puts into a list stands in one place, so that its chance there is the whole. What is
        explored could stand in any place after the first, each time with the chance that it had where it is.
        """
        places = np.where(self.explored, np.maximum(self.depths[self.list_of_slot] - 1, 1), 1)
        return np.minimum(self.propensities * places, 1.0)

    def since(self, start: float) -> "ShownLists":
        """The lists shown at `start` or later."""
        return self.take(self.times >= start)

    def sample(self, most: int, rng: np.random.Generator) -> "ShownLists":
        """At most so many of the lists, drawn evenly, in their order."""
        if len(self) <= most:
            return self
        which = np.zeros(len(self), dtype=np.bool_)
        which[rng.choice(len(self), size=most, replace=False)] = True
        return self.take(which)


@dataclass(frozen=True, slots=True, eq=False)
class ListsReport:
    """Figures of an order on lists, as means over each person's lists; NaN without anything to evaluate.

    user_ids             (p,) sorted, so that two reports on the same lists can be paired
    ndcg                 (p,) NDCG@k of `engagement_grades`, over lists with something engaged with and
                         something else: where all slots are alike every order is perfect, and says nothing
    liked_over_disliked  (p,) P(a liked item stands above a disliked one), over lists with both
    """

    k: int
    user_ids: Ints
    ndcg: Doubles
    liked_over_disliked: Doubles


def engagement_grades(relevance: Ints) -> Ints:
    """(n,) the relevance r that NDCG of lists is made of, with gain 2^r - 1: viewed 1, liked 2, applied 3.

    What was passed over or turned down has none, so that an order earns nothing by it. Otherwise every order
    of a list of mostly passed over items comes near 1, and orders cannot be told apart
    (docs/decisions/0036-gain-of-shown-lists.md).
    """
    return np.maximum(relevance - PASSED_OVER, 0)


def evaluate_lists(
    sizes: Ints, user_ids: Ints, relevance: Ints, scores: Doubles, *, k: int = 10
) -> ListsReport:
    """Put each list in the order of `scores` (n,), higher first, and compare with what was done.

    `sizes` and `user_ids` are (g,), `relevance` (n,). Equal scores count as the mean over all orders of the
    slots that share them, so that the order in which the slots come, which is that in which they were shown,
    tells nothing. Raises ValueError unless there is a score for each slot, and none is NaN.
    """
    if len(scores) != len(relevance) or int(sizes.sum()) != len(relevance):
        raise ValueError("There must be one score for each slot.")
    if np.isnan(scores).any():
        raise ValueError("A score must be a number; -inf puts a slot last.")
    people, person = np.unique(user_ids, return_inverse=True)
    return ListsReport(
        k=k,
        user_ids=people,
        ndcg=_mean_per_person(_ndcg(sizes, relevance, scores, k), person, len(people)),
        liked_over_disliked=_mean_per_person(_orders(sizes, relevance, scores), person, len(people)),
    )


def evaluate_examined_lists(
    sizes: Ints,
    user_ids: Ints,
    ranks: Ints,
    relevance: Ints,
    chances: Doubles,
    scores: Doubles,
    *,
    k: int = 10,
) -> ListsReport:
    """As `evaluate_lists`, but not blaming an order for what was passed over without being examined.

    chances  (n,) P(a slot of that rank is examined), as of `ranking.statistics.exposure.examination`

    As logged, what stands high was examined more, and so looks better: the order that made the list would
    win against any other. So each list is evaluated in DRAWS draws of which slots were examined, the same for
    every order.
    """
    rng = np.random.default_rng(0)
    draws = [draw_seen(sizes, ranks, relevance, chances, rng) for _ in range(DRAWS)]
    return evaluate_lists(
        np.concatenate([left for _, left in draws]),
        np.tile(user_ids, DRAWS),
        np.concatenate([relevance[kept] for kept, _ in draws]),
        np.concatenate([scores[kept] for kept, _ in draws]),
        k=k,
    )


def _ndcg(sizes: Ints, relevance: Ints, scores: Doubles, k: int) -> Doubles:
    """(g,) NaN for a list in which nothing was engaged with, or in which all slots are alike."""
    if not len(relevance):
        return np.full(len(sizes), np.nan)
    relevance = engagement_grades(relevance)
    lists = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((-scores, lists))
    place = np.arange(len(lists)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    shape = (len(sizes), int(sizes.max()))
    ranked, grades = np.zeros(shape), np.zeros(shape)
    grades[lists, place] = relevance
    ranked[lists, place] = _shared_relevance(lists, scores[order], relevance[order])
    values = ndcg_at_k(ranked, grades, k=k)
    lowest = np.full(len(sizes), np.inf)
    np.minimum.at(lowest, lists, relevance)
    highest = grades.max(axis=1)
    values[(highest == 0) | (highest == lowest)] = np.nan
    return values


def _shared_relevance(lists: Rows, scores: Doubles, relevance: Ints) -> Doubles:
    """(n,): the relevance with the mean gain of the slots of the list that share the score.

    All (n,), sorted by list and score. So the gain of a rank is its mean over the orders of a tie; McSherry
    and Najork 2008.
    """
    starts = np.ones(len(scores), dtype=np.bool_)
    starts[1:] = (lists[1:] != lists[:-1]) | (scores[1:] != scores[:-1])
    tie = np.cumsum(starts) - 1
    gains = np.bincount(tie, np.exp2(relevance) - 1) / np.bincount(tie)
    shared: Doubles = np.log2(gains + 1)[tie]
    return shared


def _orders(sizes: Ints, relevance: Ints, scores: Doubles) -> Doubles:
    """(g,) NaN for a list without both a liked and a disliked item."""
    values = np.full(len(sizes), np.nan)
    ends = np.cumsum(sizes)
    lists = np.repeat(np.arange(len(sizes)), sizes)
    liked, disliked = relevance >= LIKED, relevance == 0
    likes = np.bincount(lists, liked, minlength=len(sizes))
    dislikes = np.bincount(lists, disliked, minlength=len(sizes))
    for row in np.flatnonzero((likes > 0) & (dislikes > 0)).tolist():
        part = slice(int(ends[row] - sizes[row]), int(ends[row]))
        values[row] = liked_over_disliked(scores[part][liked[part]], scores[part][disliked[part]])
    return values


def _mean_per_person(values: Doubles, person: Ints, people: int) -> Doubles:
    defined = ~np.isnan(values)
    sums = np.bincount(person[defined], values[defined], minlength=people)
    counts = np.bincount(person[defined], minlength=people)
    means = np.full(people, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
