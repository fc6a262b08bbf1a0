"""The file of an ALS model."""

from typing import get_args

import numpy as np

from ranking.recommenders.als.model import AlsModel, Confidence, gram_matrix
from ranking.recommenders.artifact import ArtifactError, Layout, check_ids, check_positive
from ranking.recommenders.tensors import FileData

NUMBERS = ("regularization", "alpha", "negative_scale", "slope", "intercept")
LAYOUT = Layout(
    kind="als",
    version=2,
    tensors={"item_ids": (np.int64, 1), "item_factors": (np.float32, 2)},
    header={**dict.fromkeys(NUMBERS, float), "confidence": str},
    added={"confidence": "damped"},
)


def dump_als(model: AlsModel) -> bytes:
    """The model as bytes for `load_als`. The gram matrix is left out: it follows from the factors."""
    tensors = {"item_ids": model.item_ids, "item_factors": model.item_factors}
    return LAYOUT.dump({name: getattr(model, name) for name in LAYOUT.header}, tensors)


def load_als(data: FileData) -> AlsModel:
    """The model that `dump_als` wrote; its arrays are read-only. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    numbers = {name: header[name] for name in NUMBERS}
    if header["confidence"] not in get_args(Confidence):
        raise ArtifactError("confidence must be damped or plain.")
    check_positive(numbers, "regularization", "alpha", "slope")
    if numbers["negative_scale"] < 0:
        raise ArtifactError("negative_scale must be at least 0.")
    item_ids, item_factors = tensors["item_ids"], tensors["item_factors"]
    if len(item_ids) != len(item_factors) or item_factors.size == 0:
        raise ArtifactError(f"{len(item_ids)} item ids do not fit factors of shape {item_factors.shape}.")
    check_ids(item_ids)
    with np.errstate(all="ignore"):
        gram = gram_matrix(item_factors)
    # A factor that is not finite, or so large that scores overflow, shows in the products too.
    if not np.isfinite(item_factors).all() or not np.abs(gram).max() < np.finfo(np.float32).max:
        raise ArtifactError("The item factors hold numbers that are not finite or too large.")
    return AlsModel(item_ids=item_ids, item_factors=item_factors, gram=gram, **header)
