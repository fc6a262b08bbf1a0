"""CPU and memory of the start of commands, of one checkout or of several by turns.

    DEBUG=1 python benchmarks/starts.py [--rounds 4] [CHECKOUT ...]

Each command runs in a process of its own, in the database of DATABASE_URL, which should be migrated and
empty: what is measured ends before there is anything to do. A checkout has its .venv. Prints a line for each
command: the least CPU seconds of the rounds and the peak memory in MB, for each checkout in its order.
"""

import argparse
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BARE = (
    "from django.conf import settings; import django; "
    "settings.configure(INSTALLED_APPS=['django.contrib.auth', 'django.contrib.contenttypes', "
    "'django.contrib.admin', 'django.contrib.sessions', 'django.contrib.messages']); django.setup()"
)
COMMANDS = {
    "bare django.setup()": ["-c", BARE],
    "django.setup()": ["-c", "import django; django.setup()"],
    **{
        words: ["manage.py", *words.split()]
        for words in (
            "issue_token nobody",
            "retrain --if-needed --quiet",
            "deliver_webhooks",
            "erase_user --datasets",
            "prune",
            "activate_model",
            "rebuild_profiles",
            "import_items --help",
            "import_interactions --help",
            "schedule --help",
            "check",
        )
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkouts", nargs="*", type=Path, default=[ROOT])
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    found: dict[tuple[str, Path], list[tuple[float, int]]] = {}
    for _ in range(options.rounds):
        for name, words in COMMANDS.items():
            for checkout in options.checkouts:
                found.setdefault((name, checkout), []).append(started(checkout, words))
    for name in COMMANDS:
        least = [min(found[name, checkout]) for checkout in options.checkouts]
        print(name, *(f"{cpu:.2f} s {memory} MB" for cpu, memory in least), sep=" | ")  # noqa: T201


def started(checkout: Path, words: list[str]) -> tuple[float, int]:
    """CPU seconds and peak MB of a process."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    with subprocess.Popen(  # noqa: S603  our own commands
        [".venv/bin/python", *words],
        cwd=checkout,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


if __name__ == "__main__":
    main()
