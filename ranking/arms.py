"""The experiment that runs in a use case, as serving holds it: its allocation and its arms."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db.models import Prefetch, QuerySet

from core.errors import HeedError, InvalidInput
from ranking.assignment import Allocation
from ranking.models import Arm, Experiment, ModelVersion
from ranking.policy import Policy
from ranking.recommenders.artifact import ArtifactError
from ranking.registry.loading import ModelSet, put_versions

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunningArm:
    """An arm with its policy, and all models that serve in it: its own, and the usual ones of other kinds."""

    label: str
    policy: Policy
    models: ModelSet


@dataclass(frozen=True, slots=True)
class RunningExperiment:
    """A running experiment as serving needs it.

    arms     in the order of the allocation; None for an arm that gets the usual lists, because it was
             switched off or because a model of it cannot be read
    problem  what is wrong with its models, in words
    """

    allocation: Allocation
    arms: tuple[RunningArm | None, ...]
    problem: str = ""


def load_experiment(
    use_case: str, usual: ModelSet, policy: Policy, known: RunningExperiment | None = None
) -> RunningExperiment | None:
    """The experiment that runs now, on top of the usual models and policy; None where there is none.

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
                models = put_versions(usual, arm.versions.all(), in_memory)
                running[-1] = RunningArm(arm.label, policy_of(arm, policy), models)
            except (HeedError, ArtifactError) as error:
                problems.append(f"{arm.label} serves the usual lists: {error}")
                logger.error("an experiment arm serves the usual lists", arm=arm.label, error=str(error))
    return RunningExperiment(allocation_of(arms), tuple(running), " ".join(problems))


def policy_of(arm: Arm, usual: Policy) -> Policy:
    """The policy that an arm tries: the usual one but for what the arm says. Raises InvalidInput."""
    if not isinstance(arm.policy, dict):
        raise InvalidInput(f"The policy of {arm.name} must be an object of fields and values.")
    changes = dict(arm.policy)
    if not arm.feedback:
        changes["dislikes_hold_back"] = False
    if not arm.boosts:
        changes |= {"boost_strength": 0.0, "boost_strength_with_ranker": 0.0}
    if arm.exploration_share is not None:
        changes["exploration_share"] = arm.exploration_share
    return usual.changed(changes)


def allocation_of(arms: Sequence[Arm]) -> Allocation:
    """The allocation of people to these arms, all those of one experiment in their order."""
    experiment = arms[0].experiment
    return Allocation(experiment.salt, experiment.share, tuple(arm.weight for arm in arms))


def light_versions() -> QuerySet[ModelVersion]:
    """Model versions without the large columns."""
    return ModelVersion.objects.defer("metrics", "dataset_manifest", "hyper_parameters")
