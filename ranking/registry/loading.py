"""The models that serve, read from their files: the active version of each kind, or the one before it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from ranking.models import ModelVersion
from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.registry import TRAINED
from ranking.registry.mapping import load_file
from ranking.registry.versions import ModelFileError

logger = structlog.stdlib.get_logger(__name__)

# Earlier versions that are tried when the file of the active one is damaged.
_FALLBACKS = 3
# More than enough rows for every kind's active version and its fallbacks.
_NEWEST = 40


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A version and the model in its file; the last three are as those of `ModelVersion`."""

    version_id: int
    label: str
    model: Any
    quality: float | None = None
    weight: float | None = None
    refusal_share: float | None = None


@dataclass(frozen=True, slots=True)
class ModelSet:
    """At most one model of each trained kind, which serve together.

    by_kind  the models that there are
    problem  what is wrong with the files, in words; empty where nothing is
    """

    by_kind: Mapping[str, LoadedModel] = field(default_factory=dict)
    problem: str = ""

    @property
    def version_ids(self) -> tuple[int, ...]:
        """The ids of the versions."""
        return tuple(loaded.version_id for loaded in self.by_kind.values())

    def label(self, kinds: Iterable[str] | None = None) -> str:
        """The labels of the versions of `kinds`, or of all: `als-movie_home-7+ranker-movie_home-3`."""
        wanted = set(TRAINED) if kinds is None else set(kinds)
        return "+".join(self.by_kind[kind].label for kind in TRAINED if kind in wanted & set(self.by_kind))

    def with_model(self, kind: str, loaded: LoadedModel) -> "ModelSet":
        """The same set with another model of a kind."""
        return replace(self, by_kind={**self.by_kind, kind: loaded})

    def only(self, kind: str) -> "ModelSet":
        """The model of one kind alone."""
        return ModelSet({name: loaded for name, loaded in self.by_kind.items() if name == kind})


NO_MODELS = ModelSet()


def load_models(use_case: str, known: ModelSet = NO_MODELS) -> ModelSet:
    """The models to serve now: one query, and a file for each version that is not in `known` already.

    Where the file of an active version is damaged, the one that served before it does.
    """
    # "active" sorts before "archived", so the active version of each kind is always among the first.
    rows = (
        ModelVersion.objects.filter(use_case=use_case)
        .filter(status__in=[ModelVersion.Status.ACTIVE, ModelVersion.Status.ARCHIVED])
        .exclude(activated_at=None)
        .order_by("status", "-activated_at")
        .defer("metrics", "dataset_manifest")
    )
    versions: dict[str, list[ModelVersion]] = {}
    for version in rows[:_NEWEST]:
        versions.setdefault(version.kind, []).append(version)
    found, problems = {}, []
    for kind in TRAINED:
        loaded, problem = _load(versions.get(kind, ()), known.by_kind.get(kind))
        if loaded is not None:
            found[kind] = loaded
        if problem:
            problems.append(problem)
    return ModelSet(found, " ".join(problems))


def load_version(version: ModelVersion) -> LoadedModel:
    """The model of one version.

    Raises ModelFileError where its file is not the registered one, ArtifactError where it is no usable model
    of a kind that there is.
    """
    kind = TRAINED.get(version.kind)
    if kind is None or kind.load is None:
        raise ArtifactError(f"There is no kind {version.kind!r} of models any more.")
    model = kind.load(load_file(version))
    trained = version.hyper_parameters
    for name, size in kind.sizes(model).items():
        if trained.get(name, size) not in (size, None):
            raise ArtifactError(f"It holds {name} {size}, and it was trained with {trained[name]}.")
    return LoadedModel(
        version.pk, version.label, model, version.quality, version.weight, version.refusal_share
    )


def put_versions(
    models: ModelSet, versions: Iterable[ModelVersion], known: Sequence[ModelSet] = ()
) -> ModelSet:
    """`models` with these versions in place of those of their kinds; files are read for those not in `known`.

    Raises ModelFileError or ArtifactError where the file of one of them is not whole.
    """
    for version in versions:
        models = models.with_model(version.kind, _known_version(version, known) or load_version(version))
    return models


def _load(versions: Sequence[ModelVersion], known: LoadedModel | None) -> tuple[LoadedModel | None, str]:
    if not versions or versions[0].status != ModelVersion.Status.ACTIVE:
        return None, ""
    problem = ""
    for version in versions[: 1 + _FALLBACKS]:
        if known is not None and known.version_id == version.pk:
            return known, problem
        try:
            return load_version(version), problem
        except (ModelFileError, ArtifactError) as error:
            if not problem:
                # A file that is not the registered one names its version itself.
                which = "" if isinstance(error, ModelFileError) else f"{version.label}: "
                problem = f"{which}{str(error).rstrip('.')}. An earlier version serves."
            logger.error("a model version cannot be loaded", version=version.label, error=str(error))
    return None, problem


def _known_version(version: ModelVersion, known: Sequence[ModelSet]) -> LoadedModel | None:
    found = (models.by_kind.get(version.kind) for models in known)
    return next((one for one in found if one is not None and one.version_id == version.pk), None)
