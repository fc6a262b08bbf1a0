"""The file of a model of nearness by facets."""

import numpy as np

from ranking.item_content import GROUPS
from ranking.recommenders.artifact import ArtifactError, Layout, check_positive, check_usable
from ranking.recommenders.nearness import NearnessWeights
from ranking.recommenders.tensors import FileData

LAYOUT = Layout(
    kind="content",
    version=1,
    tensors={"approved": (np.float32, 1), "refused": (np.float32, 1)},
    header={"decay": float, "slope": float, "intercept": float},
)


def dump_content(model: NearnessWeights) -> bytes:
    """The model as bytes for `load_content`."""
    header = {"decay": model.decay, "slope": model.slope, "intercept": model.intercept}
    return LAYOUT.dump(header, {"approved": model.approved, "refused": model.refused})


def load_content(data: FileData) -> NearnessWeights:
    """The model that `dump_content` wrote. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    approved, refused = tensors["approved"].astype(np.float64), tensors["refused"].astype(np.float64)
    check_positive(header, "slope")
    check_usable(approved, refused)
    if len(approved) != len(GROUPS) or len(refused) != len(GROUPS):
        raise ArtifactError(f"There must be a weight for each of {', '.join(GROUPS)}.")
    if (approved < 0).any() or (refused < 0).any() or header["decay"] < 0:
        raise ArtifactError("No weight and no decay may be below 0.")
    return NearnessWeights(approved, refused, header["decay"], header["slope"], header["intercept"])
