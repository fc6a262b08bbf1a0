"""Manifests of datasets: one that is damaged is a sentence."""

from pathlib import Path

import pytest

from ranking.datasets.manifest import DATA, MANIFEST, DatasetError, read_manifest


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"\xff", b"null", b"[]", b"{}", b"5", b"[" * 100_000, b'{"kind": 1}', b'{"x": NaN}'],
    ids=lambda content: f"{content[:12]!r}",
)
def test_a_damaged_one_is_no_readable_dataset(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    (tmp_path / DATA).write_bytes(b"")
    with pytest.raises(DatasetError, match="no readable dataset"):
        read_manifest(tmp_path, kind="als", use_case="movie_home")
