"""The bytes that a value holds in memory, about: for a bound on what is kept, at the cost of microseconds."""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

from catalog.selectors import ItemCard
from ranking.snapshot import CatalogSnapshot

# Bytes that Python needs beside the content: of an array, an object, and of an entry of a container.
_ARRAY, _OBJECT, _ENTRY, _PAIR, _NUMBER = 128, 56, 8, 100, 28
# In a longer container the first stand for all.
_LOOKED_AT = 6
# They are held by many, or made once for all.
_SHARED = (ItemCard, CatalogSnapshot, bool, type(None), type)


def bytes_of(value: Any) -> int:
    """The bytes of a value with all that it holds, as if all in a long container were like the first of it.

    Cards and catalogs are not counted: they are not held for its sake.
    """
    if isinstance(value, _SHARED):
        return 0
    if isinstance(value, np.ndarray):
        return _ARRAY + value.nbytes
    if isinstance(value, str | bytes):
        return _OBJECT + len(value)
    if isinstance(value, Mapping):
        return _OBJECT + len(value) * _PAIR + _of_all(value.items(), len(value))
    if isinstance(value, Collection):
        return _OBJECT + len(value) * _ENTRY + _of_all(value, len(value))
    names = _fields_of(value.__class__)
    return _OBJECT + sum(bytes_of(getattr(value, name)) for name in names) if names else _NUMBER


def _of_all(values: Collection[Any], length: int) -> int:
    looked_at = [bytes_of(value) for value in islice(values, _LOOKED_AT)]
    return sum(looked_at) * length // max(1, len(looked_at))


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
