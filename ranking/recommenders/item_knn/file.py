"""The file of an item-to-item model."""

import numpy as np
from scipy.sparse import csr_matrix

from ranking.recommenders.artifact import ArtifactError, Layout, check_ids, check_positive, check_usable
from ranking.recommenders.item_knn.model import ItemKnn

LAYOUT = Layout(
    kind="item_knn",
    version=1,
    tensors={
        "item_ids": (np.int64, 1),
        "values": (np.float32, 1),
        "columns": (np.int64, 1),
        "starts": (np.int64, 1),
    },
    header={"slope": float, "intercept": float},
)


def dump_item_knn(model: ItemKnn) -> bytes:
    """The model as bytes for `load_item_knn`."""
    matrix = model.similarity
    tensors = {
        "item_ids": model.item_ids,
        "values": matrix.data,
        "columns": matrix.indices,
        "starts": matrix.indptr,
    }
    return LAYOUT.dump({"slope": model.slope, "intercept": model.intercept}, tensors)


def load_item_knn(data: bytes) -> ItemKnn:
    """The model that `dump_item_knn` wrote. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    check_positive(header, "slope")
    item_ids, values = tensors["item_ids"], tensors["values"]
    columns, starts = tensors["columns"], tensors["starts"]
    check_ids(item_ids)
    check_usable(values)
    fits = (
        len(item_ids) > 0
        and len(starts) == len(item_ids) + 1
        and len(columns) == len(values) == starts[-1]
        and starts[0] == 0
        and bool((np.diff(starts) >= 0).all())
        and bool(((columns >= 0) & (columns < len(item_ids))).all())
    )
    if not fits:
        raise ArtifactError("The neighbors do not fit the items.")
    similarity = csr_matrix((values, columns, starts), shape=(len(item_ids), len(item_ids)))
    return ItemKnn(item_ids, similarity, header["slope"], header["intercept"])
