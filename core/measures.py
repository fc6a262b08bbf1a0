"""Measures of what this process does, for Prometheus; workers share them through files.

Names and labels are those of /metrics; deploy/grafana.json draws them.
"""

import os
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from core.measure_files import use_roomy_files
from core.spans import span

Metric = TypeVar("Metric", Counter, Histogram)

# True where workers share their counts through files (config/wsgi.py); the library looks when it is loaded.
IS_SHARED = "PROMETHEUS_MULTIPROC_DIR" in os.environ
use_roomy_files()
# A stranger may make up methods, each of which would be a series of its own.
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# Seconds. A list takes some milliseconds, a training that a request waits for does not exist.
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

REQUESTS = Counter("heed_requests", "Requests by route, method and status.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "heed_request_seconds", "Time to answer a request, by route.", ["route"], buckets=_REQUEST_BUCKETS
)
STAGE_SECONDS = Histogram(
    "heed_list_stage_seconds",
    "Time that each stage of making a list took.",
    ["stage"],
    buckets=_STAGE_BUCKETS,
)
LISTS = Counter("heed_lists", "Lists made, by use case and what ordered them.", ["use_case", "method"])
FALLBACKS = Counter("heed_fallback_lists", "Lists that no model had a part in.", ["use_case"])
SLOTS = Counter("heed_slots", "Slots of lists, by use case and what brought them.", ["use_case", "source"])


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Measures the block as a stage of making a list, which is a span of its own where traces are on."""
    began = time.perf_counter()
    with span(f"list.{name}"):
        yield
    _series(STAGE_SECONDS, name).observe(time.perf_counter() - began)


@cache
def _series(metric: Metric, *labels: str | int) -> Metric:
    # Finding the series of some labels takes longer than counting.
    return metric.labels(*labels)


def count_list(*, use_case: str, method: str, model_version: str, sources: Iterable[str]) -> None:
    """Counts a list that was made, and what brought its slots."""
    _series(LISTS, use_case, method).inc()
    if not model_version:
        _series(FALLBACKS, use_case).inc()
    for source, count in Counts(sources).items():
        _series(SLOTS, use_case, source).inc(count)


def route_of(request: HttpRequest) -> str:
    """The pattern of a request's address; `none` where no view was found, or looked for."""
    match = request.resolver_match
    return "none" if match is None else f"/{match.route}"


def method_of(request: HttpRequest) -> str:
    """A request's method, or `other` for one that is made up."""
    return request.method if request.method in _METHODS else "other"


class MeasuresMiddleware:
    """Counts and times requests by the pattern of their address, never by what is written in it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        route = route_of(request)
        _series(REQUESTS, route, method_of(request), response.status_code).inc()
        _series(REQUEST_SECONDS, route).observe(time.perf_counter() - began)
        return response
