"""The file of a model of verdicts."""

import numpy as np

from ranking.recommenders.artifact import ArtifactError, Layout, check_ids, check_positive, check_usable
from ranking.recommenders.tensors import FileData
from ranking.recommenders.verdict.model import PARTS, Verdicts
from ranking.recommenders.verdict.numbers import KNOTS

NUMBERS_OF_FILE = ("mean", "offset", "regularization", "slope", "intercept")
LAYOUT = Layout(
    kind="verdict",
    version=2,
    tensors={
        "item_ids": (np.int64, 1),
        "sums": (np.float32, 1),
        "counts": (np.float32, 1),
        "factors": (np.float32, 2),
        "weights": (np.float32, 1),
        "knots": (np.float32, 2),
        "effects": (np.float32, 1),
    },
    header={**dict.fromkeys(NUMBERS_OF_FILE, float), "numbers": str},
)


def dump_verdicts(model: Verdicts) -> bytes:
    """The model as bytes for `load_verdicts`."""
    header = {name: getattr(model, name) for name in NUMBERS_OF_FILE}
    header["numbers"] = ",".join(model.numbers)
    return LAYOUT.dump(header, {name: getattr(model, name) for name in LAYOUT.tensors})


def load_verdicts(data: FileData) -> Verdicts:
    """The model that `dump_verdicts` wrote. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    check_positive(header, "slope", "regularization")
    check_ids(tensors["item_ids"])
    check_usable(*(tensors[name] for name in ("sums", "counts", "factors", "weights", "knots", "effects")))
    items = len(tensors["item_ids"])
    if not len(tensors["sums"]) == len(tensors["counts"]) == len(tensors["factors"]) == items:
        raise ArtifactError("The items, their sums, counts and factors do not fit each other.")
    if len(tensors["weights"]) != PARTS or (tensors["weights"] < 0).any() or (tensors["counts"] < 0).any():
        raise ArtifactError(f"There must be {PARTS} weights, and no weight and no count below 0.")
    numbers = tuple(header["numbers"].split(",")) if header["numbers"] else ()
    knots, effects = tensors["knots"].astype(np.float64), tensors["effects"].astype(np.float64)
    if knots.shape != (len(numbers), KNOTS) or effects.size != knots.size or (np.diff(knots) < 0).any():
        raise ArtifactError("The numbers, their knots in order and their effects do not fit each other.")
    return Verdicts(
        item_ids=tensors["item_ids"],
        sums=tensors["sums"].astype(np.float64),
        counts=tensors["counts"].astype(np.float64),
        factors=tensors["factors"],
        weights=tensors["weights"].astype(np.float64),
        numbers=numbers,
        knots=knots,
        effects=effects,
        **{name: header[name] for name in NUMBERS_OF_FILE},
    )
