"""People as import files name them."""

from collections.abc import Iterable

from django.contrib.auth.hashers import make_password

from accounts.models import User


def create_people(names: Iterable[str]) -> None:
    """Creates people without a usable password; one that another run created meanwhile stays as they are."""
    people = [User(username=name, password=make_password(None)) for name in names]
    User.objects.bulk_create(people, ignore_conflicts=True)
