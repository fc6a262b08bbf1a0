"""Popularity of items: the demand for each, held against what people who know it say. Pure arrays."""

from core.arrays import Doubles

# An item is taken to be approved as often as all items together, with the weight of so many verdicts.
APPROVAL_PRIOR = 5.0
# The half-lives in days of the demand of late.
TREND_DAYS = (1.0, 7.0, 30.0)
# The half-lives in days of responses to what was shown: in the long run, and of late.
RESPONSE_DAYS = (90.0, 7.0)
# The share of approvals where nobody judged anything yet.
NO_VERDICTS = 0.5


def approval_of(approvals: Doubles, dislikes: Doubles) -> Doubles:
    """The share of approvals among the verdicts on each item, (n,), drawn to that of all items."""
    verdicts = approvals + dislikes
    total = float(verdicts.sum())
    average = float(approvals.sum()) / total if total else NO_VERDICTS
    shares: Doubles = (approvals + APPROVAL_PRIOR * average) / (verdicts + APPROVAL_PRIOR)
    return shares


def popularity_of(demand: Doubles, approval: Doubles) -> Doubles:
    """The popularity of each item (n,) in [0, 1]: demand × approval, over the greatest of these products.

    demand    (n,) decayed weight of what speaks for it, 0 or more, to any scale
    approval  (n,) as of `approval_of`
    """
    wanted: Doubles = demand * approval
    highest = float(wanted.max(initial=0.0))
    return wanted / highest if highest > 0 else wanted
