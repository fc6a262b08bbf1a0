"""Changes of tables that let others write meanwhile."""

from typing import Any

from django.db.migrations import AddIndex
from django.db.utils import NotSupportedError


class AddIndexBesideWrites(AddIndex):
    """Adds an index, on PostgreSQL without keeping others from writing; the migration is not atomic.

    A run that is killed leaves an index that is not valid there: drop it, and migrate again.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self._is_for(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self._is_for(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            index = from_state.models[app_label, self.model_name_lower].get_index_by_name(self.index.name)
            schema_editor.remove_index(model, index, concurrently=True)

    def _is_for(self, schema_editor: Any) -> bool:
        if schema_editor.connection.vendor != "postgresql":
            return False
        if schema_editor.connection.in_atomic_block and not schema_editor.collect_sql:
            raise NotSupportedError("Set atomic = False on the migration that adds an index beside writes.")
        return True
