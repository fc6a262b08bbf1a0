"""Folders whose files are kept at an address too: another machine finds them there, whole."""

import errno
from pathlib import Path

import fsspec
import pytest

from core.folders import folder_and_store
from core.stores import Store


@pytest.fixture(params=["disk", "bucket"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address on a disk that machines share, and one in a bucket."""
    if request.param == "disk":
        return f"file://{tmp_path}/shared/files"
    return f"s3://{request.getfixturevalue('bucket')}/files"


@pytest.fixture
def here(address: str, tmp_path: Path) -> Store:
    return Store(tmp_path / "here", address)


@pytest.fixture
def there(address: str, tmp_path: Path) -> Store:
    """Another machine."""
    return Store(tmp_path / "there", address)


def write(store: Store, name: str, data: bytes) -> None:
    path = store.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_another_machine_finds_a_file(here: Store, there: Store) -> None:
    write(here, "als.bin", b"factors")
    assert "als.bin" not in there.files()
    assert not there.bring("als.bin")
    here.keep("als.bin")
    assert "als.bin" in there.files()
    assert there.bring("als.bin")
    assert (there.folder / "als.bin").read_bytes() == b"factors"
    assert [path.name for path in there.folder.iterdir()] == ["als.bin"]


def test_a_damaged_copy_is_replaced(here: Store, there: Store) -> None:
    write(here, "als.bin", b"factors")
    here.keep("als.bin")
    write(there, "als.bin", b"fact")
    assert there.bring("als.bin")
    assert (there.folder / "als.bin").read_bytes() == b"factors"


def test_a_folder_comes_with_all_that_is_in_it(here: Store, there: Store) -> None:
    for name in ("data.parquet", "manifest.json", "more/part"):
        write(here, f"als/movie_home/2026/{name}", name.encode())
    write(here, "als/movie_home/2027/data.parquet", b"half")
    here.keep("als/movie_home/2026", last="manifest.json")
    here.keep("als/movie_home/2027", last="manifest.json")
    assert there.holding("manifest.json", "als/movie_home") == ["als/movie_home/2026"]
    assert there.holding("manifest.json") == ["als/movie_home/2026"]
    assert there.bring("als/movie_home/2026")
    found = there.folder / "als" / "movie_home" / "2026"
    assert (found / "more" / "part").read_bytes() == b"more/part"
    there.remove("als/movie_home/2026")
    assert there.holding("manifest.json") == []
    assert not here.bring("als/movie_home/2026")


def test_what_is_removed_twice_is_gone(here: Store) -> None:
    write(here, "als.bin", b"factors")
    here.keep("als.bin")
    here.remove("als.bin")
    here.remove("als.bin")
    assert "als.bin" not in here.files()


def test_a_folder_alone_needs_no_address(tmp_path: Path) -> None:
    store = Store(tmp_path, "")
    write(store, "als.bin", b"factors")
    store.keep("als.bin")
    store.check()
    store.remove("als.bin")
    assert not store.bring("als.bin")
    assert store.files() == set()
    assert store.holding("als.bin") == []
    assert (tmp_path / "als.bin").exists()


def test_a_full_disk_of_this_machine_is_no_fault_of_the_address(
    here: Store, there: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, "als.bin", b"factors")
    here.keep("als.bin")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("core.stores.shutil.copyfileobj", full)
    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$"):
        there.bring("als.bin")
    assert list(there.folder.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_named(there: Store, here: Store) -> None:
    write(here, "als.bin", b"factors")
    here.keep("als.bin")
    there.folder.parent.mkdir(exist_ok=True)
    there.folder.write_bytes(b"a file in its place")
    with pytest.raises(FileExistsError):
        there.bring("als.bin")


@pytest.mark.parametrize("bad", ["nosuch://bucket/files", "s3://"])
def test_an_address_that_refuses_is_told_in_one_sentence(bad: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="refuses") as told:
        Store(tmp_path, bad).check()
    assert "\n" not in str(told.value)


def test_a_bucket_that_is_not_there_is_told(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="refuses"):
        Store(tmp_path, "s3://no-such-bucket/files").check()
    Store(tmp_path, f"s3://{bucket}/files").check()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/srv/models", ("/srv/models", "")),
        ("s3://bucket/models", ("own", "s3://bucket/models")),
        ("file:///mnt/models", ("own", "file:///mnt/models")),
    ],
)
def test_a_setting_names_a_folder_or_an_address(given: str, expected: tuple[str, str]) -> None:
    folder, address = folder_and_store(given, Path("own"))
    assert (str(folder), address) == expected


def test_credentials_that_come_later_are_used(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, f"s3://{bucket}/files")
    # Clients of tests before had theirs.
    type(fsspec.filesystem("s3")).clear_instance_cache()
    with monkeypatch.context() as before:
        before.delenv("AWS_ACCESS_KEY_ID")
        before.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(OSError, match="credentials"):
            store.check()
    store.check()
