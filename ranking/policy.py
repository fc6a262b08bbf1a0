"""The policy of a list: every number that it depends on beside the models, the catalog and the person.

Built from the settings once and passed along, so that any field can be what an arm of an experiment tries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from django.conf import settings

from core.domain import UseCase
from core.errors import InvalidInput
from curation.kinds import ALL
from feedback.effect import MOST_STRENGTH
from ranking.kinds import BRINGING, LEARNING


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules that a list is made by.

    sources                        the retrieving kinds, in order of trust
    candidates_per_source          how many the first source with an answer may bring
    candidates_per_further_source  how many each of the others may bring
    popularity_share               share of popularity in the base score of somebody new, 0 to 1
    boost_strength                 share of what taste would add that is added, 0 to 1
    boost_strength_with_ranker     the same where a ranker orders the list
    dislikes_hold_back             dislikes lower the scores of items like theirs; what was disliked itself
                                   never comes again, whatever stands here
    dislikes_strength              the exponent of all penalties, 0 to 4: with 2 one dislike acts as two
    passed_over_share              how much an item sinks with each list in which it was passed over, 0 to 1
    refusal_share                  how much of a base score the chance takes away at the most that an item is
                                   turned down, 0 to 1, where a model of verdicts serves
    known_share                    how much the double of a known item sinks, 0 to 1
    exploration_share              share of the places after the first that chance fills, 0 to 1
    without_rules                  ids of rules of staff that do not act; "all": none but what they block
    """

    sources: tuple[str, ...]
    candidates_per_source: int
    candidates_per_further_source: int
    popularity_share: float
    boost_strength: float
    boost_strength_with_ranker: float
    dislikes_hold_back: bool
    dislikes_strength: float
    passed_over_share: float
    refusal_share: float
    known_share: float
    exploration_share: float
    without_rules: str | tuple[int, ...] = ()

    @classmethod
    def of(cls, use_case: UseCase) -> "Policy":
        """The policy of a use case by the settings as they are now."""
        return cls(
            sources=use_case.sources,
            candidates_per_source=settings.CANDIDATES_PER_SOURCE,
            candidates_per_further_source=settings.CANDIDATES_PER_FURTHER_SOURCE,
            popularity_share=settings.POPULARITY_SHARE,
            boost_strength=settings.BOOST_STRENGTH,
            boost_strength_with_ranker=settings.BOOST_STRENGTH_WITH_RANKER,
            dislikes_hold_back=True,
            dislikes_strength=settings.DISLIKES_STRENGTH,
            passed_over_share=settings.PASSED_OVER_SHARE,
            refusal_share=settings.REFUSAL_SHARE,
            known_share=settings.KNOWN_SHARE,
            exploration_share=settings.EXPLORATION_SHARE,
        )

    @property
    def lead(self) -> str | None:
        """The trained kind that is trusted most; features are made of its scores."""
        return _first_trained(self.sources)

    @property
    def hold_back(self) -> float:
        """The exponent of every penalty; 0 where dislikes hold nothing back."""
        return self.dislikes_strength if self.dislikes_hold_back else 0.0

    def changed(self, overrides: Mapping[str, Any]) -> "Policy":
        """The same policy with other values of some fields.

        Raises InvalidInput, which names the field and what it takes, for anything that cannot be.
        """
        return replace(self, **{name: _checked(name, value) for name, value in overrides.items()})


def lead_of(use_case: UseCase) -> str | None:
    """The trained kind that a use case trusts most: windows and ages of models follow it."""
    return _first_trained(use_case.sources)


def _first_trained(sources: Sequence[str]) -> str | None:
    return next((name for name in sources if name in LEARNING), None)


# The largest value of each number; the smallest is 0.
_MOST = {
    "popularity_share": 1.0,
    "boost_strength": 1.0,
    "boost_strength_with_ranker": 1.0,
    "dislikes_strength": MOST_STRENGTH,
    "passed_over_share": 1.0,
    "refusal_share": 1.0,
    "known_share": 1.0,
    "exploration_share": 1.0,
}
_COUNTS = ("candidates_per_source", "candidates_per_further_source")
_MOST_CANDIDATES = 10_000


def _checked(name: str, value: Any) -> Any:
    if name in _MOST:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= _MOST[name]:
            raise InvalidInput(f"{name} must be a number from 0 to {_MOST[name]:g}.")
        return float(value)
    if name in _COUNTS:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_CANDIDATES:
            raise InvalidInput(f"{name} must be a whole number from 1 to {_MOST_CANDIDATES:,}.")
        return value
    if name == "dislikes_hold_back":
        if not isinstance(value, bool):
            raise InvalidInput(f"{name} must be true or false.")
        return value
    if name == "sources":
        return _checked_sources(value)
    if name == "without_rules":
        return _checked_rules(value)
    known = ", ".join(field.name for field in fields(Policy))
    raise InvalidInput(f"A policy has no {name!r}; it has {known}.")


def _checked_rules(value: Any) -> str | tuple[int, ...]:
    ids = tuple(value) if isinstance(value, list | tuple) else ()
    if value == ALL:
        return ALL
    if not ids or not all(isinstance(one, int) and not isinstance(one, bool) for one in ids):
        raise InvalidInput(f'without_rules must be "{ALL}" or a list of ids of rules, such as [3, 7].')
    return ids


def _checked_sources(value: Any) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if not names or len(set(names)) != len(names) or not set(names) <= set(BRINGING):
        raise InvalidInput(f"sources must be some of {', '.join(BRINGING)}, none twice.")
    return names
