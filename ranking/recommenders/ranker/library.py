"""LightGBM, without the libraries that it offers to work with and that nothing here hands to it."""

from functools import cache

from core.refusing import without

# It asks for each where it is installed: together 130 MB and a second of CPU in every process that serves.
_NOT_NEEDED = ("pandas", "sklearn", "pyarrow", "dask", "matplotlib", "graphviz")


@cache
def load_lightgbm() -> None:
    """Imports `lightgbm`, which reads NumPy arrays from then on and takes every other table for unknown."""
    with without(*_NOT_NEEDED):
        import lightgbm  # noqa: F401
