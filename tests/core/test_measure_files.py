"""Files of counts: a full disk and a killed worker harm neither the workers nor /metrics."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import mmap_key

from core.measure_files import ROOM, RoomyFile, SharedCounts
from tests.docs.pages import ROOT

KEY = mmap_key("heed_x", "heed_x_total", [], [], "")
# A file of the library: its length, four bytes of nothing, then keys with their values.
BY_HALF = [b"", b"\x10", struct.pack("ii", 2**31 - 1, 0) + bytes(100), struct.pack("ii", 40, 0), b"x" * 300]


def no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")


def counted(folder: Path) -> str:
    own = CollectorRegistry()
    own.register(SharedCounts(str(folder)))
    return generate_latest(own).decode()


def write(folder: Path, name: str = "counter_1.db") -> None:
    RoomyFile(str(folder / name)).write_value(KEY, 3.0, 0.0)  # type: ignore[no-untyped-call]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no blocks")
def test_a_file_has_its_blocks_before_anything_is_written_to_it(tmp_path: Path) -> None:
    write(tmp_path)
    assert (tmp_path / "counter_1.db").stat().st_blocks * 512 >= ROOM
    assert "heed_x_total 3.0" in counted(tmp_path)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory")
def test_where_there_is_no_room_a_worker_counts_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.posix_fallocate", no_room)
    own = RoomyFile(str(tmp_path / "counter_1.db"))
    own.write_value(KEY, 3.0, 0.0)  # type: ignore[no-untyped-call]
    assert own.read_value(KEY) == (3.0, 0.0)  # type: ignore[no-untyped-call]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", BY_HALF, ids=lambda content: f"{content[:8]!r}")
def test_a_file_that_was_left_by_half_is_passed_over(tmp_path: Path, content: bytes) -> None:
    write(tmp_path)
    (tmp_path / "counter_2.db").write_bytes(content)
    assert "heed_x_total 3.0" in counted(tmp_path)


def test_a_folder_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    assert counted(tmp_path / "gone") == ""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no blocks")
def test_a_worker_starts_where_there_is_no_room(tmp_path: Path) -> None:
    code = (
        "import os, django; from tests.core.test_measure_files import no_room; os.posix_fallocate = no_room;"
        "django.setup();"
        "from core import measures; measures.LISTS.labels('a', 'b').inc(); print(measures.IS_SHARED)"
    )
    environment = {
        **os.environ,
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip().splitlines()[-1:]) == (0, ["True"]), done.stderr[-500:]
