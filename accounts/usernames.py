"""User names, by which people are known outside this database."""

import unicodedata

from django.core.exceptions import ValidationError

from accounts.models import User
from core.text import UNSEEN_LETTERS
from core.values import BadValue, Name, shown

USERNAME = Name(150)

# Scripts with letters that look alike, and those of the others that look like Latin ones. Honest names mix
# Latin with other scripts, such as that of Korea.
_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")
_LIKE_LATIN = frozenset(
    "авеіїјкмнопрстухѕԁһӏԛԝьѵүӓӧёАВЕКМНОРСТУХІЈЅԌԚԜҮӀαεηικνορτυχωϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհզցյքՕՍԼ"
    "ⲀⲂⲈⲎⲒⲔⲘⲚⲞⲢⲤⲦⲬⲁⲃⲉⲏⲓⲕⲙⲛⲟⲣⲥⲧⲭᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᎽᏀᏃᏏᏒᏔᏙᏚᏞᏟᏢᏦᏧᏮᏴꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ"
)
# Latin letters that look like another one and stand in no alphabet of a language: of phonetic writing and
# clicks, and all small capitals. Others, such as ı, ə and ɛ, are letters of names.
_LIKE_OTHERS = frozenset("ɑɡɩɪɢɴʀʏʙʜʟȷǀǃꜰꜱꞯꞮ") | frozenset(map(chr, range(0x1D00, 0x1D80)))


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

    That is one in letters of several scripts that look alike, one of another script than Latin that has only
    letters that look like Latin ones, and one with a letter that is unseen or a variant of a Latin one.
    Digits are of one script, and ours beside letters that look alike: zeros of some others look like an o.
    """
    if not UNSEEN_LETTERS.union(_LIKE_OTHERS).isdisjoint(name):
        return True
    letters = {letter: _script(letter) for letter in name if letter.isalpha()}
    scripts = set(letters.values()) & set(_ALIKE)
    zeros = {ord(digit) - unicodedata.decimal(digit) for digit in name if digit.isdecimal()}
    if len(scripts) > 1 or len(zeros) > 1 or (scripts and not zeros <= {ord("0")}):
        return True
    foreign = {letter for letter, script in letters.items() if script in scripts - {"LATIN"}}
    return bool(foreign) and foreign <= _LIKE_LATIN


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
