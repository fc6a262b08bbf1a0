"""The file of an item-to-item model."""

from ranking.recommenders.item_knn.model import ItemKnn
from ranking.recommenders.sparse import matrix_of, sparse_layout, tensors_of
from ranking.recommenders.tensors import FileData

LAYOUT = sparse_layout("item_knn")


def dump_item_knn(model: ItemKnn) -> bytes:
    """The model as bytes for `load_item_knn`."""
    header = {"slope": model.slope, "intercept": model.intercept}
    return LAYOUT.dump(header, tensors_of(model.item_ids, model.matrix))


def load_item_knn(data: FileData) -> ItemKnn:
    """The model that `dump_item_knn` wrote. Raises ArtifactError for any other bytes."""
    header, tensors = LAYOUT.load(data)
    return ItemKnn(*matrix_of(header, tensors), header["slope"], header["intercept"])
