"""The worker of the web server: gunicorn's threads, each of which gets a whole request.

gunicorn's own worker gives a thread to a request from its first byte on, so eight requests that are sent by
half stop two workers of four threads. Here the loop of the worker, which has no thread to lose, receives the
head and the body of each request. A thread gets them once they are whole. Who takes too long, or sends more
than Heed would read, is told so and closed.
"""

import contextlib
import re
import struct
import time
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from socket import SHUT_WR, SO_RCVTIMEO, SO_SNDBUF, SO_SNDTIMEO, SOL_SOCKET
from typing import Any

from gunicorn.http2 import negotiation
from gunicorn.workers.gthread import ThreadWorker

from config import settings

HEAD_SECONDS = 10.0
BODY_SECONDS = 20.0
# The seconds of a body grow with its length: this many bytes a second are enough for an honest line.
SLOWEST_BYTES = 50_000
MAX_HEAD_BYTES = 64_000
# What a form or a file may have, and what stands around a file.
MAX_BODY_BYTES = max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.FILE_UPLOAD_MAX_MEMORY_SIZE) + 1_000_000
# All that a worker holds of requests that are not whole; beyond it those that wait longest go.
MAX_HELD_BYTES = 64_000_000
# So long a thread waits for a client that does not read its answer.
ANSWER_SECONDS = 30
# So much of an answer the system takes at once, whether or not it is read, as far as it lets (`wmem_max`, on
# Linux 212,992 bytes): a page and a list leave their thread free. Else six who do not read stop a worker.
ANSWER_BYTES = 1_000_000
_AT_ONCE = 65_536
_LONGEST_NUMBER = 20
_HEX = re.compile(rb"[0-9a-fA-F]+")
# As gunicorn gives kept connections while a worker stops.
_STOP_SECONDS = 2.0

NO_CHUNK, TOO_SLOW, TOO_LARGE, TOO_MANY_HEADERS = (
    "400 Bad Request",
    "408 Request Timeout",
    "413 Content Too Large",
    "431 Headers Too Large",
)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Refused(Exception):
    """A request that is not received any further; its text is the status line."""


@dataclass(slots=True)
class Arriving:
    """The part that was received of a request that is not whole yet.

    ends_at  the length at which it is whole, or where its body of chunks begins; 0 until its head is here
    chunk    where the next chunk begins, in a body of chunks; else 0
    is_asking  the client waits to be told to send its body
    """

    deadline: float
    received: bytearray = field(default_factory=bytearray)
    ends_at: int = 0
    chunk: int = 0
    is_asking: bool = False
    _searched: int = 0

    @property
    def has_head(self) -> bool:
        return bool(self.ends_at)

    def is_whole(self) -> bool:
        """True once head and body are here, or the head tells of no length: the parser says what is wrong.

        Raises Refused for what is too large, and for a body that says it is of chunks and is not.
        """
        if not self.has_head and not self._read_head():
            return False
        if self.chunk:
            return self._has_last_chunk()
        return len(self.received) >= self.ends_at

    def _read_head(self) -> bool:
        """True where the head is here; it tells how long the body is."""
        if self.received.startswith((b"\r", b"\n")):
            # Blank lines before a request mean nothing.
            self.received[:] = self.received.lstrip(b"\r\n")
        end = self.received.find(b"\r\n\r\n", self._searched)
        if max(end, len(self.received) if end < 0 else 0) > MAX_HEAD_BYTES:
            raise Refused(TOO_MANY_HEADERS)
        if end < 0:
            self._searched = max(0, len(self.received) - 3)
            return False
        begin, length = end + 4, 0
        for line in bytes(self.received[:end]).lower().split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name == b"transfer-encoding" and b"chunked" in value:
                self.chunk = begin
            elif name == b"expect":
                self.is_asking = b"100-continue" in value
            elif name == b"content-length" and value.strip().isdigit():
                length = int(value) if len(value) < _LONGEST_NUMBER else MAX_BODY_BYTES + 1
        if length > MAX_BODY_BYTES:
            raise Refused(TOO_LARGE)
        self.ends_at = begin + length
        self.deadline = time.monotonic() + BODY_SECONDS + length / SLOWEST_BYTES
        return True

    def _has_last_chunk(self) -> bool:
        """True once the chunk of length 0 is here, and the lines after it.

        What is no chunk is refused here and never left to the parser: were it one to the parser, a thread
        would wait for what it announces.
        """
        while (end := self.received.find(b"\r\n", self.chunk)) >= 0:
            # Blanks before an extension and zeros before a number are allowed, and the parser takes both.
            line = bytes(self.received[self.chunk : end]).partition(b";")[0].strip(b" \t")
            if not _HEX.fullmatch(line):
                raise Refused(NO_CHUNK)
            if len(line.lstrip(b"0")) >= _LONGEST_NUMBER:
                raise Refused(TOO_LARGE)
            if int(line, 16) == 0:
                if len(self.received) - end > MAX_HEAD_BYTES:
                    raise Refused(TOO_MANY_HEADERS)
                return self.received.find(b"\r\n\r\n", end) >= 0
            self.chunk = end + 2 + int(line, 16) + 2
            if self.chunk > MAX_BODY_BYTES + MAX_HEAD_BYTES:
                raise Refused(TOO_LARGE)
        # A line without an end is no length of a chunk.
        if len(self.received) - self.chunk > MAX_HEAD_BYTES:
            raise Refused(NO_CHUNK)
        return False


class WholeRequestsWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker of threads, whose threads see whole requests."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # In the order in which they began.
        self._arriving: dict[Any, Arriving] = {}
        self._held = 0
        # Those that were answered for the last time, with the moment at which they are closed in any case.
        self._leaving: dict[Any, float] = {}
        # Those that rest between two requests, and those that begin one (`_make_room`), never take all.
        self.max_keepalived = max(1, self.worker_connections // 4)

    def enqueue_req(self, conn: Any) -> None:
        """Begins to receive a request; gunicorn calls this where one begins, or seems to."""
        if self.cfg.is_ssl or negotiation.prior_knowledge_allowed(self.cfg, conn.client):
            super().enqueue_req(conn)
            return
        arriving = Arriving(time.monotonic() + HEAD_SECONDS)
        if conn.initialized:
            # What came along with the request before.
            arriving.received += conn.parser.unreader.take_buffered()
            self._held += len(arriving.received)
        else:
            patience = struct.pack("ll", ANSWER_SECONDS, 0)
            conn.sock.setsockopt(SOL_SOCKET, SO_RCVTIMEO, patience)
            conn.sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, patience)
            conn.sock.setsockopt(SOL_SOCKET, SO_SNDBUF, ANSWER_BYTES)
        conn.sock.setblocking(False)
        self._arriving[conn] = arriving
        self._make_room()
        # Either may close it.
        if conn in self._arriving and not self._receive(conn, arriving) and conn in self._arriving:
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_more, conn, arriving))

    def handle(self, conn: Any) -> Any:
        """Answers a request, which is whole; runs in a thread."""
        received = conn.__dict__.pop("received", b"")
        if received:
            conn.init()
            conn.parser.unreader.unread(received)
        return super().handle(conn)

    def finish_request(self, conn: Any, answered: Any) -> None:
        """Keeps or ends a connection whose request was answered.

        gunicorn waits here, in its loop, for the client to close its end too: two seconds for each that does
        not, in which nobody else is heard. So the loop goes on, and hears of the end like of all else.
        """
        is_over = False
        with contextlib.suppress(Exception):
            is_over = not answered.result()
        if not is_over or not self.alive:
            super().finish_request(conn, answered)
            return
        try:
            conn.sock.shutdown(SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_end, conn))
        except (OSError, ValueError, KeyError):
            self.nr_conns -= 1
            conn.close()
        else:
            self._leaving[conn] = time.monotonic() + _STOP_SECONDS

    def _on_end(self, conn: Any, _: object) -> None:
        """Reads past what a client still sends, until it ends."""
        # It may have been closed by another event of the same round.
        if conn not in self._leaving:
            return
        try:
            ended = not conn.sock.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            ended = True
        if ended:
            self._leave(conn)

    def _leave(self, conn: Any) -> None:
        del self._leaving[conn]
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Closes those that take too long; gunicorn calls this every second."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [conn for conn, until in self._leaving.items() if until < now]:
            self._leave(conn)
        if not self.alive:
            for arriving in self._arriving.values():
                arriving.deadline = min(arriving.deadline, now + _STOP_SECONDS)
        for conn in [conn for conn, arriving in self._arriving.items() if arriving.deadline < now]:
            self._refuse(conn, TOO_SLOW if self._arriving[conn].received else "")

    def _on_more(self, conn: Any, arriving: Arriving, _: object) -> None:
        # It may have been closed by another event of the same round.
        if self._arriving.get(conn) is arriving and self._receive(conn, arriving):
            self.poller.unregister(conn.sock)

    def _receive(self, conn: Any, arriving: Arriving) -> bool:
        """Reads what is there; True where the request went to a thread. Closes what it gives up."""
        try:
            while not arriving.is_whole():
                if arriving.has_head and arriving.is_asking:
                    arriving.is_asking = False
                    conn.sock.send(_CONTINUE)
                more = conn.sock.recv(_AT_ONCE)
                if not more:
                    self._refuse(conn, "")
                    return False
                arriving.received += more
                self._held += len(more)
                self._make_room()
                if conn not in self._arriving:
                    return False
        except BlockingIOError:
            return False
        except (Refused, OSError) as error:
            self._refuse(conn, str(error) if isinstance(error, Refused) else "")
            return False
        self._forget(conn)
        conn.received, conn.data_ready = bytes(arriving.received), True
        super().enqueue_req(conn)
        return True

    def _make_room(self) -> None:
        """Closes those that began first while there are too many, or they hold too much."""
        while self._held > MAX_HELD_BYTES or len(self._arriving) > max(1, self.worker_connections // 2):
            self._refuse(next(iter(self._arriving)), TOO_SLOW)

    def _forget(self, conn: Any) -> None:
        self._held -= len(self._arriving.pop(conn).received)

    def _refuse(self, conn: Any, status: str) -> None:
        """Closes a connection, with an answer where there is one to give and the client takes it."""
        self._forget(conn)
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)
        if status:
            self.log.info("A request was not received to its end: %s", status)
            answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            with contextlib.suppress(OSError):
                conn.sock.send(answer.encode())
        self.nr_conns -= 1
        conn.close()
