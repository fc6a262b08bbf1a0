"""The page of a person's taste, with rating a title and starting again."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.selectors import caller
from catalog.selectors import ItemCard, get_cards
from core.domain import FACETS, PEOPLE, RATED, ItemKind
from core.domain.roles import rated_type
from core.domain.words import done_label, heading_of
from core.errors import HeedError
from interactions.selectors import active_interactions, find_item_to_speak_of
from profiles.boosts import ORIGINAL_ALPHA
from profiles.reduction import KINDS, share_of
from profiles.selectors import FacetFigure, Profile, get_profile, get_vector_state
from profiles.services import rate_item, reset_profile
from search.state import search
from web.actions import RATED_TAG
from web.forms import FindTitleForm, RatingForm
from web.held_back import held_back_of
from web.onboarding import kinds_with_items
from web.views import chosen_kind

SHOWN = 6
TITLES_SHOWN = 6
HELD_BACK_SHOWN = 6
NEUTRAL = 0.5
# A belief of a smaller share is not worth a row.
LEAST_SHOWN = 0.005


def _kinds_of_charts() -> list[tuple[str, ...]]:
    """The facet kinds of each chart of the page: those of people together, any other by itself."""
    people = tuple(kind for kind in KINDS if kind in PEOPLE)
    return list(dict.fromkeys(people if kind in people else (kind,) for kind in KINDS))


_CHARTS = _kinds_of_charts()


@dataclass(frozen=True, slots=True)
class Leaning:
    """One row of a chart: a name, what is believed as a share (-1 to 1), and how long its bar is, in percent.

    `share` is None where the bar alone tells: an entry of the taste vector is on no scale of scores.
    """

    label: str
    kind: str
    note: str
    share: float | None
    length: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The facets of one sort that a person likes, and those they do not like, strongest first."""

    heading: str
    liked: list[Leaning]
    disliked: list[Leaning]


@login_required
@require_safe
def taste(request: HttpRequest) -> HttpResponse:
    """The taste profile of the person, and titles to rate where `?title=` asks for some."""
    user_id = caller(request).pk
    profile = get_profile(user_id)
    vector = get_vector_state(user_id)
    held_back, not_held_back_in = held_back_of(user_id)
    done = profile.statistics.interactions
    context = {
        "profile": profile,
        "original_alpha": ORIGINAL_ALPHA,
        "done": [(done_label(name), done[name]) for name in sorted(done, key=lambda name: -done[name])],
        "total": sum(done.values()),
        "charts": _charts(profile),
        "vector": vector,
        "entries": _entries(vector.entries),
        "held_back": held_back[:HELD_BACK_SHOWN],
        "held_back_more": len(held_back[HELD_BACK_SHOWN:]),
        "not_held_back_in": not_held_back_in,
        **_titles_to_rate(request, user_id),
    }
    return render(request, "web/taste.html", context)


@login_required
@require_safe
def titles(request: HttpRequest) -> HttpResponse:
    """The titles to rate alone, which the page takes over while somebody types."""
    return render(request, "web/_titles.html", _titles_to_rate(request, caller(request).pk))


@login_required
@require_POST
def rate(request: HttpRequest) -> HttpResponseBase:
    """Records how the person rates a title, and with it that they know it."""
    form = RatingForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the titles and a rating from 0 to 10.")
        return redirect("taste")
    rating, user_id = form.cleaned_data["rating"], caller(request).pk
    try:
        # Hidden by now is no matter for who knows it.
        item = find_item_to_speak_of(
            user_id=user_id, item_id=form.cleaned_data["item"], title="", id_field="item", title_field="title"
        )
        rate_item(user_id=user_id, item=item, rating=rating)
    except HeedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"You rated {item.title} {rating:g} of 10. Your taste follows.", RATED_TAG)
    return redirect("taste")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest) -> HttpResponseBase:
    """Asks once more, and forgets what is believed of the person."""
    if request.method != "POST":
        return render(request, "web/taste_reset.html")
    reset_profile(user_id=caller(request).pk)
    messages.success(request, "Your taste is reset. What you do from now on makes it anew.")
    return redirect("taste")


def _titles_to_rate(request: HttpRequest, user_id: int) -> dict[str, object]:
    """The titles of a kind for what was typed, each with the rating that it has so far."""
    kinds = [kind for kind in kinds_with_items() if rated_type(kind.name) is not None]
    kind = chosen_kind(request, kinds)
    form = FindTitleForm(request.GET)
    typed = form.cleaned_data["title"] if form.is_valid() else ""
    return {
        "rated_kinds": kinds,
        "rated_kind": kind,
        "find_form": form,
        "typed": typed,
        "titles": _find_titles(kind, typed, user_id) if kind and typed else [],
    }


def _find_titles(kind: ItemKind, typed: str, user_id: int) -> list[tuple[ItemCard, float | None]]:
    ids = search(kind.name, typed, TITLES_SHOWN).hits.item_ids.tolist()
    cards = get_cards(ids)
    rated = active_interactions().filter(user_id=user_id, item_id__in=ids, type__in=RATED)
    ratings = dict(rated.values_list("item_id", "rating"))
    return [(cards[item_id], ratings.get(item_id)) for item_id in ids if item_id in cards]


def _charts(profile: Profile) -> list[Chart]:
    """The charts that show anything, all to one scale: the strongest leaning of all fills its row."""
    both = [*profile.liked.values(), *profile.disliked.values()]
    strongest = max((abs(figure.value) for figures in both for figure in figures), default=1.0)
    charts = []
    for kinds in _CHARTS:
        notes = {kind: FACETS[kind].label.lower() if len(kinds) > 1 else "" for kind in kinds}
        liked = [figure for kind in kinds for figure in profile.liked[kind]]
        disliked = [figure for kind in kinds for figure in profile.disliked[kind]]
        chart = Chart(
            heading_of(kinds),
            liked=_leanings(liked, strongest, notes)[:SHOWN],
            disliked=_leanings(disliked, strongest, notes)[:SHOWN],
        )
        if chart.liked or chart.disliked:
            charts.append(chart)
    return charts


def _leanings(figures: Iterable[FacetFigure], strongest: float, notes: dict[str, str]) -> list[Leaning]:
    """The scores as rows, farthest from 0 first; `strongest` is a full bar. Nothing that would be 0 %."""
    return [
        Leaning(figure.name, figure.kind, notes[figure.kind], share, _length(figure.value, strongest))
        for figure in sorted(figures, key=lambda figure: -abs(figure.value))
        if abs(share := share_of(figure.value)) >= LEAST_SHOWN
    ]


def _entries(figures: Iterable[FacetFigure]) -> list[Leaning]:
    """The entries of the taste vector as rows, farthest from NEUTRAL first; a bar tells them, no number."""
    ordered = sorted(figures, key=lambda figure: -abs(figure.value - NEUTRAL))
    notes = [("liked" if one.value > NEUTRAL else "not liked") for one in ordered]
    return [
        Leaning(one.name, one.kind, note, None, _length(one.value - NEUTRAL, NEUTRAL))
        for one, note in zip(ordered, notes, strict=True)
    ]


def _length(value: float, reach: float) -> int:
    return max(1, round(100 * abs(value) / reach))
