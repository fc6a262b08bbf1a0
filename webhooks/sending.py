"""One signed POST to an address that was checked: the host is looked up once, and that address is spoken to.

A name that leads into a private network is refused after it was looked up, so neither DNS nor a second look
can lead there; a redirect is an answer like any other and is not followed.
"""

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from urllib.parse import urlsplit

from django.conf import settings

CONNECT_SECONDS = 5.0
# From the first byte to the last, however slowly they come.
ALL_SECONDS = 15.0
_MOST_TOLD = 200
# Addresses of IPv6 that lead to one of IPv4.
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))


class NotSent(Exception):
    """The other end was not reached or not asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the other end."""

    status: int

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """The header `Heed-Signature`: HMAC SHA-256 of the time, a dot and the body.

    The time is signed too, so that nobody can send an old body again under a new one.
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Sends a body. Raises NotSent."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        connection = _connection(parts.scheme, host, port, _allowed_addresses(host, port))
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        return _exchange(connection, path, body, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotSent(f"{type(error).__name__}: {error}"[:_MOST_TOLD]) from error


def _allowed_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises NotSent where any of them is private and none may be."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not settings.WEBHOOKS_TO_PRIVATE_ADDRESSES:
        for address in addresses:
            if not is_public(address):
                raise NotSent(f"{host} leads to a private address; WEBHOOKS_TO_PRIVATE_ADDRESSES allows that")
    return list(dict.fromkeys(addresses))


def is_public(text: str) -> bool:
    """True of an address that everybody on the internet means alike."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if (inner := address.ipv4_mapped or address.sixtofour) is not None:
            return is_public(str(inner))
        if address.teredo is not None or any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


def _connection(scheme: str, host: str, port: int, addresses: list[str]) -> http.client.HTTPConnection:
    """A connection that speaks to `host` at the first of the addresses that can be reached."""
    connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    plain = _reach(addresses, port)
    try:
        if scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        else:
            connection.sock = plain
    except BaseException:
        plain.close()
        raise
    return connection


def _reach(addresses: list[str], port: int) -> socket.socket:
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=CONNECT_SECONDS)
    return socket.create_connection((addresses[-1], port), timeout=CONNECT_SECONDS)


def _exchange(
    connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]
) -> Answer:
    # What the other end sends byte by byte would outlast any timeout of a single read.
    end = Timer(ALL_SECONDS, _end, [connection])
    end.start()
    try:
        connection.request("POST", path, body, headers)
        return Answer(connection.getresponse().status)
    finally:
        end.cancel()
        connection.close()


def _end(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
