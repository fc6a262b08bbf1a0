"""A person's own history from another service: its titles found here, and recorded as theirs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.services import lock_person
from catalog.models import Item
from core.domain import ACTIONS, KINDS
from core.errors import InvalidInput
from imports.history_files import Entry, later, read_history_file
from interactions.selectors import active_interactions
from interactions.services import Wanted, record_interactions
from search.matching import Match, WantedTitle, match_titles

_AT_ONCE = 1_000
_YEAR = re.compile(r"\s*\((\d{4})\)\s*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class FoundTitle:
    """One title of a file, and the item that it is here; None where it is none. `doubt` as of a Match."""

    entry: Entry
    item_id: int | None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class FoundHistory:
    """The titles of a file. `what`: the sort of file; `action`: what they say, as the address has it."""

    what: str
    action: str
    titles: tuple[FoundTitle, ...]
    bad_rows: int


@dataclass(frozen=True, slots=True)
class RecordedHistory:
    """The outcome: acts that stand now, and those that changed nothing, or less than what came here later."""

    recorded: int
    unchanged: int


def find_history(data: bytes, name: str) -> FoundHistory:
    """The titles of a file with the items that they are here: one query, where the file has ids.

    Raises BrokenFile, and InvalidInput for what nobody does with any item here.
    """
    file = read_history_file(data, name)
    kinds = _kinds_taking(file.format.action)
    by_id = _items_by_id(file.entries, kinds)
    open_ones = [entry for entry in file.entries if not any(one in by_id for one in entry.ids)]
    wanted = [WantedTitle(entry.names, entry.year, entry.shortened) for entry in open_ones]
    found = dict(zip(map(id, open_ones), match_titles(wanted, kinds), strict=True))
    titles = tuple(
        _title(entry, found[id(entry)])
        if id(entry) in found
        else FoundTitle(entry, next(by_id[one] for one in entry.ids if one in by_id))
        for entry in file.entries
    )
    return FoundHistory(file.format.name, file.format.action, titles, file.bad_rows)


def correct_title(title: FoundTitle, typed: str, action: str) -> FoundTitle:
    """The same title, taken for what a person typed: a title, and perhaps its year in brackets."""
    year = _YEAR.search(typed)
    wanted = WantedTitle((_YEAR.sub("", typed),), int(year[1]) if year else None)
    return _title(title.entry, match_titles([wanted], _kinds_taking(action))[0])


def already_there(*, user_id: int, history: FoundHistory) -> set[int]:
    """The items of which the file says nothing that is not on record: one query."""
    standing = _standing(user_id, history.action, history.titles)
    said = [(one.item_id, one.entry.rating) for one in history.titles if one.item_id is not None]
    return {item for item, rating in said if item in standing and rating in (None, standing[item][0])}


def record_history(*, user_id: int, action: str, titles: Sequence[FoundTitle]) -> RecordedHistory:
    """Records what a file says of its titles that have an item, each as of its moment.

    The same once more changes nothing. What the person said here since stays; a rating from before they
    merely watched it here counts from then. All of it or nothing; the number of queries does not
    depend on the titles but for their thousands. Raises InvalidInput and RoleNeeded.
    """
    kinds, row = _kinds_taking(action), ACTIONS[action]
    with transaction.atomic():
        lock_person(user_id=user_id)
        said = _by_item(titles)
        active = Item.objects.filter(pk__in=said, is_active=True, kind__in=kinds)
        standing = _standing(user_id, action, titles)
        wanted = [
            Wanted(
                item_id=item_id,
                type_name=row.name,
                rating=said[item_id].rating if row.is_rated else None,
                occurred_at=_moment(said[item_id], standing.get(item_id)),
            )
            for item_id in active.order_by("pk").values_list("pk", flat=True)
        ]
        done = [
            one.created and one.interaction.withdrawn_at is None
            for begin in range(0, len(wanted), _AT_ONCE)
            for one in record_interactions(user_id=user_id, wanted=wanted[begin : begin + _AT_ONCE])
        ]
    return RecordedHistory(recorded=sum(done), unchanged=len(done) - sum(done))


def _title(entry: Entry, match: Match | None) -> FoundTitle:
    return FoundTitle(entry, None) if match is None else FoundTitle(entry, match.item_id, match.doubt)


def _kinds_taking(action: str) -> list[str]:
    """The kinds of item with which people do that. Raises InvalidInput where there is none."""
    kinds = [kind.name for kind in KINDS.values() if action in kind.actions]
    if action not in ACTIONS or not kinds:
        raise InvalidInput(f"Nothing here can be marked as {action}, so there is nothing to take.")
    return kinds


def _items_by_id(entries: Iterable[Entry], kinds: Sequence[str]) -> Mapping[str, int]:
    """The items that the catalog has by the very ids of the file: one query, none where it has no ids."""
    ids = {one for entry in entries for one in entry.ids}
    items = Item.objects.filter(external_id__in=ids, kind__in=kinds, is_active=True)
    return dict(items.order_by("-pk").values_list("external_id", "pk")) if ids else {}


def _standing(
    user_id: int, action: str, titles: Iterable[FoundTitle]
) -> dict[int, tuple[float | None, datetime]]:
    """The rating and the moment of what the person said so far, by item: one query."""
    acts = active_interactions().filter(
        user_id=user_id,
        type=ACTIONS[action].name,
        item_id__in={title.item_id for title in titles if title.item_id is not None},
    )
    return {item: (rating, at) for item, rating, at in acts.values_list("item_id", "rating", "occurred_at")}


def _by_item(titles: Iterable[FoundTitle]) -> dict[int, Entry]:
    """The last that the file says of each item: several of its titles may be one item here."""
    said: dict[int, Entry] = {}
    for title in titles:
        if title.item_id is not None:
            entry = title.entry
            said[title.item_id] = later(said[title.item_id], entry) if title.item_id in said else entry
    return said


def _moment(entry: Entry, standing: tuple[float | None, datetime] | None) -> datetime | None:
    if standing is None or standing[0] is not None or entry.rating is None or entry.occurred_at is None:
        return entry.occurred_at
    return max(entry.occurred_at, standing[1] + timedelta(seconds=1))
