"""Tastes of people at moments of the past, to evaluate models as they would have served then."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from catalog.models import ItemFacet
from interactions.selectors import telling_interactions
from profiles.boosts import personal_alpha
from profiles.log import current_rules
from profiles.reduction import (
    CODES,
    NAMED,
    TITLE_ONLY,
    Event,
    ItemFacets,
    Rules,
    no_taste,
    reduce_events,
    without_looks,
)
from profiles.selectors import PersonalTaste

# Items whose facets are asked for at once; databases take so many parameters.
_AT_ONCE = 5_000
_SAID = ("dislike__reason", "dislike__about_id", "dislike__title_only")


@dataclass(frozen=True, slots=True)
class DatedEvent:
    """An interaction as the reduction reads it, with what was acted on and when (seconds since 1970)."""

    item_id: int
    time: float
    event: Event


class HistoricalTastes:
    """Tastes made anew from the log up to a moment; each person's log and each item's facets are read once.

    Resets are passed over: what a person wanted forgotten later was believed of them at the time.
    """

    def __init__(self) -> None:
        self._rules: Rules = current_rules()
        self._logs: dict[int, list[DatedEvent]] = {}
        self._facets: dict[int, ItemFacets] = {}
        self._tastes: dict[tuple[int, float, frozenset[int]], PersonalTaste] = {}

    def at(self, user_id: int, moment: float, also: Collection[int] = ()) -> PersonalTaste:
        """The taste from everything before `moment` (seconds since 1970).

        also  items whose interactions of that very moment count as well: where a person's history is cut
              between things that happened at one time, the cut is not between moments
        """
        known = frozenset(also)
        key = (user_id, moment, known)
        if key not in self._tastes:
            told = [
                (one.item_id, one.event)
                for one in self._log(user_id)
                if one.time < moment or (one.time == moment and one.item_id in known)
            ]
            events = without_looks(told, {item_id for item_id, event in told if event.weight < 0.0})
            # Names are for people to read, and would be most of what is kept.
            taste = replace(reduce_events(no_taste(), events, self._rules), names={})
            self._tastes[key] = PersonalTaste(taste, personal_alpha(taste), (), {})
        return self._tastes[key]

    def _log(self, user_id: int) -> list[DatedEvent]:
        if user_id not in self._logs:
            self._logs[user_id] = read_dated_events(user_id, self._facets)
        return self._logs[user_id]


def read_dated_events(user_id: int, known: dict[int, ItemFacets]) -> list[DatedEvent]:
    """All that a person did and that stands, in the order of the reduction: two queries.

    Facets of items that are in `known` are not read again, and what is read is put there.
    """
    rows = list(
        telling_interactions()
        .filter(user_id=user_id)
        .order_by("occurred_at", "pk")
        .values_list("pk", "item_id", "type", "weight", "rating", "occurred_at", *_SAID)
    )
    met = {item_id for _, item_id, *_ in rows}
    known |= dict.fromkeys(met - known.keys(), ()) | _facets_of(met - known.keys())
    return [
        DatedEvent(
            item_id,
            occurred_at.timestamp(),
            Event(
                pk,
                type_name,
                weight,
                rating is not None,
                TITLE_ONLY if title_only else NAMED if about else reason or "",
                tuple(facet for facet in known[item_id] if about in (None, facet[0])),
            ),
        )
        for pk, item_id, type_name, weight, rating, occurred_at, reason, about, title_only in rows
    ]


def _facets_of(item_ids: set[int]) -> dict[int, ItemFacets]:
    wanted = sorted(item_ids)
    found: dict[int, list[tuple[int, int, str]]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        links = ItemFacet.objects.filter(
            item_id__in=wanted[start : start + _AT_ONCE], facet__kind__in=CODES
        ).order_by()
        for item_id, facet_id, kind, name in links.values_list(
            "item_id", "facet_id", "facet__kind", "facet__name"
        ):
            found.setdefault(item_id, []).append((facet_id, CODES[kind], name))
    return {item_id: tuple(of_item) for item_id, of_item in found.items()}
