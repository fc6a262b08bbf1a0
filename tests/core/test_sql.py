"""Raw SQL takes its names from the models."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from catalog.models import Facet, Item, ItemFacet
from core import sql
from core.sql import Table, column_names, fill, insert_rows
from interactions.models import UserInteraction
from tests.factories import make_items

ROOT = Path(settings.BASE_DIR)
SQL = re.compile(r"\b(SELECT|FROM|JOIN|INTO|UPDATE|ANALYZE|TABLE|WHERE)\b")
TABLES = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}


def sources() -> Iterator[Path]:
    """Our own Python files, without tests and migrations."""
    for folder in sorted(ROOT.iterdir()):
        if folder.is_dir() and folder.name not in {".git", ".venv", "node_modules", "tests", "var"}:
            yield from (path for path in folder.rglob("*.py") if "migrations" not in path.parts)


def literal_names(source: str) -> list[str]:
    """Tables, and columns of `Table(…, "alias")`, that the SQL of a Python file names by itself."""
    if not SQL.search(source):
        return []
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


@pytest.mark.django_db
def test_rows_are_inserted_in_as_many_statements_as_the_database_needs(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes 32,766 values at once where nobody built it to take more."""
    genre = Facet.objects.create(kind="genre", name="Drama")
    rows = [(item.pk, genre.pk, place) for place, item in enumerate(make_items(5))]
    # Two rows of three values.
    monkeypatch.setitem(vars(connection.features), "max_query_params", 7)
    with django_assert_num_queries(3):
        insert_rows(ItemFacet, ["item", "facet", "billing"], rows)
    assert list(ItemFacet.objects.order_by("billing").values_list("item", "facet", "billing")) == rows
    with django_assert_num_queries(0):
        insert_rows(ItemFacet, ["item", "facet", "billing"], [])


@pytest.mark.django_db
@pytest.mark.parametrize("copied_from", [1, 100])
def test_rows_are_written_alike_by_copy_and_by_values(
    copied_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite there is no COPY, and both are one."""
    monkeypatch.setattr(sql, "COPIED_FROM", copied_from)
    odd = ["\\N", "a\tb", "two\nlines\r\n", "\\", "\\.", " ", "é ✓ 漢", "'quoted\"", "NULL", "100 %s"]
    rows = [("genre", name) for name in odd]
    ending = f"ON CONFLICT DO NOTHING RETURNING {column_names(Facet, 'id', 'name')}"
    assert insert_rows(Facet, ["kind", "name"], rows[:3]) == []
    returned = insert_rows(Facet, ["kind", "name"], rows, ending)
    assert [name for _, name in returned] == odd[3:]
    assert dict(returned).items() <= dict(Facet.objects.values_list("pk", "name")).items()
    assert list(Facet.objects.order_by("pk").values_list("kind", "name")) == rows
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Facet, ["kind", "name"], rows[:1])
