"""User names, by which people are known outside this database."""

import unicodedata

from django.core.exceptions import ValidationError

from accounts.models import User
from core.values import BadValue, Name, shown

USERNAME = Name(150)

# Scripts with letters that look alike, and those of the others that look like Latin ones. Honest names mix
# Latin with other scripts, such as that of Korea.
_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_LIKE_LATIN = frozenset(
    "авеіїјкмнопрстухѕԁһӏԛԝьѵүӓӧёАВЕКМНОРСТУХІЈЅԌԚԜҮӀαεηικνορτυχωϲΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհզցյքՕՍԼ"
)


def normal_username(value: object) -> str:
    """A user name in the form in which it is stored. Raises BadValue."""
    normalized = User.normalize_username(USERNAME(value))
    try:
        User.username_validator(normalized)
    except ValidationError as error:
        raise BadValue(f"may hold letters, digits and @ . + - _ only, not {shown(normalized)}") from error
    # Normalizing can make a name longer.
    return USERNAME(normalized)


def is_homograph(name: str) -> bool:
    """True for a name that could be taken for another by its looks.

    That is one in letters of several scripts that look alike, and one of another script than Latin that has
    only letters that look like Latin ones.
    """
    letters = {letter: _script(letter) for letter in name if letter.isalpha()}
    scripts = set(letters.values()) & set(_ALIKE)
    if len(scripts) > 1:
        return True
    foreign = {letter for letter, script in letters.items() if script in scripts - {"LATIN"}}
    return bool(foreign) and foreign <= _LIKE_LATIN


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
