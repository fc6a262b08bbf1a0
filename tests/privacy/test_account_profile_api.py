"""Profiles of an account over HTTP: a request that is sent twice makes one."""

import pytest
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ADDRESS = "/api/account/profiles"


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def api(ann: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(ann)
    return client


def make(api: APIClient, name: str, key: str | None = "one") -> tuple[int, str]:
    """The status and the text of the answer to a request for a profile."""
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = api.post(ADDRESS, {"name": name}, format="json", headers=headers)
    return answer.status_code, answer.content.decode()


def test_with_the_same_key_one_is_made_and_told_twice(api: APIClient, ann: User) -> None:
    first = make(api, "Kids")
    assert first[0] == 201
    assert make(api, "Kids") == first
    assert ann.profiles.get().profile_name == "Kids"


def test_another_body_or_no_key_is_another_request(api: APIClient, ann: User) -> None:
    make(api, "Kids")
    assert make(api, "Guests")[0] == 422
    assert make(api, "Kids", key=None)[0] == 400
    assert make(api, "Guests", key="two")[0] == 201
    assert ann.profiles.count() == 2


def test_the_answer_goes_with_the_profile(api: APIClient, ann: User) -> None:
    make(api, "Kids")
    assert "Kids" in str(IdempotencyKey.objects.get().answer())
    assert api.delete(f"{ADDRESS}/{ann.profiles.get().pk}").status_code == 204
    assert not IdempotencyKey.objects.exists()
