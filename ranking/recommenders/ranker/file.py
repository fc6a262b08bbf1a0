"""The file of a ranker: the trees as LightGBM writes them, inside the format of all models.

LightGBM's parser ends the process on damaged text, so bytes are given to `load_ranker` only after their
SHA-256 matched the registry (docs/decisions/0005-model-files.md), and to the parser only after the text is
known to be one that the library writes (`trees`). What is checked here besides is that these trees are for
the features that this version of the code computes.
"""

import numpy as np

from ranking.features import FEATURE_SET, FEATURES
from ranking.recommenders.artifact import ArtifactError, Layout, check_positive
from ranking.recommenders.ranker.library import load_lightgbm
from ranking.recommenders.ranker.model import BASE_MARGINS, Ranker
from ranking.recommenders.ranker.trees import check_trees
from ranking.recommenders.tensors import FileData

LAYOUT = Layout(
    kind="ranker",
    version=2,
    tensors={"trees": (np.uint8, 1)},
    header={"feature_set": str, "base_margin": str, "slope": float, "intercept": float},
)


def dump_ranker(ranker: Ranker) -> bytes:
    """The ranker as bytes for `load_ranker`."""
    trees = np.frombuffer(ranker.booster.model_to_string().encode(), dtype=np.uint8)
    header = {
        "feature_set": FEATURE_SET,
        "base_margin": ranker.base_margin,
        "slope": ranker.slope,
        "intercept": ranker.intercept,
    }
    return LAYOUT.dump(header, {"trees": trees})


def load_ranker(data: FileData) -> Ranker:
    """The ranker that `dump_ranker` wrote. Raises ArtifactError for a file that is no such ranker."""
    load_lightgbm()
    import lightgbm as lgb

    header, tensors = LAYOUT.load(data)
    check_positive(header, "slope")
    if header["feature_set"] != FEATURE_SET:
        raise ArtifactError(
            f"Trained on feature set {header['feature_set']}; this version has {FEATURE_SET}."
        )
    if header["base_margin"] not in BASE_MARGINS:
        raise ArtifactError(f"There is no base margin {header['base_margin']!r}.")
    try:
        trees = tensors["trees"].tobytes().decode()
        check_trees(trees)
        booster = lgb.Booster(model_str=trees)
    except (ValueError, lgb.basic.LightGBMError) as error:
        raise ArtifactError(f"The trees cannot be read: {error}") from error
    if tuple(booster.feature_name()) != FEATURES:
        raise ArtifactError("The trees were trained on other features than this version computes.")
    return Ranker(booster, header["base_margin"], header["slope"], header["intercept"])
