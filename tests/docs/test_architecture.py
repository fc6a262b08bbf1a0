"""The picture and the table of the folders are those that import-linter holds."""

import re
import tomllib

from tests.docs.pages import ROOT, first_column, read, section_of

CONTRACTS = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]


def folders_from_the_top() -> list[str]:
    layers = next(one["layers"] for one in CONTRACTS["contracts"] if "Each folder" in one["name"])
    return [f"{name}/" for name in layers]


def test_the_table_of_folders_names_each_of_them_from_the_top() -> None:
    table = first_column(section_of(ROOT / "docs" / "explanation" / "architecture.md", "The folders"))
    assert table == folders_from_the_top()
    assert sorted(table) == sorted(f"{name}/" for name in CONTRACTS["root_packages"])


def test_the_picture_shows_the_folders_in_the_order_of_the_layers() -> None:
    drawn = re.findall(r'class="code"[^>]*>(\w+/)<', read(ROOT / "docs" / "img" / "house.svg"))
    assert drawn == folders_from_the_top()
