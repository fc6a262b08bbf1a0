"""`manage.py export_items FILE` (docs/how-to/exporting.md)."""

from exports.commands import KindCommand
from exports.tables import ITEMS


class Command(KindCommand):
    help = "Export items with their facets to FILE, as import_items reads them."
    table = ITEMS
