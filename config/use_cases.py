"""Item kinds and use cases: the one place to add either.

A kind is what an item is. A use case is whom the lists are for and what counts as success there;
each trains its own models and serves its own lists.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ItemKind:
    """What an item is, and what a person can do with it."""

    name: str
    plural: str
    label: str
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class UseCase:
    """Whom lists are for.

    `positive_interactions` are the interaction types that count as a success when a model is evaluated;
    `sources` names the candidate sources asked at serving, in order of trust.
    """

    name: str
    kind: str
    label: str
    positive_interactions: tuple[str, ...]
    sources: tuple[str, ...] = ("als", "taste", "similar", "popular", "fresh")


_WATCHABLE = frozenset({"like", "favorite", "watched", "watchlist", "dislike"})
_INVESTABLE = frozenset({"like", "favorite", "apply", "interest", "dislike"})

KINDS: dict[str, ItemKind] = {
    kind.name: kind
    for kind in (
        ItemKind("movie", "movies", "Films", _WATCHABLE),
        ItemKind("drama", "dramas", "Dramas", _WATCHABLE),
        ItemKind("startup", "startups", "Start-ups", _INVESTABLE),
    )
}
KINDS_BY_PLURAL: dict[str, ItemKind] = {kind.plural: kind for kind in KINDS.values()}

USE_CASES: dict[str, UseCase] = {
    use_case.name: use_case
    for use_case in (
        UseCase("movie_home", "movie", "Films for the evening", ("like", "favorite", "watchlist_add")),
        UseCase("drama_home", "drama", "Dramas for the evening", ("like", "favorite", "watchlist_add")),
        UseCase("developer_startup", "startup", "Start-ups to work for", ("like", "apply")),
        UseCase("investor_startup", "startup", "Start-ups to invest in", ("favorite", "interest")),
    )
}
DEFAULT_USE_CASE = "movie_home"


def use_cases_of_kind(kind: str) -> list[UseCase]:
    """The use cases whose lists hold items of `kind`; the first is the default for that kind."""
    return [use_case for use_case in USE_CASES.values() if use_case.kind == kind]
