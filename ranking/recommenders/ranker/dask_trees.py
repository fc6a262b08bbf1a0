"""A process that trains trees by Dask: `python dask_trees.py FOLDER`, with arrays and settings in it.

It imports nothing of Heed, so that workers of a cluster need no more than LightGBM and Dask.
"""

import json
import sys
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

ASKED, TREES = "asked.json", "trees.txt"
# So many slots or more in each part, if a list does not hold more.
_PART = 200_000


def main(folder: Path) -> None:
    """Trains on the arrays in `folder`, and writes the trees beside them."""
    asked: dict[str, Any] = json.loads((folder / ASKED).read_text())
    names = asked.pop("feature_name")
    scheduler, answer_seconds = asked.pop("scheduler"), asked.pop("answer_seconds")
    arrays = {file.stem: np.load(file, mmap_mode="r", allow_pickle=False) for file in folder.glob("*.npy")}
    with ExitStack() as stack:
        client, workers = _client(scheduler, answer_seconds, stack)
        booster = _trained(client, arrays, asked, names, workers)
    (folder / TREES).write_text(booster.model_to_string())


def _client(scheduler: str, answer_seconds: int, stack: ExitStack) -> tuple[Any, int]:
    """The client of a cluster, with the number of its workers; a cluster of this machine for no address."""
    from distributed import Client, LocalCluster

    if scheduler:
        client = stack.enter_context(Client(scheduler, timeout=answer_seconds))
        return client, len(client.scheduler_info()["workers"])
    cluster = stack.enter_context(LocalCluster(threads_per_worker=1, dashboard_address=None))
    return stack.enter_context(Client(cluster)), len(cluster.workers)


def _trained(
    client: Any, arrays: dict[str, Any], asked: dict[str, Any], names: list[str], workers: int
) -> Any:
    import dask.array as da
    from lightgbm import DaskLGBMRanker

    cuts = _cuts(arrays["sizes"], workers)
    lists = np.concatenate([[0], np.cumsum(arrays["sizes"])])

    def parted(name: str) -> Any:
        """An array in parts of whole lists."""
        array = arrays[name]
        bounds = cuts if name == "sizes" else lists[cuts]
        parts = [da.from_array(np.asarray(array[a:b]), chunks=-1) for a, b in pairwise(bounds.tolist())]
        return da.concatenate(parts)

    given = {"sample_weight": parted("weights"), "group": parted("sizes"), "feature_name": names}
    if "logits" in arrays:
        given["init_score"] = parted("logits")
    model = DaskLGBMRanker(client=client, **asked)
    model.fit(parted("features"), parted("relevance"), **given)
    return model.booster_


def _cuts(sizes: Any, workers: int) -> Any:
    """The lists at which parts begin and end, (parts + 1,): as many parts as workers, or more."""
    slots = int(sizes.sum())
    parts = min(len(sizes), max(workers, -(-slots // _PART)))
    ends = np.searchsorted(np.cumsum(sizes), slots * np.arange(1, parts) / parts, side="left") + 1
    return np.unique(np.concatenate([[0], ends, [len(sizes)]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
