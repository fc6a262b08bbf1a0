"""Processes, and whether they live: by their id and start here, by their last sign of life elsewhere."""

import getpass
import os
import socket
import sys
from functools import cache
from pathlib import Path

from console.models import Run

_CRONS = {"cron", "crond", "anacron", "fcron", "CRON"}
_PROC = Path("/proc")


@cache
def place() -> str:
    """The name of a set of processes that see each other: machine, its boot, and the namespace of ids."""
    boot = _read(_PROC / "sys/kernel/random/boot_id").strip()
    try:
        namespace = str((_PROC / "self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()} {boot} {namespace}".strip()


def process_of(pid: int) -> str:
    """A name for a process that no later one with the same id has; empty where there is none."""
    status = _read(_PROC / str(pid) / "stat")
    if status:
        # The name of the program stands in parentheses and may hold any character.
        fields = status.rpartition(")")[2].split()
        return "" if fields[0] == "Z" else f"{pid} {fields[19]}"
    return str(pid) if not _PROC.joinpath("self").exists() and _answers(pid) else ""


def lives_here(process: str) -> bool:
    """True where a process of this place, as `process_of` named it, is still there."""
    pid = process.partition(" ")[0]
    return pid.isdigit() and process_of(int(pid)) == process


def started_as() -> str:
    """User and machine of this process."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # A container may run as a number without a name.
        user = str(os.getuid())
    return f"{user} on {socket.gethostname()}"


def source() -> Run.Source:
    """The kind of thing that started this process, as far as it can be told."""
    if os.environ.get("HEED_RUN") == Run.Source.SCHEDULE:
        return Run.Source.SCHEDULE
    if sys.stdin is not None and sys.stdin.isatty():
        return Run.Source.TERMINAL
    if any(name in _CRONS for name in _ancestors()):
        return Run.Source.CRON
    return Run.Source.SYSTEMD if "INVOCATION_ID" in os.environ else Run.Source.SCRIPT


def _ancestors() -> list[str]:
    names: list[str] = []
    pid = os.getppid()
    while pid > 1 and len(names) < 10:
        status = _read(_PROC / str(pid) / "stat")
        if not status:
            break
        names.append(status.partition("(")[2].rpartition(")")[0])
        pid = int(status.rpartition(")")[2].split()[1])
    return names


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
