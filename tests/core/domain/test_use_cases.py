"""The registry of kinds, roles and use cases holds together, whatever is added to it."""

import pytest

from core.domain import (
    ACTIONS,
    DEFAULT_USE_CASE,
    KINDS,
    KINDS_BY_WORD,
    ROLES,
    TYPES,
    USE_CASES,
    ItemKind,
    UseCase,
)
from core.domain.roles import (
    is_said_in,
    roles_for,
    types_of_other_roles,
    use_cases_of_kind,
    use_cases_of_other_roles,
)
from ranking.recommenders.registry import RETRIEVING, TRAINED

DEVELOPERS, INVESTORS = USE_CASES["developer_startup"], USE_CASES["investor_startup"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_has_a_use_case_and_actions_that_exist(kind: ItemKind) -> None:
    assert use_cases_of_kind(kind.name)
    assert kind.actions <= set(ACTIONS)
    assert kind.plural.isascii()
    assert kind.plural.islower()


@pytest.mark.parametrize("use_case", USE_CASES.values(), ids=lambda use_case: use_case.name)
def test_a_use_case_names_what_exists(use_case: UseCase) -> None:
    assert use_case.kind in KINDS
    assert use_case.role is None or use_case.role in ROLES
    assert set(use_case.sources) <= set(RETRIEVING)
    assert set(use_case.models) <= set(TRAINED)
    taken = {ACTIONS[action].name for action in KINDS[use_case.kind].actions}
    assert set(use_case.positive_interactions) <= taken
    assert all(TYPES[name].polarity > 0 for name in use_case.positive_interactions)
    assert TYPES[use_case.positive_interactions[0]].is_state, "a pick must be able to be taken back"


def test_names_are_not_used_twice() -> None:
    assert len(KINDS_BY_WORD) == 2 * len(KINDS)
    assert DEFAULT_USE_CASE in USE_CASES
    assert {use_case.role for use_case in USE_CASES.values()} >= set(ROLES), "a role opens some list"


@pytest.mark.parametrize(
    ("kind", "type_name", "roles"),
    [
        ("startup", "like", {"developer"}),
        ("startup", "apply", {"developer"}),
        ("startup", "favorite", {"investor"}),
        ("startup", "interest", {"investor"}),
        ("startup", "dislike", set()),
        ("startup", "view", set()),
        ("movie", "like", set()),
        ("movie", "watched", set()),
    ],
)
def test_who_may_do_what(kind: str, type_name: str, roles: set[str]) -> None:
    assert roles_for(kind, type_name) == roles


def test_what_one_role_does_says_nothing_to_the_other() -> None:
    assert {"favorite", "interest"} <= set(types_of_other_roles(DEVELOPERS))
    assert {"apply", "like"} <= set(types_of_other_roles(INVESTORS))
    assert "investor_startup" in use_cases_of_other_roles(DEVELOPERS)
    assert "developer_startup" not in use_cases_of_other_roles(DEVELOPERS)
    films = USE_CASES["movie_home"]
    assert types_of_other_roles(films) == use_cases_of_other_roles(films) == []


def test_a_use_case_for_everybody_beside_them_opens_what_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = UseCase("startup_home", "startup", "Start-ups", ("like",))
    monkeypatch.setitem(USE_CASES, everybody.name, everybody)
    assert roles_for("startup", "like") == set()
    assert roles_for("startup", "apply") == {"developer"}
    assert is_said_in(everybody, "interest"), "it takes in what anybody did"
    assert "apply" in types_of_other_roles(INVESTORS)
    assert "like" not in types_of_other_roles(INVESTORS)
    assert everybody.name not in use_cases_of_other_roles(INVESTORS)


def test_a_success_of_two_roles_is_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = UseCase("investor_startup", "startup", "Both", ("favorite", "like"), role="investor")
    monkeypatch.setitem(USE_CASES, shared.name, shared)
    assert roles_for("startup", "like") == {"developer", "investor"}
    assert not is_said_in(DEVELOPERS, "favorite")
    assert not is_said_in(shared, "apply")
    assert is_said_in(DEVELOPERS, "like")
    assert is_said_in(shared, "like")
