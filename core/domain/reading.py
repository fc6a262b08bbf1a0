"""heed.toml as the domain, or one sentence that says where it is wrong and what is allowed."""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from django.core.exceptions import ImproperlyConfigured
from pydantic import TypeAdapter, ValidationError

from core.domain.checks import Mistake, check
from core.domain.schema import Domain

_DOMAIN = TypeAdapter(Domain)
# The tables whose entries are known by their key, and what the key stands for where they do not say.
_NAMED = {
    "kinds": ("name", "noun"),
    "facets": ("name",),
    "interactions": ("name", "action"),
    "roles": ("name",),
    "use_cases": ("name",),
    "scenarios": ("name",),
    "reasons": ("name",),
    "schedule": ("name",),
}
_NAME = "small letters, digits and underscores, at most {} of them, a letter first"
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,31}$": _NAME.format(32),
    r"^[a-z][a-z0-9_]{0,15}$": _NAME.format(16),
    r"^[a-z][a-z0-9_]{0,63}$": _NAME.format(64),
    r"^[A-Za-z][A-Za-z0-9_.-]{0,59}$": "letters, digits, _, . and -, at most 60 of them, a letter first",
    r"^#[0-9a-f]{6}$": "a color such as #a83a1f",
    r"^[a-z][a-z0-9_-]{0,31}$": "small letters, digits, underscores and hyphens, at most 32, a letter first",
}
# The kinds of pictures that a logo may be, by how the file ends, and its most bytes.
LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
MAX_LOGO_BYTES = 200_000
_UNKNOWN = "unexpected_keyword_argument"
_TYPES = {
    "string_type": "must be text in quotes",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a table",
    "dataclass_type": "must be a table",
    "missing": "is missing",
    "finite_number": "must be a finite number",
}


def read_domain(path: Path) -> Domain:
    """The domain as the file at `path` has it.

    Raises ImproperlyConfigured with one sentence that names the file, the key and what is allowed.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: cannot be read ({error.strerror}); HEED_CONFIG names the file.")
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path}: must be text in UTF-8.")
    except tomllib.TOMLDecodeError as error:
        raise ImproperlyConfigured(f"{path}: is no TOML: {error}.")
    try:
        domain = parse_domain(written)
        _check_logo(path.parent / domain.site.logo if domain.site.logo else None)
    except Mistake as mistake:
        raise ImproperlyConfigured(f"{path}: {mistake}")
    return domain


def _check_logo(logo: Path | None) -> None:
    if logo is None:
        return
    if logo.suffix.lower() not in LOGO_TYPES:
        raise Mistake("site.logo", f"must be a file that ends in {', '.join(LOGO_TYPES)}, not {logo.name!r}")
    try:
        size = logo.stat().st_size
    except (OSError, ValueError):
        raise Mistake("site.logo", f"there is no file {str(logo)!r}") from None
    if size > MAX_LOGO_BYTES:
        raise Mistake("site.logo", f"has {size:,} bytes; {MAX_LOGO_BYTES:,} is the most")


def parse_domain(written: Mapping[str, Any]) -> Domain:
    """The domain that these tables describe. Raises Mistake for the first thing that is wrong."""
    try:
        # JSON, because only there a strict reader takes a list for a tuple.
        domain = _DOMAIN.validate_json(json.dumps(_with_names(written), default=str))
    except ValidationError as error:
        raise _mistake(error)
    check(domain)
    return domain


def _with_names(written: Mapping[str, Any]) -> dict[str, Any]:
    """The tables with the key of each entry as its name, which an entry may not give itself another of."""
    named = dict(written)
    for table, keys in _NAMED.items():
        entries = written.get(table)
        if isinstance(entries, dict):
            named[table] = {name: _named(table, name, entry, keys) for name, entry in entries.items()}
    return named


def _named(table: str, name: str, entry: object, keys: Iterable[str]) -> object:
    if not isinstance(entry, dict):
        return entry
    if "name" in entry:
        raise Mistake(f"{table}.{name}.name", f"unknown key; the name is the {name!r} of [{table}.{name}]")
    return {**dict.fromkeys(keys, name), **entry}


def _mistake(error: ValidationError) -> Mistake:
    """The first of the errors as a sentence; a misspelled key is called unknown before another is missing."""
    errors = error.errors(include_url=False)
    first = next((one for one in errors if one["type"] == _UNKNOWN), errors[0])
    place = [str(step) for step in first["loc"]]
    context, kind = first.get("ctx", {}), first["type"]
    key = ".".join(place)
    if kind == _UNKNOWN:
        return Mistake(key, f"unknown key; allowed are {', '.join(_keys_at(place[:-1]))}")
    if kind == "missing":
        return Mistake(key, "is missing")
    return Mistake(key, f"{_allowed(kind, context)}, not {first['input']!r}")


def _allowed(kind: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "string_too_short" | "too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
        case "too_long":
            return f"must have at most {context['max_length']} entries"
        case "literal_error":
            return f"must be {context['expected']}"
        case "string_pattern_mismatch":
            return f"must be {_PATTERNS[context['pattern']]}"
        case _:
            return _TYPES.get(kind, f"is wrong ({kind})")


def _keys_at(place: Sequence[str]) -> list[str]:
    """The keys that a table may have, given the way to it."""
    here: Any = Domain
    for step in place:
        here = get_type_hints(here)[step] if is_dataclass(here) else get_args(here)[-1]
    # The name of an entry is its key.
    is_entry = bool(place) and place[0] in _NAMED
    return [one.name for one in fields(here) if not (is_entry and one.name == "name")]
