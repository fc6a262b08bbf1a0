"""What the active versions learned with and from, so that their successors can follow."""

from dataclasses import fields
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Q

from core.domain import UseCase
from ranking.models import ModelVersion
from ranking.recommenders.als.model import AlsParameters
from ranking.recommenders.two_tower.data import TwoTowerParameters
from ranking.registry.loading import LoadedModels

Kind = ModelVersion.Kind

# In the manifest of a version that `retrain` made: up to when it was judged, beyond what it learned from.
JUDGED_UNTIL = "judged_until"


def als_parameters(use_case: UseCase) -> AlsParameters:
    """Those of the active version, the defaults where there is none."""
    chosen = _chosen(use_case, Kind.ALS)
    if not chosen.pop("regularization_given", True):
        # It followed from the data by the rule, and the data are others now.
        chosen["regularization"] = None
    return AlsParameters(**_known(AlsParameters, chosen))


def two_tower_parameters(use_case: UseCase) -> TwoTowerParameters:
    """Those of the active version, the defaults where there is none."""
    return TwoTowerParameters(**_known(TwoTowerParameters, _chosen(use_case, Kind.TWO_TOWER)))


def seen_until(use_case: UseCase, serving: LoadedModels) -> float:
    """Up to when the active versions and those that serve learned, seconds since 1970; -inf for none.

    They differ where the file of an active version is damaged. A version that does not say how far it saw
    can have seen nothing after it was made.
    """
    versions = ModelVersion.objects.filter(use_case=use_case.name).filter(
        Q(status=ModelVersion.Status.ACTIVE) | Q(pk__in=serving.version_ids)
    )
    ends = [
        (created_at if end is None else datetime.fromisoformat(end)).timestamp()
        for end, created_at in versions.values_list("dataset_manifest__window_end", "created_at")
    ]
    return max(ends, default=-np.inf)


def _chosen(use_case: UseCase, kind: str) -> dict[str, Any]:
    active = ModelVersion.objects.filter(use_case=use_case.name, kind=kind, status=ModelVersion.Status.ACTIVE)
    return dict(active.values_list("hyper_parameters", flat=True).first() or {})


def _known(parameters: type, chosen: dict[str, Any]) -> dict[str, Any]:
    # A version of earlier code may have had parameters that are no more.
    names = {field.name for field in fields(parameters)}
    return {name: value for name, value in chosen.items() if name in names}
