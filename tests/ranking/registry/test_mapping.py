"""Large model files are memory that processes share, and never anything but the registered bytes."""

import hashlib
import mmap
import os
import time
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from ranking.models import ModelVersion
from ranking.recommenders.als.file import load_als
from ranking.registry import mapping
from ranking.registry.loading import load_version
from ranking.registry.mapping import KEPT_SECONDS, load_file
from ranking.registry.versions import ModelFileError
from tests.factories import make_active_als, make_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    monkeypatch.setattr(mapping, "SMALLEST", 1)
    return make_active_als([[item.pk for item in make_items(6)]])


def copies() -> list[Path]:
    return sorted(Path(settings.SHARED_MODEL_DIR).glob("*/*"))


def is_mapped(data: object) -> bool:
    return isinstance(data, memoryview) and isinstance(data.obj, mmap.mmap)


def test_a_large_file_is_mapped_from_one_private_copy(version: ModelVersion) -> None:
    first, second = load_file(version), load_file(version)
    assert is_mapped(first)
    assert is_mapped(second)
    [copy] = copies()
    assert bytes(first) == bytes(second) == copy.read_bytes()
    assert hashlib.sha256(first).hexdigest() == version.sha256 == copy.name
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700


def test_the_factors_are_views_of_the_pages(version: ModelVersion) -> None:
    factors = load_version(version).model.item_factors
    base = factors
    while isinstance(base, np.ndarray):
        base = base.base
    assert is_mapped(base)
    assert not factors.flags.writeable


def test_a_small_file_is_read(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "SMALLEST", 1_000_000)
    assert isinstance(load_file(version), bytes)
    assert copies() == []


def test_a_copy_serves_where_the_file_has_gone(version: ModelVersion) -> None:
    load_file(version)
    (Path(settings.MODEL_DIR) / version.file).unlink()
    assert is_mapped(load_file(version))


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_copy_is_made_anew(version: ModelVersion, damage: bytes | None) -> None:
    whole = bytes(load_file(version))
    [copy] = copies()
    copy.write_bytes(whole[:-1] + b"\0" if damage is None else damage)
    assert bytes(load_file(version)) == whole
    assert copy.read_bytes() == whole


def test_a_file_that_is_not_the_registered_one_is_never_copied(version: ModelVersion) -> None:
    path = Path(settings.MODEL_DIR) / version.file
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelFileError, match="is not the file that was registered"):
        load_file(version)
    assert copies() == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722])
def test_a_folder_that_others_may_write_to_is_not_mapped_from(
    version: ModelVersion, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    load_file(version)
    [copy] = copies()
    copy.parent.chmod(mode)
    assert isinstance(load_file(version), bytes)
    assert "others may write there" in caplog.text
    # Not a second time with every model: the copy is as it was.
    assert copies() == [copy]


def test_a_link_to_a_folder_is_not_mapped_from(version: ModelVersion, tmp_path: Path) -> None:
    load_file(version)
    [copy] = copies()
    copy.parent.rename(tmp_path / "elsewhere")
    copy.parent.symlink_to(tmp_path / "elsewhere")
    assert isinstance(load_file(version), bytes)


def test_without_room_for_a_copy_the_file_is_read(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapping, "write_whole", full)
    assert load_als(load_file(version)).item_ids.size
    assert "a model is not shared between processes" in caplog.text


def test_copies_that_nobody_asked_for_go_with_the_next_and_stay_mapped(version: ModelVersion) -> None:
    held = load_file(version)
    [first] = copies()
    other = make_active_als([[item.pk for item in make_items(6)]], seed=2)
    long_ago = time.time() - KEPT_SECONDS - 1
    os.utime(first, (long_ago, long_ago))
    load_file(other)
    assert [copy.name for copy in copies()] == [other.sha256]
    assert hashlib.sha256(held).hexdigest() == version.sha256


def test_who_asks_for_a_copy_keeps_it(version: ModelVersion) -> None:
    load_file(version)
    [first] = copies()
    long_ago = time.time() - KEPT_SECONDS - 1
    os.utime(first, (long_ago, long_ago))
    load_file(version)
    assert first.stat().st_mtime > long_ago + 1
