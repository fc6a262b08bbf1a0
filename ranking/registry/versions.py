"""The model registry: files that are whole or absent, rows that say which of them serves.

A model's bytes are read once, hashed, and parsed from that same buffer only when the hash is the one in
its row. Files are never changed in place (docs/decisions/0005-model-files.md).
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from core.announcements import MODEL_ACTIVATED, MODEL_REJECTED, announce
from core.errors import Conflict, HeedError, NotFound
from core.folders import check_writable, write_whole
from core.stores import Store
from feedback.training import spend_dislikes
from ranking.models import ModelVersion
from ranking.registry.lineage import known_until

logger = structlog.stdlib.get_logger(__name__)

Status = ModelVersion.Status
_TOLD = {Status.ACTIVE.value: MODEL_ACTIVATED, Status.REJECTED.value: MODEL_REJECTED}


class ModelFileError(HeedError):
    """A model's file is missing or is not the one that was registered."""

    status = 503


def check_models_can_be_kept() -> None:
    """Raises OSError where a model could not be written, before the time of training it is spent."""
    check_writable(Path(settings.MODEL_DIR))
    model_store().check()


def model_store() -> Store:
    """The folder of the model files, and the address where they are kept for all machines."""
    return Store(Path(settings.MODEL_DIR), settings.MODEL_STORE)


def files_kept() -> set[str]:
    """The names of the model files that are on this machine, or where files are kept for all."""
    here = Path(settings.MODEL_DIR)
    return {path.name for path in here.glob("*")} | model_store().files()


def remove_file(file: str) -> None:
    """Removes a model's file from this machine, and from where it is kept for all."""
    (Path(settings.MODEL_DIR) / file).unlink(missing_ok=True)
    model_store().remove(file)


def file_name(*, kind: str, use_case: str, data: bytes) -> str:
    """The name of a model's file: equal bytes have one name, so a file never changes."""
    digest = hashlib.sha256(data).hexdigest()
    return f"{kind}-{use_case}-{digest[:16]}.safetensors"


def register_version(
    *,
    kind: str,
    use_case: str,
    data: bytes,
    dataset_manifest: dict[str, Any],
    hyper_parameters: dict[str, Any],
    metrics: dict[str, Any],
    why: str,
    weight: float | None = None,
    refusal_share: float | None = None,
) -> ModelVersion:
    """Writes a trained model's file and then its row, as a candidate.

    A crash between the two leaves a file that no row names, which harms nothing.
    """
    file = file_name(kind=kind, use_case=use_case, data=data)
    write_whole(Path(settings.MODEL_DIR) / file, data)
    model_store().keep(file)
    with transaction.atomic():
        versions = ModelVersion.objects.filter(kind=kind, use_case=use_case)
        last = versions.aggregate(last=Max("version"))["last"] or 0
        return ModelVersion.objects.create(
            kind=kind,
            use_case=use_case,
            version=last + 1,
            file=file,
            sha256=hashlib.sha256(data).hexdigest(),
            dataset_manifest=dataset_manifest,
            hyper_parameters=hyper_parameters,
            metrics=metrics,
            quality=quality_of(metrics),
            weight=weight,
            refusal_share=refusal_share,
            parent=versions.filter(status=Status.ACTIVE).first(),
            why=why,
        )


def quality_of(metrics: Mapping[str, Any]) -> float | None:
    """The quality that calibration found of a trained model alone; None where there was nobody."""
    quality: float | None = metrics.get("calibration", {}).get("quality")
    return quality


def read_verified(version: ModelVersion) -> bytes:
    """The bytes of a version's file. Raises ModelFileError unless their SHA-256 is the registered one.

    A file that this machine lacks, or that is damaged here, is taken from where it is kept for all.
    """
    path, store = Path(settings.MODEL_DIR) / version.file, model_store()
    try:
        if not path.exists():
            store.bring(version.file)
        data = path.read_bytes()
        if not _is_registered(data, version) and store.bring(version.file):
            data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{version.label}: {version.file} cannot be read ({error.strerror}).") from error
    if not _is_registered(data, version):
        raise ModelFileError(f"{version.label}: {version.file} is not the file that was registered.")
    return data


def _is_registered(data: bytes, version: ModelVersion) -> bool:
    return hashlib.sha256(data).hexdigest() == version.sha256


