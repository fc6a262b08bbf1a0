"""Which models are compared: versions by their labels, or those that there is reason to compare."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from config.errors import HeedError, InvalidInput
from config.use_cases import UseCase
from ranking.evaluation.contenders import POPULARITY, Contender
from ranking.loading import Loaded, LoadedModels
from ranking.ml.als import AlsModel
from ranking.ml.artifacts import ArtifactError, load_als
from ranking.ml.ranker import Ranker
from ranking.ml.ranker_file import load_ranker
from ranking.models import ModelVersion
from ranking.registry import find_version, read_verified

Kind, Status = ModelVersion.Kind, ModelVersion.Status


@dataclass(frozen=True, slots=True)
class Pair:
    """What serves together: a version of each kind, None where there is none."""

    als: ModelVersion | None = None
    ranker: ModelVersion | None = None

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """Those that there are."""
        return tuple(version for version in (self.als, self.ranker) if version is not None)

    @property
    def label(self) -> str:
        """The name that sessions give it, such as `als-movie_home-7+ranker-movie_home-3`."""
        return "+".join(version.label for version in self.versions) or POPULARITY


def named_pairs(names: Sequence[str], use_case: UseCase) -> list[Pair]:
    """The pairs that people name: `als-…`, `ranker-…`, or both with a plus between them.

    A ranker alone stands on the active ALS version. None comes twice. Raises NotFound for a version that
    does not exist, InvalidInput for one of another use case and for two of a kind.
    """
    return _distinct(_named_pair(name, use_case) for name in names)


def _named_pair(name: str, use_case: UseCase) -> Pair:
    found: dict[str, ModelVersion] = {}
    for label in name.split("+"):
        version = find_version(label=label)
        if version.use_case != use_case.name:
            raise InvalidInput(f"{label} is of {version.use_case}; say --use-case {version.use_case}.")
        if version.kind in found:
            raise InvalidInput(f"{name!r} names two versions of one kind; only one of each serves.")
        found[version.kind] = version
    if Kind.ALS not in found:
        return Pair(_active(use_case).als, found[Kind.RANKER])
    return Pair(found[Kind.ALS], found.get(Kind.RANKER))


def usual_pairs(use_case: UseCase) -> list[Pair]:
    """The active pair; on it the newest candidate of each kind; and the version that served before.

    Without any version there is one pair, of nothing.
    """
    active = _active(use_case)
    versions = ModelVersion.objects.filter(use_case=use_case.name)
    others = [
        versions.filter(kind=kind, status=Status.CANDIDATE).order_by("-version").first()
        for kind in (Kind.ALS, Kind.RANKER)
    ]
    before = versions.filter(status=Status.ARCHIVED).exclude(activated_at=None)
    others.append(before.order_by("-activated_at", "-pk").first())
    return _distinct([active, *(_in_place(version, active) for version in others if version is not None)])


def _active(use_case: UseCase) -> Pair:
    versions = ModelVersion.objects.filter(use_case=use_case.name, status=Status.ACTIVE)
    by_kind = {version.kind: version for version in versions}
    return Pair(by_kind.get(Kind.ALS), by_kind.get(Kind.RANKER))


def _in_place(version: ModelVersion, active: Pair) -> Pair:
    return Pair(version, active.ranker) if version.kind == Kind.ALS else Pair(active.als, version)


def _distinct(pairs: Iterable[Pair]) -> list[Pair]:
    return list({pair.label: pair for pair in pairs}.values())


def load_contender(pair: Pair) -> Contender:
    """Reads the files of a pair. Raises ModelFileError, and HeedError for a file that cannot be read."""
    als: Loaded[AlsModel] | None = None
    ranker: Loaded[Ranker] | None = None
    for version in pair.versions:
        data = read_verified(version)
        try:
            if version.kind == Kind.ALS:
                als = Loaded(version.pk, version.label, load_als(data))
            else:
                ranker = Loaded(version.pk, version.label, load_ranker(data))
        except ArtifactError as error:
            raise HeedError(f"{version.label} cannot be read: {error}") from error
    return Contender(pair.label, LoadedModels(als, ranker), seen_until([pair]))


def seen_until(pairs: Iterable[Pair]) -> float:
    """Up to when any of the versions learned, seconds since 1970; -inf for none.

    A version that does not say so can have seen nothing after it was made.
    """
    return max((_window_end(version) for pair in pairs for version in pair.versions), default=-np.inf)


def _window_end(version: ModelVersion) -> float:
    end = version.dataset_manifest.get("window_end")
    return (version.created_at if end is None else datetime.fromisoformat(end)).timestamp()
