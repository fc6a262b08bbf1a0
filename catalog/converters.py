"""URL converters for item kinds, ids and people; values that cannot exist do not match: they answer 404."""

from django.urls import register_converter

from core.domain import KINDS_BY_WORD, ItemKind


class KindConverter:
    """A registered item kind: its plural, such as `movies`, or its name."""

    regex = f"(?:{'|'.join(KINDS_BY_WORD)})"

    def to_python(self, value: str) -> ItemKind:
        return KINDS_BY_WORD[value]

    def to_url(self, value: ItemKind | str) -> str:
        return value if isinstance(value, str) else value.plural


class IdConverter:
    """A database id: 1 to 18 digits, so that it fits every column that holds one."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class PersonConverter:
    """An id or a user name; `accounts.selectors.person_named` says whom it means."""

    regex = r"[\w.@+-]{1,150}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str | int) -> str:
        return str(value)


class ExternalIdConverter:
    """The id of an item outside this database; the rule of such ids judges it."""

    regex = ".{1,400}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ExternalIdConverter, "external")
register_converter(KindConverter, "kinds")
register_converter(IdConverter, "id")
register_converter(PersonConverter, "person")
