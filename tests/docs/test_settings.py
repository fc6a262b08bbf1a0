"""docs/reference/settings.md names every variable that the code reads, its default, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT, expect_none, first_column, name_of, read

PAGE = ROOT / "docs" / "reference" / "settings.md"
SETTINGS = ROOT / "config" / "settings.py"
# Here for the programs that are started by hand, which read what their own heading says.
BESIDE_THE_PRODUCT = ("benchmarks", "demo/client.py", "tests/docs", "var", ".venv")
FROM_OUTSIDE = {"CI", "DJANGO_SETTINGS_MODULE"}
ASKING = ("os.environ.get", "os.getenv")


def calls_in(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """The functions that a file calls, as dotted text, with the call."""
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def read_by_settings() -> dict[str, ast.Call]:
    return {
        str(ast.literal_eval(call.args[0])): call
        for function, call in calls_in(SETTINGS)
        if function.startswith("env.") and call.args
    }


def read_elsewhere() -> set[str]:
    """The variables that are read straight from the environment."""
    names = set()
    for path in ROOT.rglob("*.py"):
        # A file that does not ask need not be parsed.
        if not name_of(path).startswith(BESIDE_THE_PRODUCT) and any(one in read(path) for one in ASKING):
            names |= {
                str(ast.literal_eval(call.args[0])) for function, call in calls_in(path) if function in ASKING
            }
    return names - FROM_OUTSIDE


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = first_column(read(PAGE))
    assert sorted(documented) == sorted(set(documented)), "docs/reference/settings.md names a setting twice"
    known = read_by_settings().keys() | read_elsewhere()
    expect_none(known - set(documented), "missing in docs/reference/settings.md")
    expect_none(set(documented) - known, "in docs/reference/settings.md, but read by no code")


def test_the_documented_defaults_are_those_of_the_code() -> None:
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`|]*)` \|", read(PAGE), re.MULTILINE))
    wrong = []
    for name, call in read_by_settings().items():
        default = next((word.value for word in call.keywords if word.arg == "default"), None)
        if name in documented and isinstance(default, ast.Constant | ast.UnaryOp):
            value = ast.literal_eval(default)
            text = str(int(value)) if isinstance(value, bool) else str(value)
            if not same(text, documented[name]):
                wrong.append(f"{name} is {text} and not {documented[name]}")
    expect_none(wrong, "docs/reference/settings.md is out of date")


def same(text: str, documented: str) -> bool:
    try:
        return float(text) == float(documented)
    except ValueError:
        return text == documented


def test_the_example_of_an_environment_names_settings_only() -> None:
    names = re.findall(r"^([A-Z_]+)=", read(ROOT / ".env.example"), re.MULTILINE)
    assert names
    expect_none(set(names) - read_by_settings().keys(), "in .env.example, but no setting")
