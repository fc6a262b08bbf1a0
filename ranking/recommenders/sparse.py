"""Files of models that are one sparse matrix over their items."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Ints
from ranking.recommenders.artifact import (
    ArtifactError,
    Layout,
    check_ids,
    check_positive,
    check_usable,
)
from ranking.recommenders.tensors import Tensor


def sparse_layout(kind: str, **header: type) -> Layout:
    """The layout of a matrix over the items, with its calibration and further entries of the header."""
    return Layout(
        kind=kind,
        version=1,
        tensors={
            "item_ids": (np.int64, 1),
            "values": (np.float32, 1),
            "columns": (np.int64, 1),
            "starts": (np.int64, 1),
        },
        header={"slope": float, "intercept": float, **header},
    )


def tensors_of(item_ids: Ints, matrix: "csr_matrix[np.float32]") -> dict[str, Any]:
    """The tensors of a matrix (n, n) over items (n,)."""
    return {
        "item_ids": item_ids,
        "values": matrix.data,
        "columns": matrix.indices,
        "starts": matrix.indptr,
    }


def matrix_of(
    header: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[Ints, "csr_matrix[np.float32]"]:
    """The items (n,) and the matrix (n, n) that a layout read. Raises ArtifactError where they do not fit."""
    check_positive(dict(header), "slope")
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
        raise ArtifactError("The matrix does not fit the items.")
    return item_ids, csr_matrix((values, columns, starts), shape=(len(item_ids), len(item_ids)))
