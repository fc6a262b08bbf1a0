"""The experiment that runs in a use case, as serving holds it: who is in which arm, and how they differ."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from ranking.assignment import Allocation
from ranking.models import Arm, Experiment, ModelVersion
from ranking.recommenders.als.file import ArtifactError
from ranking.registry.loading import LoadedModels, put_versions
from ranking.registry.versions import ModelFileError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Variant:
    """How one person's lists are made, apart from the models; without anything said, as always.

    label              what their sessions say; empty outside of an experiment
    feedback           whether what a dislike speaks of is held back; what was disliked never comes again
    boosts             whether what fits the person's taste is lifted
    exploration_share  in place of the setting, where it is given
    """

    label: str = ""
    feedback: bool = True
    boosts: bool = True
    exploration_share: float | None = None


USUAL = Variant()


@dataclass(frozen=True, slots=True)
class RunningArm:
    """An arm with all models that serve in it: its own, and the usual ones of the other kinds."""

    variant: Variant
    models: LoadedModels


@dataclass(frozen=True, slots=True)
class RunningExperiment:
    """What serving needs of an experiment.

    arms     in the order of the allocation; None for an arm that gets the usual lists, because it was
             switched off or because a model of it cannot be read
    problem  what is wrong with its models, in words
    """

    allocation: Allocation
    arms: tuple[RunningArm | None, ...]
    problem: str = ""


def load_experiment(
    use_case: str, usual: LoadedModels, known: RunningExperiment | None = None
) -> RunningExperiment | None:
    """The experiment that runs now, on top of the usual models; None where there is none.

    One query without an experiment and two with one, and a file for each version that is not in memory.
    """
    arms = list(
        Arm.objects.filter(experiment__use_case=use_case, experiment__status=Experiment.Status.RUNNING)
        .select_related("experiment")
        .prefetch_related(Prefetch("versions", queryset=light_versions()))
    )
    if not arms:
        return None
    in_memory = [usual, *(arm.models for arm in known.arms if arm is not None)] if known else [usual]
    running: list[RunningArm | None] = []
    problems = []
    for arm in arms:
        running.append(None)
        if arm.switched_off_at is None:
            try:
                running[-1] = _run(arm, usual, in_memory)
            except (ModelFileError, ArtifactError) as error:
                problems.append(f"{arm.label} serves the usual lists: {error}")
                logger.error("experiment arm %s serves the usual lists: %s", arm.label, error)
    return RunningExperiment(allocation_of(arms), tuple(running), " ".join(problems))


def allocation_of(arms: Sequence[Arm]) -> Allocation:
    """How people are drawn to these arms, all those of one experiment in their order."""
    experiment = arms[0].experiment
    return Allocation(experiment.salt, experiment.share, tuple(arm.weight for arm in arms))


def light_versions() -> QuerySet[ModelVersion]:
    """Model versions without the large columns."""
    return ModelVersion.objects.defer("metrics", "dataset_manifest", "hyper_parameters")


def _run(arm: Arm, usual: LoadedModels, in_memory: list[LoadedModels]) -> RunningArm:
    variant = Variant(arm.label, arm.feedback, arm.boosts, arm.exploration_share)
    return RunningArm(variant, put_versions(usual, arm.versions.all(), in_memory))
