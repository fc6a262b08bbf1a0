"""Two versions of the code on one database, as while a site is upgraded machine by machine.

    python benchmarks/reliability/two_versions.py [--earlier COMMIT] [--seconds 60] [--database postgres://…/EMPTY]

Without --earlier the code from before the newest migration. Without --database a SQLite file of its own. The
present code makes and migrates the database; both versions serve it, each with two workers of four threads,
and each has four people who ask for lists, turn titles down, click, search and read pages. Ends with 1 where
an answer was a 5xx, where a write that was acknowledged is not there, or where a version did not answer.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "reliability")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--earlier", help="a commit")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two requests of a person")
    parser.add_argument("--database")
    options = parser.parse_args()
    from site_of_its_own import set_up

    with tempfile.TemporaryDirectory() as folder, code_of(options.earlier, Path(folder) / "code") as earlier:
        set_up(folder, options.database, DEBUG="1")
        wrong = serve_both(earlier, options.seconds, options.pause)
    sys.stdout.write(f"Wrong: {'; '.join(wrong) or 'nothing'}.\n")
    sys.exit(1 if wrong else 0)


@contextmanager
def code_of(commit: str | None, folder: Path) -> Iterator[Path]:
    """The code of a commit, or from before the newest migration, in a folder of its own."""
    name = commit or git("log", "-1", "--format=%H", "--", "*/migrations/*.py") + "~1"
    git("worktree", "add", "--quiet", "--detach", str(folder), name)
    sys.stdout.write(f"Earlier: {git('log', '-1', '--format=%h, %ad, %s', '--date=iso', name)}.\n")
    try:
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return ran.stdout.strip()


def serve_both(earlier: Path, seconds: float, pause: float) -> list[str]:
    """Load on both versions at once; returns what went wrong."""
    from kills import prepare
    from under_load import Seen, answers, behave, kept, people_and_items, report, served

    prepare(np.random.default_rng(1))
    people, items = people_and_items()
    ended, wrong = threading.Event(), []
    versions = {"present": Seen(), "earlier": Seen()}
    with served() as (_, port), served(root=earlier) as (_, port_of_earlier):
        ports = {"present": port, "earlier": port_of_earlier}
        clients = []
        for number, person in enumerate(people):
            name = list(versions)[number % 2]
            about = (ports[name], [person], items, versions[name], ended, number, pause)
            clients.append(threading.Thread(target=behave, args=about))
        for client in clients:
            client.start()
        ended.wait(seconds)
        ended.set()
        for client in clients:
            client.join()
        wrong += [f"{name} does not answer at the end" for name, at in ports.items() if not answers(at)]
    for name, seen in versions.items():
        sys.stdout.write(f"{name}: ")
        report(seen)
        failed = {answer: n for answer, n in seen.statuses.items() if answer[1] >= 500 or not answer[1]}
        wrong += [f"{name}: {n} × {kind} {status}" for (kind, status), n in failed.items()]
        if lost := seen.written - kept():
            wrong.append(f"{name}: {len(lost)} acknowledged writes are lost")
    return wrong


if __name__ == "__main__":
    main()
