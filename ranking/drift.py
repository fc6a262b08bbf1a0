"""Drift of a ranker: features and scores of the lists that it serves, beside those that it learned from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet

from core.arrays import Doubles, Floats
from ranking.features import FEATURE_SET, FEATURES
from ranking.models import ModelVersion
from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.registry import ORDERING
from ranking.registry.loading import load_version
from ranking.registry.versions import ModelFileError
from ranking.statistics.drift import SHIFTED, STABLE, Distribution, shares_of, stability_index
from recommendations.models import RecommendationSession
from recommendations.selectors import PRUNED_METHOD, SEARCH_METHOD

SCORE = "score"
DAYS = 7
# Slots of a list have their person in common, so lists are what counts: with fewer, chance moves the index.
LEAST_LISTS, MOST_LISTS = 200, 1_000
_WIDTH = len(FEATURES)


@dataclass(frozen=True, slots=True)
class Shift:
    """One feature, or the score: its index, and its median and unknown share then and now."""

    name: str
    index: float
    median_then: float | None
    median_now: float | None
    unknown_then: float
    unknown_now: float

    @property
    def says(self) -> str:
        """The index in words."""
        if self.index < STABLE:
            return "as in training"
        return "somewhat shifted" if self.index < SHIFTED else "another population"


@dataclass(frozen=True, slots=True)
class Drift:
    """The drift of one version over some days.

    shifts   those that moved most first; none where `why_not` says why
    lists, slots            served by the version, of which features are on record
    trained_on, of_shown    lists that it learned from, and True where people were shown them
    """

    why_not: str = ""
    shifts: tuple[Shift, ...] = ()
    lists: int = 0
    slots: int = 0
    trained_on: int = 0
    of_shown: bool = True

    @property
    def score(self) -> Shift | None:
        """The shift of the scores; None where the model's file cannot be read."""
        return next((one for one in self.shifts if one.name == SCORE), None)


def active_orderers() -> QuerySet[ModelVersion]:
    """The versions in service that order lists by features."""
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE, kind__in=ORDERING)
    return active.order_by("use_case", "kind")


def get_drift(version: ModelVersion, *, now: datetime, days: int = DAYS) -> Drift:
    """The drift of a version in its newest MOST_LISTS lists of the last `days`: one query, and its file.

    Both times the score is what the version itself says of the features, so that nothing but them differs.
    """
    kept = version.metrics.get("distribution")
    try:
        then = _read(kept)
    except (KeyError, TypeError, ValueError):
        return Drift(f"{version.label} has no record of the features that it learned from.")
    if kept["feature_set"] != FEATURE_SET:
        return Drift(f"{version.label} learned from other features than those that are served now.")
    features, lists = _served(version, now - timedelta(days=days), now)
    base = Drift(lists=lists, slots=len(features), trained_on=kept["lists"], of_shown=kept["of_shown"])
    if lists < LEAST_LISTS:
        why_not = f"Not enough lists yet: {lists:,} of the last {days} days, and {LEAST_LISTS} are needed."
        return Drift(why_not, (), base.lists, base.slots, base.trained_on, base.of_shown)
    columns = {name: features[:, place] for place, name in enumerate(FEATURES)}
    scores = _scores(version, features)
    shifts = [_shift(name, then[name], columns[name]) for name in FEATURES if name in then]
    if scores is not None and SCORE in then:
        shifts.append(_shift(SCORE, then[SCORE], scores))
    shifts.sort(key=lambda one: (-one.index, one.name))
    return Drift("", tuple(shifts), base.lists, base.slots, base.trained_on, base.of_shown)


def _read(kept: Any) -> Mapping[str, Distribution]:
    return {name: Distribution.read(one) for name, one in kept["of"].items()}


def _served(version: ModelVersion, since: datetime, now: datetime) -> tuple[Floats, int]:
    """The features (n, f) of the slots that the version ordered, and of how many lists they are."""
    lists = (
        RecommendationSession.objects.filter(
            use_case=version.use_case,
            created_at__gte=since,
            created_at__lte=now,
            feature_set=FEATURE_SET,
            model_version__contains=version.label,
        )
        .exclude(method__in=[SEARCH_METHOD, PRUNED_METHOD])
        .order_by("-created_at")
        .values_list("model_version", "features")
    )
    # Labels begin alike: that of version 3 is in that of version 31.
    made = [row for label, row in lists[:MOST_LISTS] if version.label in label.split("+") and row]
    rows = [np.frombuffer(bytes(row), dtype="<f4").reshape(-1, _WIDTH) for row in made]
    return (np.concatenate(rows) if rows else np.empty((0, _WIDTH), dtype=np.float32)), len(rows)


def _scores(version: ModelVersion, features: Floats) -> Doubles | None:
    try:
        probabilities: Doubles = load_version(version).model.probabilities(features)
    except (ModelFileError, ArtifactError):
        return None
    return probabilities


def _shift(name: str, then: Distribution, values: Doubles | Floats) -> Shift:
    now = shares_of(values, then.edges)
    known = values[~np.isnan(values)]
    return Shift(
        name=name,
        index=stability_index(then.shares, now),
        median_then=then.median,
        median_now=float(np.median(known)) if len(known) else None,
        unknown_then=then.unknown,
        unknown_now=float(now[-1]),
    )
