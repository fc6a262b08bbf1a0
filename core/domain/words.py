"""Words for kinds of facet and for what people did, as pages say them."""

from collections.abc import Sequence

from core.domain import DOMAIN, FACETS, KINDS, PEOPLE, REASONS, TYPES


def heading_of(kinds: Sequence[str]) -> str:
    """The common name of facets of these kinds: `Genres` of one kind, `People` of several of people."""
    if len(kinds) > 1 and set(kinds) <= set(PEOPLE):
        return "People"
    plurals = [FACETS[kind].plural for kind in kinds]
    return listed([*plurals[:1], *(plural.lower() for plural in plurals[1:])])


def listed(things: Sequence[str]) -> str:
    """Several things in a sentence: `a, b and c`."""
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} and {things[-1]}"


def done_label(type_name: str) -> str:
    """The words for an act in a list of acts."""
    return TYPES[type_name].done


def sure_question(kind: str) -> str:
    """The question before a dislike of an item of this kind is recorded."""
    return DOMAIN.dislikes.question.format(noun=KINDS[kind].noun)


def reason_label(reason: str) -> str:
    """A reason of a dislike in a person's words."""
    return REASONS[reason].label
