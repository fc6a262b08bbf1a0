"""Values that no column can hold, where no form and no serializer refused them: a 400, in the admin too."""

import pytest
from django.db import DataError
from django.test import Client

from core.database import is_unstorable
from tests.factories import make_item, make_user

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/accounts/user/"


@pytest.mark.parametrize(
    "query", ["username=%00", "username__in=a,%00", "pk=%00", "pk__in=9999999999999999999999"]
)
@pytest.mark.parametrize("table", ["accounts/user", "axes/accessattempt", "accounts/servicetoken"])
def test_what_is_asked_of_a_table(admin_client: Client, table: str, query: str) -> None:
    admin_client.raise_request_exception = False
    assert admin_client.get(f"/admin/{table}/?{query}").status_code in (200, 302, 400)


@pytest.mark.parametrize("row", ["x", "\0", "9" * 30, "-1", "1e9"])
@pytest.mark.parametrize("table", ["accounts/user", "catalog/item"])
def test_what_is_chosen_of_a_table(admin_client: Client, table: str, row: str) -> None:
    make_user("ann")
    make_item()
    admin_client.raise_request_exception = False
    body = {"action": "delete_selected", "_selected_action": row, "post": "yes"}
    assert admin_client.post(f"/admin/{table}/", body).status_code in (200, 302, 400)


def test_in_the_header_of_a_login(client: Client) -> None:
    client.raise_request_exception = False
    form = {"username": "ann", "password": "wrong"}
    response = client.post("/accounts/login/", form, headers={"User-Agent": "a\0b"})
    assert response.status_code in (200, 400)


def test_our_own_mistakes_stay_mistakes() -> None:
    assert is_unstorable(DataError("integer out of range"))
    assert is_unstorable(ValueError("Field 'id' expected a number but got 'x'."))
    assert not is_unstorable(ValueError("not enough values to unpack (expected 2, got 1)"))
    assert not is_unstorable(OverflowError("cannot convert float infinity to integer"))
    assert not is_unstorable(KeyError("Field 'id' expected a number"))
