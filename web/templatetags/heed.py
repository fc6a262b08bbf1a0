"""Template tags of the pages."""

import json
from collections.abc import Sequence

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.acting import Choice, choices
from catalog.attributes import Attribute
from catalog.selectors import ItemCard
from core.domain import (
    ACTIONS,
    DOMAIN,
    FACETS,
    KINDS,
    REASONS,
    SERIES,
    TYPES,
    DislikeReason,
    InteractionType,
    ItemKind,
)
from core.domain.roles import rated_type
from core.domain.words import sure_question
from core.text import percent_change
from core.values import COMMENT
from core.web_addresses import host_of
from ranking.candidates import Boost
from serving.carousels import Carousel
from serving.pipeline import ServedList
from web.actions import Button, buttons_for, sentences
from web.forms import LENGTHS
from web.onboarding import kinds_with_items
from web.posters import show_picture, style_of

register = template.Library()

# These sources say nothing of the person.
_IMPERSONAL = ("popular", "fresh")
# Words for what taste adds to a score, from so many percent on.
_LIFTS = ((20, "Strong match"), (8, "Good match"), (0, "Slight match"))
# So many of each group of facets may be named in a no.
_MOST_CHIPS = {"category": 4, "people": 2, "theme": 3}


@register.simple_tag
def poster(item: ItemCard) -> SafeString:
    """The picture of an item, or its generated poster."""
    return show_picture(item)


@register.simple_tag(takes_context=True)
def kinds_to_choose(context: template.RequestContext) -> list[ItemKind]:
    """The kinds of which there is something to show, from the view where it looked them up already."""
    known: list[ItemKind] | None = context.get("kinds")
    return kinds_with_items() if known is None else known


@register.simple_tag(takes_context=True)
def profiles_to_change_to(context: template.RequestContext) -> list[Choice]:
    """The account and its profiles without the one that acts now."""
    return choices(context["request"])


@register.simple_tag(takes_context=True)
def buttons(context: template.RequestContext, item: ItemCard, states: set[str] | str) -> list[Button]:
    """The ordinary action buttons of an item for the person who is logged in.

    What a fresh list shows has no states, so none are given. The page of one use case's list names it.
    """
    return buttons_for(context["user"], item.kind, states or (), context.get("use_case"))


@register.filter
def holds(states: set[str] | str, name: str) -> bool:
    """True where the state of that name is active."""
    return name in (states or ())


@register.simple_tag
def action_named(name: str) -> InteractionType:
    """The action of that name."""
    return ACTIONS[name]


@register.simple_tag
def action_sentences() -> dict[str, dict[str, str]]:
    """The messages of the script when an action is done or undone."""
    return sentences()


@register.simple_tag
def dislike_reasons() -> list[DislikeReason]:
    """The reasons for turning something down, in the order in which they are offered."""
    return list(REASONS.values())


@register.simple_tag
def plain_reason() -> DislikeReason:
    """The reason that a no without a reason is taken for."""
    return REASONS[DOMAIN.dislikes.plain]


@register.simple_tag
def dislike_question() -> str:
    """The question before a dislike is recorded, with {noun} where that of the item's kind stands."""
    return DOMAIN.dislikes.question


@register.filter
def sure(item: ItemCard) -> str:
    """The question before a dislike of this item is recorded."""
    return sure_question(item.kind)


@register.filter
def noun(item: ItemCard) -> str:
    """The word for one item of its kind."""
    return KINDS[item.kind].noun


@register.simple_tag
def longest_comment() -> int:
    """The number of characters that a comment may have."""
    return COMMENT.max_length


@register.filter
def listed(titles: Sequence[str], shown: int) -> str:
    """The first titles by name and the others by number: `Heat, Ran and 3 more`."""
    different = list(dict.fromkeys(titles))
    more = f" and {len(different) - shown} more" if len(different) > shown else ""
    return ", ".join(different[:shown]) + more


@register.filter
def change(share: float) -> str:
    """A change by a share in percent: `−7.5 %`, wherever it is shown."""
    return percent_change(share)


