"""Settings that are read from the environment under an earlier name as well."""

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
