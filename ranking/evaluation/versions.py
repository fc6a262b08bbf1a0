"""Which models are compared: versions by their labels, or those that there is reason to compare."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from core.domain import UseCase
from core.errors import HeedError, InvalidInput
from ranking.evaluation.contenders import POPULARITY, Contender
from ranking.models import ModelVersion
from ranking.recommenders.als.file import ArtifactError
from ranking.registry.loading import NO_MODELS, put_versions
from ranking.registry.versions import find_version

Kind, Status = ModelVersion.Kind, ModelVersion.Status


@dataclass(frozen=True, slots=True)
class Together:
    """What serves together: a version of each kind, None for none. The fields are named as the kinds."""

    als: ModelVersion | None = None
    two_tower: ModelVersion | None = None
    ranker: ModelVersion | None = None

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """Those that there are."""
        every = (self.als, self.two_tower, self.ranker)
        return tuple(version for version in every if version is not None)

    @property
    def label(self) -> str:
        """The name that sessions give it, such as `als-movie_home-7+ranker-movie_home-3`."""
        return "+".join(version.label for version in self.versions) or POPULARITY


def named_versions(names: Sequence[str], use_case: UseCase) -> list[Together]:
    """What people name: one version, or one of each kind with a plus between them.

    A ranker that is named without ALS stands on the active ALS and two-tower versions, but for the two-tower
    version that is named with it. Nothing comes twice. Raises NotFound for a version that does not exist,
    InvalidInput for one of another use case and for two of a kind.
    """
    return _distinct(_named(name, use_case) for name in names)


def _named(name: str, use_case: UseCase) -> Together:
    found: dict[str, ModelVersion] = {}
    for label in name.split("+"):
        version = find_version(label=label)
        if version.use_case != use_case.name:
            raise InvalidInput(f"{label} is of {version.use_case}; say --use-case {version.use_case}.")
        if version.kind in found:
            raise InvalidInput(f"{name!r} names two versions of one kind; only one of each serves.")
        found[version.kind] = version
    named = Together(**found)
    if named.ranker is None or named.als is not None:
        return named
    active = _active(use_case)
    return replace(named, als=active.als, two_tower=named.two_tower or active.two_tower)


def usual_versions(use_case: UseCase) -> list[Together]:
    """What is active; with it the newest candidate of each kind; and the version that served before.

    Without any version it is one of nothing.
    """
    active = _active(use_case)
    versions = ModelVersion.objects.filter(use_case=use_case.name)
    others = [
        versions.filter(kind=kind, status=Status.CANDIDATE).order_by("-version").first()
        for kind in Kind.values
    ]
    before = versions.filter(status=Status.ARCHIVED).exclude(activated_at=None)
    others.append(before.order_by("-activated_at", "-pk").first())
    in_place = (replace(active, **{one.kind: one}) for one in others if one is not None)
    return _distinct([active, *in_place])


def _active(use_case: UseCase) -> Together:
    versions = ModelVersion.objects.filter(use_case=use_case.name, status=Status.ACTIVE)
    return Together(**{version.kind: version for version in versions})


def _distinct(found: Iterable[Together]) -> list[Together]:
    return list({one.label: one for one in found}.values())


def load_contender(together: Together) -> Contender:
    """Reads the files of these versions. Raises ModelFileError, HeedError for one that cannot be read."""
    models = NO_MODELS
    for version in together.versions:
        try:
            models = put_versions(models, [version])
        except ArtifactError as error:
            raise HeedError(f"{version.label} cannot be read: {error}") from error
    return Contender(together.label, models, seen_until([together]))


def seen_until(compared: Iterable[Together]) -> float:
    """Up to when any of the versions learned, seconds since 1970; -inf for none.

    A version that does not say so can have seen nothing after it was made.
    """
    return max((_window_end(version) for one in compared for version in one.versions), default=-np.inf)


def _window_end(version: ModelVersion) -> float:
    end = version.dataset_manifest.get("window_end")
    return (version.created_at if end is None else datetime.fromisoformat(end)).timestamp()
