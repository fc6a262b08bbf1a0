"""The files for proxies: what a client says of itself does not pass, and who sends slowly reaches nobody."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, read

NGINX = ROOT / "deploy" / "nginx.conf"


@dataclass
class Upstream:
    """Stands where Heed stands, and notes the requests that reach it."""

    port: int = 0
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    found = Upstream()

    class Note(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = self.headers
            found.seen.append((self.path, headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]))
            self.rfile.read(int(headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Note)
    found.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def nginx(upstream: Upstream, tmp_path: Path) -> Iterator[int]:
    """The port of nginx with our file, but for ports, the certificate and one second of patience."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no nginx on this machine")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=x",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    port, text = free_port(), read(NGINX)
    for ours, theirs in {
        "127.0.0.1:8000": f"127.0.0.1:{upstream.port}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "listen 80": f"listen 127.0.0.1:{free_port()}",
        "/etc/letsencrypt/live/recommend.example.org/fullchain.pem": str(certificate),
        "/etc/letsencrypt/live/recommend.example.org/privkey.pem": str(key),
        "client_body_timeout 10s": "client_body_timeout 1s",
    }.items():
        assert ours in text
        text = text.replace(ours, theirs)
    folders = "".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"daemon off; pid {tmp_path}/pid; events {{}} http {{ access_log off; {folders} {text} }}"
    if os.getuid() == 0:
        whole = f"user root; {whole}"
    (tmp_path / "nginx.conf").write_text(whole)
    process = subprocess.Popen([program, "-e", "/dev/null", "-c", tmp_path / "nginx.conf"])
    wait_for(port)
    yield port
    process.terminate()
    process.wait()


def wait_for(port: int) -> None:
    """Ends when a server listens there. On a busy machine its start takes seconds."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("the server does not answer")


def connect(port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=5))


def test_a_proxy_tells_the_real_address_and_passes_on_whole_requests_only(
    nginx: int, upstream: Upstream
) -> None:
    told = b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\n"
    head = b"POST %s HTTP/1.1\r\nHost: x\r\n" + told + b"Content-Length: 4\r\n\r\n"
    with connect(nginx) as slow, connect(nginx) as quick:
        slow.sendall(head % b"/slow" + b"ab")
        quick.sendall(head % b"/quick" + b"abcd")
        assert b" 204 " in quick.recv(1000)
        assert upstream.seen == [("/quick", "127.0.0.1", "https")]
        # Given up on after a second here.
        assert b" 204 " not in slow.recv(1000)
    assert [path for path, _, _ in upstream.seen] == ["/quick"]


def test_both_files_bound_what_clients_may_take() -> None:
    nginx = read(NGINX)
    for name in (
        "client_max_body_size",
        "client_header_timeout",
        "client_body_timeout",
        "proxy_request_buffering on",
    ):
        assert re.search(rf"^\s*{name}", nginx, re.MULTILINE)
    caddy = read(ROOT / "deploy" / "Caddyfile")
    for name in ("read_header", "read_body", "max_size", "request_buffers"):
        assert re.search(rf"^\s*{name} ", caddy, re.MULTILINE)
