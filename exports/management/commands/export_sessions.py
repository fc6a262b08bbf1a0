"""`manage.py export_sessions FILE` (docs/how-to/exporting.md)."""

from exports.commands import TableCommand
from exports.tables import SESSIONS


class Command(TableCommand):
    help = "Export the lists that were shown, with what was done, to FILE, as import_sessions reads them."
    table = SESSIONS
