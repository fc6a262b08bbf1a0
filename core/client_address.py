"""The address of a client. Heed believes a proxy about it only where the proxy is known."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# Whoever has one address of IPv6 has all that begin like it.
_IPV6_PREFIX = 64
# Proxies that do not write the first one write another.
_OF_PROXIES = (
    *("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"),
    *("X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"),
)
# Some proxies write the port too, and IPv6 in brackets: 203.0.113.7:5678, [2001:db8::1]:443.
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?\Z", re.ASCII)


def client_address(request: HttpRequest) -> str:
    """The address, of IPv6 its network; "" where nothing tells it.

    Proxies write the address that they see at the end of `X-Forwarded-For`. So it is read from its end, past
    the proxies in TRUSTED_PROXIES: what stands before the first stranger may be made up.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    told = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    for candidate in reversed(told):
        if not _is_trusted(peer) or not candidate:
            break
        peer = candidate
    return _normal(peer)


def was_passed_on_by_a_stranger(request: HttpRequest) -> bool:
    """True where a proxy that nobody named here passed a request on: its address says nothing of who asks."""
    return not settings.TRUSTED_PROXIES and any(name in request.headers for name in _OF_PROXIES)


def is_in(address: str, allowed: Iterable[IPv4Network | IPv6Network]) -> bool:
    """True for an address, as `client_address` tells it, that lies in one of these networks."""
    found = _parsed(address)
    return found is not None and any(found in network for network in allowed)


def _is_trusted(address: str) -> bool:
    """True for a proxy of ours; a socket that is a file has no address, and strangers cannot reach it."""
    if not address:
        return bool(settings.TRUSTED_PROXIES)
    return is_in(address, settings.TRUSTED_PROXIES)


def _normal(address: str) -> str:
    found = _parsed(address)
    if found is None:
        return ""
    if found.version == 6:
        return str(ip_network((found, _IPV6_PREFIX), strict=False).network_address)
    return str(found)


def _parsed(address: str):  # type: ignore[no-untyped-def]  # the two classes have no name in common
    match = _WITH_PORT.match(address)
    try:
        found = ip_address((match[1] or match[2]) if match else address)
    except ValueError:
        return None
    # A server that listens on both kinds sees IPv4 in the form of IPv6.
    return getattr(found, "ipv4_mapped", None) or found


def networks(texts: list[str]) -> list[IPv4Network | IPv6Network]:
    """Networks or single addresses as settings write them. Raises ValueError."""
    return [ip_network(text.strip()) for text in texts if text.strip()]
