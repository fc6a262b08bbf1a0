"""The versions to compare: by their labels, or those that there is reason to compare."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain import UseCase
from core.errors import HeedError, InvalidInput
from ranking.evaluation.contenders import POPULARITY, Contender
from ranking.models import ModelVersion
from ranking.policy import lead_of
from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.registry import TRAINED
from ranking.registry.lineage import seen_until
from ranking.registry.loading import NO_MODELS, put_versions
from ranking.registry.versions import find_version

Status = ModelVersion.Status


@dataclass(frozen=True, slots=True)
class VersionSet:
    """At most one version of each kind, which serve together."""

    by_kind: Mapping[str, ModelVersion]

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """The versions, in the order of the registry."""
        return tuple(self.by_kind[kind] for kind in TRAINED if kind in self.by_kind)

    @property
    def label(self) -> str:
        """The name that sessions give it, such as `als-movie_home-7+ranker-movie_home-3`."""
        return "+".join(version.label for version in self.versions) or POPULARITY

    def with_version(self, version: ModelVersion) -> "VersionSet":
        """The same set with `version` in place of that of its kind."""
        return VersionSet({**self.by_kind, version.kind: version})


def named_versions(names: Sequence[str], use_case: UseCase) -> list[VersionSet]:
    """The version sets of `names`: each one label, or several of different kinds with a plus between them.

    What orders a pool needs models that retrieve. Where the most trusted kind of them is not named, the
    active versions of the kinds that are not named stand in. Duplicates are dropped. Raises NotFound for a
    version that does not exist, InvalidInput for one of another use case and for two of a kind.
    """
    return _distinct(_named(name, use_case) for name in names)


def _named(name: str, use_case: UseCase) -> VersionSet:
    found: dict[str, ModelVersion] = {}
    for label in name.split("+"):
        version = find_version(label=label)
        if version.use_case != use_case.name:
            raise InvalidInput(f"{label} is of {version.use_case}; say --use-case {version.use_case}.")
        if version.kind in found:
            raise InvalidInput(f"{name!r} names two versions of one kind; only one of each serves.")
        found[version.kind] = version
    if lead_of(use_case) in found or not any(TRAINED[kind].orders for kind in found if kind in TRAINED):
        return VersionSet(found)
    active = _active(use_case).by_kind.items()
    retrieving = {kind: version for kind, version in active if not TRAINED[kind].orders}
    return VersionSet({**retrieving, **found})


def usual_versions(use_case: UseCase) -> list[VersionSet]:
    """The active versions; with them the newest candidate of each kind; and the version that served before.

    Without any version it is one set of nothing.
    """
    active = _active(use_case)
    versions = ModelVersion.objects.filter(use_case=use_case.name, kind__in=TRAINED)
    others = [
        versions.filter(kind=kind, status=Status.CANDIDATE).order_by("-version").first() for kind in TRAINED
    ]
    before = versions.filter(status=Status.ARCHIVED).exclude(activated_at=None)
    others.append(before.order_by("-activated_at", "-pk").first())
    return _distinct([active, *(active.with_version(one) for one in others if one is not None)])


def _active(use_case: UseCase) -> VersionSet:
    versions = ModelVersion.objects.filter(use_case=use_case.name, status=Status.ACTIVE, kind__in=TRAINED)
    return VersionSet({version.kind: version for version in versions})


def _distinct(found: Iterable[VersionSet]) -> list[VersionSet]:
    return list({one.label: one for one in found}.values())


def load_contender(versions: VersionSet) -> Contender:
    """Reads the files of these versions. Raises ModelFileError, HeedError for one that cannot be read."""
    models = NO_MODELS
    for version in versions.versions:
        try:
            models = put_versions(models, [version])
        except ArtifactError as error:
            raise HeedError(f"{version.label} cannot be read: {error}") from error
    return Contender(versions.label, models, seen_until(versions.versions))
