"""Folders whose files are kept at an address too, for all machines that work together.

A machine writes to its own folder first and then copies to the address. Where it lacks a file, it takes it
from there. Whoever reads checks what was read, as with any file: a hash in the database or in a manifest.
"""

import errno
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Refusals of addresses that are no OSError: unknown, not installed, or not able to do it.
REFUSALS = (OSError, ImportError, ValueError, NotImplementedError)
# Packages of remote stores, whose errors are neither: no credentials, no answer.
_PACKAGES = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure", "adlfs", "paramiko")
_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_PART = ".part-"


def is_refusal(error: Exception) -> bool:
    """True where an address refused, and the code around it is not at fault."""
    return isinstance(error, REFUSALS) or type(error).__module__.partition(".")[0] in _PACKAGES


def refusal_of(error: Exception) -> str:
    """The reason of a refusal, for a sentence."""
    told = str(getattr(error, "strerror", None) or "") or str(error) or "it takes no files"
    return " ".join(told.split())


@contextmanager
def file_system(address: str, **options: Any) -> Iterator[tuple[Any, str]]:
    """The file system of an address, and the path in it.

    fsspec keeps one for each thread, since to make one of S3 takes a quarter of a second. One that refused is
    not kept: it may have been made before there were credentials, and would refuse for ever.
    """
    import fsspec

    system, path = fsspec.url_to_fs(address, **options)
    try:
        yield system, path
    except Exception as error:
        if is_refusal(error):
            type(system).clear_instance_cache()
        raise


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of this machine, and the address where its files are kept; "" where the folder is all.

    Names are relative to both, with slashes. Everything raises OSError for an address that refuses.
    """

    folder: Path
    address: str

    def check(self) -> None:
        """Raises OSError where nothing could be kept at the address."""
        if self.address:
            with self._system() as (system, root):
                path = f"{root}/.probe-{secrets.token_hex(8)}"
                system.pipe_file(path, b"probe")
                system.rm_file(path)

    def keep(self, name: str, *, last: str = "") -> None:
        """Copies a file, or the files of a folder, to the address. `last` of them comes last."""
        if not self.address:
            return
        path = self.folder / name
        files = sorted(path.rglob("*"), key=lambda file: file.name == last) if path.is_dir() else [path]
        with self._system() as (system, root):
            for file in files:
                if file.is_file():
                    _copy_out(system, file, f"{root}/{file.relative_to(self.folder).as_posix()}")

    def bring(self, name: str) -> bool:
        """Copies a file or a folder from the address; False where it is not there.

        It appears in the folder of this machine whole, in place of what stood there.
        """
        if not self.address:
            return False
        with self._system() as (system, root):
            files = system.find(f"{root}/{name}")
            if not files:
                return False
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=_PART) as scratch:
                part = Path(scratch) / target.name
                for file in files:
                    inside = file.removeprefix(f"{root}/{name}").lstrip("/")
                    _copy_in(system, file, part / inside if inside else part)
                if target.is_dir():
                    shutil.rmtree(target)
                part.replace(target)
        return True

    def files(self) -> set[str]:
        """The names of all files that are kept at the address."""
        if not self.address:
            return set()
        with self._system() as (system, root):
            return {path.removeprefix(f"{root}/") for path in system.find(root)}

    def holding(self, file: str, folder: str = "") -> list[str]:
        """The names of the folders at the address, within `folder`, that hold a file of this name; sorted."""
        if not self.address:
            return []
        with self._system() as (system, root):
            found = system.find(f"{root}/{folder}".rstrip("/"))
            inside = (Path(path.removeprefix(f"{root}/")) for path in found)
            return sorted(path.parent.as_posix() for path in inside if path.name == file)

    def remove(self, name: str) -> None:
        """Removes a file or a folder at the address, if it is there."""
        if not self.address:
            return
        with self._system() as (system, root):
            if system.exists(f"{root}/{name}"):
                system.rm(f"{root}/{name}", recursive=True)

    def _is_of_this_machine(self, error: Exception) -> bool:
        """True where this machine's own folder refused: a full disk is no fault of the address."""
        if not isinstance(error, OSError):
            return False
        named = str(error.filename or "")
        return error.errno in _OF_A_DISK or (bool(named) and Path(named).is_relative_to(self.folder))

    @contextmanager
    def _system(self) -> Iterator[tuple[Any, str]]:
        """The file system of the address and the path in it; what it refuses becomes an OSError."""
        try:
            # Without what was listed before, which may be out of date.
            with file_system(self.address, use_listings_cache=False) as (system, root):
                if hasattr(system, "auto_mkdir"):
                    # Of a disk that machines share; other stores have no folders.
                    system.auto_mkdir = True
                yield system, root.rstrip("/")
        except Exception as error:
            if not is_refusal(error) or self._is_of_this_machine(error):
                raise
            raise OSError(errno.EIO, f"{self.address} refuses: {refusal_of(error)}", self.address) from error


def _copy_out(system: Any, file: Path, path: str) -> None:
    """Copies a file to a path under which nothing appears until it is whole."""
    with system.transaction, file.open("rb") as source, system.open(path, "wb") as target:
        shutil.copyfileobj(source, target)


def _copy_in(system: Any, path: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with system.open(path, "rb") as source, file.open("wb") as target:
        shutil.copyfileobj(source, target)
