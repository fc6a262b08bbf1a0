"""Everything on record about one person as one JSON document (docs/explanation/privacy.md)."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import User
from core.errors import InvalidInput
from privacy.sections import SECTIONS, Entry
from ranking.features import FEATURE_SET, FEATURES

# A reader of the document may rely on the names under one format; a change of them is a new one.
FORMAT = "heed-person-1"
PROFILES = "profiles"


def export_person(person: User) -> Iterator[str]:
    """The document in pieces, for whoever writes them one after the other: at most a batch is in memory.

    What the person does meanwhile may be in it or not.
    """
    yield f'{{\n"about": {_text(_about())}'
    yield from _sections(person)


def _sections(person: User) -> Iterator[str]:
    """All that comes after the first entry of the document, and its end; of profiles the same, one by one."""
    for section in SECTIONS:
        found = section.read(person)
        yield f",\n{json.dumps(section.name)}: "
        if found is None or isinstance(found, Mapping):
            yield _text(found)
        else:
            yield from _list(found)
    yield f",\n{json.dumps(PROFILES)}: ["
    for number, profile in enumerate(person.profiles.order_by("pk")):
        yield ",\n" if number else "\n"
        yield f'{{\n"name": {_text(profile.profile_name)}'
        yield from _sections(profile)
    yield "]\n}"


def save_export(person: User, path: Path) -> int:
    """Writes the document to a file that only its owner may read; returns its length in bytes.

    The file appears when it is whole. Raises InvalidInput where it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}-", delete=False
        ) as file:
            part = Path(file.name)
            try:
                file.writelines(export_person(person))
                file.close()
                length = part.stat().st_size
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from error
    return length


def _about() -> Entry:
    return {
        "format": FORMAT,
        "made_at": timezone.now(),
        "sections": {
            **{section.name: section.says for section in SECTIONS},
            PROFILES: "the same of each profile",
        },
        "features": {FEATURE_SET: list(FEATURES)},
    }


def _list(entries: Iterator[Entry]) -> Iterator[str]:
    before = "[\n"
    for entry in entries:
        yield before + "  " + _text(entry, "\n  ")
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"


def _text(value: object, margin: str = "\n") -> str:
    """JSON with a line for each entry, and for each field of what holds entries itself.

    Text stays as it is, so that titles can be read.
    """
    inner = margin + "  "
    if isinstance(value, Mapping) and any(map(_has_entries, value.values())):
        fields = (f"{json.dumps(name)}: {_text(entry, inner)}" for name, entry in value.items())
        return "{" + inner + f",{inner}".join(fields) + margin + "}"
    if isinstance(value, list) and _has_entries(value):
        return "[" + inner + f",{inner}".join(_text(entry, inner) for entry in value) + margin + "]"
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _has_entries(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], Mapping)
    return isinstance(value, Mapping)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
