"""The domain of this installation, read from heed.toml when the process starts (docs/heed-toml.md).

A kind is what an item is. A role is what a person comes for. A use case is whom the lists are for and what
counts as success there; each trains its own models and serves its own lists.
"""

from django.conf import settings

from core.domain.checks import DISLIKE, VIEW
from core.domain.reading import read_domain
from core.domain.schema import (
    MAX_RATING,
    UNRATED,
    Domain,
    FacetKind,
    InteractionType,
    ItemKind,
    Role,
    UseCase,
)

__all__ = [
    "BOOSTED",
    "CATEGORIES",
    "DEFAULT_KIND",
    "DEFAULT_USE_CASE",
    "DISLIKE",
    "DOMAIN",
    "FACETS",
    "KINDS",
    "KINDS_BY_PLURAL",
    "MAX_RATING",
    "PEOPLE",
    "ROLES",
    "SERIES",
    "THEMES",
    "TYPES",
    "UNRATED",
    "USE_CASES",
    "VIEW",
    "Domain",
    "FacetKind",
    "InteractionType",
    "ItemKind",
    "Role",
    "UseCase",
]

DOMAIN: Domain = read_domain(settings.HEED_CONFIG)
KINDS: dict[str, ItemKind] = DOMAIN.kinds
KINDS_BY_PLURAL: dict[str, ItemKind] = {kind.plural: kind for kind in KINDS.values()}
FACETS: dict[str, FacetKind] = DOMAIN.facets
TYPES: dict[str, InteractionType] = DOMAIN.interactions
ROLES: dict[str, Role] = DOMAIN.roles
USE_CASES: dict[str, UseCase] = DOMAIN.use_cases

DEFAULT_KIND: str = next(iter(KINDS))
DEFAULT_USE_CASE: str = next(iter(USE_CASES))
BOOSTED: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.boost_cap > 0.0)
"""The kinds of facet that lift a score, in the order of their columns."""
CATEGORIES: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "category")
PEOPLE: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "people")
THEMES: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "theme")
SERIES: tuple[str, ...] = tuple(facet.name for facet in FACETS.values() if facet.group == "series")
