"""The schema of now takes the writes of code from before: new columns may be left out of an INSERT."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.db.models import Field, Model
from django_migration_linter import MigrationLinter

pytestmark = pytest.mark.django_db
# Releases have these, and the columns that they added got their defaults later.
RELEASED = [
    "accounts.0002_roles_of_a_person",
    "catalog.0002_url_image_attributes",
    "feedback.0003_dislike_contract",
    "interactions.0002_item_approvals",
    "interactions.0003_types_as_configuration",
    "profiles.0003_ids_of_the_log",
    "ranking.0005_kinds_by_registry_and_policy_of_arms",
    "recommendations.0002_recommendationsession_pushed_out",
]
# What the linter takes for harm and is none: a unique constraint over a column new in the same migration. The
# release before leaves it null in all that it writes, and nulls are alike to nothing.
HARMLESS = ["accounts.0007_profiles_of_an_account"]
# Tables of few rows, whose foreign keys have Django's own index.
FEW_ROWS = [("accounts.User", ["owner_id"]), ("ranking.Arm", ["experiment_id"])]
# No default would be right: whom a pattern is about, and whether a type is a state, which heed.toml says.
# Code from before them cannot write these rows.
NO_DEFAULT = {
    "feedback.DislikePattern.facet",
    "feedback.DislikePattern.user",
    "interactions.UserInteraction.is_state",
}


def added_fields() -> Iterator[tuple[type[Model], "Field[object, object]"]]:
    """The fields with a column that a migration of ours added to a table that was there."""
    for (label, _), migration in sorted(MigrationLoader(connection).disk_migrations.items()):
        for operation in migration.operations:
            if not (settings.BASE_DIR / label).is_dir() or not isinstance(operation, AddField):
                continue
            model = apps.all_models[label].get(operation.model_name.lower())
            for field in model._meta.concrete_fields if model is not None else ():
                if model is not None and field.name == operation.name:
                    yield model, field


def test_a_column_that_came_later_is_nullable_or_has_a_default_in_the_database() -> None:
    found, lacking = 0, set()
    for model, field in added_fields():
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, model._meta.db_table)
        column = next(one for one in columns if one.name == field.column)
        found += 1
        if not column.null_ok and column.default is None:
            lacking.add(f"{model._meta.label}.{field.name}")
    assert found > 20
    assert lacking == NO_DEFAULT


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite copies a table for each change of it")
def test_a_new_migration_lets_the_release_before_serve_meanwhile() -> None:
    """All that it reads and writes stays: nothing is renamed, dropped or made to lack a default."""
    linter = MigrationLinter(
        path=str(settings.BASE_DIR),
        include_apps=[
            app.label for app in apps.get_app_configs() if (settings.BASE_DIR / app.label).is_dir()
        ],
        ignore_name=[name.partition(".")[2] for name in (*RELEASED, *HARMLESS)],
        quiet=["ok", "ignore", "warning"],
        no_cache=True,
    )
    linter.lint_all_migrations()
    assert linter.nb_total > len(RELEASED)
    assert not linter.has_errors


def test_no_index_is_only_the_beginning_of_another() -> None:
    """Each row that is written pays for every index; those of Django and of axes are theirs."""
    repeated = []
    for model in apps.get_models():
        if not (settings.BASE_DIR / model._meta.app_label).is_dir():
            continue
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
        whole = {
            name: list(row["columns"])
            for name, row in found.items()
            if row["columns"] and (row["index"] or row["unique"] or row["primary_key"])
        }
        conditional = {index.name for index in model._meta.indexes if index.condition is not None}
        for name, columns in whole.items():
            longer = (
                other
                for other, others in whole.items()
                if other not in conditional
                and len(others) > len(columns)
                and others[: len(columns)] == columns
            )
            is_plain = found[name]["index"] and not found[name]["unique"] and name not in conditional
            if is_plain and any(longer):
                repeated.append((model._meta.label, columns))
    assert sorted(repeated) == FEW_ROWS


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compresses nothing")
def test_what_a_list_held_is_compressed_fast() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'recommendation_sessions'::regclass "
            "AND attcompression = 'l' ORDER BY attname"
        )
        assert [name for (name,) in cursor.fetchall()] == ["features", "recommendations_shown"]
