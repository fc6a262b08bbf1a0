"""Start of a process: it loads only the libraries that it will use."""

import json
import os
import subprocess
import sys

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.checks import check_admin_app

from tests.core.test_sql import sources

pytestmark = pytest.mark.slow

# Each costs tenths of a second of CPU and tens of megabytes; training, or a ranker in service, needs them.
HEAVY = ("lightgbm", "sklearn", "pandas", "implicit", "optuna", "torch", "scipy.stats", "scipy.optimize")
CHECKED = ("django.setup()", 'call_command("check")')
# Views and the pages of the admin, which load all that serves.
# Arrays and files of columns, and what the framework of the API costs.
ARRAYS = ("scipy", "pyarrow", "rest_framework.views", "drf_spectacular.openapi")
SERVING = ("ranking.admin", "serving.pipeline", "drf_spectacular.openapi", *HEAVY)


def loaded(names: tuple[str, ...], *steps: str) -> list[str]:
    """Those of the modules that a new process has loaded after the steps."""
    lines = ("import sys", "import django", "from django.core.management import call_command", *steps)
    ask = "\n".join([*lines, f"print(*[name for name in {names!r} if name in sys.modules])"])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", ask], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()[-1].split()


def test_the_checks_do_not_load_what_only_training_needs() -> None:
    assert loaded(HEAVY, *CHECKED) == []


def test_a_ranker_in_service_brings_no_tables() -> None:
    """LightGBM asks for pandas and scikit-learn where they are installed: 130 MB in every worker."""
    load = "from ranking.recommenders.ranker.library import load_lightgbm; load_lightgbm()"
    assert loaded(("lightgbm", "pandas", "sklearn"), "django.setup()", load) == ["lightgbm"]
    # To others they are there as before.
    assert loaded(("pandas",), "django.setup()", load, "import pandas") == ["pandas"]


def test_tables_are_read_and_written_without_pandas() -> None:
    """At its first array pyarrow asks for it: 55 MB in every import, dataset and export."""
    write = (
        "from exports import tables; from imports import blocks; import pyarrow; pyarrow.table({'a': [1]})"
    )
    assert loaded(("pyarrow", "pandas"), "django.setup()", write) == ["pyarrow"]
    # To others it is there as before.
    assert loaded(("pandas",), "django.setup()", write, "import pandas") == ["pandas"]


def test_everybody_has_arrow_without_pandas() -> None:
    folders = {config.name for config in apps.get_app_configs()} | {"core"}
    ours = (file.relative_to(settings.BASE_DIR) for file in sources())
    asking = {
        str(file)
        for file in ours
        if file.parts[0] in folders and "import pyarrow as pa" in file.read_text("utf-8")
    }
    assert asking == {"core/arrow.py"}


def test_pages_do_not_load_what_a_setting_asks_for() -> None:
    names = ("redis", "opentelemetry.sdk", "pandas", "sklearn")
    assert loaded(names, "django.setup()", "import config.urls") == []


def test_a_start_does_not_load_what_only_serving_and_the_admin_need() -> None:
    assert loaded(("scipy", *SERVING), "django.setup()") == []
    # The command ends in an error of its own, after the checks that every command runs.
    run = 'try: call_command("issue_token", "nobody", skip_checks=False)\nexcept Exception: pass'
    assert loaded(SERVING, "django.setup()", run) == []


# What the usual schedule runs is among them: most of the time there is nothing to do.
LIGHT = (
    *("issue_token", "activate_model", "rollback_model", "mcp", "import_items"),
    *("schedule", "retrain", "deliver_webhooks", "erase_user", "prune"),
)
OF_ROWS = ("rebuild_profiles", "import_interactions", "import_movielens", "import_sessions")
# One process starts, and each command has a copy of it: to start takes longer than a command's own modules.
# A command knows its options then, and has run its checks.
EACH_COMMAND = """
import json, os, sys
import django
from django.core.management import get_commands, load_command_class
commands, names = json.loads(sys.argv[1])
django.setup()
for command in commands:
    if os.fork():
        assert os.wait()[1] == 0, command
        continue
    loading = load_command_class(get_commands()[command], command)
    loading.create_parser("manage.py", command)
    loading.check(tags=loading.requires_system_checks)
    print(json.dumps([command, [name for name in names if name in sys.modules]]), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def loaded_by() -> dict[str, list[str]]:
    """By command, those of the heavy modules that a process has loaded which is about to run it."""
    asked = json.dumps([[*LIGHT, *OF_ROWS], ["numpy", *ARRAYS, *HEAVY]])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", EACH_COMMAND, asked],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(line) for line in ran.stdout.splitlines() if line.startswith("["))


@pytest.mark.parametrize("command", LIGHT)
def test_a_light_command_loads_no_arrays(loaded_by: dict[str, list[str]], command: str) -> None:
    assert loaded_by[command] == []


@pytest.mark.parametrize("command", OF_ROWS)
def test_a_command_of_rows_loads_no_more_than_numpy(loaded_by: dict[str, list[str]], command: str) -> None:
    assert set(loaded_by[command]) <= {"numpy"}


def test_the_pages_of_the_admin_pass_their_own_checks() -> None:
    # Whichever check runs first: the admin's may find nothing registered yet.
    admin.autodiscover()
    assert len(admin.site._registry) > 10
    assert check_admin_app(None) == []
