"""The vectors of texts: one file for items of all kinds, which `embed_items` writes and training reads."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings

from core.arrays import Floats, Ints
from core.folders import write_whole
from ranking.recommenders.artifact import ArtifactError, Layout, check_ids, check_usable
from ranking.recommenders.text.model import DIMENSIONS, Axes
from ranking.recommenders.training import TrainingError

LAYOUT = Layout(
    kind="texts",
    version=1,
    tensors={
        "item_ids": (np.int64, 1),
        "digests": (np.int64, 1),
        "vectors": (np.float32, 2),
        "mean": (np.float32, 1),
        "axes": (np.float32, 2),
    },
    header={"model": str},
)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """The vectors of n items.

    item_ids  (n,) sorted, unique
    digests   (n,) of the text of each, so that one that changed is seen
    vectors   (n, DIMENSIONS)
    axes      by which further embeddings become vectors
    model     the name of what embedded them; vectors of two models cannot be compared
    """

    item_ids: Ints
    digests: Ints
    vectors: Floats
    axes: Axes
    model: str


def texts_path() -> Path:
    """The file that holds them."""
    return Path(settings.MODEL_DIR) / "texts.safetensors"


def write_texts(texts: Texts) -> None:
    """Writes the file anew, whole. Raises OSError where it cannot be written."""
    tensors = {
        "item_ids": texts.item_ids,
        "digests": texts.digests,
        "vectors": texts.vectors,
        "mean": texts.axes.mean,
        "axes": texts.axes.axes,
    }
    write_whole(texts_path(), LAYOUT.dump({"model": texts.model}, tensors))


def read_texts() -> Texts | None:
    """All that is kept; None where nothing was embedded yet. Raises TrainingError for a damaged file."""
    try:
        changed = texts_path().stat()
    except FileNotFoundError:
        return None
    return _read(str(texts_path()), changed.st_mtime_ns, changed.st_size)


@lru_cache(maxsize=1)
def _read(path: str, _changed: int, _size: int) -> Texts:
    try:
        header, tensors = LAYOUT.load(Path(path).read_bytes())
        check_ids(tensors["item_ids"])
        check_usable(tensors["vectors"], tensors["mean"], tensors["axes"])
    except ArtifactError as error:
        raise TrainingError(f"{path} is damaged: {error} Run `manage.py embed_items --all`.") from error
    items, dimensions = len(tensors["item_ids"]), len(tensors["mean"])
    shapes = {"digests": (items,), "vectors": (items, DIMENSIONS), "axes": (dimensions, DIMENSIONS)}
    if any(tensors[name].shape != shape for name, shape in shapes.items()):
        raise TrainingError(f"The parts of {path} do not fit each other; run `manage.py embed_items --all`.")
    axes = Axes(tensors["mean"], tensors["axes"])
    return Texts(tensors["item_ids"], tensors["digests"], tensors["vectors"], axes, header["model"])
