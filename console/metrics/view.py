"""`/metrics` for Prometheus: for whoever has the token, or asks from where it is allowed."""

import hmac
import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from console.metrics.database import DatabaseCollector
from core.client_address import client_address, is_in, was_passed_on_by_a_stranger
from core.measure_files import SharedCounts
from core.measures import IS_SHARED

DATABASE = DatabaseCollector()
_BEARER = "Bearer "


def metrics(request: HttpRequest) -> HttpResponse:
    """All measures in the text format of Prometheus; 403 for strangers."""
    if not _may_read(request):
        sentence = "Only a bearer of METRICS_TOKEN, or an address of METRICS_ADDRESSES, may read this."
        return HttpResponse(sentence, status=403, content_type="text/plain; charset=utf-8")
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    return HttpResponse(_told(), content_type=CONTENT_TYPE_LATEST)


def _told() -> bytes:
    own = CollectorRegistry()
    own.register(DATABASE)
    if IS_SHARED:
        own.register(SharedCounts(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
        return generate_latest(own)
    return generate_latest(REGISTRY) + generate_latest(own)


def _may_read(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and given.startswith(_BEARER):
        token = given.removeprefix(_BEARER)
        return hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
    # A proxy that is not known hides who asks.
    return not was_passed_on_by_a_stranger(request) and is_in(
        client_address(request), settings.METRICS_ADDRESSES
    )
