"""Changes of tables that let others write meanwhile."""

from typing import Any

from django.db.migrations import AddIndex, AlterField, RunPython
from django.db.models import Index
from django.db.utils import NotSupportedError


class AddIndexBesideWrites(AddIndex):
    """Adds an index, on PostgreSQL without keeping others from writing; the migration is not atomic.

    A run that is killed leaves an index that is not valid there: drop it, and migrate again.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not _goes_on_beside(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not _goes_on_beside(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            index = from_state.models[app_label, self.model_name_lower].get_index_by_name(self.index.name)
            schema_editor.remove_index(model, index, concurrently=True)


class DropFieldIndex(AlterField):
    """Takes away the index of a field, whose new form has `db_index=False`, where another begins with it.

    On PostgreSQL others write meanwhile; on SQLite Django's own AlterField would copy the table.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        beside = {"concurrently": True} if _goes_on_beside(schema_editor) else {}
        for name in _own_indexes(model, self.name, schema_editor.connection):
            schema_editor.remove_index(model, Index(fields=[self.name], name=name), **beside)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        index = Index(fields=[self.name])
        index.set_name_with_model(model)
        beside = {"concurrently": True} if _goes_on_beside(schema_editor) else {}
        schema_editor.add_index(model, index, **beside)


def compress_fast(model_name: str, *names: str) -> RunPython:
    """Columns compressed by LZ4 from now on, where PostgreSQL can: a row costs a fifth less CPU to insert.

    Rows that are there stay as they are.
    """

    def forwards(apps: Any, schema_editor: Any) -> None:
        _set_compression(schema_editor, apps.get_model(model_name), names, "lz4")

    def backwards(apps: Any, schema_editor: Any) -> None:
        _set_compression(schema_editor, apps.get_model(model_name), names, "default")

    return RunPython(forwards, backwards)


def _set_compression(schema_editor: Any, model: Any, names: tuple[str, ...], method: str) -> None:
    if schema_editor.connection.vendor != "postgresql" or not _has_lz4(schema_editor.connection):
        return
    quote = schema_editor.quote_name
    for name in names:
        column = quote(model._meta.get_field(name).column)  # noqa: SLF001  documented
        schema_editor.execute(
            f"ALTER TABLE {quote(model._meta.db_table)} ALTER COLUMN {column} SET COMPRESSION {method}"  # noqa: SLF001  documented
        )


def _has_lz4(connection: Any) -> bool:
    """True for a PostgreSQL of 14 or later that was built with LZ4."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)"
        )
        return cursor.fetchone() is not None


def _own_indexes(model: Any, name: str, connection: Any) -> list[str]:
    """The names of the indexes that the field brought along."""
    column = model._meta.get_field(name).column  # noqa: SLF001  documented
    declared = {index.name for index in model._meta.indexes}  # noqa: SLF001  documented
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)  # noqa: SLF001
    return [
        index
        for index, row in found.items()
        if row["index"] and not row["unique"] and row["columns"] == [column] and index not in declared
    ]


def _goes_on_beside(schema_editor: Any) -> bool:
    """True on PostgreSQL, where indexes are made and dropped beside writes, outside of a transaction."""
    if schema_editor.connection.vendor != "postgresql":
        return False
    if schema_editor.connection.in_atomic_block and not schema_editor.collect_sql:
        raise NotSupportedError("Set atomic = False on a migration that changes an index beside writes.")
    return True
