"""Removes files past their use: datasets, model files that never served, reports."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from console.pruning.chunks import before
from core.domain import USE_CASES
from ranking.datasets.manifest import PART, datasets_folder, datasets_kept, remove_dataset
from ranking.kinds import LEARNING
from ranking.models import Experiment, ModelVersion
from ranking.registry.versions import files_kept, remove_file

logger = structlog.stdlib.get_logger(__name__)

Status = ModelVersion.Status
# Of each kind and use case the newest ones stay, however old.
KEPT = 5


def prune_datasets(now: datetime, *, dry_run: bool) -> int:
    """Removes old datasets; the newest KEPT of a kind stay, and what an active version learned from."""
    oldest = before(now, settings.PRUNE_DATASET_DAYS)
    if oldest is None:
        return 0
    active = ModelVersion.objects.filter(status=Status.ACTIVE)
    learned = set(active.values_list("dataset_manifest__name", flat=True))
    gone, kept = 0, datasets_kept()
    for kind in LEARNING:
        for use_case in USE_CASES:
            folder = datasets_folder(kind, use_case)
            elsewhere = {path for path in kept if path.parent == folder}
            whole = sorted({*_folders(folder), *elsewhere})
            old = [path for path in whole[:-KEPT] if path.name not in learned and _is_before(path, oldest)]
            gone += _remove(old, dry_run=dry_run)
            for path in elsewhere.intersection([] if dry_run else old):
                remove_dataset(path)
    return gone


def prune_reports(now: datetime, *, dry_run: bool) -> int:
    """Removes old reports of `evaluate_models`; the newest KEPT of a use case stay."""
    oldest = before(now, settings.PRUNE_REPORT_DAYS)
    if oldest is None:
        return 0
    gone = 0
    for use_case in USE_CASES:
        reports = sorted(_folders(Path(settings.REPORT_DIR) / use_case))
        gone += _remove([path for path in reports[:-KEPT] if _is_before(path, oldest)], dry_run=dry_run)
    return gone


def prune_model_files(now: datetime, *, dry_run: bool) -> int:
    """Removes the files of old versions that never served; the rows stay and say so.

    The newest candidate of each kind and use case stays, and what an experiment that is not over tries.
    """
    oldest = before(now, settings.PRUNE_MODEL_FILE_DAYS)
    if oldest is None:
        return 0
    gone, kept = 0, files_kept()
    for version in _never_served(oldest):
        if version.file not in kept:
            continue
        gone += 1
        if not dry_run:
            with transaction.atomic():
                version.why = f"{version.why} Its file was removed on {now:%Y-%m-%d}, for it never served."
                version.save(update_fields=["why"])
                remove_file(version.file)
    return gone


def _never_served(oldest: datetime) -> Iterator[ModelVersion]:
    tried = Q(arms__experiment__status__in=[Experiment.Status.DRAFT, Experiment.Status.RUNNING])
    kept = set(ModelVersion.objects.filter(tried).values_list("file", flat=True))
    served = ModelVersion.objects.exclude(activated_at=None) | ModelVersion.objects.filter(
        status__in=[Status.ACTIVE, Status.ARCHIVED]
    )
    # Equal bytes have one file, whatever versions name it.
    kept |= set(served.values_list("file", flat=True))
    newest: dict[tuple[str, str], int] = {}
    for version in ModelVersion.objects.filter(status=Status.CANDIDATE).order_by("version"):
        newest[version.kind, version.use_case] = version.pk
    kept |= set(ModelVersion.objects.filter(pk__in=newest.values()).values_list("file", flat=True))
    old = ModelVersion.objects.filter(
        created_at__lt=oldest, activated_at=None, status__in=[Status.CANDIDATE, Status.REJECTED]
    )
    return (version for version in old.order_by("pk").iterator() if version.file not in kept)


def _folders(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from (one for one in place.iterdir() if one.is_dir() and not one.name.startswith((".", PART)))


def _is_before(path: Path, oldest: datetime) -> bool:
    """True for what was made before a moment; of a dataset that is not on this machine its name tells."""
    if not path.exists():
        return path.name < f"{oldest.astimezone(UTC):%Y%m%d-%H%M%S}"
    return path.stat().st_mtime < oldest.timestamp()


def _remove(folders: list[Path], *, dry_run: bool) -> int:
    """Removes folders; returns how many are gone, or would be."""
    if dry_run:
        return len(folders)
    left = []
    for folder in folders:
        try:
            # A link among ours would lead elsewhere: only what lies here goes.
            if folder.is_symlink():
                os.unlink(folder)  # noqa: PTH108
            elif folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            left.append(folder)
            logger.warning("a folder cannot be removed", folder=str(folder), error=str(error))
    return len(folders) - len(left)
