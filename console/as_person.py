"""A page for staff on one person: their list slot by slot, and why a title is not in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.selectors import caller, open_use_case
from catalog.models import Item
from console.selectors.items import label_of
from console.selectors.people import items_meant, last_dislikes, last_lists, list_of, titles_of, top_facets
from console.supposing import asks_what_if, read_supposition, suppose
from core.admin import log_look
from core.domain import DEFAULT_KIND, USE_CASES, UseCase
from core.domain.words import listed
from profiles.selectors import get_taste
from recommendations.models import RecommendationSession
from serving.looking import Look, look, why_not
from serving.pipeline import DEFAULT_LIMIT, ServedSlot

PERMISSION = "recommendations.view_as_person"
_WHY = {"exploration": "chance", "pin": "pinned by staff"}


@dataclass(frozen=True, slots=True)
class Row:
    """One slot in words; what a stored list does not keep is empty."""

    rank: int
    item_id: int
    title: str
    source: str
    place: str
    base_score: str
    factors: str
    score: str
    why: str


@require_GET
def as_person(request: HttpRequest, user_id: int) -> HttpResponse:
    """The page of a person for those with the permission. Each look is kept in the admin's log."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    person = get_object_or_404(User, pk=user_id)
    session = _session(person, request.GET.get("session", ""))
    use_case = _use_case(person, request.GET.get("use_case", ""))
    _log(caller(request).pk, person, session, use_case, is_supposed=asks_what_if(request.GET))
    text = request.GET.get("title", "").strip()
    meant = items_meant(text)
    item = _one_of(meant, text)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"As {person}",
        "person": person,
        "session": session,
        "use_case": use_case,
        "use_cases": _open(person),
        "text": text,
        "item": item,
        "others": [one for one in meant if one != item],
        "lists": [(one, label_of(one.use_case)) for one in last_lists(person.pk)],
        "dislikes": last_dislikes(person.pk),
    }
    if session is None:
        asked = read_supposition(request.GET, person.pk, use_case)
        compared = suppose(asked, person.pk, use_case)
        found = compared.now if compared else look(user_id=person.pk, use_case=use_case, limit=DEFAULT_LIMIT)
        more = {
            "supposed": asked,
            "compared": compared,
            "rows": _rows_now(found),
            "made_by": (found.served.method_used, found.served.model_version, found.served.experiment_arm),
            "rules": found.served.rules,
            "answers": [] if item is None else why_not(found, item),
            "facets": top_facets(found.request.person.taste.taste),
        }
    else:
        more = {
            "rows": _rows_then(session),
            "made_by": (session.method, session.model_version, session.experiment_arm),
            "rules": session.rules,
            "answers": [] if item is None else _why_not_then(session, item),
            "facets": top_facets(get_taste(person.pk).taste),
        }
    return render(request, "admin/as_person.html", context | more)


def _open(person: User) -> list[UseCase]:
    return [one for one in USE_CASES.values() if one.role in (None, *person.roles)]


def _use_case(person: User, name: str) -> UseCase:
    """The use case of that name, whose lists the person may have; the usual one for no name."""
    if not name:
        return open_use_case(person, DEFAULT_KIND)
    found = next((one for one in _open(person) if one.name == name), None)
    if found is None:
        raise Http404
    return found


def _session(person: User, text: str) -> RecommendationSession | None:
    """The list of the person that an address names; None where it names none."""
    if not text:
        return None
    try:
        found = list_of(person.pk, UUID(text))
    except ValueError:
        raise Http404 from None
    if found is None:
        raise Http404
    return found


def _log(
    staff_id: int,
    person: User,
    session: RecommendationSession | None,
    use_case: UseCase,
    *,
    is_supposed: bool = False,
) -> None:
    what = f"their list {session.pk}" if session else f"their list of now ({use_case.name})"
    if is_supposed and session is None:
        what += " and as it would be"
    log_look(staff_id, person, f"{what}, their taste and their dislikes")


def _one_of(meant: list[Item], text: str) -> Item | None:
    """The item that is meant: that of the id, the only one, or the only one with just this title."""
    if len(meant) == 1 or (meant and str(meant[0].pk) == text.lstrip("0")):
        return meant[0]
    exact = [one for one in meant if one.title.casefold() == text.casefold()]
    return exact[0] if len(exact) == 1 else None


def _rows_now(found: Look) -> list[Row]:
    shown = found.ordered
    brought = dict(
        zip(
            shown.item_ids.tolist(),
            zip(shown.source_ranks.tolist(), shown.source_scores.tolist(), strict=True),
            strict=True,
        )
    )
    return [
        Row(
            rank=slot.rank,
            item_id=slot.item.id,
            title=slot.item.title,
            source=slot.source,
            place="{} ({:.3f})".format(*brought[slot.item.id]),
            base_score=f"{slot.base_score:.3f}",
            factors=_factors(slot),
            score=f"{slot.score:.3f}",
            why=slot.why,
        )
        for slot in found.served.slots
    ]


def _factors(slot: ServedSlot) -> str:
    """The factors of a base score in words, without those that change nothing."""
    boost = slot.boost
    said = [f"+{100 * part:.1f} % {kind}" for kind, part in boost.parts.items() if part]
    said += [f"× {boost.penalty:.3f} dislikes"] if boost.penalty != 1.0 else []
    said += [f"× {boost.seen:.3f} seen or known"] if boost.seen != 1.0 else []
    said += [f"× {boost.curated:.3f} rules of staff"] if boost.curated != 1.0 else []
    return ", ".join(filter(None, [*said, _by_rules(slot.rules)]))


def _by_rules(rule_ids: Sequence[int]) -> str:
    """The rules of staff that acted on a slot, by their numbers."""
    return f"rule {listed([str(one) for one in rule_ids])}" if rule_ids else ""


def _rows_then(session: RecommendationSession) -> list[Row]:
    """The slots as they are on record: with the factor in all, which is score over base score."""
    slots = session.recommendations_shown
    titles = titles_of(slot["item_id"] for slot in slots)
    return [
        Row(
            rank=slot["rank"],
            item_id=slot["item_id"],
            title=titles.get(slot["item_id"], f"item {slot['item_id']}, deleted since"),
            source=slot["source"],
            place=str(slot["source_rank"] or ""),
            base_score=f"{slot['base_score']:.3f}",
            factors=", ".join(
                filter(
                    None,
                    [
                        f"× {slot['score'] / slot['base_score']:.3f} in all" if slot["base_score"] else "",
                        _by_rules(slot.get("rules", ())),
                    ],
                )
            ),
            score=f"{slot['score']:.3f}",
            why=_WHY.get(slot["method"], ""),
        )
        for slot in slots
    ]


def _why_not_then(session: RecommendationSession, item: Item) -> list[str]:
    """Sentences on an item, from the record of a list."""
    at = next((slot["rank"] for slot in session.recommendations_shown if slot["item_id"] == item.pk), None)
    if at is not None:
        return [f"It was in the list, at rank {at}."]
    if item.pk in session.pushed_out:
        return ["It would have been in the list if no dislike had held it back."]
    return [
        "It was not in the list. The record has only what was shown and what dislikes pushed out.",
        "The list of now answers more.",
    ]
