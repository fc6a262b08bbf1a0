"""Experiments: created as drafts, started once, stopped for good; arms switched off one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.domain import USE_CASES
from core.errors import Conflict, InvalidInput
from ranking.arms import policy_of
from ranking.models import Arm, Experiment, ModelVersion
from ranking.policy import Policy
from ranking.recommenders.artifact import ArtifactError
from ranking.registry.loading import NO_MODELS, put_versions
from ranking.registry.versions import ModelFileError
from serving.live import refresh_now

logger = structlog.stdlib.get_logger(__name__)

Status = Experiment.Status
MAX_ARMS = 10


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """An arm as it shall be; the fields are those of the table."""

    name: str
    weight: float = 1.0
    feedback: bool = True
    boosts: bool = True
    exploration_share: float | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    versions: Sequence[ModelVersion] = field(default=())


def create_experiment(
    *,
    name: str,
    use_case: str,
    arms: Sequence[ArmPlan],
    description: str = "",
    share: float = 1.0,
    outcome_days: int = 7,
) -> Experiment:
    """A draft with these arms, the control first. Raises InvalidInput for a value outside its range."""
    with transaction.atomic():
        experiment = Experiment(
            name=name, use_case=use_case, description=description, share=share, outcome_days=outcome_days
        )
        _save_valid(experiment)
        for plan in arms:
            arm = Arm(
                experiment=experiment,
                name=plan.name,
                weight=plan.weight,
                feedback=plan.feedback,
                boosts=plan.boosts,
                exploration_share=plan.exploration_share,
                policy=dict(plan.policy),
            )
            _save_valid(arm)
            check_policy(arm)
            arm.versions.set(plan.versions)
    return experiment


def start_experiment(*, experiment: Experiment, now: datetime | None = None) -> Experiment:
    """From now on people are drawn to its arms.

    Raises Conflict unless it is a draft and nothing else runs in its use case, InvalidInput where its arms do
    not make an experiment, and ModelFileError where a model of an arm is not whole.
    """
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if experiment.status != Status.DRAFT:
            raise Conflict(f"{experiment.name} is {experiment.status}; only a draft can be started.")
        _check_arms(experiment)
        experiment.status = Status.RUNNING
        experiment.started_at = now or timezone.now()
        try:
            with transaction.atomic():
                experiment.save(update_fields=["status", "started_at"])
        except IntegrityError:
            raise Conflict(
                f"Another experiment runs in {experiment.use_case}. Stop it first: two at once would mix."
            ) from None
        _tell("experiment started", experiment)
    return experiment


def stop_experiment(*, experiment: Experiment, now: datetime | None = None) -> Experiment:
    """Everybody gets the usual lists again. It cannot be started again. Raises Conflict unless it runs."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if experiment.status != Status.RUNNING:
            raise Conflict(f"{experiment.name} is {experiment.status}; only one that runs can be stopped.")
        experiment.status = Status.STOPPED
        experiment.stopped_at = now or timezone.now()
        experiment.save(update_fields=["status", "stopped_at"])
        _tell("experiment stopped", experiment)
    return experiment


def switch_off_arm(*, arm: Arm, now: datetime | None = None) -> Arm:
    """The people of this arm get the usual lists, for good; those of the others are not touched.

    Raises Conflict unless its experiment runs and it is on.
    """
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=arm.experiment_id)
        arm = Arm.objects.select_related("experiment").get(pk=arm.pk)
        if experiment.status != Status.RUNNING:
            raise Conflict(f"{experiment.name} is {experiment.status}, so no arm of it is on.")
        if arm.switched_off_at is not None:
            raise Conflict(f"{arm.label} is switched off already.")
        arm.switched_off_at = now or timezone.now()
        arm.save(update_fields=["switched_off_at"])
        _tell("experiment arm switched off", experiment, arm=arm.name)
    return arm


def _check_arms(experiment: Experiment) -> None:
    if experiment.use_case not in USE_CASES:
        raise InvalidInput(f"There is no use case {experiment.use_case!r}.")
    arms = list(experiment.arms.select_related("experiment").prefetch_related("versions"))
    if not 2 <= len(arms) <= MAX_ARMS:
        raise InvalidInput(f"{experiment.name} needs 2 to {MAX_ARMS} arms, and has {len(arms)}.")
    for arm in arms:
        _check_versions(arm)
        check_policy(arm)


def check_policy(arm: Arm) -> None:
    """Raises InvalidInput, which names the field, for an arm whose policy cannot be."""
    use_case = USE_CASES.get(arm.experiment.use_case)
    if use_case is not None:
        policy_of(arm, Policy.of(use_case))


def _check_versions(arm: Arm) -> None:
    versions = list(arm.versions.all())
    kinds = [version.kind for version in versions]
    for version in versions:
        if kinds.count(version.kind) > 1:
            raise InvalidInput(f"{arm.label} names two versions of {version.kind}. Leave one.")
        if version.use_case != arm.experiment.use_case:
            raise InvalidInput(
                f"{version.label} is a model of {version.use_case}; {arm.label} cannot use it."
            )
        if version.status == ModelVersion.Status.REJECTED:
            raise Conflict(f"{version.label} was rejected, so {arm.label} cannot try it on people.")
    try:
        put_versions(NO_MODELS, versions)
    except ArtifactError as error:
        raise ModelFileError(f"A model of {arm.label} cannot be used: {error}") from error


def _save_valid(row: Experiment | Arm) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from error
    row.save()


def _tell(event: str, experiment: Experiment, **more: str) -> None:
    """Logs it, and makes it true for this process at once; others look every MODEL_CHECK_SECONDS."""
    logger.info(event, experiment=experiment.name, use_case=experiment.use_case, **more)
    transaction.on_commit(lambda: refresh_now(experiment.use_case), robust=True)
