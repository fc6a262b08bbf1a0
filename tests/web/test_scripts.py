"""Scripts of the pages as they are served in production: every module exists, and has one address."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from feedback.services import save_dislike
from tests.web.conftest import MakeItem

PRODUCTION = "core.storage.ModulesStorage"
MODULES = django_settings.BASE_DIR / "static" / "pages"
# `import … from "./x.js";`, over several lines too, and `import "./x.js";`, which loses its blank on the way
IMPORT = re.compile(r'^import\b[^"]*"([^"]+)";', re.MULTILINE)


@pytest.fixture
def collected(settings: Settings, tmp_path: Path) -> Path:
    """The folder of the static files of all applications, collected as in production but for compression."""
    folder = tmp_path / "static"
    settings.STATIC_ROOT = folder
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": PRODUCTION}}
    settings.WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["js", "css", "svg", "map", "txt"]
    call_command("collectstatic", interactive=False, verbosity=0)
    return folder


def imports_of(folder: Path, address: str) -> list[str]:
    """The addresses that a module imports. Raises FileNotFoundError where there is no such module."""
    source = (folder / address.removeprefix("/static/")).read_text()
    return [urljoin(address, name) for name in IMPORT.findall(source)]


def reached(folder: Path, addresses: list[str]) -> Iterator[str]:
    """The modules at the addresses with all that they import, each once."""
    seen: set[str] = set()
    waiting = list(addresses)
    while waiting:
        address = waiting.pop()
        if address not in seen:
            seen.add(address)
            yield address
            waiting += imports_of(folder, address)


def test_production_uses_the_storage_tested_here() -> None:
    code = "import config.settings; print(config.settings.STORAGES['staticfiles']['BACKEND'])"
    environment = {**os.environ, "DEBUG": "0", "SECRET_KEY": "x" * 60}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == PRODUCTION


def test_every_module_has_one_address_and_none_waits_for_another(
    collected: Path, client: Client, person: User, make_item: MakeItem
) -> None:
    item = make_item("Heat", genre=["Crime"])
    person.is_staff = person.is_superuser = True
    person.save()
    client.force_login(person)
    save_dislike(user_id=person.pk, item=make_item("Cold"), reason="other")
    manifest = json.loads((collected / "staticfiles.json").read_text())
    hashed = {f"/static/{name}" for name in manifest["paths"].values()}
    loaded: set[str] = set()
    pages = ("/", f"/items/{item.pk}/", "/search/", "/because/", "/taste/", "/welcome/", "/history/")
    for path in (*pages, "/admin/feedback/dislike/", "/admin/ranking/experiment/add/"):
        page = client.get(path).content.decode()
        scripts = re.findall(r'<script type="module" src="([^"]+)">', page)
        preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
        modules = set(reached(collected, scripts))
        assert modules <= hashed, path
        # Known to the browser from the page or from a script that the page names: two journeys at most.
        near = {*scripts, *preloaded, *(one for script in scripts for one in imports_of(collected, script))}
        assert modules <= near, path
        assert set(preloaded) <= modules, path
        loaded |= modules
    names = {re.sub(r"\.[0-9a-f]{12}\.js$", ".js", Path(address).name) for address in loaded}
    assert names == {file.name for file in MODULES.iterdir()}
    assert len(names) == len(loaded)
