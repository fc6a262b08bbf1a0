"""Exports to a bucket: a server that speaks S3 runs beside the test."""

import json
import sys

import fsspec
import pyarrow.parquet as pq
import pytest
from fsspec.registry import _registry

from exports import writing
from feedback.services import save_dislike
from tests.factories import make_active_als, make_interaction, make_item, make_items, make_user
from tests.imports.helpers import refusal, run

pytestmark = pytest.mark.django_db


def test_every_export_writes_to_a_bucket(bucket: str) -> None:
    items = make_items(3)
    make_active_als([[item.pk for item in items]])
    make_interaction(make_user("ann"), items[0])
    save_dislike(user_id=make_user("bob").pk, item=items[1], reason="wrong_genre")
    for name in ("items", "interactions", "sessions", "dislikes", "recommendations"):
        for ending in ("parquet", "jsonl.gz"):
            address = f"s3://{bucket}/heed/{name}.{ending}"
            written = run(f"export_{name}", address)
            assert fsspec.filesystem("s3").size(f"{bucket}/heed/{name}.{ending}") == written["bytes"] > 0
    with fsspec.open(f"s3://{bucket}/heed/dislikes.parquet", "rb") as file:
        assert pq.read_table(file).to_pylist()[0]["reason"] == "wrong_genre"
    with fsspec.open(f"s3://{bucket}/heed/items.jsonl.gz", "rt", compression="gzip") as file:
        assert len([json.loads(line) for line in file]) == 3


def test_a_run_that_fails_leaves_what_was_there(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_item()
    address = f"s3://{bucket}/items.jsonl"
    run("export_items", address)
    whole = fsspec.filesystem("s3").cat(address)

    def fails(*_: object) -> None:
        raise RuntimeError("midway")

    monkeypatch.setattr(writing, "as_json", fails)
    with pytest.raises(RuntimeError):
        run("export_items", address)
    assert fsspec.filesystem("s3").cat(address) == whole


def test_a_bucket_that_does_not_exist_is_named(bucket: str) -> None:
    make_item()
    assert "cannot be written" in refusal("export_items", "s3://no-such-bucket/items.csv")


def test_a_server_that_does_not_answer_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_item()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    type(fsspec.filesystem("s3")).clear_instance_cache()
    assert "s3://heed-test/items.csv cannot be written" in refusal("export_items", "s3://heed-test/items.csv")


def test_without_s3fs_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    for name in ("s3", "s3a"):
        monkeypatch.delitem(_registry, name, raising=False)
    make_item()
    said = refusal("export_items", "s3://bucket/items.csv")
    assert "s3://bucket/items.csv cannot be written: Install s3fs to access S3." in said
