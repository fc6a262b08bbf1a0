"""`manage.py export_dislikes FILE` (docs/how-to/exporting.md)."""

from exports.commands import KindCommand
from exports.tables import DISLIKES


class Command(KindCommand):
    help = "Export dislikes with their reasons to FILE."
    table = DISLIKES
