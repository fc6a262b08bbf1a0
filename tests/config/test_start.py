"""Start of a process: it loads only the libraries that it will use."""

import os
import subprocess
import sys

from django.conf import settings

# Each costs tenths of a second of CPU and tens of megabytes; training, or a ranker in service, needs them.
HEAVY = ("lightgbm", "sklearn", "pandas", "implicit", "optuna", "torch", "scipy.stats", "scipy.optimize")
ASK = f"""
import sys
import django
from django.core.management import call_command
django.setup()
call_command("check")
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""


def test_a_command_does_not_load_what_only_training_needs() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", ASK], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].split() == []
