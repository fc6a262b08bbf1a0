"""The bytes of what is kept of a person, about: counted by its parts, at the cost of microseconds."""

from collections.abc import Sized

from ranking.person import PersonState

# Of a candidate of a pool in its columns, those left out that are one value; of an item that was retrieved,
# of a slot as it was shown and written, of a sentence, of what a no took from a facet, and of anybody.
_CANDIDATE, _RETRIEVED, _SLOT, _SENTENCE, _FADING, _ANYBODY = 60, 16, 2_000, 300, 200, 5_000


def bytes_of_findings(*, pools: int, retrieved: int, features: int, slots: Sized, sentences: Sized) -> int:
    """The bytes of findings with so many candidates, retrieved items, and bytes of features."""
    shown = _SLOT * len(slots) + _SENTENCE * len(sentences)
    return _ANYBODY + _CANDIDATE * pools + _RETRIEVED * retrieved + features + shown


def bytes_of_person(person: PersonState, fading: int) -> int:
    """The bytes of a person with their history, what they saw lately, their taste, and so much that fades."""
    taste, seen = person.taste.taste, person.seen
    arrays = (
        *(person.item_ids, person.weights, person.excluded, seen.item_ids, seen.ranks, seen.times),
        *(taste.facet_ids, taste.kinds, taste.scores, taste.values, taste.running),
    )
    named = len(person.penalties) + len(person.passed_over)
    rest = 8 * len(person.last_types) + 100 * named + _FADING * fading
    return _ANYBODY + sum(array.nbytes for array in arrays) + rest
