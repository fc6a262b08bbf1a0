"""Item kinds, roles and use cases: the one place to add any of them (docs/adding-a-use-case.md).

A kind is what an item is. A role is what a person comes for. A use case is whom the lists are for and what
counts as success there; each trains its own models and serves its own lists.
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
class Role:
    """What a person comes for. They say so themselves, in the words of `label`, and may hold several."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class UseCase:
    """Whom lists are for.

    `positive_interactions` are the interaction types that count as a success when a model is evaluated; the
    first is what a person does with what they pick to begin with.
    `sources` names the candidate sources asked at serving, in order of trust.
    `role` is the one that a person must hold to get these lists; None where they are for everybody.
    """

    name: str
    kind: str
    label: str
    positive_interactions: tuple[str, ...]
    sources: tuple[str, ...] = ("als", "two_tower", "popular", "taste", "similar", "fresh")
    role: str | None = None


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

ROLES: dict[str, Role] = {
    role.name: role for role in (Role("developer", "I look for work"), Role("investor", "I invest"))
}

USE_CASES: dict[str, UseCase] = {
    use_case.name: use_case
    for use_case in (
        UseCase("movie_home", "movie", "Films for the evening", ("like", "favorite", "watchlist_add")),
        UseCase("drama_home", "drama", "Dramas for the evening", ("like", "favorite", "watchlist_add")),
        UseCase("developer_startup", "startup", "Start-ups to work for", ("like", "apply"), role="developer"),
        UseCase(
            "investor_startup", "startup", "Start-ups to invest in", ("favorite", "interest"), role="investor"
        ),
    )
}
DEFAULT_USE_CASE = "movie_home"


def use_cases_of_kind(kind: str) -> list[UseCase]:
    """The use cases whose lists hold items of `kind`; the first is the default for that kind."""
    return [use_case for use_case in USE_CASES.values() if use_case.kind == kind]


def roles_for(kind: str, type_name: str) -> frozenset[str]:
    """The roles of which a person needs one to do this with items of `kind`; empty where everybody may.

    What is a success only in use cases with a role is for those who hold it. What is a success in a use case
    for everybody, or in none (a view, a dislike), is for everybody.
    """
    roles = {
        use_case.role for use_case in use_cases_of_kind(kind) if type_name in use_case.positive_interactions
    }
    return frozenset(role for role in roles if role is not None) if None not in roles else frozenset()


TYPES_WITH_A_ROLE = frozenset(
    name for case in USE_CASES.values() for name in case.positive_interactions if roles_for(case.kind, name)
)
"""What is not for everybody with items of some kind."""


def is_said_in(use_case: UseCase, type_name: str) -> bool:
    """Whether doing this says something in a use case: it is no other role's doing."""
    roles = roles_for(use_case.kind, type_name)
    return use_case.role is None or not roles or use_case.role in roles


def types_of_other_roles(use_case: UseCase) -> list[str]:
    """The interaction types that say nothing in a use case, though people do them with items of its kind."""
    types = {name for other in use_cases_of_kind(use_case.kind) for name in other.positive_interactions}
    return sorted(name for name in types if not is_said_in(use_case, name))


def use_cases_of_other_roles(use_case: UseCase) -> list[str]:
    """The names of the use cases of the same kind for another role; none where this one is for everybody."""
    if use_case.role is None:
        return []
    others = use_cases_of_kind(use_case.kind)
    return [other.name for other in others if other.role not in (None, use_case.role)]
