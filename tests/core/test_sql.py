"""Raw SQL takes its names from the models."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist

from catalog.models import Item
from core.sql import Table, column_names, fill
from interactions.models import UserInteraction

ROOT = Path(settings.BASE_DIR)
SQL = re.compile(r"\b(SELECT|FROM|JOIN|INTO|UPDATE|ANALYZE|TABLE|WHERE)\b")
TABLES = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}


def sources() -> Iterator[Path]:
    """Our own Python files, without tests and migrations."""
    for folder in sorted(ROOT.iterdir()):
        if folder.is_dir() and folder.name not in {".venv", "tests", "var"}:
            yield from (path for path in folder.rglob("*.py") if "migrations" not in path.parts)


def literal_names(source: str) -> list[str]:
    """Tables, and columns of `Table(…, "alias")`, that the SQL of a Python file names by itself."""
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    statements = [text for text in texts if isinstance(text, str) and SQL.search(text)]
    aliases = "|".join(re.findall(r'Table\(\w+, "(\w+)"\)', source))
    columns = re.compile(rf"(?<![{{\w])(?:{aliases or '(?!)'})\.\w+")
    return [
        name
        for text in statements
        for name in (*(word for word in re.findall(r"\w+", text) if word in TABLES), *columns.findall(text))
    ]


def test_no_statement_names_a_table_or_a_column_of_a_model_by_itself() -> None:
    paths = list(sources())
    assert any(path.name == "interaction_merge.py" for path in paths)
    found = {
        str(path.relative_to(ROOT)): names for path in paths if (names := literal_names(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        'X = "SELECT 1 FROM user_interactions"',
        'X = f"""\nJOIN {a} LEFT JOIN "catalog_item" AS i"""',
        'X = fill("SELECT {item.id} FROM {item} WHERE item.title IS NULL", item=Table(Item, "item"))',
    ],
)
def test_one_that_did_would_be_found(source: str) -> None:
    assert len(literal_names(source)) == 1


def test_a_statement_is_filled_with_quoted_names() -> None:
    statement = fill(
        "INSERT INTO {log} SELECT {item.title}, {known.user} FROM {item}",
        log=column_names(UserInteraction, "user", "occurred_at"),
        item=Table(Item, "item"),
        known=Table(UserInteraction, "known"),
    )
    assert statement == (
        'INSERT INTO "user_id", "occurred_at" '
        'SELECT item."title", known."user_id" FROM "catalog_item" AS item'
    )


def test_a_renamed_column_is_followed_and_a_missing_one_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Item._meta.get_field("title"), "column", "heading")
    monkeypatch.setattr(Item._meta, "db_table", "works")
    assert fill("{item.title} {item}", item=Table(Item, "item")) == 'item."heading" "works" AS item'
    for missing in ("heading", "facets", "interactions"):
        with pytest.raises(FieldDoesNotExist):
            fill(f"{{item.{missing}}}", item=Table(Item, "item"))
