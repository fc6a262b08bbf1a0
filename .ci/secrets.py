"""Secrets in any line that a commit ever added: what was taken out again is still there for who clones.

    python .ci/secrets.py             # ends with 1 and names each that .secrets.baseline does not know
    python .ci/secrets.py --accept    # writes all that is found there; look through the list, and commit it

Run by .ci/audit, which installs detect-secrets. A line counts under each path that it was added to.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import configure_settings_from_baseline

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / ".secrets.baseline"
# Hashes by the thousand.
LEFT_OUT = ("package-lock.json", "requirements*.lock", "docs/openapi.json", ".secrets.baseline")
# Tests have a made-up password in every second file. Keys are told by their form there, too.
MADE_UP_IN_TESTS = {"Secret Keyword", "Basic Auth Credentials"}
LOG = ["git", "log", "-p", "-U0", "-m", "--no-color", "--no-ext-diff", "--no-renames", "--format="]


def main() -> int:
    known = baseline.load_from_file(str(BASELINE))
    configure_settings_from_baseline(known, filename=str(BASELINE))
    lines = added_lines()
    with tempfile.TemporaryDirectory() as folder:
        found = secrets_in(Path(folder), lines)
        if "--accept" in sys.argv:
            text = json.dumps(baseline.format_for_output(found), indent=2)
            BASELINE.write_text(text + "\n")
            return 0
    results = known["results"].items()
    accepted = {(path, one["hashed_secret"]) for path, those in results for one in those}
    new = [(path, one) for path, one in found if (path, one.secret_hash) not in accepted]
    for path, one in new:
        sys.stdout.write(f"{path}: {one.type}: {lines[path][one.line_number - 1].strip()[:160]}\n")
    sys.stdout.write(
        f"{len(lines)} files that commits wrote to: {len(new)} possible secrets nobody accepted.\n"
    )
    return int(bool(new))


def added_lines() -> dict[str, list[str]]:
    """The lines that commits up to this one added, by the path of their file, each once."""
    left_out = [f":!{pattern}" for pattern in LEFT_OUT]
    lines: dict[str, dict[str, None]] = defaultdict(dict)
    path = ""
    with subprocess.Popen([*LOG, "--", ".", *left_out], cwd=ROOT, stdout=subprocess.PIPE) as log:  # noqa: S603
        for raw in log.stdout or ():
            line = raw.decode(errors="replace").rstrip("\n")
            if line.startswith("+++ "):
                path = line[6:] if line.startswith("+++ b/") else ""
            elif path and line.startswith("+"):
                lines[path][line[1:]] = None
    if log.returncode:
        raise SystemExit("git log failed")
    return {path: list(added) for path, added in lines.items()}


def secrets_in(folder: Path, files: dict[str, list[str]]) -> SecretsCollection:
    """The possible secrets in these lines, which are written to files of `folder`."""
    found = SecretsCollection(root=str(folder))
    for path, lines in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("\n".join(lines) + "\n")
        found.scan_file(path)
        found.data[path] = {one for one in found.data[path] if not is_made_up(path, one)}
    return found


def is_made_up(path: str, secret: PotentialSecret) -> bool:
    return path.startswith("tests/") and secret.type in MADE_UP_IN_TESTS


if __name__ == "__main__":
    sys.exit(main())
