"""The file of a model of transitions."""

from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.sparse import matrix_of, sparse_layout, tensors_of
from ranking.recommenders.tensors import FileData
from ranking.recommenders.transitions.model import Transitions

LAYOUT = sparse_layout("transitions", window=float, negative_scale=float)


def dump_transitions(model: Transitions) -> bytes:
    """The model as bytes for `load_transitions`."""
    header = {
        "slope": model.slope,
        "intercept": model.intercept,
        "window": model.window,
        "negative_scale": model.negative_scale,
    }
    return LAYOUT.dump(header, tensors_of(model.item_ids, model.matrix))


def load_transitions(data: FileData) -> Transitions:
    """The model that `dump_transitions` wrote. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    item_ids, matrix = matrix_of(header, tensors)
    window, negative_scale = header["window"], header["negative_scale"]
    if not window >= 1 or not window.is_integer() or negative_scale < 0 or (matrix.data <= 0).any():
        raise ArtifactError("The window must be a whole number, and no scale or strength below 0.")
    return Transitions(
        item_ids, matrix, int(window), negative_scale, slope=header["slope"], intercept=header["intercept"]
    )
