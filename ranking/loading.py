"""The models that serve, read from their files: the active version of each kind, or the one before it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ranking.ml.als import AlsModel
from ranking.ml.artifacts import ArtifactError, load_als
from ranking.ml.ranker import Ranker
from ranking.ml.ranker_file import load_ranker
from ranking.models import ModelVersion
from ranking.registry import ModelFileError, read_verified

logger = logging.getLogger(__name__)

Model = TypeVar("Model", AlsModel, Ranker)

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
    ranker: Loaded[Ranker] | None = None
    problem: str = ""


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
    als, als_problem = _load(versions.get(ModelVersion.Kind.ALS, ()), load_als, known.als)
    ranker, ranker_problem = _load(versions.get(ModelVersion.Kind.RANKER, ()), load_ranker, known.ranker)
    return LoadedModels(als, ranker, " ".join(filter(None, (als_problem, ranker_problem))))


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
                problem = f"{error} An earlier version serves."
            logger.error("model version %s cannot be loaded: %s", version.label, error)
    return None, problem
