"""Permissions of roles, and the interactions that count in a use case."""

from core.domain import KINDS, TYPES, USE_CASES, InteractionType, ItemKind, UseCase


def use_cases_of_kind(kind: str) -> list[UseCase]:
    """The use cases whose lists hold items of `kind`; the first is the default for that kind."""
    return [use_case for use_case in USE_CASES.values() if use_case.kind == kind]


def takes(kind: ItemKind, type_name: str) -> bool:
    """True where an interaction of this type can be recorded with items of `kind`.

    What is no action can be with all of them, and what an action records when it is taken back where it is.
    """
    row = TYPES[type_name]
    undone = [other for other in TYPES.values() if other.undo == type_name]
    if row.is_action or not undone:
        return not row.is_action or row.action in kind.actions
    return any(other.action in kind.actions for other in undone)


def rated_type(kind: str) -> InteractionType | None:
    """The interaction type with which items of `kind` are rated; None where they are not."""
    taken = KINDS[kind].actions if kind in KINDS else frozenset()
    return next((row for row in TYPES.values() if row.is_rated and row.action in taken), None)


def plain_yes(kind: str) -> str:
    """The interaction type of a plain yes to an item of `kind`: the first success of its first use case."""
    return use_cases_of_kind(kind)[0].positive_interactions[0]


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
    """True where doing this says something in a use case: it is no other role's doing."""
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
