"""The file of a model of nearness by text."""

import numpy as np

from ranking.recommenders.artifact import ArtifactError, Layout, check_ids, check_positive, check_usable
from ranking.recommenders.tensors import FileData
from ranking.recommenders.text.model import DIMENSIONS, TextModel

LAYOUT = Layout(
    kind="text",
    version=1,
    tensors={
        "item_ids": (np.int64, 1),
        "vectors": (np.float32, 2),
        "approved": (np.float32, 1),
        "refused": (np.float32, 1),
    },
    header={"decay": float, "slope": float, "intercept": float},
)


def dump_text(model: TextModel) -> bytes:
    """The model as bytes for `load_text`."""
    header = {name: getattr(model, name) for name in LAYOUT.header}
    return LAYOUT.dump(header, {name: getattr(model, name) for name in LAYOUT.tensors})


def load_text(data: FileData) -> TextModel:
    """The model that `dump_text` wrote. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    approved, refused = tensors["approved"].astype(np.float64), tensors["refused"].astype(np.float64)
    check_positive(header, "slope")
    check_ids(tensors["item_ids"])
    check_usable(approved, refused, tensors["vectors"])
    if len(approved) != 1 or len(refused) != 1 or approved[0] < 0 or refused[0] < 0 or header["decay"] < 0:
        raise ArtifactError("There must be one weight of each sort, and no weight and no decay below 0.")
    if tensors["vectors"].shape != (len(tensors["item_ids"]), DIMENSIONS):
        raise ArtifactError(f"There must be a vector of {DIMENSIONS} numbers for each item.")
    return TextModel(approved, refused, **header, item_ids=tensors["item_ids"], vectors=tensors["vectors"])
