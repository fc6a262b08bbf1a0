"""Fresh statistics for the query planner after bulk writes."""

from django.db import connection, models

from core.sql import table_name


def refresh_statistics(*tables: type[models.Model]) -> None:
    """Tells PostgreSQL's planner how large these tables are now, within the current transaction too.

    Autovacuum does so only after a commit, and until then the planner may take a table that was filled a
    second ago for an empty one and scan it once for every row of another. SQLite needs no statistics to
    prefer an index.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(map(table_name, tables))}")
