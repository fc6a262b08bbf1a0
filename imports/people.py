"""People as import files name them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts.models import User
from imports.checks import check_identifier, shown
from imports.reading import BadValue

MAX_USERNAME = 150
_USERNAME = re.compile(r"[\w.@+-]+\Z")


def check_username(values: Mapping[str, Any]) -> str:
    """The name of the person in the column `user`. Raises BadValue."""
    name = User.normalize_username(check_identifier("user", values["user"], max_length=MAX_USERNAME))
    if not _USERNAME.match(name) or len(name) > MAX_USERNAME:
        raise BadValue(f"user may hold letters, digits and @ . + - _ only, not {shown(name)}")
    return name


def create_people(names: Iterable[str]) -> None:
    """Creates people without a usable password; one that another run created meanwhile stays as they are."""
    people = [User(username=name, password=make_password(None)) for name in names]
    User.objects.bulk_create(people, ignore_conflicts=True)
