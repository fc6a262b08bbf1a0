"""Removes what a killed run left in the folders. The caller holds the training locks."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from django.conf import settings

from core.domain import UseCase
from ranking.datasets.manifest import PART, datasets_folder, names_kept, remove_dataset
from ranking.kinds import LEARNING
from ranking.models import ModelVersion
from ranking.registry.versions import remove_file

logger = structlog.stdlib.get_logger(__name__)

# Datasets that are kept, newest first, beside those that an active version learned from.
KEPT_DATASETS = 5
# A half-written dataset that nobody wrote to for so long is nobody's: commands write them without the lock.
ABANDONED_SECONDS = 300.0
_OUR_FILE = re.compile(r"\w[\w.-]*", re.ASCII)


def remove_unfinished(use_case: UseCase) -> None:
    """Removes what no run will finish: half-written datasets, and model files that no version names.

    Of the whole datasets, those beyond KEPT_DATASETS go as well.
    """
    for kind in LEARNING:
        folder = datasets_folder(kind, use_case.name)
        for path in _abandoned(folder):
            shutil.rmtree(path, ignore_errors=True)
        for path in _old_datasets(folder, _learned_from(use_case)):
            with suppress(OSError):
                remove_dataset(path)
    models = Path(settings.MODEL_DIR)
    for kind in LEARNING:
        for path in models.glob(f"{kind}-{use_case.name}-*.part"):
            path.unlink(missing_ok=True)
    _remove_noted(use_case)


@contextmanager
def noted_files(use_case: UseCase, files: Iterable[str]) -> Iterator[None]:
    """Keeps a note of the model files about to be written, until the block has put them on record.

    Other files that no version names here are left alone: they may belong to another database.
    """
    note = note_path(use_case.name)
    note.parent.mkdir(parents=True, exist_ok=True)
    part = note.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(list(files), file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(note)
    try:
        yield
    finally:
        _remove_noted(use_case)


def note_path(use_case: str) -> Path:
    """The path of the note of a run that is publishing."""
    return Path(settings.MODEL_DIR) / f".retrain-{use_case}.json"


def _remove_noted(use_case: UseCase) -> None:
    """Removes the files of the note that no version names, and then the note."""
    note = note_path(use_case.name)
    if not note.exists():
        return
    noted = _names_in(note)
    named = set(ModelVersion.objects.filter(file__in=noted).values_list("file", flat=True))
    for name in noted:
        if name not in named:
            remove_file(name)
    note.unlink()


def _names_in(note: Path) -> list[str]:
    """The files that a note names; none where it is damaged, or every run after it would fail at it."""
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        logger.warning("a note of files cannot be read", note=str(note), error=str(error))
        return []
    # Names of files in the folder, never paths that lead out of it.
    names = [name for name in noted if isinstance(name, str)] if isinstance(noted, list) else []
    return [name for name in names if _OUR_FILE.fullmatch(name)]


def _abandoned(folder: Path) -> list[Path]:
    longest_ago = time.time() - ABANDONED_SECONDS
    return [part for part in folder.glob(f"{PART}*") if _last_written(part) < longest_ago]


def _last_written(folder: Path) -> float:
    """The last change of the folder or a file in it, seconds since 1970; 0 for one that is gone."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return 0.0


def _old_datasets(folder: Path, kept: set[str]) -> list[Path]:
    whole = {path.name for path in folder.glob("[!.]*") if path.is_dir()} | set(names_kept(folder))
    return [folder / name for name in sorted(whole)[:-KEPT_DATASETS] if name not in kept]


def _learned_from(use_case: UseCase) -> set[str]:
    active = ModelVersion.objects.filter(use_case=use_case.name, status=ModelVersion.Status.ACTIVE)
    return {name for name in active.values_list("dataset_manifest__name", flat=True) if name}
