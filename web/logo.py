"""The logo of the site, as heed.toml names it."""

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from core.domain import DOMAIN
from core.domain.reading import LOGO_TYPES


@require_safe
@cache_control(public=True, max_age=3600)
def logo(request: HttpRequest) -> HttpResponse:
    """The picture; nothing in it runs, whatever it holds. Raises Http404 where there is none."""
    if not DOMAIN.site.logo:
        raise Http404
    path: Path = settings.HEED_CONFIG.parent / DOMAIN.site.logo
    try:
        picture = path.read_bytes()
    except OSError as error:
        raise Http404 from error
    response = HttpResponse(picture, content_type=LOGO_TYPES.get(path.suffix.lower(), "image/png"))
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response
