"""Version numbers: of the product in changes and package, of the API in description, pages and clients."""

import json
import re
import tomllib
from typing import Any

from django.conf import settings

from tests.docs.pages import ROOT, read


def toml(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def test_the_newest_release_among_the_changes_is_the_version_of_the_package() -> None:
    releases = re.findall(r"^## (\d+\.\d+\.\d+), \d{4}-\d\d-\d\d$", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert releases[0] == toml("pyproject.toml")["project"]["version"]


def test_the_api_has_one_version_in_its_description_its_page_and_its_clients() -> None:
    said = {
        settings.SPECTACULAR_SETTINGS["VERSION"],
        json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["info"]["version"],
        toml("clients/python/pyproject.toml")["project"]["version"],
        json.loads((ROOT / "clients" / "typescript" / "package.json").read_text(encoding="utf-8"))["version"],
        *re.findall(r"JSON over HTTP, version (\S+) ", read(ROOT / "docs" / "reference" / "api.md")),
        *re.findall(r"The API is version (\S+)\. ", read(ROOT / "docs" / "reference" / "api-stability.md")),
    }
    assert len(said) == 1
