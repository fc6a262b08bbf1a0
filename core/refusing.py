"""Imports of a library without others that it offers to work with, and that nothing here hands to it."""

import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Says to this thread that none of these packages is installed, as far as they are not loaded yet."""
    refusing = _Refusing(threading.get_ident(), names)
    sys.meta_path.insert(0, refusing)
    try:
        yield
    finally:
        sys.meta_path.remove(refusing)


class _Refusing(MetaPathFinder):
    """Finds none of some packages, to one thread alone."""

    def __init__(self, thread: int, names: Collection[str]) -> None:
        self._thread, self._names = thread, names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if threading.get_ident() == self._thread and name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"{name} is not needed here.", name=name)
        return None
