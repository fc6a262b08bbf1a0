"""Template variables that every page gets."""

from django.http import HttpRequest

from core.domain import DOMAIN
from core.domain.schema import Site


def site(request: HttpRequest) -> dict[str, Site]:
    """The name, colors and texts of this place."""
    return {"site": DOMAIN.site}


def site_name(request: HttpRequest) -> str:
    """The name of this place, for the admin."""
    return DOMAIN.site.name
