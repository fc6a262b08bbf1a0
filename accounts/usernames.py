"""User names, by which people are known outside this database."""

from django.core.exceptions import ValidationError

from accounts.models import User
from core.values import BadValue, Name, shown

USERNAME = Name(150)


def normal_username(value: object) -> str:
    """A user name in the form in which it is stored. Raises BadValue."""
    normalized = User.normalize_username(USERNAME(value))
    try:
        User.username_validator(normalized)
    except ValidationError as error:
        raise BadValue(f"may hold letters, digits and @ . + - _ only, not {shown(normalized)}") from error
    # Normalizing can make a name longer.
    return USERNAME(normalized)
