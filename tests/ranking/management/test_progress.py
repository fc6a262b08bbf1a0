"""Long commands say in a log how far they are, and how long it still takes."""

import re
from io import StringIO

import pytest
from django.core.management import call_command

from core import progress
from tests.factories import make_interaction, make_items, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """A log of interactions, and where a line is written for every unit that is done."""
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    films = make_items(12)
    for number in range(12):
        person = make_user()
        for step in range(6):
            make_interaction(person, films[(number * 5 + step) % 12], day=number + step)
    return StringIO()


def said_by(log: StringIO, command: str, *options: str) -> list[str]:
    call_command(command, *options, "--use-case", "movie_home", stdout=StringIO(), stderr=log)
    return [line for line in log.getvalue().splitlines() if line.startswith(f"{command}: ")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("commands", "units"),
    [
        (["generate_als_dataset"], {"interactions"}),
        (["generate_als_dataset", "train_als"], {"iterations"}),
        (["generate_als_dataset", "train_als --tune 2"], {"iterations", "rounds of search"}),
        (["generate_two_tower_dataset"], {"batches of people"}),
        (["generate_ranker_dataset --bootstrap --windows 2", "train_ranker --rounds 5"], {"rounds"}),
        (["retrain"], {"interactions", "iterations", "people", "rounds"}),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_long_command_says_what_is_left(log: StringIO, commands: list[str], units: set[str]) -> None:
    lines: list[str] = []
    for command in commands:
        lines = said_by(log, *command.split())
    assert lines
    form = re.compile(r"\w+: [\d,]+ of [\d,]+ ([\w ]+), (?:\S+/s|[\w ]+ each), .+ left")
    told = [form.fullmatch(line) for line in lines]
    assert [line for line, found in zip(lines, told, strict=True) if found is None] == []
    assert {found[1] for found in told if found} == units
