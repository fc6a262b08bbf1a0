"""Counts the noes that clear a list of a topic, each said to the first title of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from core.arrays import Doubles
from core.errors import HeedError
from core.progress import Progress
from experiments.responsiveness.forms import Form, Refusal, topical_forms
from experiments.responsiveness.report import SCRUBBED, Scrubbing
from experiments.responsiveness.world import LENGTH, World, nothing_kept
from ranking.statistics.metrics import bootstrap_interval, ratio_bootstrap_interval

MOST_NOES = 15
SHOWN_AFTER = (1, 2, 3, 5, 10, 15)


def scrub_topics(world: World, user_ids: Sequence[int], now: datetime, progress: Progress) -> list[Scrubbing]:
    """The speed at which topical forms clear these lists of the category that most of each has."""
    forms = topical_forms()
    found: dict[str, list[list[int]]] = {form.name: [] for form in forms}
    progress.begin(len(user_ids), "people")
    for user_id in user_ids:
        for form in forms:
            counts = _scrub(world, user_id, form, now)
            if counts:
                found[form.name].append(counts)
        progress.advance()
    return [_figures(form, np.array(found[form.name], dtype=np.float64)) for form in forms]


def _scrub(world: World, user_id: int, form: Form, now: datetime) -> list[int]:
    """Titles of the topic in the list after 0, 1, … MOST_NOES noes; empty where there is no topic."""
    try:
        with nothing_kept():
            shown = world.list_of(user_id, now)[:LENGTH]
            topics = Counter(facet for item_id in shown for facet in world.categories_of(item_id))
            if not topics:
                return []
            topic = max(topics, key=lambda facet: (topics[facet], -facet))
            counts = [topics[topic]]
            for _ in range(MOST_NOES):
                refused = next((one for one in shown if topic in world.categories_of(one)), None)
                if refused is not None and counts[-1] > SCRUBBED * counts[0]:
                    form.say(Refusal(user_id, world.use_case, tuple(shown), refused, now))
                    shown = world.list_of(user_id, now)[:LENGTH]
                counts.append(sum(topic in world.categories_of(one) for one in shown))
            return counts
    except HeedError:
        return []


def _figures(form: Form, counts: Doubles) -> Scrubbing:
    """counts  (p, 1 + MOST_NOES)."""
    if not len(counts):
        return Scrubbing(form.name, form.label, 0, MOST_NOES, None, None, {})
    rng = np.random.default_rng(0)
    clear = counts <= SCRUBBED * counts[:, :1]
    cleared = np.array(clear.any(axis=1), dtype=np.float64)
    needed = np.where(cleared > 0.0, clear.argmax(axis=1), np.inf)
    median = float(np.median(needed))
    return Scrubbing(
        form=form.name,
        label=form.label,
        people=len(counts),
        most=MOST_NOES,
        noes=median if np.isfinite(median) else None,
        scrubbed=bootstrap_interval(cleared, rng=rng),
        remaining={
            after: ratio_bootstrap_interval(counts[:, after], counts[:, 0], rng=rng) for after in SHOWN_AFTER
        },
    )
