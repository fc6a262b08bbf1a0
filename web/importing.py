"""One's own history from another service: a file, what was found of it here, and then the record.

Nothing is kept between the two steps. What was found goes out with the page, signed, and comes back with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.selectors import caller
from catalog.selectors import ItemCard, get_cards
from core.domain import ACTIONS
from core.errors import HeedError
from imports.history_files import Entry
from imports.history_formats import WATCHED
from search.histories import (
    FoundHistory,
    FoundTitle,
    already_there,
    correct_title,
    find_history,
    record_history,
)

_SALT = "heed.history-import"
_KEPT_SECONDS = 24 * 3600
_LONGEST_TYPED = 200
# Of what is not here so many can be corrected; a catalog of another kind lacks thousands.
_UNKNOWN_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One title of the file as it stands on the page.

    number          its place in the file
    has_other_name  the file does not call it as it is called here
    """

    number: int
    found: FoundTitle
    item: ItemCard | None
    is_taken: bool
    is_known: bool
    has_other_name: bool
    typed: str = ""

    @property
    def group(self) -> str:
        """The part of the page in which it stands."""
        if self.item is None:
            return "unknown"
        if self.is_known:
            return "known"
        return "doubtful" if self.found.doubt else "sure"


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def import_history(request: HttpRequest) -> HttpResponseBase:
    """Asks for a file, shows what of it is here, and records what the person confirms."""
    if WATCHED not in ACTIONS:
        raise Http404
    if request.method != "POST":
        return _form(request)
    try:
        return _confirm(request) if "found" in request.POST else _show_file(request)
    except HeedError as error:
        return _form(request, error.message)
    except signing.BadSignature:
        return _form(request, "That page is too old by now. Choose the file once more.")


def _form(request: HttpRequest, error: str = "") -> HttpResponse:
    most = f"{settings.FILE_UPLOAD_MAX_MEMORY_SIZE / 1e6:g} MB"
    return render(
        request, "web/history_import.html", {"error": error, "most": most}, status=400 if error else 200
    )


def _show_file(request: HttpRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if file is None or file.name is None:
        # A file above the limit was read past, and is not there.
        is_large = int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        return _form(
            request, "That file is too large. Cut it into several." if is_large else "Choose a file first."
        )
    return _show(request, find_history(file.read(), file.name), None, {})


def _confirm(request: HttpRequest) -> HttpResponseBase:
    """Records what is ticked; where a title was typed, shows what it is first."""
    user_id = caller(request).pk
    history = _open(request.POST["found"], user_id)
    places = {str(number): number for number in range(len(history.titles))}
    taken = {places[text] for text in request.POST.getlist("take") if text in places}
    typed = _typed(request.POST, len(history.titles))
    if typed:
        titles = list(history.titles)
        for number, text in typed.items():
            titles[number] = correct_title(titles[number], text, history.action)
            taken.discard(number)
            if titles[number].item_id is not None and not titles[number].doubt:
                taken.add(number)
        corrected = FoundHistory(history.what, history.action, tuple(titles), history.bad_rows)
        return _show(request, corrected, taken, typed)
    chosen = [title for number, title in enumerate(history.titles) if number in taken]
    done = record_history(user_id=user_id, action=history.action, titles=chosen)
    messages.success(request, _recorded_sentence(done.recorded, done.unchanged))
    return redirect("history")


def _recorded_sentence(recorded: int, unchanged: int) -> str:
    new = f"{recorded:,} title{'' if recorded == 1 else 's'} added to what you did."
    return f"{new} {unchanged:,} stood there already." if unchanged else new


def _typed(sent: Mapping[str, Any], titles: int) -> dict[int, str]:
    """The corrections, by the number of their title."""
    given = {number: str(sent.get(f"is-{number}", "")).strip()[:_LONGEST_TYPED] for number in range(titles)}
    # The page asks for no more; each is looked up in all titles.
    return dict(islice(((number, text) for number, text in given.items() if text), _UNKNOWN_SHOWN))


def _show(
    request: HttpRequest, history: FoundHistory, taken: set[int] | None, typed: Mapping[int, str]
) -> HttpResponse:
    """The page of a file's titles: three queries, however many they are."""
    user_id = caller(request).pk
    groups: dict[str, list[Line]] = {name: [] for name in ("sure", "doubtful", "known", "unknown")}
    for line in _lines(user_id, history, taken, typed):
        groups[line.group].append(line)
    context = {
        "what": history.what,
        "said": ACTIONS[history.action].done.lower(),
        "bad_rows": history.bad_rows,
        "total": len(history.titles),
        **groups,
        "unknown": groups["unknown"][:_UNKNOWN_SHOWN],
        "unknown_more": max(0, len(groups["unknown"]) - _UNKNOWN_SHOWN),
        "found": _sealed(history, user_id),
    }
    return render(request, "web/history_found.html", context)


def _lines(
    user_id: int, history: FoundHistory, taken: set[int] | None, typed: Mapping[int, str]
) -> list[Line]:
    cards = get_cards({title.item_id for title in history.titles if title.item_id is not None})
    known = already_there(user_id=user_id, history=history)
    return [
        Line(
            number=number,
            found=title,
            item=cards.get(title.item_id or 0),
            is_taken=number in taken if taken is not None else not title.doubt,
            is_known=title.item_id in known,
            has_other_name=_is_called_otherwise(title, cards.get(title.item_id or 0)),
            typed=typed.get(number, ""),
        )
        for number, title in enumerate(history.titles)
    ]


def _is_called_otherwise(title: FoundTitle, item: ItemCard | None) -> bool:
    said = title.entry
    return item is None or (said.title.casefold(), said.year) != (item.title.casefold(), item.year)


def _sealed(history: FoundHistory, user_id: int) -> str:
    """The titles that were found, signed for this person."""
    rows = [
        [
            one.entry.title,
            one.entry.year,
            one.entry.rating,
            one.entry.occurred_at and one.entry.occurred_at.isoformat(),
            one.item_id,
            one.doubt,
        ]
        for one in history.titles
    ]
    values = [user_id, history.what, history.action, history.bad_rows, rows]
    return signing.dumps(values, salt=_SALT, compress=True)


def _open(sealed: str, user_id: int) -> FoundHistory:
    """The opposite. Raises BadSignature, also for what was another person's."""
    owner, what, action, bad_rows, rows = signing.loads(sealed, salt=_SALT, max_age=_KEPT_SECONDS)
    if owner != user_id:
        raise signing.BadSignature
    titles = tuple(
        FoundTitle(Entry((title,), year, rating, at and datetime.fromisoformat(at)), item_id, doubt)
        for title, year, rating, at, item_id, doubt in rows
    )
    return FoundHistory(what, action, titles, bad_rows)
