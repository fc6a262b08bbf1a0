"""The two-tower model in a run of retraining: trained where one serves already, and judged twice."""

import logging
from dataclasses import replace
from pathlib import Path

from ranking.evaluation_report import GateVerdict
from ranking.models import ModelVersion, StoredReport
from ranking.recommenders.training import TrainingError
from ranking.recommenders.two_tower.dataset.arrays import load_two_tower_data
from ranking.recommenders.two_tower.dataset.generate import generate_two_tower_dataset
from ranking.recommenders.two_tower.file import dump_two_tower
from ranking.recommenders.two_tower.train import fit_calibrated_two_tower
from ranking.registry.loading import Loaded, LoadedModels
from ranking.retraining.lineage import two_tower_parameters
from ranking.retraining.publishing import Judged
from ranking.retraining.run import Run, compare_models, manifest_json

logger = logging.getLogger(__name__)

Kind = ModelVersion.Kind


def judge_two_tower(run: Run, winner: LoadedModels) -> tuple[Judged | None, LoadedModels, str]:
    """The candidate, the models that serve if its verdict stands, and why there is none where there is none.

    Trained only where a version is active: who put the first into service by hand wants the next. Judged
    alone, against the one that serves, because beside ALS only a part of its order shows; and where it
    passes, among all that serves.
    """
    if not ModelVersion.objects.filter(
        use_case=run.use_case.name, kind=Kind.TWO_TOWER, status=ModelVersion.Status.ACTIVE
    ).exists():
        return None, winner, ""
    try:
        judged, candidate = _train_and_judge(run, winner)
    except TrainingError as error:
        # The other models do not wait for it.
        logger.warning("no two-tower candidate for %s: %s", run.use_case.name, error.message)
        return None, winner, error.message
    return judged, candidate if judged.verdict.passed else winner, ""


def _train_and_judge(run: Run, winner: LoadedModels) -> tuple[Judged, LoadedModels]:
    parameters = two_tower_parameters(run.use_case)
    dataset = generate_two_tower_dataset(
        use_case=run.use_case, seed=run.seed, progress=run.progress, now=run.before
    )
    data = load_two_tower_data(Path(dataset.folder), run.use_case)
    fitted = fit_calibrated_two_tower(data, parameters, seed=run.seed, progress=run.progress)
    tower = Loaded(0, "two-tower candidate", fitted.model)
    candidate = replace(winner, two_tower=tower)
    metrics, verdict = compare_models(
        run, LoadedModels(two_tower=tower), LoadedModels(two_tower=winner.two_tower)
    )
    if verdict.passed:
        among_all, in_place = compare_models(run, candidate, winner)
        metrics[StoredReport.IN_PLACE] = among_all[StoredReport.LATEST]
        verdict = _both(verdict, in_place)
    examples = dataset.manifest.negative_examples
    judged = Judged(
        kind=Kind.TWO_TOWER,
        data=dump_two_tower(fitted.model),
        manifest=manifest_json(run, dataset.manifest, examples),
        hyper_parameters=fitted.hyper_parameters,
        metrics={**metrics, "calibration": fitted.calibration, "validation": fitted.validation},
        examples=examples,
        verdict=verdict,
    )
    return judged, candidate


def _both(alone: GateVerdict, in_place: GateVerdict) -> GateVerdict:
    why = f"Alone: {alone.why} Among all that serves: {in_place.why}"
    return GateVerdict(in_place.passed, why)
