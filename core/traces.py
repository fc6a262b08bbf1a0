"""Traces by OpenTelemetry of requests and commands, with the stages of lists inside (docs/how-to/tracing.md).

This module is loaded where OPENTELEMETRY is on, and OpenTelemetry with it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from core.measures import method_of, route_of
from core.request_ids import request_id
from core.runs import CommandRun, keep_runs
from core.spans import span, use_tracer

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.propagate import extract
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind, StatusCode
except ImportError as missing:
    raise ImproperlyConfigured(
        f"OPENTELEMETRY is on: {missing}. Install it: pip install --require-hashes -r requirements-otel.lock"
    ) from missing

# What is asked every few seconds whether or not anybody is here.
_WATCHING = frozenset({"/health", "/ready", "/metrics"})
# They last as long as their process. What they start is a command of its own.
_ENDLESS = frozenset({"schedule", "mcp"})
_SERVER_ERROR = 500


def begin_traces(processor: SpanProcessor | None = None) -> TracerProvider:
    """Has this process trace what it does, and send it as the OTEL_ variables say, or give it to `processor`.

    What was not sent yet goes out when the process ends.
    """
    os.environ.setdefault("OTEL_SERVICE_NAME", "heed")
    provider = TracerProvider()
    provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
    use_tracer(provider.get_tracer("heed"))
    keep_runs(trace_run)
    return provider


@contextmanager
def trace_run(run: CommandRun) -> Iterator[None]:
    """A keeper of runs: the block as a span, unless it is of a command that never ends."""
    if run.command in _ENDLESS:
        yield
        return
    attributes = {"heed.command": run.command} | ({"heed.use_case": run.use_case} if run.use_case else {})
    with span(run.command, attributes):
        yield


class TracesMiddleware:
    """Makes a span of each request, within the caller's where it sent one.

    It is named by the pattern of the address, never by what is written in it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in _WATCHING or request.path.startswith(settings.STATIC_URL):
            return self.get_response(request)
        method = method_of(request)
        attributes = {"http.request.method": method, "heed.request_id": request_id()}
        with span(method, attributes, kind=SpanKind.SERVER, within=extract(request.headers)) as opened:
            response = self.get_response(request)
            if opened is not None:
                route = route_of(request)
                opened.update_name(f"{method} {route}")
                opened.set_attribute("http.route", route)
                opened.set_attribute("http.response.status_code", response.status_code)
                if response.status_code >= _SERVER_ERROR:
                    opened.set_status(StatusCode.ERROR)
        return response
