"""The file format of rankers: one line of JSON, then the trees as LightGBM writes them.

LightGBM's parser ends the process on damaged text, so bytes are given to `load_ranker` only after their
SHA-256 matched the registry (docs/decisions/0005-model-files.md). What is checked here is that these trees
are for the features that this version of the code computes.
"""

import json
import math
from typing import Any

import lightgbm as lgb

from ranking.features import FEATURE_SET, FEATURES
from ranking.recommenders.als.file import ArtifactError
from ranking.recommenders.ranker.model import TEACHERS, Ranker

FORMAT = "heed-ranker"
VERSION = 1
_ENTRIES = {"format", "version", "feature_set", "teacher", "slope", "intercept"}


def dump_ranker(ranker: Ranker) -> bytes:
    """The ranker as bytes for `load_ranker`."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "feature_set": FEATURE_SET,
        "teacher": ranker.teacher,
        "slope": float(ranker.slope),
        "intercept": float(ranker.intercept),
    }
    return f"{json.dumps(header)}\n{ranker.booster.model_to_string()}".encode()


def load_ranker(data: bytes) -> Ranker:
    """The ranker that `dump_ranker` wrote. Raises ArtifactError for a file that is no such ranker.

    `data` must be known to be whole: see above.
    """
    first, _, trees = data.partition(b"\n")
    header = _read_header(first)
    try:
        booster = lgb.Booster(model_str=trees.decode())
    except (UnicodeDecodeError, lgb.basic.LightGBMError) as error:
        raise ArtifactError(f"The trees cannot be read: {error}") from error
    if tuple(booster.feature_name()) != FEATURES:
        raise ArtifactError("The trees were trained on other features than this version computes.")
    return Ranker(
        booster=booster,
        teacher=header["teacher"],
        slope=header["slope"],
        intercept=header["intercept"],
    )


def _read_header(line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ArtifactError("The header is not JSON.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("version") != VERSION:
        raise ArtifactError(f"The header does not name format {FORMAT}, version {VERSION}.")
    if set(header) != _ENTRIES:
        raise ArtifactError("The header has missing or unknown entries.")
    if header["feature_set"] != FEATURE_SET:
        raise ArtifactError(
            f"Trained on feature set {header['feature_set']}; this version has {FEATURE_SET}."
        )
    if header["teacher"] not in TEACHERS:
        raise ArtifactError(f"There is no teacher {header['teacher']!r}.")
    for name in ("slope", "intercept"):
        if not isinstance(header[name], float) or not math.isfinite(header[name]):
            raise ArtifactError(f"{name} is not a finite number.")
    if header["slope"] <= 0:
        raise ArtifactError("slope must be above 0.")
    return header
