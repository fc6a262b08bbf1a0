"""Trains a ranker from lists that were shown, evaluates it on the last of them, and registers it.

The lists are cut twice in time: train | validation | test. When to stop and how scores become probabilities
is decided on validation, quality is reported on test, and what is registered is trained on everything, with
as many trees as validation asked for.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import Bools, Doubles, Rows
from core.domain import UseCase
from core.errors import InvalidInput
from core.progress import Progress
from ranking.datasets.bootstrap import PARAMETERS as BOOTSTRAP_PARAMETERS
from ranking.datasets.bootstrap import BootstrapPlan, bootstrap_lists, plan_windows, ranker_data
from ranking.datasets.manifest import BOOTSTRAP
from ranking.datasets.ranker import example_ids, load_ranker_data
from ranking.datasets.reading import read_columns
from ranking.datasets.shown_lists import load_lists
from ranking.evaluation_codec import to_json
from ranking.evaluation_report import EvaluationReport, EvaluationResult, known_figures
from ranking.features import FEATURE_SET, FEATURES
from ranking.models import StoredReport
from ranking.recommenders.event_evaluation import paired_ndcg
from ranking.recommenders.event_training import calibrated_until
from ranking.recommenders.ranker.engine import LOCAL, Engine
from ranking.recommenders.ranker.file import dump_ranker
from ranking.recommenders.ranker.model import (
    MODEL_SCORE,
    Ranker,
    RankerData,
    RankerParameters,
    fit_ranker,
    likely_seen,
)
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import (
    Fitted,
    TrainedVersion,
    TrainingError,
    TrainingMaterial,
)
from ranking.recommenders.tuning import search
from ranking.registry.locks import training_lock_of
from ranking.registry.versions import register_version
from ranking.statistics.calibration import fit_platt
from ranking.statistics.drift import Distribution
from ranking.statistics.lists import ENGAGED, evaluate_examined_lists
from ranking.statistics.metrics import bootstrap_interval
from ranking.statistics.split import time_cuts

if TYPE_CHECKING:
    from optuna import Trial

CUTS = (0.8, 0.9)
K = 10
UNVALIDATED_ROUNDS = 50
# For shown and made-up lists together: as for the latter, but leaves follow from the number of lists.
JOINT_PARAMETERS = replace(BOOTSTRAP_PARAMETERS, num_leaves=None)
# LambdaRank fits the difference of two scores to the log odds that one is preferred to the other.
PAIRWISE_SLOPE = 1.0
PLAN = BootstrapPlan()
# With fewer lists in which something was preferred, the ranker learns from the log of interactions instead.
MIN_LISTS = 100


@dataclass(frozen=True, slots=True, eq=False)
class FittedRanker:
    """A trained ranker and how it came to be, as JSON."""

    ranker: Ranker
    hyper_parameters: dict[str, Any]
    calibration: dict[str, Any]
    distribution: dict[str, Any]

    def metrics(self, *, of_shown: bool) -> dict[str, Any]:
        """The figures that are kept with the version. `of_shown`: people were shown what it learned from."""
        return {
            "calibration": self.calibration,
            "gain": self.ranker.importances(),
            "distribution": {**self.distribution, "of_shown": of_shown},
        }


def train_ranker(
    *,
    use_case: UseCase,
    dataset: Path,
    given: Mapping[str, Any],
    seed: int,
    tune: int = 0,
    progress: Progress,
    engine: Engine = LOCAL,
) -> TrainedVersion:
    """Trains, evaluates and registers a candidate from `dataset`; with `tune` N after N rounds of search.

    `engine` trains what is registered. `given` are the hyper-parameters that are not to be those measured
    best for the sort of dataset, by the names of RankerParameters. Raises InvalidInput for a value that
    cannot be, TrainingError where the dataset holds nothing to learn from, DatasetError where it is not
    whole, and LockHeld while another run trains the same use case.
    """
    with training_lock_of(TRAINER.kind, use_case.name):
        manifest, data = load_ranker_data(dataset, use_case)
        defaults = BOOTSTRAP_PARAMETERS if manifest.source == BOOTSTRAP else RankerParameters()
        try:
            parameters = engine.adapted(replace(defaults, **given), given)
        except ValueError as error:
            raise InvalidInput(str(error)) from error
        if not data.can_teach_order:
            raise TrainingError(
                "There is nothing to learn from yet: "
                f"none of the dataset's {len(data):,} lists holds anything preferred to the rest."
            )
        test_from = time_cuts(data.times, CUTS)[1]
        training, test = data.take_lists(data.times < test_from), data.take_lists(data.times >= test_from)
        if tune:
            parameters = tune_ranker(training, parameters, rounds=tune, seed=seed, progress=progress)
        metrics: dict[str, Any] = {
            StoredReport.TRAINING: to_json(_evaluate(training, test, parameters, seed, progress))
        }
        fitted = fit_calibrated_ranker(data, parameters, seed=seed, progress=progress, engine=engine)
        version = register_version(
            kind=TRAINER.kind,
            use_case=use_case.name,
            data=dump_ranker(fitted.ranker),
            dataset_manifest=manifest.as_json(),
            hyper_parameters=fitted.hyper_parameters,
            metrics={**metrics, **fitted.metrics(of_shown=manifest.source != BOOTSTRAP)},
            why="trained; not compared with the active version yet",
        )
    return TrainedVersion(
        version=version.label,
        file=version.file,
        sha256=version.sha256,
        people=len(np.unique(data.user_ids)),
        items=len(np.unique(read_columns(dataset, "item_id")["item_id"])),
        hyper_parameters=fitted.hyper_parameters,
        metrics=metrics,
    )


def tune_ranker(
    data: RankerData, start: RankerParameters, *, rounds: int, seed: int, progress: Progress
) -> RankerParameters:
    """The best of `rounds` settings by NDCG@10 on the last tenth of the lists; `start` is always tried."""
    cut = time_cuts(data.times, [0.9])[0]
    training, validation = data.take_lists(data.times < cut), data.take_lists(data.times >= cut)
    if not training.can_teach_order or not validation.can_teach_order:
        return start

    def quality(tried: RankerParameters) -> Doubles:
        scores = fit_ranker(training, validation, tried, seed=seed).scores(validation.features)
        report = evaluate_examined_lists(
            validation.sizes,
            validation.user_ids,
            validation.ranks,
            validation.relevance,
            validation.exposure,
            scores,
        )
        return report.ndcg

    suggest = partial(suggest_parameters, start=start)
    return search(start, suggest, quality, rounds=rounds, seed=seed, progress=progress)


def suggest_parameters(trial: "Trial", start: RankerParameters) -> RankerParameters:
    """The search space of the ranker."""
    return replace(
        start,
        num_leaves=trial.suggest_int("num_leaves", 4, 63, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        min_data_in_leaf=trial.suggest_int("min_data_in_leaf", 5, 500, log=True),
        lambda_l2=trial.suggest_float("lambda_l2", 0.01, 100.0, log=True),
        feature_fraction=trial.suggest_float("feature_fraction", 0.4, 1.0),
    )


class RankerTrainer:
    """The ranker as `retrain` trains it.

    It learns from the lists, and beside them from lists made up from the log: what was shown was the best of
    an earlier model, and from that alone no ranker learns what makes all the rest of the catalog worse.
    Scores of a kind that will not serve with it are left out: trees that ask for them would be answered by
    nothing.
    """

    kind = "ranker"
    only_succeeds = False

    def fit(self, material: TrainingMaterial) -> Fitted | None:
        folder = Path(material.lists.folder)
        manifest, shown = load_ranker_data(folder, material.use_case)
        shown, made_up = shown.with_scores_of(material.serving), _bootstrap(material)
        of_shown = shown.lists_with_preference >= MIN_LISTS
        fitted = _fit_on(shown, made_up, material, of_shown=of_shown)
        if fitted is None:
            return None
        return Fitted(
            model=fitted.ranker,
            manifest=manifest if of_shown else material.events_manifest,
            hyper_parameters=fitted.hyper_parameters,
            metrics=fitted.metrics(of_shown=of_shown),
            examples=tuple(example_ids(folder)) if of_shown else (),
            earlier=_earlier(shown, made_up, material, of_shown=of_shown),
        )

    def dump(self, model: Ranker) -> bytes:
        return dump_ranker(model)


TRAINER = RankerTrainer()


def _fit_on(
    shown: RankerData, made_up: RankerData, material: TrainingMaterial, *, of_shown: bool
) -> "FittedRanker | None":
    """A ranker of what was shown with the made-up lists beside, or of these alone; None without any order."""
    lists = shown if of_shown else made_up
    if not lists.can_teach_order:
        return None
    return fit_calibrated_ranker(
        lists,
        JOINT_PARAMETERS if of_shown else BOOTSTRAP_PARAMETERS,
        seed=material.seed,
        progress=material.progress,
        beside=made_up if of_shown else None,
    )


def _earlier(
    shown: RankerData, made_up: RankerData, material: TrainingMaterial, *, of_shown: bool
) -> Ranker | None:
    """A ranker of the lists before the last tenth of the log; None where nothing that judges serves with it.

    A made-up list tells what people did until its window ended.
    """
    if not any(TRAINED[kind].judges for kind in material.serving):
        return None
    until = calibrated_until(material.events)
    windows = plan_windows(material.events.times, PLAN)
    ended = [window.start for window in windows if window.end <= until]
    fitted = _fit_on(
        shown.take_lists(shown.times < until),
        made_up.take_lists(np.isin(made_up.times, ended)),
        material,
        of_shown=of_shown,
    )
    return None if fitted is None else fitted.ranker


def _bootstrap(material: TrainingMaterial) -> RankerData:
    """Lists replayed from the log before the cut; they cannot be traced to single negative examples."""
    lists = bootstrap_lists(
        material.events,
        catalog=material.catalog,
        use_case=replace(material.use_case, models=material.serving),
        plan=PLAN,
        seed=material.seed,
        hyper_parameters=material.hyper_parameters,
        shown=load_lists(Path(material.lists.folder), material.use_case),
    )
    return ranker_data(lists)


def fit_calibrated_ranker(
    data: RankerData,
    parameters: RankerParameters,
    *,
    seed: int,
    progress: Progress,
    beside: RankerData | None = None,
    engine: Engine = LOCAL,
) -> FittedRanker:
    """A ranker of all the lists: stopped and calibrated on their last tenth, then trained anew with it.

    `engine` trains anew, the rest is done here. `beside` are lists that are only learned from, whatever their
    time. Raises TrainingError where no list holds anything better than the rest.
    """
    cut = time_cuts(data.times, CUTS[1:])[0] if len(data) else 0.0
    training, validation = data.take_lists(data.times < cut), data.take_lists(data.times >= cut)
    if not training.can_teach_order or not validation.can_teach_order:
        # Too little to hold any out: a few trees, since nothing can tell when to stop.
        training, validation = data, data.take_lists(np.zeros(len(data), dtype=np.bool_))
        parameters = replace(parameters, rounds=min(parameters.rounds, UNVALIDATED_ROUNDS))
    served_alike = data
    if beside is not None and len(beside):
        training, data = with_lists_beside(training, beside), with_lists_beside(data, beside)
    if engine.stopped_on is not None and len(training) > engine.stopped_on:
        training = training.take_lists(_drawn(len(training), engine.stopped_on, seed))
    try:
        stopped = fit_ranker(training, validation, parameters, seed=seed, progress=progress.counter("rounds"))
        rounds = max(1, stopped.booster.num_trees())
        whole = (
            engine.fit_whole(data, replace(parameters, rounds=rounds), seed=seed)
            if len(validation) or engine is not LOCAL
            else stopped
        )
    except ValueError as error:
        raise TrainingError(str(error)) from error
    slope, intercept, calibration = calibrate_ranker(stopped, validation, np.random.default_rng(seed))
    ranker = whole.calibrated(slope, intercept)
    return FittedRanker(
        ranker=ranker,
        hyper_parameters={
            **asdict(parameters),
            "trees": rounds,
            "feature_set": FEATURE_SET,
            "seed": seed,
            **_of(engine),
        },
        calibration=calibration,
        distribution=distribution_of(ranker, served_alike),
    )


def with_lists_beside(shown: RankerData, beside: RankerData) -> RankerData:
    """The lists of both, those `beside` first, which weigh less the more they outweigh what was shown.

    A list that is made up holds hundreds of candidates, so that some thousand would decide alone what is
    learned. Their weights are multiplied by sqrt(weight of all that was shown / weight of all beside), where
    that is below 1: between all lists as they come and an equal say of both sorts. Measured in
    docs/research/recommenders-measured.md.
    """
    share = float(shown.weights.sum() / beside.weights.sum())
    lighter = replace(beside, weights=beside.weights * min(1.0, share**0.5))
    return RankerData.join([lighter, shown])


def _of(engine: Engine) -> dict[str, str]:
    return {} if engine is LOCAL else {"engine": engine.name}


def _drawn(lists: int, most: int, seed: int) -> Bools:
    """(lists,) True for `most` of them, drawn by chance."""
    drawn = np.zeros(lists, dtype=np.bool_)
    drawn[np.random.default_rng(seed).choice(lists, size=most, replace=False)] = True
    return drawn


def distribution_of(ranker: Ranker, data: RankerData) -> dict[str, Any]:
    """The distribution of each feature and of the score in lists, as JSON, for `ranking.drift`."""
    columns = {name: data.features[:, place] for place, name in enumerate(FEATURES)}
    of = {name: Distribution.of(values).as_json() for name, values in columns.items()}
    of["score"] = Distribution.of(ranker.probabilities(data.features)).as_json()
    return {"feature_set": FEATURE_SET, "lists": len(data), "slots": len(data.features), "of": of}


def calibrate_ranker(
    ranker: Ranker, validation: RankerData, rng: np.random.Generator
) -> tuple[float, float, dict[str, Any]]:
    """Slope and intercept of P(engaged), and how they were found.

    Among slots that were likely examined it is the share that people engaged with. Among candidates of a
    bootstrap, which stood in no order before anybody's eyes, it is the chance against one other candidate,
    as for ALS (docs/research/als.md).

    A few dozen slots may seem to say that the scores mean nothing. Were that believed, all probabilities
    would be alike, and boosts and penalties, which multiply them, would order the list alone.
    """
    validation = likely_seen(validation, rng)
    scores = ranker.scores(validation.features)
    engaged = validation.relevance >= ENGAGED
    if not engaged.any() or engaged.all():
        return ranker.slope, ranker.intercept, {"why_not": "nothing to calibrate on in the last lists"}
    rows: Rows | Bools = np.ones(len(scores), dtype=np.bool_)
    against = "slots looked at"
    if (validation.exposure == 1.0).all():
        others = rng.choice(np.flatnonzero(~engaged), size=int(engaged.sum()))
        rows, against = np.concatenate([np.flatnonzero(engaged), others]), "one other candidate"
    slope, intercept = fit_platt(scores[rows], engaged[rows], expected_slope=PAIRWISE_SLOPE)
    return (
        slope,
        intercept,
        {"slope": slope, "intercept": intercept, "slots": len(scores[rows]), "against": against},
    )


def _evaluate(
    training: RankerData, test: RankerData, parameters: RankerParameters, seed: int, progress: Progress
) -> EvaluationReport:
    """The ranker beside the order as shown and the retrieval model alone, on the same lists."""
    if not training.can_teach_order or not test.can_teach_order:
        return EvaluationReport(why_empty="too few lists to hold any out")
    fitted = fit_calibrated_ranker(training, parameters, seed=seed, progress=progress)
    rng = np.random.default_rng(seed)
    orders: dict[str, Doubles] = {
        "ranker": fitted.ranker.scores(test.features),
        "als": np.nan_to_num(test.features[:, MODEL_SCORE].astype(np.float64)),
        "as_shown": -test.ranks.astype(np.float64),
    }
    reports = {
        name: evaluate_examined_lists(
            test.sizes, test.user_ids, test.ranks, test.relevance, test.exposure, scores, k=K
        )
        for name, scores in orders.items()
    }
    ndcg = {name: report.ndcg for name, report in reports.items()}
    differences = paired_ndcg(ndcg, "ranker", ("als",), figure="list_ndcg", rng=rng)
    people = len(reports["ranker"].user_ids)
    return EvaluationReport(
        results=tuple(
            EvaluationResult(
                name,
                known_figures(
                    {
                        "list_ndcg": bootstrap_interval(report.ndcg, rng=rng),
                        "list_order": bootstrap_interval(report.liked_over_disliked, rng=rng),
                    }
                ),
                people=people,
                differences=differences if name == "ranker" else (),
            )
            for name, report in reports.items()
        ),
        people=people,
        lists=len(test),
        seed=seed,
    )
