"""The file of a two-tower model."""

import numpy as np

from ranking.recommenders.artifact import ArtifactError, Layout, check_ids, check_positive, check_usable
from ranking.recommenders.tensors import FileData
from ranking.recommenders.two_tower.model import Dense, TwoTower

# Name of the inputs of the user tower. A change of their meaning needs another, and refuses older files.
FEATURE_SET = "history-taste-1"
LAYOUT = Layout(
    kind="two_tower",
    version=2,
    tensors={
        "item_ids": (np.int64, 1),
        "item_vectors": (np.float32, 2),
        "item_biases": (np.float32, 1),
        "history_ids": (np.int64, 1),
        "history_vectors": (np.float32, 2),
        "facet_ids": (np.int64, 1),
        "facet_vectors": (np.float32, 2),
        "hidden.weights": (np.float32, 2),
        "hidden.biases": (np.float32, 1),
        "output.weights": (np.float32, 2),
        "output.biases": (np.float32, 1),
    },
    header={"feature_set": str, "slope": float, "intercept": float},
)
_UNIT = 1e-3


def dump_two_tower(model: TwoTower) -> bytes:
    """The model as bytes for `load_two_tower`; equal models give equal bytes."""
    tensors = {
        "item_ids": model.item_ids,
        "item_vectors": model.item_vectors,
        "item_biases": model.item_biases,
        "history_ids": model.history_ids,
        "history_vectors": model.history_vectors,
        "facet_ids": model.facet_ids,
        "facet_vectors": model.facet_vectors,
        "hidden.weights": model.hidden.weights,
        "hidden.biases": model.hidden.biases,
        "output.weights": model.output.weights,
        "output.biases": model.output.biases,
    }
    header = {"feature_set": FEATURE_SET, "slope": model.slope, "intercept": model.intercept}
    return LAYOUT.dump(header, tensors)


def load_two_tower(data: FileData) -> TwoTower:
    """The model that `dump_two_tower` wrote, its arrays read-only. Raises ArtifactError for other bytes."""
    header, tensors = LAYOUT.load(data)
    check_positive(header, "slope")
    if header["feature_set"] != FEATURE_SET:
        raise ArtifactError(
            f"Trained on feature set {header['feature_set']}; this version has {FEATURE_SET}."
        )
    model = TwoTower(
        item_ids=tensors["item_ids"],
        item_vectors=tensors["item_vectors"],
        item_biases=tensors["item_biases"],
        history_ids=tensors["history_ids"],
        history_vectors=tensors["history_vectors"],
        facet_ids=tensors["facet_ids"],
        facet_vectors=tensors["facet_vectors"],
        hidden=Dense(tensors["hidden.weights"], tensors["hidden.biases"]),
        output=Dense(tensors["output.weights"], tensors["output.biases"]),
        slope=header["slope"],
        intercept=header["intercept"],
    )
    _check_shapes(model)
    _check_values(model)
    return model


def _check_shapes(model: TwoTower) -> None:
    width = model.history_vectors.shape[1]
    pairs = (
        (model.item_ids, model.item_vectors),
        (model.item_ids, model.item_biases),
        (model.history_ids, model.history_vectors),
        (model.facet_ids, model.facet_vectors),
    )
    if any(len(ids) != len(vectors) for ids, vectors in pairs) or model.item_vectors.size == 0:
        raise ArtifactError("Ids and vectors do not fit together.")
    hidden, output = model.hidden, model.output
    fits = (
        model.facet_vectors.shape[1] == width
        and hidden.weights.shape == (2 * width + 2, len(hidden.biases))
        and output.weights.shape == (len(hidden.biases), len(output.biases))
        and len(output.biases) == model.item_vectors.shape[1]
    )
    if not fits:
        raise ArtifactError("The layers do not fit together, or not to the vectors.")


def _check_values(model: TwoTower) -> None:
    check_ids(model.item_ids, model.history_ids, model.facet_ids)
    check_usable(
        model.item_vectors,
        model.item_biases,
        model.history_vectors,
        model.facet_vectors,
        model.hidden.weights,
        model.hidden.biases,
        model.output.weights,
        model.output.biases,
    )
    lengths = np.sqrt(np.square(model.item_vectors).sum(axis=1))
    if not (np.abs(lengths - 1) < _UNIT).all():
        raise ArtifactError("The item vectors are not of length 1.")
