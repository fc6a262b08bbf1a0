"""The files for Kubernetes name settings, commands and addresses that there are. No cluster tries them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve

FOLDER = settings.BASE_DIR / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
DOCUMENTS: list[dict[str, Any]] = [
    document
    for name in KUSTOMIZATION["resources"]
    for document in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))
]
NAMES = {(one["kind"], one["metadata"]["name"]) for one in DOCUMENTS}
PODS = [one["spec"]["template"]["spec"] for one in DOCUMENTS if one["kind"] in ("Deployment", "Job")]
CONFIG = next(one["data"] for one in DOCUMENTS if one["kind"] == "ConfigMap")
# Of the secret that nobody but its owner writes.
SECRET = ("SECRET_KEY", "DATABASE_URL", "METRICS_TOKEN")


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for pod in PODS:
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield pod, container


def test_every_file_is_part_of_it() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])
    assert {kind for kind, _ in NAMES} == {
        *("ConfigMap", "PersistentVolumeClaim", "Job", "Deployment", "Service", "Ingress")
    }


def test_every_name_is_a_setting() -> None:
    documented = (settings.BASE_DIR / "docs" / "reference" / "settings.md").read_text("utf-8")
    of_image = {"OMP_NUM_THREADS"}
    named = {*CONFIG, *SECRET} | {row["name"] for _, one in containers() for row in one.get("env", [])}
    assert [name for name in named - of_image if f"`{name}`" not in documented] == []
    assert all(isinstance(value, str) for value in CONFIG.values())


def test_nothing_secret_stands_in_the_files() -> None:
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.yaml"))
    assert not set(CONFIG) & set(SECRET)
    assert "kind: Secret" not in text
    for _, container in containers():
        assert {"secretRef": {"name": "heed-secrets"}} in container["envFrom"]


@pytest.mark.parametrize("place", range(4), ids=["migrate", "waits for tables", "web", "schedule"])
def test_a_container_has_no_rights_a_command_there_is_and_limits(place: int) -> None:
    pod, container = list(containers())[place]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    command = container.get("command")
    assert command is None or (command[:2] == ["python", "manage.py"] and command[2] in get_commands())
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted.keys() <= {volume["name"] for volume in pod["volumes"]}
    assert mounted["tmp"] == "/tmp"  # noqa: S108  the container's own


def test_the_web_is_probed_at_addresses_there_are_by_a_name_it_answers_to() -> None:
    (web,) = [one for _, one in containers() if one["name"] == "web"]
    asked = {
        name: web[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert asked == {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/ready"}
    assert [resolve(path).url_name for path in ("/health", "/ready")] == ["health", "ready"]
    for probe in asked:
        headers = {row["name"]: row["value"] for row in web[probe]["httpGet"]["httpHeaders"]}
        assert headers["Host"] in CONFIG["ALLOWED_HOSTS"].split(",")
        assert headers["X-Forwarded-Proto"] == "https"


def test_what_refers_to_something_finds_it() -> None:
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in PODS
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert {("PersistentVolumeClaim", name) for name in claims} <= NAMES
    (ingress,) = [one for one in DOCUMENTS if one["kind"] == "Ingress"]
    (rule,) = ingress["spec"]["rules"]
    assert rule["host"] in CONFIG["ALLOWED_HOSTS"].split(",")
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert ("Service", backend["name"]) in NAMES
    (service,) = [one for one in DOCUMENTS if one["kind"] == "Service"]
    labels = [one["spec"]["template"]["metadata"] for one in DOCUMENTS if one["kind"] == "Deployment"]
    assert service["spec"]["selector"] in [one["labels"] for one in labels]
    (port,) = service["spec"]["ports"]
    (web,) = [one for _, one in containers() if one["name"] == "web"]
    assert port["targetPort"] in {one["name"] for one in web["ports"]}
    dockerfile = (settings.BASE_DIR / "Dockerfile").read_text("utf-8")
    assert f"EXPOSE {web['ports'][0]['containerPort']}" in dockerfile
    version = re.search(
        r'^version = "(.+)"$', (settings.BASE_DIR / "pyproject.toml").read_text("utf-8"), re.MULTILINE
    )
    assert version is not None
    assert KUSTOMIZATION["images"][0]["newTag"] == version[1]
