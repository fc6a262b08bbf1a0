"""Every command is in docs/reference/commands.md with its options, and what pages call exists."""

import re
import shlex
from argparse import Action, ArgumentParser
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from core.commands import HeedCommand
from tests.docs.pages import ROOT, all_pages, expect_none, first_column, name_of, read, section_of

PAGE = ROOT / "docs" / "reference" / "commands.md"
OF_ALL = {"--json", "--quiet"}
OURS = sorted(name for name, app in get_commands().items() if (ROOT / app).is_dir())
CALL = re.compile(r"manage\.py (\w(?:[^\n`&;|>#\\]|\\\n)+)")


def parser_of(name: str) -> ArgumentParser:
    return load_command_class(get_commands()[name], name).create_parser("manage.py", name)


def own_actions(name: str) -> list[Action]:
    """A command's own arguments, without those that every command of Django takes."""
    everywhere = {action.dest for action in DjangoOnly().create_parser("manage.py", name)._actions}
    return [action for action in parser_of(name)._actions if action.dest not in everywhere]


class DjangoOnly(HeedCommand):
    """A command without arguments of its own."""

    def run(self, options: dict[str, object]) -> object:
        raise NotImplementedError


def test_every_command_has_its_section() -> None:
    sections = set(re.findall(r"^### `(\w+)[^`]*`$", read(PAGE), re.MULTILINE))
    expect_none(set(OURS) - sections, "no section in docs/reference/commands.md")
    expect_none(sections - set(OURS), "in docs/reference/commands.md, but not there")


@pytest.mark.parametrize("name", OURS)
def test_the_options_in_the_section_are_those_of_the_command(name: str) -> None:
    text = section(name)
    documented = {name.split()[0] for name in first_column(text) if name.startswith("--")}
    options = {option for action in own_actions(name) for option in action.option_strings}
    expect_none(options - documented, f"missing in docs/reference/commands.md under {name}")
    expect_none(documented - options, f"in docs/reference/commands.md under {name}, but not an option")


@pytest.mark.parametrize("name", OURS)
def test_the_defaults_in_the_section_are_those_of_the_command(name: str) -> None:
    """The second column holds the default of a number or a word, in backticks."""
    shown = dict(re.findall(r"^\| `(--[\w-]+)[^|]*\| `([^`|]*)` \|", section(name), re.MULTILINE))
    wrong = []
    for action in own_actions(name):
        if isinstance(action.default, str | float) or type(action.default) is int:
            text = f"{action.default:g}" if isinstance(action.default, float) else str(action.default)
            wrong += [f"{option} is {text}" for option in action.option_strings if shown.get(option) != text]
    expect_none(wrong, f"defaults in docs/reference/commands.md under {name}")


@pytest.mark.parametrize("name", OURS)
def test_every_command_takes_json_and_quiet_and_says_what_it_is_for(name: str) -> None:
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, HeedCommand)
    assert command.help
    assert {option for action in parser_of(name)._actions for option in action.option_strings} >= OF_ALL


@pytest.mark.parametrize("page", all_pages(), ids=name_of)
def test_the_commands_that_a_page_calls_exist_with_the_options_it_gives(page: Path) -> None:
    wrong = []
    for call in CALL.findall(read(page)):
        words = shlex.split(re.sub(r"[\[\]…’']", " ", call.replace("\\\n", " ")))
        name, given = words[0].rstrip(".,:"), {word.split("=")[0] for word in words if word.startswith("--")}
        if name not in get_commands():
            wrong.append(f"there is no {name}: manage.py {call.strip()}")
            continue
        options = {option for action in parser_of(name)._actions for option in action.option_strings}
        wrong += [f"{name} has no {option}" for option in sorted(given - options)]
    expect_none(wrong, f"in {name_of(page)}")


def section(name: str) -> str:
    heading = re.search(rf"^### (`{name}\b[^`]*`)$", read(PAGE), re.MULTILINE)
    assert heading is not None, f"no section `{name}` in docs/reference/commands.md"
    return section_of(PAGE, heading.group(1))
