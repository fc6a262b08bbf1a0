"""Writes docs/reference/licenses.md: what each package of the locks of production is licensed under.

    .venv/bin/python .ci/licenses.py

Run by `make lock`. It reads what packages say of themselves where they are installed (`make install`), and
SAID for those that no machine of ours installs. A license that ACCEPTED does not know ends it with 1: look it
up first.
"""

import re
import sys
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "licenses.md"
# Live in folders of their own and are no part of what runs.
TOOLS = {"requirements-audit.lock", "requirements-docs.lock"}
# But what only Python in a browser installs.
PINNED = re.compile(r"^([a-z0-9._-]+)==(?!.*sys_platform == 'emscripten')", re.MULTILINE)
NVIDIA = "NVIDIA's own terms"
# As packages say it in other words than SPDX's.
WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0 License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "BSD License": "BSD",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# For other systems, beside the build of PyTorch for GPUs, or another for each build. From PyPI, 2026-11-30.
SAID = {
    "async-timeout": "Apache-2.0",
    "colorama": "BSD",
    "pywin32": "PSF-2.0",
    "torch": (
        "Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause AND BSD-3-Clause AND BSL-1.0 AND MIT"
    ),
    "triton": "MIT",
    "tzdata": "Apache-2.0",
}
# Each lets anybody run Heed for any purpose. What has a reciprocal part (LGPL, MPL) is used as published.
ACCEPTED = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause"),
    *("BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0"),
    *("PSF-2.0", "Zlib", NVIDIA),
}
HEAD = """# Licenses

Heed itself is under the [MIT License](../../LICENSE). This is what the packages that it installs say of
themselves, with all that they ask for in turn; `make lock` writes it. Each lets anybody run Heed for any
purpose. Three ask something of who passes them on changed: psycopg2-binary (LGPL), certifi and tqdm (MPL).
The build of PyTorch for GPUs brings libraries of NVIDIA, which are not open; the one for CPUs does without.

| package | license | needed by |
|---|---|---|
"""


def main() -> int:
    licenses = {name: license_of(name) for name in needed_by()}
    unknown = {name: said for name, said in licenses.items() if not set(parts(said)) <= ACCEPTED}
    for name, said in unknown.items():
        sys.stderr.write(f"{name}: {said or 'says nothing'}, which .ci/licenses.py does not know.\n")
    if unknown:
        return 1
    PAGE.write_text(page())
    return 0


def page() -> str:
    """The whole page."""
    rows = [f"| {name} | {license_of(name)} | {', '.join(by)} |" for name, by in sorted(needed_by().items())]
    return HEAD + "\n".join(rows) + "\n"


def needed_by() -> dict[str, list[str]]:
    """The packages of the locks, each with what needs it: `all`, or the lists that only some need."""
    needed: dict[str, list[str]] = defaultdict(list)
    for lock in sorted(ROOT.glob("requirements*.lock")):
        if lock.name not in TOOLS:
            name = lock.stem.removeprefix("requirements").removeprefix("-") or "all"
            for package in sorted(set(PINNED.findall(lock.read_text()))):
                needed[package].append(name)
    # What all install is nobody's own.
    return {package: ["all"] if "all" in lists else lists for package, lists in needed.items()}


def license_of(package: str) -> str:
    """The license that a package names, in the words of SPDX if it uses them; empty where it names none."""
    if package.startswith(("nvidia-", "cuda-")):
        return NVIDIA
    if package in SAID:
        return SAID[package]
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return ""
    classes = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or () if "License ::" in one]
    given = said.get("License-Expression") or " OR ".join(WORDS.get(one, one) for one in sorted(classes))
    text = given or (said.get("License") or "").strip()
    return WORDS.get(text, text)


def parts(expression: str) -> list[str]:
    """The licenses that an expression is made of."""
    return [part.strip(" ()") for part in re.split(r" (?:AND|OR) ", expression)]


if __name__ == "__main__":
    sys.exit(main())
