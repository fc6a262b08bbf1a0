"""The top of the admin's first page: is it healthy, what serves, is it getting better, what needs a person.

Eight queries at the most, however much there is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.timesince import timesince

from console.addresses import alerts_address, dislikes_to_review_address, versions_address
from console.models import Alert
from console.selectors.feedback import Period
from console.selectors.serving import (
    Rates,
    count_lists,
    get_activation_times,
    get_rates,
    get_rejected_versions,
)
from console.tiles import NOTHING, Tile
from core.domain import USE_CASES, UseCase
from feedback.selectors import dislikes_to_review
from feedback.training import get_retrainings
from ranking.models import ModelVersion
from serving.live import ServingState, get_state

# With fewer slots seen a rate says nothing yet.
LEAST_SEEN = 100


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person, with the page or the command that deals with it.

    `tone` is "worse" where lists suffer.
    """

    text: str
    address: str = ""
    command: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """The models that make the lists of one use case, and the number of lists in the last day."""

    label: str
    items: int
    versions: str
    since: str
    lists: int
    address: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The four answers in short, then in full what serves and what waits."""

    tiles: tuple[Tile, ...]
    serving: tuple[Serving, ...]
    needs: tuple[Need, ...]


def get_overview(*, period: Period, with_dislikes: bool, now: datetime | None = None) -> Overview:
    """The overview, compared over `period`. `with_dislikes`: whether the reader may see dislikes."""
    now = now or timezone.now()
    states = {use_case: get_state(name) for name, use_case in USE_CASES.items()}
    serving = tuple(_serving(states, now))
    needs = (*_alerts(), *_model_needs(states), *_rejected(), *(_feedback_needs() if with_dislikes else ()))
    before = Period(period.days, period.since - timedelta(days=period.days), period.since)
    tiles = (
        _health(states),
        _what_serves(states, serving),
        better_or_worse(get_rates(period), get_rates(before), period.days),
        Tile("Needs you", str(len(needs)), "listed below" if needs else "nothing waits for a person"),
    )
    return Overview(tiles, serving, needs)


def better_or_worse(now: Rates, before: Rates, days: int) -> Tile:
    """Compares the shares taken up and turned down with those of the `days` before."""
    name = "Getting better?"
    if now.seen < LEAST_SEEN:
        return Tile(name, NOTHING, f"too early to say: {now.seen:,} slots seen, {LEAST_SEEN} are needed")
    figures = f"{now.taken:.1%} of what was seen was taken up, {now.disliked:.1%} turned down"
    if before.seen < LEAST_SEEN:
        return Tile(name, NOTHING, f"{figures}; nothing to compare in the {days} days before")
    note = f"{figures}; in the {days} days before {before.taken:.1%} and {before.disliked:.1%}"
    gains = [now.taken - before.taken, before.disliked - now.disliked]
    if max(gains) > 0.0 and min(gains) >= 0.0:
        return Tile(name, "Yes", note, "better")
    if min(gains) < 0.0 and max(gains) <= 0.0:
        return Tile(name, "No", note, "worse")
    return Tile(name, "Yes and no" if any(gains) else "As before", note)


def _health(states: Mapping[UseCase, ServingState]) -> Tile:
    broken = ", ".join(use_case.label for use_case, state in states.items() if state.problem)
    if broken:
        return Tile("Healthy?", "Degraded", f"a model cannot be used: {broken}", "worse")
    items = sum(
        {use_case.kind: len(state.usual.catalog.item_ids) for use_case, state in states.items()}.values()
    )
    return Tile("Healthy?", "Yes", f"the database answers; {items:,} titles can be shown", "better")


def _what_serves(states: Mapping[UseCase, ServingState], serving: Sequence[Serving]) -> Tile:
    filled = [state for state in states.values() if len(state.usual.catalog.item_ids)]
    learned = sum(bool(state.usual.models.label()) for state in filled)
    lists = sum(row.lists for row in serving)
    if not filled:
        return Tile("What serves?", NOTHING, "there is nothing to recommend yet")
    note = f"kinds of list follow a model; {lists:,} lists made in a day"
    return Tile("What serves?", f"{learned} of {len(filled)}", note)


def _serving(states: Mapping[UseCase, ServingState], now: datetime) -> Iterator[Serving]:
    newest, made = get_activation_times(), count_lists(since=now - timedelta(days=1))
    for use_case, state in states.items():
        since = newest.get(use_case.name)
        yield Serving(
            label=use_case.label,
            items=len(state.usual.catalog.item_ids),
            versions=state.usual.models.label()
            or ("popularity, no model yet" if len(state.usual.catalog.item_ids) else "no titles"),
            since=f"for {timesince(since, now, depth=1)}" if since else "",
            lists=made.get(use_case.name, 0),
            address=versions_address(use_case=use_case.name),
        )


def _alerts() -> Iterator[Need]:
    for alert in Alert.objects.filter(ended_at=None):
        yield Need(alert.text, alerts_address(), tone="worse")


def _model_needs(states: Mapping[UseCase, ServingState]) -> Iterator[Need]:
    if not any(len(state.usual.catalog.item_ids) for state in states.values()):
        yield Need("The catalog is empty. Fill it:", command="import_items FILE")
    for use_case, state in states.items():
        if state.problem:
            address = versions_address(use_case=use_case.name)
            yield Need(f"{use_case.label}: {state.problem}", address, tone="worse")
        elif len(state.usual.catalog.item_ids) and not state.usual.models.label():
            command = f"retrain --use-case {use_case.name}"
            yield Need(f"{use_case.label} go by popularity alone. Train a model:", command=command)


def _rejected() -> Iterator[Need]:
    """The newest model of a kind and use case, where it did not go live: one line for all of them."""
    rejected = get_rejected_versions()
    if rejected:
        more = f" and {len(rejected) - 1} more" if len(rejected) > 1 else ""
        text = f"{rejected[0].label}{more} did not go live. {rejected[0].why}"
        yield Need(text, versions_address(status=ModelVersion.Status.REJECTED))


def _feedback_needs() -> Iterator[Need]:
    waiting = dislikes_to_review().count()
    if waiting:
        noun = "dislike waits" if waiting == 1 else "dislikes wait"
        yield Need(f"{waiting:,} {noun} for review.", dislikes_to_review_address())
    for one in get_retrainings():
        if one.due:
            yield Need(
                f"{USE_CASES[one.use_case].label}: {one.untrained:,} dislikes wait for a new model; "
                f"{one.threshold} ask for one. Let cron train it every night:",
                command=f"retrain --if-needed --use-case {one.use_case}",
            )
