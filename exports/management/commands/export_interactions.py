"""`manage.py export_interactions FILE` (docs/how-to/exporting.md)."""

from exports.commands import KindCommand
from exports.tables import INTERACTIONS


class Command(KindCommand):
    help = "Export what people did to FILE, as import_interactions reads it."
    table = INTERACTIONS
