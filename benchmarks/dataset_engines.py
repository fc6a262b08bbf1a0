"""Time, CPU and memory of the datasets by each engine: this process, and Spark at SPARK_MASTER.

    DEBUG=1 SPARK_MASTER=local[2] python benchmarks/dataset_engines.py generate_als_dataset [COMMAND ...]

Runs each command by each engine on the database of DATABASE_URL, as it is: benchmarks/als_dataset.py and
benchmarks/ranker_dataset.py leave some behind. Prints one JSON line per run: rows, seconds, seconds of CPU
of all processes but the server's and of the command alone, and the most memory in MB that the command, Java
and the largest of the workers in Python held. For Linux, and for a Spark that runs on this machine; it looks
every 50 ms, so what a process did at its very end is missing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Watched:
    """A process and those below it, and what each has used."""

    root: int
    cpu: dict[int, float] = field(default_factory=dict)
    peak: dict[int, int] = field(default_factory=dict)
    name: dict[int, str] = field(default_factory=dict)

    def look(self) -> None:
        parents = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                lines = (path / "status").read_text().splitlines()
            except OSError:
                continue
            pid = int(path.name)
            parents[pid] = int(fields[1])
            memory = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
            if self._is_ours(pid, parents):
                self.cpu[pid] = (int(fields[11]) + int(fields[12])) / TICK
                self.peak[pid] = max(memory, self.peak.get(pid, 0))
                self.name[pid] = lines[0].split()[1]

    def _is_ours(self, pid: int, parents: dict[int, int]) -> bool:
        while pid and pid != self.root:
            # A process that was met before is known, whoever its parent is by now.
            if pid in self.cpu:
                return True
            pid = parents.get(pid, 0)
        return pid == self.root

    def figures(self) -> dict[str, float]:
        java = [pid for pid, name in self.name.items() if name == "java"]
        workers = [pid for pid in self.peak if pid != self.root and pid not in java]
        return {
            "cpu_s": round(sum(self.cpu.values()), 1),
            "command_cpu_s": round(self.cpu[self.root], 1),
            "command_mb": self.peak[self.root] // 1024,
            "java_mb": max((self.peak[pid] for pid in java), default=0) // 1024,
            "worker_mb": max((self.peak[pid] for pid in workers), default=0) // 1024,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commands", nargs="+", metavar="COMMAND")
    parser.add_argument("--engines", nargs="+", default=["local", "spark"])
    options = parser.parse_args()
    for command in options.commands:
        for engine in options.engines:
            with tempfile.TemporaryDirectory() as folder:
                print(json.dumps(run(command, engine, folder)), flush=True)  # noqa: T201


def run(command: str, engine: str, folder: str) -> dict[str, object]:
    words = [sys.executable, "manage.py", command, "--json", "--quiet", "--engine", engine]
    began, ended = time.perf_counter(), threading.Event()
    # Our own command.
    process = subprocess.Popen(  # noqa: S603
        words, cwd=ROOT, env=os.environ | {"DATASET_DIR": folder}, stdout=subprocess.PIPE
    )
    watched = Watched(process.pid)

    def watch() -> None:
        while not ended.wait(0.05):
            watched.look()

    watching = threading.Thread(target=watch)
    watching.start()
    told, _ = process.communicate()
    seconds = time.perf_counter() - began
    ended.set()
    watching.join()
    if process.returncode:
        raise SystemExit(process.returncode)
    rows = json.loads(told)["manifest"]["counts"]["rows"]
    return {
        "command": command,
        "engine": engine,
        "rows": rows,
        "seconds": round(seconds, 1),
        **watched.figures(),
    }


if __name__ == "__main__":
    main()
