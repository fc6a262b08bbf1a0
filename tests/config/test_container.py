"""The image and its compose file name what there is. Whether they run is tried by hand: no engine is here."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands

ROOT = settings.BASE_DIR
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))


def test_everything_that_runs_is_in_the_image_and_no_secret_is() -> None:
    taken = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    }
    ours = {config.name for config in apps.get_app_configs() if (ROOT / config.name).is_dir()}
    needed = {"config", "core", "deploy", "static", "templates", "manage.py", "heed.toml", "gunicorn.conf.py"}
    # What only some need: an image of their own installs it from there, from a lock with hashes.
    optional = {
        Path(file).with_suffix(".lock").name
        for group in PROJECT["tool"]["setuptools"]["dynamic"]["optional-dependencies"].values()
        for file in group["file"]
    }
    assert len(optional) > 3
    # PyTorch has a build for each machine, which no lock names (docs/how-to/install.md).
    without_hashes = {"requirements-two-tower.txt", "requirements-text.txt"}
    assert ours | needed | optional | without_hashes | {"requirements.lock"} == taken
    assert all((ROOT / name).exists() for name in taken)


def test_the_image_has_a_user_without_rights_and_a_health_check() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    assert (ROOT / "deploy" / "healthcheck.py").exists()
    assert "HEALTHCHECK" in DOCKERFILE


@pytest.mark.parametrize("name", ["migrate", "web", "schedule"])
def test_a_service_of_ours_has_no_rights_and_a_command_there_is(name: str) -> None:
    service = COMPOSE["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    command = service.get("command")
    assert command is None or command[2] in get_commands()


def test_no_password_stands_in_the_file_and_nothing_listens_to_the_world() -> None:
    environment = COMPOSE["services"]["web"]["environment"]
    assert environment["SECRET_KEY"].startswith("${SECRET_KEY:?")
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)
