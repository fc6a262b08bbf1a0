"""The reason in words why few people can be evaluated, or nobody."""

import numpy as np

from ranking.datasets.shortage import moment_text
from ranking.evaluation.evaluation_set import EvaluationSet

_WAIT = "Wait for more feedback."


def why_few(data: EvaluationSet) -> str:
    """The first true reason for having few people or nobody to evaluate on, and what helps."""
    events, start = data.events, moment_text(data.start)
    before, since = events.times < data.start, events.times >= data.start
    successes = since & events.relevant
    if not len(events):
        return "Nobody did anything that counts."
    if (events.times == events.times[0]).all():
        return (
            f"All {len(events):,} interactions have one and the same moment, so nothing came after anything; "
            "import them with the times at which they happened."
        )
    if not since.any():
        return f"Nobody did anything since {start}. {_WAIT}"
    if not (events.weights[before] > 0).any():
        return (
            f"Nothing that happened before {start} speaks for an item, so there is nothing to go by. {_WAIT}"
        )
    if not len(data.catalog.item_ids):
        return f"No item that is active now was there at {start}."
    if not successes.any():
        count = f"None of the {int(since.sum()):,} interactions since {start} counts as a success"
        if events.relevant.any():
            return f"{count}, though earlier ones do. {_WAIT}"
        return f"{count}, and none before either. {_WAIT}"
    people = len(np.unique(events.user_ids[successes]))
    return (
        f"Since {start} {people:,} had a success, which counts where something was known of them and "
        f"the item is new to them. {_WAIT}"
    )
