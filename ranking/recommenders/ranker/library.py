"""LightGBM, without the libraries that it offers to work with and that nothing here hands to it."""

import sys
import threading
from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# It asks for each where it is installed: together 130 MB and a second of CPU in every process that serves.
_NOT_NEEDED = frozenset({"pandas", "sklearn", "pyarrow", "dask", "matplotlib", "graphviz"})


@cache
def load_lightgbm() -> None:
    """Imports `lightgbm`, which reads NumPy arrays from then on and takes every other table for unknown."""
    refusing = _Refusing(threading.get_ident())
    sys.meta_path.insert(0, refusing)
    try:
        import lightgbm  # noqa: F401
    finally:
        sys.meta_path.remove(refusing)


class _Refusing(MetaPathFinder):
    """Says of what is not needed that it is not installed, to one thread alone."""

    def __init__(self, thread: int) -> None:
        self._thread = thread

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if threading.get_ident() == self._thread and name.partition(".")[0] in _NOT_NEEDED:
            raise ModuleNotFoundError(f"{name} is not needed by LightGBM here.", name=name)
        return None
