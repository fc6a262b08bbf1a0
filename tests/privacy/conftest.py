"""Fixtures of this folder."""

import pytest
from django.test import Client

from accounts.models import User
from tests.privacy.builders import NAME, PASSWORD, make_history
from tests.threads import threads_db

__all__ = ["threads_db"]


@pytest.fixture
def zelda(db: None, client: Client) -> User:
    """A person with rows in every table that has a person, whose name stands nowhere else."""
    person = User.objects.create_user(NAME, email=f"{NAME}@heed.example", password=PASSWORD)
    make_history(person)
    return person
