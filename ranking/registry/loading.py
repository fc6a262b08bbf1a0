"""The models that serve, read from their files: the active version of each kind, or the one before it."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ranking.models import ModelVersion
from ranking.recommenders.als.file import ArtifactError, load_als
from ranking.recommenders.als.model import AlsModel
from ranking.recommenders.ranker.file import load_ranker
from ranking.recommenders.ranker.model import Ranker
from ranking.recommenders.two_tower.file import load_two_tower
from ranking.recommenders.two_tower.model import TwoTower
from ranking.registry.versions import ModelFileError, read_verified

logger = logging.getLogger(__name__)

Kind = ModelVersion.Kind
Model = TypeVar("Model", AlsModel, TwoTower, Ranker)

# What reads the file of each kind; a kind is also the name of its field in LoadedModels.
PARSERS: Mapping[str, Callable[[bytes], Any]] = {
    Kind.ALS: load_als,
    Kind.TWO_TOWER: load_two_tower,
    Kind.RANKER: load_ranker,
}
# How many earlier versions are tried when the file of the active one is damaged.
_FALLBACKS = 3
# More than enough rows for every kind's active version and its fallbacks.
_NEWEST = 40


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Model]):
    """A version and the model in its file."""

    version_id: int
    label: str
    model: Model


@dataclass(frozen=True, slots=True)
class LoadedModels:
    """The models of one use case, None where a kind has none, and what is wrong, if anything, in words."""

    als: Loaded[AlsModel] | None = None
    two_tower: Loaded[TwoTower] | None = None
    ranker: Loaded[Ranker] | None = None
    problem: str = ""

    @property
    def version_ids(self) -> tuple[int, ...]:
        """The versions that serve."""
        every = (self.als, self.two_tower, self.ranker)
        return tuple(loaded.version_id for loaded in every if loaded is not None)


NO_MODELS = LoadedModels()


def load_models(use_case: str, known: LoadedModels = NO_MODELS) -> LoadedModels:
    """The models to serve now: one query, and a file for each version that is not in `known` already.

    Where the file of an active version is damaged, the one that served before it does.
    """
    # "active" sorts before "archived", so the active version of each kind is always among the first.
    rows = (
        ModelVersion.objects.filter(use_case=use_case)
        .filter(status__in=[ModelVersion.Status.ACTIVE, ModelVersion.Status.ARCHIVED])
        .exclude(activated_at=None)
        .order_by("status", "-activated_at")
        .defer("metrics", "dataset_manifest", "hyper_parameters")
    )
    versions: dict[str, list[ModelVersion]] = {}
    for version in rows[:_NEWEST]:
        versions.setdefault(version.kind, []).append(version)
    als, als_problem = _load(versions.get(Kind.ALS, ()), load_als, known.als)
    tower, tower_problem = _load(versions.get(Kind.TWO_TOWER, ()), load_two_tower, known.two_tower)
    ranker, ranker_problem = _load(versions.get(Kind.RANKER, ()), load_ranker, known.ranker)
    problems = filter(None, (als_problem, tower_problem, ranker_problem))
    return LoadedModels(als=als, two_tower=tower, ranker=ranker, problem=" ".join(problems))


def _load(
    versions: Sequence[ModelVersion], parse: Callable[[bytes], Model], known: Loaded[Model] | None
) -> tuple[Loaded[Model] | None, str]:
    if not versions or versions[0].status != ModelVersion.Status.ACTIVE:
        return None, ""
    problem = ""
    for version in versions[: 1 + _FALLBACKS]:
        if known is not None and known.version_id == version.pk:
            return known, problem
        try:
            return Loaded(version.pk, version.label, parse(read_verified(version))), problem
        except (ModelFileError, ArtifactError) as error:
            if not problem:
                # A file that is not the registered one names its version itself.
                which = "" if isinstance(error, ModelFileError) else f"{version.label}: "
                problem = f"{which}{str(error).rstrip('.')}. An earlier version serves."
            logger.error("model version %s cannot be loaded: %s", version.label, error)
    return None, problem


def put_versions(
    models: LoadedModels, versions: Iterable[ModelVersion], known: Sequence[LoadedModels] = ()
) -> LoadedModels:
    """`models` with these versions in place of those of their kinds; files are read for those not in `known`.

    Raises ModelFileError or ArtifactError where the file of one of them is not whole.
    """
    loaded: dict[str, Any] = {version.kind: _load_version(version, known) for version in versions}
    return replace(models, **loaded)


def _load_version(version: ModelVersion, known: Sequence[LoadedModels]) -> Loaded[Any]:
    for models in known:
        loaded: Loaded[Any] | None = getattr(models, version.kind)
        if loaded is not None and loaded.version_id == version.pk:
            return loaded
    return Loaded(version.pk, version.label, PARSERS[version.kind](read_verified(version)))
