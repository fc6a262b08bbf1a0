"""The ranker by Dask: a cluster of this machine learns what LightGBM learns here."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from core.errors import InvalidInput
from core.progress import Progress
from ranking.features import FEATURES
from ranking.models import ModelVersion
from ranking.recommenders.ranker import by_dask as module
from ranking.recommenders.ranker.by_dask import fit_by_dask, without_positions
from ranking.recommenders.ranker.dask_trees import _cuts
from ranking.recommenders.ranker.engine import Engine
from ranking.recommenders.ranker.file import dump_ranker, load_ranker
from ranking.recommenders.ranker.model import Ranker, RankerData, RankerParameters, fit_ranker
from ranking.recommenders.ranker.train import fit_calibrated_ranker
from ranking.registry.versions import read_verified
from ranking.statistics.lists import evaluate_examined_lists
from recommendations.models import RecommendationSession
from tests.ranking.recommenders.ranker.test_train import lists, train

pytestmark = pytest.mark.slow

__all__ = ["lists"]
QUICK = RankerParameters(rounds=20, num_leaves=4, min_data_in_leaf=5, debias="exposure", early_stopping=0)
WANTED = FEATURES.index("recency_score")
_CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster of two workers, started once; in a process of its own, as clusters are."""
    script = tmp_path_factory.mktemp("cluster") / "cluster.py"
    script.write_text(_CLUSTER)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("", timeout=30)


@pytest.fixture
def cluster(running: str, settings: Settings) -> None:
    """The cluster stands in the settings, as another machine's does."""
    assert running.startswith("tcp://")
    settings.DASK_SCHEDULER = running


def data(lists: int, seed: int = 0) -> RankerData:
    """Lists of eight slots, of which the one with the greatest recency is liked; two features are noise."""
    rng = np.random.default_rng(seed)
    slots = 8 * lists
    features = np.full((slots, len(FEATURES)), np.nan, dtype=np.float32)
    features[:, [WANTED, 0, 1]] = rng.random((slots, 3))
    best = features[:, WANTED].reshape(lists, 8).argmax(axis=1)
    relevance = np.ones((lists, 8), dtype=np.int64)
    relevance[np.arange(lists), best] = 4
    return RankerData(
        features=features,
        relevance=relevance.ravel(),
        weights=np.ones(slots),
        ranks=np.tile(np.arange(1, 9), lists),
        exposure=np.full(slots, 0.9),
        sizes=np.full(lists, 8),
        user_ids=np.arange(lists) % 40,
        times=np.arange(lists, dtype=np.float64),
    )


def quality(ranker: object, of: RankerData) -> float:
    scores = ranker.scores(of.features)  # type: ignore[attr-defined]
    report = evaluate_examined_lists(of.sizes, of.user_ids, of.ranks, of.relevance, of.exposure, scores)
    return float(report.ndcg.mean())


def test_it_learns_what_is_learned_here(cluster: None) -> None:
    """Within two percent of the NDCG, and the file is one that is served."""
    training, later = data(300), data(100, seed=1)
    here = quality(fit_ranker(training, None, QUICK, seed=1), later)
    by_dask = load_ranker(dump_ranker(fit_by_dask(training, QUICK, seed=1)))
    assert here > 0.9
    assert quality(by_dask, later) > 0.98 * here
    assert by_dask.booster.num_trees() == 20


def test_trees_that_correct_the_retrieval_score_start_from_it(cluster: None) -> None:
    training = data(60)
    training.features[:, FEATURES.index("model_score")] = training.features[:, WANTED]
    asked = replace(QUICK, base_margin="residual", rounds=5)
    assert quality(fit_by_dask(training, asked, seed=1), training) > 0.9


def test_positions_are_left_to_exposure_unless_somebody_asks_for_them() -> None:
    asked = RankerParameters(debias="position")
    assert without_positions(asked, []).debias == "exposure"
    assert without_positions(RankerParameters(debias="ips"), ["debias"]).debias == "ips"
    with pytest.raises(InvalidInput, match="knows no positions"):
        without_positions(asked, ["debias"])
    with pytest.raises(ValueError, match="knows no positions"):
        fit_by_dask(data(2), asked, seed=0)


@pytest.mark.parametrize("sizes", [[3], [1, 1], [5, 1, 1, 1], [8] * 100, [1000, 1, 1, 1]])
def test_parts_hold_whole_lists_and_none_is_empty(sizes: list[int]) -> None:
    cuts = _cuts(np.array(sizes), 4)
    assert cuts[[0, -1]].tolist() == [0, len(sizes)]
    assert (np.diff(cuts) > 0).all()


def test_the_engine_trains_also_where_no_list_can_be_held_out() -> None:
    """The engine that a version names has made it."""
    asked: list[int] = []

    def fit_whole(training: RankerData, parameters: RankerParameters, *, seed: int) -> Ranker:
        asked.append(parameters.rounds)
        return fit_ranker(training, None, parameters, seed=seed)

    engine = Engine("other", fit_whole, lambda parameters, given: parameters)
    fitted = fit_calibrated_ranker(data(1), QUICK, seed=0, progress=Progress(quiet=True), engine=engine)
    assert fitted.hyper_parameters["engine"] == "other"
    assert asked == [fitted.ranker.booster.num_trees()]


@pytest.mark.django_db
def test_the_command_registers_a_candidate(
    lists: list[RecommendationSession],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the cores of this machine, since no address of a cluster is given."""
    summary = train(capsys, engine="dask")
    version = ModelVersion.objects.get()
    assert summary["version"] == version.label
    assert (version.hyper_parameters["engine"], version.hyper_parameters["debias"]) == ("dask", "exposure")
    assert load_ranker(read_verified(version)).booster.num_trees() == version.hyper_parameters["trees"]
    assert json.dumps(version.hyper_parameters)


@pytest.mark.django_db
def test_a_cluster_that_does_not_answer_is_one_sentence(
    lists: list[RecommendationSession],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.DASK_SCHEDULER = "tcp://127.0.0.1:1"
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1)
    call_command("generate_ranker_dataset", quiet=True)
    with pytest.raises(CommandError, match=r"Dask ended without trees: .*(Timed out|timed out)"):
        call_command("train_ranker", quiet=True, engine="dask", rounds=2, num_leaves=4, min_data_in_leaf=5)
