"""Examples of the documentation, run as they stand there: shell commands with `$ ` and their answers.

An answer in the documentation is what the server said, with `…` for what was left out and line breaks
after commas. Ids of lists, moments and figures differ from run to run, so an id stands for whatever the
server gave where it was shown first, and a figure for one close to it.
"""

import re
import shlex
import subprocess
from dataclasses import dataclass, field

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)"
FIGURE = r"-?\d+\.\d+(?:e-?\d+)?"
VARYING = re.compile(rf"(?P<cut>…)|(?P<uuid>{UUID})|(?P<moment>{MOMENT})|(?P<figure>{FIGURE})")
FIGURES_DIFFER_BY = 0.02
# Silent but for errors; the status stands in a line of its own after the answer.
CURL = "curl() { command curl --silent --show-error --write-out '\\n%{http_code}' \"$@\"; }\n"


@dataclass(frozen=True, slots=True)
class Example:
    """A command, and the answer that the documentation shows: in one line, empty where it shows none."""

    command: str
    answer: str


def examples_of(block: str) -> list[Example]:
    """The commands of a block, which begin with `$ ` and go on while a quote or a backslash is open."""
    examples = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = next(n for n in range(1, len(lines) + 1) if _is_whole("\n".join(lines[:n])))
        examples.append(Example("\n".join(lines[:length]), "".join(lines[length:])))
    return examples


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")


@dataclass(slots=True)
class Shell:
    """Runs examples one after the other, with the environment given."""

    environment: dict[str, str]
    _ids: dict[str, str] = field(default_factory=dict)

    def run(self, example: Example) -> None:
        """Runs a command and compares its answer. Raises AssertionError."""
        command = re.sub(UUID, lambda found: self._ids.get(found.group(), found.group()), example.command)
        done = subprocess.run(
            ["bash", "-c", CURL + command], env=self.environment, capture_output=True, text=True, timeout=60
        )
        answer, _, status = done.stdout.rpartition("\n")
        told = f"$ {example.command}\nanswered {status}\n{answer}{done.stderr}\nand not\n{example.answer}"
        assert status.isdigit(), told
        assert int(status) < 500, told
        assert (int(status) >= 400) == ('"success":false' in answer), told
        if example.answer:
            assert self.agrees(example.answer, answer), told

    def agrees(self, shown: str, answer: str) -> bool:
        """True where an answer is the one shown; remembers which id stands for which."""
        found = re.fullmatch(_pattern(shown), answer, re.DOTALL)
        if found is None:
            return False
        varying = [one for one in VARYING.finditer(shown) if not one["cut"]]
        for one, value in zip(varying, found.groups(), strict=True):
            if one["uuid"] and self._ids.setdefault(one.group(), value) != value:
                return False
            if one["figure"] and abs(float(one.group()) - float(value)) > FIGURES_DIFFER_BY:
                return False
        return True


def _pattern(shown: str) -> str:
    kinds = {"cut": ".*", "uuid": f"({UUID})", "moment": f"({MOMENT})", "figure": rf"({FIGURE}|\d+)"}
    pieces, end = [], 0
    for one in VARYING.finditer(shown):
        pieces += [re.escape(shown[end : one.start()]), kinds[str(one.lastgroup)]]
        end = one.end()
    return "".join([*pieces, re.escape(shown[end:])])
