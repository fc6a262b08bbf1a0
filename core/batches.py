"""Rows of large queries as Arrow batches, without a Python object for each value.

PostgreSQL hands them out by COPY, which is read while it goes on, through a pipe. SQLite has its own rows.
"""

import os
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from io import BufferedReader
from typing import Any, BinaryIO

from django.db import connection
from django.db.models import QuerySet
from pyarrow import csv

from core.arrow import pa

# What is read at once: some tens of thousands of rows.
BLOCK_BYTES = 1 << 22
BLOCK_ROWS = 50_000


def read_batches(rows: "QuerySet[Any, Any]", schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
    """The rows of `values_list` in batches with the names and types of `schema`, whose order they have.

    Between two batches nothing may be asked of the database: the connection is at its COPY, which waits for
    whoever reads here.
    """
    statement, parameters = rows.query.sql_with_params()
    if connection.vendor == "postgresql":
        yield from _copied(statement, parameters, schema)
        return
    with closing(connection.chunked_cursor()) as cursor:
        cursor.execute(statement, parameters)
        while batch := cursor.fetchmany(BLOCK_ROWS):
            columns = zip(*batch, strict=True)
            yield pa.record_batch([_typed(*one) for one in zip(columns, schema, strict=True)], schema)


def _typed(values: Sequence[Any], field: pa.Field) -> pa.Array:
    """The values of a column as SQLite has them: moments are texts in UTC, and truth is a number."""
    column = pa.array(values)
    if pa.types.is_timestamp(field.type):
        column = column.cast(pa.timestamp(field.type.unit))
    return column.cast(field.type)


def _copied(statement: str, parameters: tuple[Any, ...], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    reading, writing = os.pipe()
    source, target = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
    with connection.cursor() as cursor, source:
        whole = cursor.mogrify(statement, parameters).decode()
        copying = _Copying(cursor.cursor, f"COPY ({whole}) TO STDOUT WITH (FORMAT csv)", target)
        copying.start()
        try:
            yield from _parsed(source, schema)
        finally:
            # Where the reader goes away, so does the copy.
            source.close()
            copying.join()
        if copying.error is not None:
            with connection.wrap_database_errors:
                raise copying.error


class _Copying(threading.Thread):
    """Writes what a COPY gives to a pipe and closes it."""

    def __init__(self, cursor: Any, statement: str, target: BinaryIO) -> None:
        super().__init__(daemon=True)
        self.error: Exception | None = None
        self._cursor = cursor
        self._statement = statement
        self._target = target

    def run(self) -> None:
        try:
            with self._target:
                self._cursor.copy_expert(self._statement, self._target)
        except Exception as error:
            self.error = error


def _parsed(source: BufferedReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    if not source.peek(1):
        return
    read = csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=schema.names)
    convert = csv.ConvertOptions(
        column_types=schema,
        null_values=[""],
        true_values=["t"],
        false_values=["f"],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    with csv.open_csv(source, read, csv.ParseOptions(newlines_in_values=True), convert) as batches:
        yield from batches
