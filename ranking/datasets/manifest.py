"""The description of a dataset, written beside its Parquet file, so that a model can name its data."""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from core.errors import HeedError, NotFound
from core.stores import Store

MANIFEST = "manifest.json"
DATA = "data.parquet"
# Beginning of the name of a dataset's folder until it is whole.
PART = ".part-"
LOG, BOOTSTRAP = "log", "bootstrap"


class DatasetError(HeedError):
    """A dataset's folder is not whole or is of another sort."""

    status = 400


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset's description.

    window_end    everything on record up to this time is in it, ISO 8601
    counts        rows, people and items, and how the rows divide
    columns       name of each column with its Arrow type
    git_revision  of the code that made it; empty where that is not known
    sha256        of the Parquet file
    negative_examples  ids of the dislike system's training examples that the dataset takes in
    source        "log" for what is on record, "bootstrap" for lists that were made up from it
    more_files    name and SHA-256 of each file beside the Parquet file
    """

    kind: str
    use_case: str
    name: str
    created_at: str
    window_end: str
    counts: dict[str, int]
    columns: dict[str, str]
    git_revision: str
    sha256: str
    negative_examples: list[int] = field(default_factory=list)
    source: str = LOG
    more_files: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def datasets_folder(kind: str, use_case: str) -> Path:
    """The folder of the datasets of one kind and use case."""
    return Path(settings.DATASET_DIR) / kind / use_case


def dataset_store() -> Store:
    """The folder of the datasets, and the address where they are kept for all machines."""
    return Store(Path(settings.DATASET_DIR), settings.DATASET_STORE)


def names_kept(folder: Path) -> list[str]:
    """The names of the whole datasets of a kind and use case that are kept for all machines, sorted."""
    return [Path(name).name for name in dataset_store().holding(MANIFEST, _name_of(folder))]


def datasets_kept() -> set[Path]:
    """The folders here of all whole datasets that are kept for all machines, by one look at the address."""
    return {Path(settings.DATASET_DIR) / name for name in dataset_store().holding(MANIFEST)}


def remove_dataset(folder: Path) -> None:
    """Removes a dataset from this machine, and from where it is kept for all. Raises OSError."""
    if folder.exists():
        shutil.rmtree(folder)
    dataset_store().remove(_name_of(folder))


def _name_of(folder: Path) -> str:
    return folder.relative_to(settings.DATASET_DIR).as_posix()


@contextmanager
def whole_dataset(target: Path) -> Iterator[Path]:
    """A folder to write a dataset into, as `whole_folder`; in the end it is kept for all machines too."""
    with whole_folder(target) as part:
        yield part
    try:
        dataset_store().keep(_name_of(target), last=MANIFEST)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        # What was copied of it is nobody's. An address that refused may refuse this too.
        with suppress(OSError):
            dataset_store().remove(_name_of(target))
        raise


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to write into that becomes `target` at the end, or is gone if the block fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=PART))
    try:
        yield temporary
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest beside its data."""
    (folder / MANIFEST).write_text(json.dumps(manifest.as_json(), indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path, *, kind: str, use_case: str) -> Manifest:
    """The manifest of the dataset in `folder`, whose data is checked against it.

    Raises DatasetError when the folder holds no such dataset or its data is not what the manifest says.
    """
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        files = {DATA: manifest.sha256, **manifest.more_files}
        changed = [name for name, digest in files.items() if file_sha256(folder / name) != digest]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DatasetError(f"{folder} holds no readable dataset: {error}.") from error
    if (manifest.kind, manifest.use_case) != (kind, use_case):
        raise DatasetError(f"{folder} holds a dataset {manifest.kind} of {manifest.use_case}.")
    if changed:
        raise DatasetError(f"{folder / changed[0]} is not the file that its manifest describes.")
    return manifest


def newest_dataset(kind: str, use_case: str) -> Path:
    """The dataset made last, on any machine. Raises NotFound."""
    folder = datasets_folder(kind, use_case)
    names = {path.parent.name for path in folder.glob(f"[!.]*/{MANIFEST}")} | set(names_kept(folder))
    if not names:
        raise NotFound(f"There is no {kind} dataset of {use_case}. Run generate_{kind}_dataset first.")
    return brought(folder / max(names))


def all_datasets() -> list[Path]:
    """The folders of all whole datasets, those that are kept for all machines brought here first."""
    here = {path.parent for path in Path(settings.DATASET_DIR).glob(f"*/*/[!.]*/{MANIFEST}")}
    kept = {Path(settings.DATASET_DIR) / name for name in dataset_store().holding(MANIFEST)}
    return sorted(here | {brought(folder) for folder in kept})


def brought(folder: Path) -> Path:
    """The folder of a dataset, taken from where it is kept for all machines if this one lacks it."""
    if not folder.exists():
        dataset_store().bring(_name_of(folder))
    return folder


def dataset_name(made_at: datetime) -> str:
    """A folder name that sorts by the time of making and is never given twice."""
    return f"{made_at:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}"


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_revision() -> str:
    """The revision of the code: GIT_REVISION where it is set, else what git says, else nothing."""
    if revision := os.environ.get("GIT_REVISION"):
        return revision
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(settings.BASE_DIR), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() if answer.returncode == 0 else ""
