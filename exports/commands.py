"""The form that the commands for exports share: an address, a format, and a summary of what was written."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any, ClassVar

from core.arrow import pa
from core.commands import HeedCommand
from core.domain import KINDS
from core.errors import InvalidInput
from exports.tables import Table
from exports.writing import CSV, FORMATS, PARQUET, Entry, Written, format_of, write_rows


class ExportCommand(HeedCommand):
    """A command that writes rows to an address."""

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "address",
            metavar="FILE",
            help="a file, or any address that fsspec knows, such as s3://bucket/name.parquet",
        )
        parser.add_argument("--format", choices=FORMATS, help="where the ending does not say")
        parser.add_argument(
            "--inert",
            action="store_true",
            help="CSV for a spreadsheet: an apostrophe where a formula would begin; no import reads it back",
        )

    def write(self, name: str, rows: Iterable[Entry], schema: pa.Schema, options: dict[str, Any]) -> Written:
        """Writes the rows where the options say, in their format."""
        address = options["address"]
        file_format = format_of(address, options["format"])
        if options["inert"] and file_format != CSV:
            raise InvalidInput("--inert is for CSV. No spreadsheet takes a text of the others for a formula.")
        with self.progress(options, f"export_{name}") as progress:
            return write_rows(
                rows=rows,
                schema=schema,
                address=address,
                file_format=file_format,
                is_inert=options["inert"],
                progress=progress,
            )


class TableCommand(ExportCommand):
    """A command that exports one table."""

    table: ClassVar[Table]

    def run(self, options: dict[str, Any]) -> Written:
        table = self.table
        is_parquet = format_of(options["address"], options["format"]) == PARQUET
        schema = pa.unify_schemas([table.schema, table.more]) if is_parquet else table.schema
        return self.write(table.name, table.read(options.get("kind")), schema, options)


class KindCommand(TableCommand):
    """A command that exports one table, of one kind of item or of all."""

    def add_options(self, parser: ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--kind", choices=KINDS, help="only items of this kind")