@register.filter
def lift(boost: Boost) -> str:
    """The part of a person's taste in a slot's place, as a word with its cause: `Strong match: genre`."""
    word = next(word for least, word in _LIFTS if boost.percent >= least)
    strongest = max(boost.parts, key=lambda kind: boost.parts[kind])
    return f"{word}: {FACETS[strongest].label.lower()}"


@register.filter
def share(value: float) -> str:
    """A share from 0 to 1 in whole percent: `70 %`."""
    return f"{round(value * 100)} %"


@register.filter
def rated(item: ItemCard) -> InteractionType | None:
    """The interaction type with which items of this kind are rated; None where they are not."""
    return rated_type(item.kind)


@register.filter
def about_it(words: str) -> str:
    """Words of heed.toml with `it` in the place of a title."""
    return words.format(title="it")


@register.filter
def plural(item: ItemCard) -> str:
    """The plural of the item's kind, as it stands in addresses."""
    return KINDS[item.kind].plural


@register.filter
def follows_person(served: ServedList) -> bool:
    """True where anything in a list was found by what the person did."""
    return any(slot.source not in _IMPERSONAL for slot in served.slots)


@register.simple_tag
def because(carousel: Carousel) -> SafeString:
    """The reason of a row, with a link to what it goes by: `Because you liked Heat`."""
    item = carousel.because
    link = format_html('<a href="{}">{}</a>', reverse("item", args=[item.id]), item.title)
    return format_html(f"Because {TYPES[carousel.type_name].because or '{title}'}", title=link)


@register.filter
def hue(item: ItemCard) -> int:
    """The hue of an item's first category, in degrees of OKLCH."""
    return style_of(item.categories[0] if item.categories else "").hue


@register.filter
def chips(item: ItemCard) -> list[tuple[str, str]]:
    """The facets that a no to an item may be about: as in `genre:Crime`, and the name. The main ones."""
    offered = [
        (f"{kind}:{name}", name)
        for kind, facet in FACETS.items()
        if facet.taste or kind in SERIES
        for name in item.facets.get(kind, ())[: _MOST_CHIPS.get(facet.group or "", 1)]
    ]
    # Somebody in two roles is one chip.
    return [one for place, one in enumerate(offered) if one[1] not in {name for _, name in offered[:place]}]


@register.filter
def chips_text(item: ItemCard) -> str:
    """The same as JSON, for the script."""
    return json.dumps(chips(item), ensure_ascii=False, separators=(",", ":"))


@register.simple_tag
def lasts() -> list[tuple[str, str]]:
    """The lengths that a no may have, with the words for them; the first is the usual one."""
    return list(LENGTHS.items())


@register.simple_tag
def knowing_reason() -> DislikeReason | None:
    """The reason that says only that the person knows it; None where heed.toml has none."""
    return next((one for one in REASONS.values() if not one.weight and not one.holds_back), None)


@register.filter
def facet_rows(item: ItemCard) -> list[tuple[str, str, tuple[str, ...]]]:
    """The facts about an item: label, facet kind and names, row by row."""
    return [
        (facet.heading or facet.plural, kind, item.facets[kind])
        for kind, facet in FACETS.items()
        if item.facets.get(kind)
    ]


@register.filter
def attribute_rows(item: ItemCard) -> list[tuple[str, list[str]]]:
    """The attributes of an item for people to read: label and values, by label."""
    rows = [(_readable(name), _readable_values(value)) for name, value in item.attributes.items()]
    return sorted(rows, key=lambda row: (row[0].casefold(), row))


@register.filter
def host(address: str) -> str:
    """The host that a link leads to; empty where the address is none that may be linked."""
    return host_of(address)


def _readable(name: str) -> str:
    """`release_date` as `Release date`."""
    words = " ".join(name.replace("_", " ").split())
    return words[:1].upper() + words[1:]


def _readable_values(value: Attribute) -> list[str]:
    match value:
        case bool():
            return ["Yes" if value else "No"]
        case list():
            return value
        case _:
            return [str(value)]
