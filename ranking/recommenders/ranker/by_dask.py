"""Trees of a ranker by LightGBM's Dask ranker: on the cores of this machine, or on a cluster.

It knows neither positions nor early stopping. So `exposure` or `ips` correct for what was not looked at, and
the caller says how many trees there are to be. It runs in a process of its own (`dask_trees`), since the
one that serves and trains keeps LightGBM from pandas and Dask (`library`).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from core.arrays import Doubles, Floats, Ints
from core.errors import InvalidInput
from ranking.features import FEATURES
from ranking.recommenders.ranker import dask_trees
from ranking.recommenders.ranker.engine import Engine
from ranking.recommenders.ranker.library import load_lightgbm
from ranking.recommenders.ranker.model import (
    Ranker,
    RankerData,
    RankerParameters,
    given_of,
    settings_of,
)

NO_POSITIONS = "LightGBM's Dask ranker knows no positions: leave --debias out, or name exposure or ips."


# Lists that this machine learns from to find when to stop.
STOPPED_ON = 50_000
# Within them a cluster has to answer.
ANSWER_SECONDS = 10


def dask_engine() -> Engine:
    """The engine. Raises InvalidInput where Dask, or what LightGBM needs beside it, is not installed."""
    if any(find_spec(name) is None for name in ("dask", "distributed", "pandas", "sklearn")):
        raise InvalidInput(
            "Dask is not installed. Run pip install --require-hashes -r requirements-dask.lock"
        )
    return Engine("dask", fit_by_dask, without_positions, stopped_on=STOPPED_ON)


def without_positions(parameters: RankerParameters, given: Collection[str]) -> RankerParameters:
    """The parameters for this engine. Raises InvalidInput where positions were `given` to correct for."""
    if parameters.debias != "position":
        return parameters
    if "debias" in given:
        raise InvalidInput(NO_POSITIONS)
    return replace(parameters, debias="exposure")


def fit_by_dask(
    training: RankerData,
    parameters: RankerParameters,
    *,
    seed: int,
) -> Ranker:
    """Trains `parameters.rounds` trees at DASK_SCHEDULER, or on the cores of this machine where it is empty.

    Raises ValueError if no list holds two different relevances, if positions are to be corrected for, and
    where the cluster fails.
    """
    if parameters.debias == "position":
        raise ValueError(NO_POSITIONS)
    load_lightgbm()
    import lightgbm as lgb

    asked = {
        **settings_of(training, parameters, seed),
        "n_estimators": parameters.rounds,
        "scheduler": settings.DASK_SCHEDULER,
        "answer_seconds": ANSWER_SECONDS,
        "feature_name": list(FEATURES),
    }
    given = given_of(training, parameters)
    arrays: dict[str, Floats | Doubles | Ints] = {
        "features": given.features,
        "weights": given.weights,
        "sizes": training.sizes,
        "relevance": training.relevance,
    }
    if given.logits is not None:
        arrays["logits"] = given.logits
    return Ranker(lgb.Booster(model_str=_trees(arrays, asked)), parameters.base_margin)


def _trees(arrays: Mapping[str, Floats | Doubles | Ints], asked: Mapping[str, Any]) -> str:
    """The trees as text, by a process of its own. Raises ValueError with the last thing that it said."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for of, array in arrays.items():
            np.save(folder / f"{of}.npy", array, allow_pickle=False)
        (folder / dask_trees.ASKED).write_text(json.dumps(asked))
        # With -P the folder of that file is none to import from: there are modules named as libraries are.
        done = subprocess.run(  # noqa: S603  this very package
            [sys.executable, "-P", dask_trees.__file__, name], capture_output=True, text=True, check=False
        )
        trees = folder / dask_trees.TREES
        if done.returncode or not trees.exists():
            said = done.stderr.strip().splitlines()
            raise ValueError(f"Dask ended without trees: {said[-1] if said else done.returncode}")
        return trees.read_text()
