"""The file of an EASE model."""

from ranking.recommenders.artifact import ArtifactError, check_positive
from ranking.recommenders.ease.model import Ease
from ranking.recommenders.sparse import matrix_of, sparse_layout, tensors_of
from ranking.recommenders.tensors import FileData

LAYOUT = sparse_layout("ease", regularization=float, negative_scale=float)


def dump_ease(model: Ease) -> bytes:
    """The model as bytes for `load_ease`."""
    header = {
        "slope": model.slope,
        "intercept": model.intercept,
        "regularization": model.regularization,
        "negative_scale": model.negative_scale,
    }
    return LAYOUT.dump(header, tensors_of(model.item_ids, model.matrix))


def load_ease(data: FileData) -> Ease:
    """The model that `dump_ease` wrote. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    item_ids, matrix = matrix_of(header, tensors)
    check_positive(header, "regularization")
    if header["negative_scale"] < 0:
        raise ArtifactError("negative_scale must not be below 0.")
    return Ease(
        item_ids=item_ids,
        matrix=matrix,
        regularization=header["regularization"],
        negative_scale=header["negative_scale"],
        slope=header["slope"],
        intercept=header["intercept"],
    )
