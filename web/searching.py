"""The search page: results of every kind, boosted by taste, and the items with one facet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.selectors import caller, open_use_case
from catalog.models import Item
from catalog.selectors import get_cards
from core.domain import CATEGORIES, DISLIKE, FACETS, TYPES, ItemKind
from feedback.rules import get_rules, wanted_items
from interactions.selectors import get_states
from search.asking import Asked
from search.pipeline import FoundItem, FoundList, search_kinds
from search.query_analysis import QueryAnalysis, YearSpan
from search.said_wishes import is_wish
from web.forms import SearchForm
from web.onboarding import kinds_with_items
from web.said import said_chips
from web.views import PAGE_LENGTH, chosen_kind, with_states

# Of each kind where all are searched, and of one alone.
EACH_LENGTH, ONE_LENGTH = 6, 18
# So the script says that somebody is still typing. What it shows then is no list that was asked for.
TYPING = "X-Typing"


@dataclass(frozen=True, slots=True)
class Chip:
    """A part of a query as it was understood. `facet`: the facet kind where it leads to a list of its own."""

    label: str
    name: str
    facet: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The results of one kind. `is_cut`: there may be more of it than is shown."""

    kind: ItemKind
    found: FoundList
    chips: list[Chip]
    entries: list[tuple[FoundItem, set[str], str]]
    is_cut: bool


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The results for a text, or the items with one facet. Works as a form; the script asks while typing."""
    kinds = kinds_with_items()
    form = SearchForm(request.GET)
    chosen = chosen_kind(request, kinds) if request.GET.get("kind") else None
    context: dict[str, object] = {"form": form, "kinds": kinds, "chosen": chosen, "query": ""}
    if form.is_valid():
        query, facet = form.cleaned_data["q"], form.facet()
        if query:
            context |= _found(request, query, [chosen] if chosen else kinds)
        elif facet is not None:
            context |= _with_facet(request, facet, form.cleaned_data["page"] or 1)
    response = render(request, "web/search.html", context)
    patch_vary_headers(response, [TYPING])
    return response


def _found(request: HttpRequest, query: str, kinds: Sequence[ItemKind]) -> dict[str, object]:
    """The sections for a query, the best match's first."""
    person = caller(request) if request.user.is_authenticated else None
    user_id = person.pk if person is not None else None
    limit = ONE_LENGTH if len(kinds) == 1 else EACH_LENGTH
    lists = search_kinds(
        user_id=user_id,
        use_cases=[open_use_case(person, kind.name) for kind in kinds],
        query=query,
        limit=limit,
        is_recorded=TYPING not in request.headers,
    )
    ids = [entry.item.id for found in lists for entry in found.items]
    states = get_states(user_id=user_id, item_ids=ids) if user_id is not None and ids else {}
    sections = [
        Section(
            kind=kind,
            found=found,
            chips=[*_chips(found.analysis), *_chips_beside(found.asked)],
            entries=[_entry(entry, states.get(entry.item.id, set())) for entry in found.items],
            is_cut=len(found.items) == limit < ONE_LENGTH,
        )
        for kind, found in zip(kinds, lists, strict=True)
        if found.items
    ]
    sections = _without_other_kinds(sections)
    sections.sort(key=_nearest)
    return {
        "query": query,
        "searched": True,
        "sections": sections,
        "count": sum(len(section.entries) for section in sections),
        "left_out": sum(found.left_out for found in lists),
        "wishes": said_chips(query) if user_id is not None and is_wish(query) else [],
        "is_cut": any(len(found.items) == limit for found in lists),
        "personalization": next((one.personalization for one in lists if one.personalization.applied), None),
        # With several kinds of category a name alone does not say of which kind it is.
        "category": FACETS[CATEGORIES[0]] if len(CATEGORIES) == 1 else None,
        "try_names": list(lists[0].personalization.top_categories) if lists else [],
    }


def _entry(found: FoundItem, states: set[str]) -> tuple[FoundItem, set[str], str]:
    """A hit, what stands between it and the person, and why their lists leave it out; "" if they do not."""
    done = next((name for name in TYPES if name in states and TYPES[name].excludes), "")
    if found.is_barred:
        return found, states, "one of your wishes says so"
    if done == DISLIKE:
        return found, states, "you turned it down"
    return found, states, TYPES[done].because.format(title="it") if done else ""


def _without_other_kinds(sections: list[Section]) -> list[Section]:
    """The sections, where the query names the kind of one without those that only years put there.

    "Korean films from the 2000s" asks for no start-up of these years.
    """
    if not any(section.found.asked.kind == section.kind.name for section in sections):
        return sections
    return [
        section
        for section in sections
        if section.found.asked.kind == section.kind.name
        or section.found.analysis.facets
        or section.found.analysis.text
    ]


def _nearest(section: Section) -> tuple[bool, bool, float]:
    """The key by which sections stand: one that opens with the title searched for, then the kind that the
    query names, then by score."""
    first = section.found.items[0]
    return not first.is_title, section.found.asked.kind != section.kind.name, -first.score


def _with_facet(request: HttpRequest, facet: tuple[str, str], number: int) -> dict[str, object]:
    """One page of the items with a facet, newest first."""
    items: QuerySet[Item] = Item.objects.filter(is_active=True, facets__kind=facet[0], facets__name=facet[1])
    all_of_them = items.count()
    if request.user.is_authenticated:
        items = wanted_items(items, get_rules(caller(request).pk))
    ordered = items.order_by(F("year").desc(nulls_last=True), "title", "pk").values_list("pk", flat=True)
    page: Page[int] = Paginator(ordered, PAGE_LENGTH).get_page(number)
    cards = get_cards(page.object_list)
    parameters = request.GET.copy()
    parameters.pop("page", None)
    return {
        "searched": True,
        "facet": Chip(FACETS[facet[0]].label, facet[1]),
        "page": page,
        "left_out": all_of_them - page.paginator.count,
        "found": with_states(request, [cards[item_id] for item_id in page.object_list if item_id in cards]),
        "parameters": parameters.urlencode(),
    }


def _chips(analysis: QueryAnalysis) -> Iterator[Chip]:
    """The facets that a query names, then its years and its other words; empty for a plain text."""
    kinds: dict[str, list[str]] = {}
    for facet in analysis.facets:
        kinds.setdefault(facet.name, []).append(facet.kind)
    for name, facet_kinds in kinds.items():
        labels = [FACETS[kind].label for kind in dict.fromkeys(facet_kinds)]
        yield Chip(", ".join([labels[0], *(label.lower() for label in labels[1:])]), name, facet_kinds[0])
    if analysis.years is not None:
        yield Chip("", years_in_words(analysis.years))
    if analysis.text and (kinds or analysis.years):
        yield Chip("Words", analysis.text)


def _chips_beside(asked: Asked) -> Iterator[Chip]:
    """The parts of a query beside its words."""
    if asked.like:
        yield Chip("Like", asked.like)
    for words in asked.without:
        yield Chip("Not", words)
    if asked.country:
        yield Chip("Country", asked.country)
    if asked.children:
        yield Chip("For", "children")


def years_in_words(years: YearSpan) -> str:
    """`after 2010`, `before 1980`, `1990–1999` or `1994`."""
    if years.last is None:
        return f"after {(years.first or 1) - 1}"
    if years.first is None:
        return f"before {years.last + 1}"
    return f"{years.first}–{years.last}" if years.first < years.last else str(years.first)
