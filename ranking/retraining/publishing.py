"""The end of a run: the candidates on record, the better ones in service, their examples noted as used."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core.domain import UseCase
from feedback.training import mark_negative_examples_as_used, untrained_examples
from ranking.evaluation_report import GateVerdict
from ranking.kinds import LEARNING
from ranking.models import ExampleUse, ModelVersion
from ranking.registry.versions import (
    activate_version,
    active_version,
    file_name,
    register_version,
    reject_version,
)
from ranking.retraining.cleanup import noted_files

# The ids of the active version of each kind, None where there is none.
ActiveIds = Mapping[str, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A candidate that is ready to be registered.

    examples  ids of the negative training examples that it learned from
    weight    its share in the joint score of several models; None where it was not fitted
    refusal_share  how much of a base score its chance of a no takes away; None where it was not measured
    """

    kind: str
    data: bytes
    manifest: dict[str, Any]
    hyper_parameters: dict[str, Any]
    metrics: dict[str, Any]
    examples: Sequence[int]
    verdict: GateVerdict
    weight: float | None = None
    refusal_share: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one candidate."""

    version: str
    status: str
    why: str


@dataclass(frozen=True, slots=True)
class RetrainSummary:
    """The outcome of a run: none where it was not due. `not_trained`: why kinds could not be trained."""

    use_case: str
    due: bool
    why: str
    outcomes: tuple[Outcome, ...] = ()
    people_evaluated: int = 0
    lists_evaluated: int = 0
    examples_used: int = 0
    not_trained: str = ""


def active_ids(use_case: UseCase) -> ActiveIds:
    """The active versions, which candidates are compared with."""
    active = ModelVersion.objects.filter(use_case=use_case.name, status=ModelVersion.Status.ACTIVE)
    found = dict(active.values_list("kind", "pk"))
    return {kind: found.get(kind) for kind in LEARNING}


def publish(
    use_case: UseCase, candidates: Sequence[Candidate], baseline: ActiveIds
) -> tuple[list[Outcome], int]:
    """Registers the candidates and puts those into service that passed, all in one transaction.

    Returns the outcomes, and how many examples were used for the first time. If another version became active
    since `baseline` was read, nothing is activated: the comparison was with another model.
    """
    files = [file_name(kind=one.kind, use_case=use_case.name, data=one.data) for one in candidates]
    with ExitStack() as stack:
        stack.enter_context(noted_files(use_case, files))
        stack.enter_context(transaction.atomic())
        changed = _changed(use_case, baseline)
        versions = [_register(use_case, one, changed) for one in candidates]
        used = _note_examples(
            {
                version: one.examples
                for version, one in zip(versions, candidates, strict=True)
                if version.status == ModelVersion.Status.ACTIVE
            }
        )
    return [Outcome(version.label, version.status, version.why) for version in versions], used


def _changed(use_case: UseCase, baseline: ActiveIds) -> str:
    """The versions that serve now instead, in words; empty where nothing changed."""
    for kind, version_id in baseline.items():
        now = active_version(kind=kind, use_case=use_case.name)
        if (None if now is None else now.pk) != version_id:
            serves = f"no {kind} version serves" if now is None else f"{now.label} serves"
            return f"While it was evaluated, somebody changed what it was compared with: {serves} now."
    return ""


def _register(use_case: UseCase, one: Candidate, changed: str) -> ModelVersion:
    version = register_version(
        kind=one.kind,
        use_case=use_case.name,
        data=one.data,
        dataset_manifest=one.manifest,
        hyper_parameters=one.hyper_parameters,
        metrics=one.metrics,
        why="trained by retrain",
        weight=one.weight,
        refusal_share=one.refusal_share,
    )
    if one.verdict.passed and not changed:
        return activate_version(version=version, why=one.verdict.why)
    return reject_version(version=version, why=changed or one.verdict.why)


def _note_examples(learned: Mapping[ModelVersion, Sequence[int]]) -> int:
    """Notes for each version which examples it was the first to learn from; returns how many there are."""
    new = untrained_examples({example_id for ids in learned.values() for example_id in ids})
    uses = [
        ExampleUse(version=version, example_id=example_id)
        for version, ids in learned.items()
        for example_id in sorted(set(ids).intersection(new))
    ]
    ExampleUse.objects.bulk_create(uses, batch_size=1000)
    return mark_negative_examples_as_used(new)
