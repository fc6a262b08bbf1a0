"""The worth of a no on the admin's first page: the last report of each use case."""

from django.urls import reverse

from console.tiles import Tile
from core.domain import USE_CASES
from experiments.responsiveness.measure import last_reports
from experiments.responsiveness_page import percent, plain_effect


def responsiveness_tiles() -> list[Tile]:
    """A tile for each use case that was measured, in two queries."""
    tiles = []
    for name, (pk, report) in last_reports().items():
        effect = plain_effect(report)
        label = USE_CASES[name].label if name in USE_CASES else name
        tiles.append(
            Tile(
                f"One no: {label}",
                percent(None if effect is None else effect.prevented),
                f"of what is like a refused title is kept out by it; measured on {report.made_at:%Y-%m-%d}",
                address=reverse("admin:experiments_responsivenessreport_change", args=[pk]),
            )
        )
    return tiles
