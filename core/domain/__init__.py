"""The domain of this installation, read from heed.toml when the process starts (docs/reference/heed-toml.md).

A kind is what an item is. A role is what a person comes for. A use case is whom the lists are for and what
counts as success there; each trains its own models and serves its own lists.
"""

from math import ceil

from django.conf import settings

from core.domain.checks import DISLIKE, VIEW
from core.domain.forgotten import Known, forgotten_reason, forgotten_type
from core.domain.reading import read_domain
from core.domain.schema import (
    MAX_RATING,
    MIDDLE_PRIOR,
    MIDDLE_RATING,
    MIDDLE_REACH,
    DislikeReason,
    Domain,
    FacetKind,
    InteractionType,
    ItemKind,
    Role,
    Scenario,
    UseCase,
)

__all__ = [
    "ACTIONS",
    "APPROVAL_WEIGHT",
    "BOOSTED",
    "CATEGORIES",
    "DEFAULT_KIND",
    "DEFAULT_USE_CASE",
    "DISLIKE",
    "DOMAIN",
    "FACETS",
    "HELD_BACK",
    "KINDS",
    "KINDS_BY_WORD",
    "MAX_RATING",
    "MIDDLE_PRIOR",
    "MIDDLE_RATING",
    "MIDDLE_REACH",
    "MOST_SCORE",
    "MOST_TRAINING_WEIGHT",
    "NUMBERS",
    "PEOPLE",
    "RATED",
    "REASONS",
    "ROLES",
    "SCENARIOS",
    "SERIES",
    "SPREADING",
    "THEMES",
    "TYPES",
    "USE_CASES",
    "VIEW",
    "DislikeReason",
    "Domain",
    "FacetKind",
    "InteractionType",
    "ItemKind",
    "Role",
    "Scenario",
    "UseCase",
]

DOMAIN: Domain = read_domain(settings.HEED_CONFIG)
KINDS: dict[str, ItemKind] = DOMAIN.kinds
KINDS_BY_WORD: dict[str, ItemKind] = {**KINDS, **{kind.plural: kind for kind in KINDS.values()}}
"""Each kind by its name and by its plural: a request may say either."""
FACETS: dict[str, FacetKind] = DOMAIN.facets
TYPES: dict[str, InteractionType] = Known(DOMAIN.interactions, forgotten_type)
ACTIONS: dict[str, InteractionType] = {row.action: row for row in TYPES.values() if row.is_action}
"""What a person can do with an item on a page, by the word in the address."""
ROLES: dict[str, Role] = DOMAIN.roles
REASONS: dict[str, DislikeReason] = Known(DOMAIN.reasons, forgotten_reason)
USE_CASES: dict[str, UseCase] = DOMAIN.use_cases
SCENARIOS: dict[str, Scenario] = DOMAIN.scenarios

DEFAULT_KIND: str = next(iter(KINDS))
DEFAULT_USE_CASE: str = next(iter(USE_CASES))
BOOSTED: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.boost_cap > 0.0)
"""The kinds of facet that boost a score, in the order of their columns."""
MOST_SCORE: int = ceil(1.0 + sum(FACETS[name].boost_cap for name in BOOSTED))
"""The highest score of a list: a base score of 1 with every boost, rounded up."""
CATEGORIES: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "category")
PEOPLE: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "people")
THEMES: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "theme")
SERIES: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "series")

APPROVAL_WEIGHT: float = min(
    (row.training for row in TYPES.values() if row.is_state and row.polarity > 0 and not row.is_rated),
    default=1.0,
)
"""The training weight of a plain yes: the least of the states that speak for an item."""
MOST_TRAINING_WEIGHT: float = max(row.training for row in TYPES.values())
HELD_BACK: tuple[str, ...] = tuple(
    kind for kind in FACETS if any(kind in reason.holds_back for reason in REASONS.values())
)
"""The kinds of facet that some reason holds back."""
SPREADING: tuple[str, ...] = tuple(
    reason.name
    for reason in REASONS.values()
    if set(CATEGORIES) & set(reason.holds_back) and not set(PEOPLE) & set(reason.holds_back)
)
"""The reasons that speak of an item's categories alone: which of several it is, they do not say."""
NUMBERS: tuple[str, ...] = tuple(dict.fromkeys(name for kind in KINDS.values() for name in kind.numbers))
"""The attributes that the ranker reads of items of any kind."""
RATED: tuple[str, ...] = tuple(row.name for row in TYPES.values() if row.is_rated)
"""The interaction types that come with a rating."""
