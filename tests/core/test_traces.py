"""Traces: what they tell of requests, lists and commands, and that they cost nothing while they are off."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from core.errors import LockHeld
from core.runs import CommandRun, kept
from core.spans import use_tracer
from core.traces import TracesMiddleware, begin_traces
from tests.config.test_start import loaded
from tests.factories import make_active_als, make_items

STAGES = ["person", "retrieve", "rank", "personalize", "arrange", "respond", "record"]


@pytest.fixture
def traced(settings: Settings) -> Iterator[InMemorySpanExporter]:
    """All spans that end, with the middleware that the setting puts in its place."""
    at = settings.MIDDLEWARE.index("core.measures.MeasuresMiddleware")
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE[:at],
        "core.traces.TracesMiddleware",
        *settings.MIDDLEWARE[at:],
    ]
    spans = InMemorySpanExporter()
    provider = begin_traces(SimpleSpanProcessor(spans))
    yield spans
    use_tracer(None)
    provider.shutdown()


def names(spans: InMemorySpanExporter) -> list[str]:
    return [one.name for one in spans.get_finished_spans()]


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_a_list_is_traced_by_its_stages_within_its_request(
    person: User, traced: InMemorySpanExporter
) -> None:
    films = make_items(20)
    make_active_als([[film.pk for film in films]])
    client = APIClient()
    client.force_login(person)
    answer = client.get("/api/recommendations/personalized/movies?limit=5")
    assert answer.status_code == 200
    *stages, request = traced.get_finished_spans()
    assert [one.name for one in stages] == [f"list.{name}" for name in STAGES]
    assert request.context is not None
    assert {one.parent.span_id for one in stages if one.parent} == {request.context.span_id}
    assert request.name == "GET /api/recommendations/personalized/<kinds:kind>"
    told = attributes(request)
    assert told.pop("heed.request_id") == answer.headers["X-Request-ID"]
    assert told == {
        "http.request.method": "GET",
        "http.route": "/api/recommendations/personalized/<kinds:kind>",
        "http.response.status_code": 200,
    }


def test_no_span_says_what_a_person_wrote_or_who_they_are(person: User, traced: InMemorySpanExporter) -> None:
    make_items(5)
    client = APIClient()
    client.force_login(person)
    client.get("/api/recommend?title=a+very+private+word", headers={"User-Agent": "a-private-browser"})
    client.get(f"/api/recommend/{person.pk}?secret=private")
    client.get("/nothing/private/here/")
    said = "".join(one.to_json() for one in traced.get_finished_spans())
    assert len(names(traced)) >= 3
    assert "private" not in said
    assert "127.0.0.1" not in said


def test_a_request_lies_within_the_trace_of_its_caller(db: None, traced: InMemorySpanExporter) -> None:
    theirs = f"00-{'ab' * 16}-{'cd' * 8}-01"
    Client().get("/accounts/login/", headers={"traceparent": theirs})
    Client().get("/accounts/login/", headers={"traceparent": "no such thing"})
    first, second = traced.get_finished_spans()
    assert first.context is not None
    assert second.context is not None
    assert f"{first.context.trace_id:x}" == "ab" * 16
    assert first.parent is not None
    assert f"{first.parent.span_id:x}" == "cd" * 8
    assert second.parent is None


def test_what_watches_and_static_files_are_not_traced(db: None, traced: InMemorySpanExporter) -> None:
    for address in ("/health", "/ready", "/metrics", "/static/nothing.css"):
        Client().get(address)
    assert names(traced) == []


def test_an_answer_of_5xx_is_an_error_and_one_of_4xx_is_none(traced: InMemorySpanExporter) -> None:
    for status in (503, 404):
        answer = HttpResponse(status=status)
        TracesMiddleware(partial(lambda said, _: said, answer))(RequestFactory().get("/x/"))
    states = [one.status.status_code for one in traced.get_finished_spans()]
    assert states == [StatusCode.ERROR, StatusCode.UNSET]


def test_a_view_that_fails_says_its_kind_of_error_alone(traced: InMemorySpanExporter) -> None:
    def fail(_: HttpRequest) -> HttpResponse:
        raise ValueError("private")

    with pytest.raises(ValueError, match="private"):
        TracesMiddleware(fail)(RequestFactory().get("/x/"))
    [span] = traced.get_finished_spans()
    assert attributes(span)["error.type"] == "ValueError"
    assert span.status.status_code == StatusCode.ERROR
    assert "private" not in span.to_json()


@pytest.mark.django_db
def test_a_command_is_a_span_and_its_failure_an_error(traced: InMemorySpanExporter) -> None:
    call_command("prune", "--quiet")
    with pytest.raises(CommandError):
        call_command("activate_model", "no-such-version", "--quiet")
    done, failed = traced.get_finished_spans()
    assert (done.name, done.status.status_code) == ("prune", StatusCode.UNSET)
    assert (failed.name, failed.status.status_code) == ("activate_model", StatusCode.ERROR)
    assert attributes(failed)["error.type"] == "NotFound"
    assert "no-such-version" not in failed.to_json()


def test_the_use_case_of_a_command_is_told(traced: InMemorySpanExporter) -> None:
    # A keeper of runs that needs no database, as none of these commands is on record.
    with pytest.raises(LockHeld), kept(CommandRun("probe", use_case="movie_home")):
        raise LockHeld("Another run holds the lock.")
    [span] = traced.get_finished_spans()
    assert attributes(span) == {
        "heed.command": "probe",
        "heed.use_case": "movie_home",
        "error.type": "LockHeld",
    }


def test_a_command_that_never_ends_is_no_span(traced: InMemorySpanExporter) -> None:
    with kept(CommandRun("mcp")):
        pass
    assert names(traced) == []


@pytest.mark.slow
def test_nothing_of_it_is_loaded_while_it_is_off() -> None:
    assert (
        loaded(("opentelemetry", "core.traces"), "django.setup()", "import core.measures, serving.pipeline")
        == []
    )


def run_with_traces(ask: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "OPENTELEMETRY": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_library_the_setting_says_what_to_install() -> None:
    ask = "import sys; sys.modules['opentelemetry'] = None; import django; django.setup()"
    ran = run_with_traces(ask)
    assert ran.returncode == 1
    assert "pip install --require-hashes -r requirements-otel.lock" in ran.stderr.splitlines()[-1]


class Collector(BaseHTTPRequestHandler):
    """A collector that takes traces by OTLP over HTTP, and keeps what it was sent."""

    received: list[tuple[str, bytes]] = []  # of the one server that a test has

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.mark.slow
def test_a_process_sends_what_it_did_before_it_ends() -> None:
    Collector.received.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        ran = run_with_traces(
            "import django; django.setup()\n"
            "from django.conf import settings\n"
            "from core.runs import CommandRun\n"
            "from core.traces import trace_run\n"
            "with trace_run(CommandRun('probe')): pass\n"
            "print(settings.MIDDLEWARE.index('core.traces.TracesMiddleware'))",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=trial",
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
    [(path, body)] = Collector.received
    sent = ExportTraceServiceRequest.FromString(body)
    assert path == "/v1/traces"
    [resource] = sent.resource_spans
    said = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert (said["service.name"], said["deployment.environment.name"]) == ("heed", "trial")
    assert [one.name for scope in resource.scope_spans for one in scope.spans] == ["probe"]
