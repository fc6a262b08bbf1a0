"""Settings that are read from the environment: earlier names, and what follows from one."""

import runpy

import pytest

from tests.docs.pages import ROOT


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 60.0),
        ({"CATALOG_REFRESH_SECONDS": "5"}, 5.0),
        ({"CATALOGUE_REFRESH_SECONDS": "7"}, 7.0),
        ({"CATALOG_REFRESH_SECONDS": "5", "CATALOGUE_REFRESH_SECONDS": "7"}, 5.0),
    ],
)
def test_the_earlier_name_of_a_setting_is_read_where_the_new_one_is_not_set(
    environment: dict[str, str], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", "1")
    for name in ("CATALOG_REFRESH_SECONDS", "CATALOGUE_REFRESH_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = runpy.run_path(str(ROOT / "config" / "settings.py"))
    assert settings["CATALOG_REFRESH_SECONDS"] == seconds


@pytest.mark.parametrize("pooled", [False, True])
def test_behind_a_pooler_nothing_outlives_a_transaction(
    pooled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DEBUG": "1",
        "DATABASE_URL": "postgres://a@b/c",
        "PGBOUNCER": str(int(pooled)),
    }.items():
        monkeypatch.setenv(name, value)
    database = runpy.run_path(str(ROOT / "config" / "settings.py"))["DATABASES"]["default"]
    assert database.get("DISABLE_SERVER_SIDE_CURSORS", False) is pooled
    assert ("options" in database.get("OPTIONS", {})) is not pooled
