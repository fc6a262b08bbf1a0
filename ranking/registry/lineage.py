"""The moments up to which model versions have seen the log."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf
from typing import Any

from core.domain import USE_CASES, UseCase
from ranking.kinds import LEARNING
from ranking.models import ModelVersion
from ranking.policy import lead_of

# In the manifest of a version that `retrain` made: up to when it was evaluated, beyond what it learned from.
EVALUATED_UNTIL = "judged_until"


def seen_until(versions: Iterable[ModelVersion]) -> float:
    """The latest moment that any of the versions learned from, seconds since 1970; -inf for none.

    A version that does not say how far it saw can have seen nothing after it was made.
    """
    return max((_window_end(version) for version in versions), default=-inf)


def active_hyper_parameters(use_case: UseCase) -> Mapping[str, Mapping[str, Any]]:
    """The hyper-parameters of the active version of each trained kind; none where no version is active."""
    active = ModelVersion.objects.filter(use_case=use_case.name, status=ModelVersion.Status.ACTIVE)
    found = dict(active.values_list("kind", "hyper_parameters"))
    return {kind: found.get(kind) or {} for kind in LEARNING}


def learned_until() -> dict[str, datetime]:
    """For each use case the time up to which its leading active model has seen the log: one query.

    A version that was not trained from a dataset, or that leaves dislikes out, is not in it.
    """
    leads = {name: lead_of(use_case) for name, use_case in USE_CASES.items()}
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE)
    rows = active.values_list("kind", "use_case", "dataset_manifest", "hyper_parameters")
    return {
        use_case: datetime.fromisoformat(manifest["window_end"])
        for kind, use_case, manifest, parameters in rows
        if kind == leads.get(use_case)
        and "window_end" in manifest
        and parameters.get("negatives", "keep") == "keep"
    }


def known_until(version: ModelVersion) -> datetime | None:
    """The moment up to which a version has been trained or evaluated; None where it does not say."""
    manifest = version.dataset_manifest
    moments = [manifest[name] for name in (EVALUATED_UNTIL, "window_end") if name in manifest]
    return max(map(datetime.fromisoformat, moments), default=None)


def _window_end(version: ModelVersion) -> float:
    end = version.dataset_manifest.get("window_end")
    return (version.created_at if end is None else datetime.fromisoformat(end)).timestamp()
