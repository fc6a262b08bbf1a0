"""The server: whoever sends a request by half, or slowly, keeps nobody from an answer."""

import itertools
import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.server import MAX_BODY_BYTES, MAX_HEAD_BYTES, TOO_LARGE, TOO_MANY_HEADERS, Arriving, Refused
from tests.config.test_proxy import free_port, wait_for
from tests.docs.pages import ROOT

APP = """
import gc

def app(environ, start_response):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/frozen":
        body = str(gc.get_freeze_count()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
HEAD = b"POST /health HTTP/1.1\r\nHost: x\r\n"
IN_CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\nA: b\r\n\r\n"
# Lengths of chunks that a parser takes, with blanks and with zeros.
PADDED = [
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + line + b"\r\nab" for line in (b"5\t ;a", b"0" * 60 + b"5")
]
WHOLE = HEAD + b"Content-Length: 7\r\n\r\nabcdefg"


@dataclass
class Server:
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """gunicorn with our worker, one process of two threads; the application sends back what it reads."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    (folder / "echo.py").write_text(APP)
    bind = ("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "2", "--pythonpath", str(folder))
    command = [sys.executable, "-m", "gunicorn", "echo:app", *bind, "--log-level", "error"]
    environment = {**os.environ, "DEBUG": "1", "METRICS_DIR": str(folder)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    wait_for(port)
    yield Server(port)
    process.terminate()
    process.wait()


def answer(one: socket.socket) -> bytes:
    """The body of an answer, and not a byte of the next one."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += some(one, 1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += some(one, length - len(body))
    return body


def some(one: socket.socket, most: int = 1000) -> bytes:
    """The bytes that come next, at most so many; there must be some."""
    received = one.recv(most)
    assert received
    return received


@pytest.mark.parametrize("beginning", [b"", b"\r\n\r\n", b"POST / HT", WHOLE[:-1], IN_CHUNKS[:-1], *PADDED])
def test_many_halves_of_requests_keep_nobody_from_an_answer(server: Server, beginning: bytes) -> None:
    with ExitStack() as stack:
        halves = [stack.enter_context(server.connect()) for _ in range(32)]
        for half in halves:
            half.sendall(beginning)
        started = time.monotonic()
        for _ in range(5):
            with server.connect() as one:
                one.sendall(WHOLE)
                assert answer(one) == b"abcdefg"
        assert time.monotonic() - started < 5
        # They are not given up for it, either.
        if beginning in (WHOLE[:-1], IN_CHUNKS[:-1]):
            halves[0].sendall((WHOLE if beginning == WHOLE[:-1] else IN_CHUNKS)[-1:])
            assert answer(halves[0]) == b"abcdefg"


def test_requests_that_come_byte_by_byte_or_together_are_answered_one_by_one(server: Server) -> None:
    with server.connect() as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in IN_CHUNKS:
            one.sendall(bytes([byte]))
        assert answer(one) == b"abcdefg"
        one.sendall(WHOLE + IN_CHUNKS)
        assert answer(one) + answer(one) == b"abcdefgabcdefg"
        one.sendall(WHOLE + WHOLE[:-1])
        assert answer(one) == b"abcdefg"
        one.sendall(WHOLE[-1:])
        assert answer(one) == b"abcdefg"


@pytest.mark.parametrize(
    "sent", [WHOLE.replace(b"Host", b"Connection: close\r\nHost"), WHOLE.replace(b"1.1", b"1.0")]
)
def test_who_does_not_hang_up_keeps_nobody_from_an_answer(server: Server, sent: bytes) -> None:
    with ExitStack() as open_ones:
        rude = [open_ones.enter_context(server.connect()) for _ in range(20)]
        for one in rude:
            one.sendall(sent)
        assert {answer(one) for one in rude} == {b"abcdefg"}
        polite = open_ones.enter_context(server.connect())
        polite.sendall(WHOLE)
        assert answer(polite) == b"abcdefg"
        # The server ended its side, and reads past what still comes.
        rude[0].sendall(b"x" * 100)
        assert rude[0].recv(1) == b""


@pytest.mark.skipif(not hasattr(socket, "TCP_MAXSEG"), reason="this system has one size of segments")
def test_who_does_not_read_keeps_nobody_from_an_answer(server: Server) -> None:
    """An answer as long as the longest list; the small segments are those of a line, not of this machine."""
    body = b"x" * 100_000
    asked = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with ExitStack() as open_ones:
        for _ in range(6):
            rude = open_ones.enter_context(socket.socket())
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            rude.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            rude.connect(("127.0.0.1", server.port))
            rude.sendall(asked)
        time.sleep(0.5)
        with server.connect() as polite:
            polite.sendall(WHOLE)
            assert answer(polite) == b"abcdefg"


def test_connections_that_rest_leave_room_for_others(server: Server) -> None:
    with ExitStack() as kept:
        heads = []
        for _ in range(300):
            one = kept.enter_context(server.connect())
            one.sendall(WHOLE)
            received = some(one)
            while b"abcdefg" not in received:
                received += some(one)
            heads.append(b"connection: close" in received.lower())
        # A quarter of the 1,000 connections of a worker may rest.
        assert 250 <= sum(not closes for closes in heads) < 260
        assert all(heads[260:])


def test_a_connection_rests_longer_than_a_proxy_keeps_it() -> None:
    nginx_keeps = 60
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["keepalive"] > nginx_keeps


LOADING = """
import os, runpy, sys, threading
conf = runpy.run_path("gunicorn.conf.py")
assert conf["preload_app"]
import config.wsgi
from catalog.models import Item
from serving import live
from serving.live import get_context
if is_migrated:
    hidden, _ = (Item.objects.create(kind="movie", external_id=name, title=name) for name in "ab")
conf["when_ready"](None)
assert {"serving.live", "web.urls", "numpy", "scipy", "lightgbm"} <= sys.modules.keys()
assert not {"pandas", "sklearn", "implicit", "optuna"} & sys.modules.keys()
from django.db import connection
assert threading.active_count() == 1 and connection.connection is None
"""
FORKED = """
Item.objects.filter(pk=hidden.pk).update(is_active=False)
connection.close()
child = os.fork()
if not child:
    inherited = live._holders["movie_home"]._state
    held = get_context("movie_home").catalog.item_ids.tolist()
    os._exit(0 if len(inherited.usual.catalog.item_ids) == 2 and len(held) == 1 else 7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
"""


@pytest.mark.slow
# Else the run has no database of which `migrated_file` could be a copy.
@pytest.mark.django_db
@pytest.mark.parametrize("is_migrated", [True, False])
def test_workers_are_forked_with_what_lists_need_and_with_nothing_that_runs(
    migrated_file: Path, tmp_path: Path, is_migrated: bool
) -> None:
    """Neither a thread nor a connection to the database outlives a fork; what changed since is taken up.

    A database that has no tables yet is no reason not to start.
    """
    file = tmp_path / "heed.sqlite3"
    if is_migrated:
        shutil.copy(migrated_file, file)
    program = f"is_migrated = {is_migrated}\n{LOADING}{FORKED if is_migrated else ''}"
    environment = {**os.environ, "DEBUG": "1", "DATABASE_URL": f"sqlite:///{file}"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)


def test_a_client_that_asks_first_is_told_to_go_on(server: Server) -> None:
    with server.connect() as one:
        one.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert one.recv(1000).startswith(b"HTTP/1.1 100 ")
        one.sendall(b"ab")
        # The parser may say it once more.
        received = some(one)
        while not received.endswith(b"ab"):
            received += some(one)
        assert b" 200 " in received


def test_too_much_is_refused_before_it_is_sent(server: Server) -> None:
    with server.connect() as one:
        one.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1))
        assert b" 413 " in one.recv(1000)


@given(st.lists(st.integers(1, len(IN_CHUNKS) - 1)), st.sampled_from([IN_CHUNKS, WHOLE]))
def test_a_request_is_whole_with_its_last_byte_however_it_is_cut(cuts: list[int], request: bytes) -> None:
    places = sorted({0, *(cut for cut in cuts if cut < len(request)), len(request)})
    arriving = Arriving(deadline=0.0)
    for begin, end in itertools.pairwise(places):
        arriving.received += request[begin:end]
        assert arriving.is_whole() == (end == len(request))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"x" * (MAX_HEAD_BYTES + 1), TOO_MANY_HEADERS),
        (HEAD + b"Content-Length: 0000000000000000000000000009\r\n\r\n", TOO_LARGE),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", TOO_LARGE),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a" * (MAX_HEAD_BYTES + 1), TOO_MANY_HEADERS),
    ],
    ids=["head", "length", "chunk", "trailers"],
)
def test_what_no_request_of_heed_has_is_refused(sent: bytes, status: str) -> None:
    with pytest.raises(Refused, match=status[:3]):
        Arriving(deadline=0.0, received=bytearray(sent)).is_whole()


@pytest.mark.parametrize("line", [b"-4\r\n", b"0x4\r\n", b"zz\r\n", b"", b"1_0\r\n", b";a\r\n", b"4 4\r\n"])
def test_what_is_no_chunk_is_refused_and_no_parser_waits_for_it(line: bytes) -> None:
    sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + line + b"x" * (MAX_HEAD_BYTES + 1)
    with pytest.raises(Refused, match="400"):
        Arriving(deadline=0.0, received=bytearray(sent)).is_whole()


@pytest.mark.parametrize("line", [b"2", b"2 ", b"2\t;x=y", b"2;x", b"0" * 100 + b"2"])
def test_a_chunk_ends_where_the_parser_ends_it(line: bytes) -> None:
    sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + line + b"\r\nab\r\n0\r\n\r\n"
    for length in range(len(sent)):
        assert not Arriving(deadline=0.0, received=bytearray(sent[:length])).is_whole()
    assert Arriving(deadline=0.0, received=bytearray(sent)).is_whole()


def test_documented_commands_take_this_worker() -> None:
    for name in ("Dockerfile", "README.md", "docs/how-to/install.md", "Makefile"):
        commands = [line for line in Path(ROOT / name).read_text().splitlines() if "config.wsgi" in line]
        assert commands
        assert not [line for line in commands if "worker-class" in line]


def test_what_a_worker_has_loaded_is_not_looked_through_for_garbage(server: Server) -> None:
    """A full look through the modules of Heed stops all threads of a worker for a tenth of a second."""
    with server.connect() as client:
        client.sendall(b"GET /frozen HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = client.makefile("rb").read()
    assert int(answer.rpartition(b"\r\n")[2]) > 10_000
