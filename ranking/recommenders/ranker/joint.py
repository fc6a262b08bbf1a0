"""A ranker of lists that were shown and of lists made up from the log: the former are learned from first.

Only what was shown says what is better of good items, and only what is made up says what makes all the rest
of the catalog worse. Learned from at once, each tree is a compromise of both. So the first trees are of what
was shown alone, and those after them, of all lists, correct what they say of the rest. Measured in
docs/research/recommenders-measured.md.
"""

from dataclasses import dataclass, replace

from ranking.recommenders.ranker.model import Ranker, RankerData, RankerParameters, fit_ranker


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """The lists that a ranker learns from.

    lists   all of them
    first   trees of those that were shown, which those of all lists correct; None where nothing was made up,
            or what was shown teaches no order
    """

    lists: RankerData
    first: Ranker | None = None

    @classmethod
    def of(
        cls, shown: RankerData, beside: RankerData | None, parameters: RankerParameters, *, seed: int
    ) -> "Lessons":
        """The lessons of lists that were shown and of others `beside` them.

        The first trees, which `parameters` are of, are among them.
        """
        if beside is None or not len(beside):
            return cls(shown)
        first = fit_ranker(shown, None, parameters, seed=seed) if shown.can_teach_order else None
        return cls(with_lists_beside(shown, beside), first)

    @property
    def trees_before(self) -> int:
        """The number of the first trees."""
        return 0 if self.first is None else self.first.booster.num_trees()


def with_lists_beside(shown: RankerData, beside: RankerData) -> RankerData:
    """The lists of both, those `beside` first, which weigh less the more they outweigh what was shown.

    A list that is made up holds hundreds of candidates, so that some thousand would decide alone what is
    learned. Their weights are multiplied by sqrt(weight of all that was shown / weight of all beside), where
    that is below 1: between all lists as they come and an equal say of both sorts. Measured in
    docs/research/recommenders-measured.md.
    """
    share = float(shown.weights.sum() / beside.weights.sum())
    lighter = replace(beside, weights=beside.weights * min(1.0, share**0.5))
    return RankerData.join([lighter, shown])
