"""Template variables that every page gets."""

from django.http import HttpRequest

from core.domain import DOMAIN
from core.domain.schema import Site


def site(request: HttpRequest) -> dict[str, Site]:
    """The name, colors and texts of this place."""
    return {"site": DOMAIN.site}


# The lightness of each tone of the admin, and the part of the color's strength that it keeps.
_TONES = {
    "50": (0.97, 0.15),
    "100": (0.94, 0.25),
    "200": (0.88, 0.45),
    "300": (0.81, 0.7),
    "400": (0.72, 0.9),
    "500": (0.66, 1.0),
    "600": (0.52, 1.0),
    "700": (0.45, 1.0),
    "800": (0.39, 0.9),
    "900": (0.34, 0.8),
    "950": (0.25, 0.7),
}


def admin_tones(request: HttpRequest) -> dict[str, str]:
    """The tones of the admin by name: those of the color of this place."""
    color = DOMAIN.site.color
    return {
        name: f"oklch(from {color} {lightness} calc(c * {part}) h)"
        for name, (lightness, part) in _TONES.items()
    }


def site_name(request: HttpRequest) -> str:
    """The name of this place, for the admin."""
    return DOMAIN.site.name