def find_version(*, label: str) -> ModelVersion:
    """The version that people call `label`, such as `als-movie_home-7`. Raises NotFound."""
    kind, _, rest = label.partition("-")
    use_case, _, number = rest.rpartition("-")
    version = None
    if number.isascii() and number.isdigit() and len(number) < 10:
        version = ModelVersion.objects.filter(kind=kind, use_case=use_case, version=int(number)).first()
    if version is None:
        raise NotFound(f"There is no model version {label!r}.")
    return version


def newest_candidate(*, kind: str, use_case: str) -> ModelVersion:
    """The candidate trained last. Raises NotFound."""
    candidates = ModelVersion.objects.filter(kind=kind, use_case=use_case, status=Status.CANDIDATE)
    version = candidates.order_by("-version").first()
    if version is None:
        raise NotFound(f"There is no {kind} candidate for {use_case}. Train one first.")
    return version


def activate_version(*, version: ModelVersion, why: str) -> ModelVersion:
    """Makes `version` the one that serves; the one that served is archived.

    Raises ModelFileError when its file is not whole. Activating the active version changes nothing.
    """
    read_verified(version)
    with transaction.atomic():
        current = active_version(kind=version.kind, use_case=version.use_case)
        if current is not None and current.pk == version.pk:
            return current
        if current is not None:
            _set_status(current, Status.ARCHIVED, f"replaced by {version.label}")
        version.activated_at = timezone.now()
        _set_status(version, Status.ACTIVE, why)
        if (until := known_until(version)) is not None:
            spend_dislikes(version.use_case, until=until)
    logger.info("model version is active", version=version.label, why=why)
    return version


def reject_version(*, version: ModelVersion, why: str) -> ModelVersion:
    """Keeps a candidate on record as one that was not good enough. Raises Conflict for any other status."""
    if version.status != Status.CANDIDATE:
        raise Conflict(f"{version.label} is {version.status}; only a candidate can be rejected.")
    with transaction.atomic():
        _set_status(version, Status.REJECTED, why)
    logger.info("model version is rejected", version=version.label, why=why)
    return version


def rollback_version(*, kind: str, use_case: str, why: str) -> ModelVersion:
    """Takes the active version out of service and activates the one that served before it.

    The one taken out is marked rejected, so that a second rollback goes one further back. Where no whole
    version served before, it is taken out, unless the kind is one that lists need (`Kind.without`).
    Returns the version that serves now, or the one that was taken out without another in its place.
    Raises Conflict when no version is active, and for such a kind when nothing whole served before.
    """
    with transaction.atomic():
        current = active_version(kind=kind, use_case=use_case)
        if current is None:
            raise Conflict(f"No {kind} version is active for {use_case}, so there is nothing to roll back.")
        previous = _whole_before(current)
        if previous is not None:
            _set_status(current, Status.REJECTED, f"rolled back to {previous.label}: {why}")
            previous.activated_at = timezone.now()
            _set_status(previous, Status.ACTIVE, f"rolled back from {current.label}: {why}")
            logger.info("model version is active", version=previous.label, rolled_back=current.label)
            return previous
        # The kinds take half a second to load, and a version goes live without them.
        from ranking.recommenders.registry import TRAINED

        without = TRAINED[kind].without
        if not without:
            raise Conflict(
                f"No earlier {kind} version of {use_case} can serve, so {current.label} stays active."
            )
        _set_status(current, Status.REJECTED, f"taken out, {without}: {why}")
        logger.info("model version is taken out", version=current.label, why=why)
        return current


def active_version(*, kind: str, use_case: str) -> ModelVersion | None:
    """The version that serves, locked with all others of its kind until the transaction ends.

    So two activations at once follow each other. Needs a transaction.
    """
    versions = ModelVersion.objects.select_for_update().filter(kind=kind, use_case=use_case)
    return next((version for version in versions.order_by("pk") if version.status == Status.ACTIVE), None)


def _whole_before(current: ModelVersion) -> ModelVersion | None:
    """The version that served before, of those whose file is whole."""
    earlier = ModelVersion.objects.filter(
        kind=current.kind, use_case=current.use_case, status=Status.ARCHIVED
    )
    for version in earlier.exclude(activated_at=None).order_by("-activated_at"):
        try:
            read_verified(version)
        except ModelFileError as error:
            logger.warning("rollback passes over a version", error=str(error))
        else:
            return version
    return None


def _set_status(version: ModelVersion, status: str, why: str) -> None:
    version.status = status
    version.why = why
    version.save(update_fields=["status", "why", "activated_at"])
    if event := _TOLD.get(status):
        facts = {"version": version.label, "kind": version.kind, "use_case": version.use_case, "why": why}
        announce(event, facts)
