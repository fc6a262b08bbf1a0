"""Queries that are compiled once give what the ORM gives, for each value anew."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from core.queries import CompiledQuery, Parameter, columns_of, instance_of, moment_of
from tests.factories import make_user


def test_it_answers_each_value_like_the_orm(db: None) -> None:
    people = [make_user(name) for name in ("ann", "bob")]
    query = CompiledQuery(
        lambda: User.objects.filter(username=Parameter("name", str), pk__gt=Parameter("above")).values_list(
            *columns_of(User)
        )
    )
    for person in people:
        (row,) = query.ask(name=person.username, above=0)
        found = instance_of(User, row)
        assert found == person
        assert vars(found).keys() == vars(User.objects.get(pk=person.pk)).keys()
        assert (found.roles, found.date_joined) == (person.roles, person.date_joined)
        assert query.ask(name=person.username, above=person.pk) == []


def test_moments_are_compared_and_come_back_as_moments(db: None) -> None:
    person = make_user("ann")
    query = CompiledQuery(
        lambda: User.objects.filter(date_joined__gt=Parameter("since", datetime)).values_list("date_joined")
    )
    now = timezone.now()
    assert query.ask(since=now - timedelta(days=1)) == [(person.date_joined,)]
    assert query.ask(since=now + timedelta(days=1)) == []


def test_it_is_one_query_also_the_first_time(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    query = CompiledQuery(lambda: User.objects.filter(pk=Parameter("pk")).values_list("pk"))
    for _ in range(2):
        with django_assert_num_queries(1):
            query.ask(pk=1)


def test_behind_a_pooler_nothing_is_prepared(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_user("ann")
    monkeypatch.setitem(connections["default"].settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    query = CompiledQuery(lambda: User.objects.filter(pk=Parameter("pk")).values_list("username"))
    with connection.execute_wrapper(_no_execute):
        assert query.ask(pk=person.pk) == [("ann",)]


def _no_execute(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
    assert not sql.startswith("EXECUTE")
    return execute(sql, params, many, context)


def test_a_lacking_value_is_a_mistake(db: None) -> None:
    query = CompiledQuery(lambda: User.objects.filter(pk=Parameter("pk")).values_list("pk"))
    with pytest.raises(KeyError):
        query.ask()


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (None, None),
        ("2026-01-02 03:04:05.000006", datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_moments_as_drivers_give_them(written: object, moment: datetime | None) -> None:
    assert moment_of(written) == moment  # type: ignore[arg-type]
