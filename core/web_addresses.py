"""Web addresses that come from outside: which may become a link or a picture, and the origin of each.

They are read by the WHATWG's rules, as browsers read them, so that both see the same host.
"""

import re

from pydantic import HttpUrl, ValidationError

MAX_WEB_ADDRESS = 2_000

# Browsers also take `http:host` and `http:\\host`, and on some pages mean another place by them.
_ADDRESS = re.compile(r"https?://[^/\\?#\s][^\s\x00-\x1f\x7f]*", re.IGNORECASE)
# Nothing in an origin can end a directive of a Content-Security-Policy.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")
_USUAL_PORTS = {"http": 80, "https": 443}


def check_web_address(text: str) -> str:
    """`text` where it is an http or https address of at most MAX_WEB_ADDRESS characters; else ValueError."""
    if len(text) > MAX_WEB_ADDRESS:
        raise ValueError(f"has {len(text):,} characters; {MAX_WEB_ADDRESS:,} is the most")
    _origin(_parse(text))
    return text


def check_origin(text: str) -> str:
    """An origin in the form that `origin_of` gives; ValueError where `text` is another thing or says more."""
    origin = origin_of(text)
    if origin is None or str(HttpUrl(text)) != f"{origin}/":
        raise ValueError(
            f"{text!r} is not an origin. Write scheme and host, and the port where it is not the usual one, "
            "as in https://images.example.org"
        )
    return origin


def origin_of(text: str) -> str | None:
    """Scheme and host of a web address, with the port where it is not the usual one; None for no address."""
    try:
        return _origin(_parse(text))
    except ValueError:
        return None


def host_of(text: str) -> str:
    """The host of a web address, for people to read; empty where `text` is no address."""
    origin = origin_of(text)
    return "" if origin is None else origin.partition("//")[2].removeprefix("www.")


def _parse(text: str) -> HttpUrl:
    refused = ValueError("must be a web address that begins with http:// or https:// and has no blanks")
    if not _ADDRESS.fullmatch(text):
        raise refused
    try:
        url = HttpUrl(text)
    except ValidationError:
        raise refused from None
    if url.username or url.password:
        raise ValueError("must not hold a user name or a password")
    return url


def _origin(url: HttpUrl) -> str:
    port = "" if url.port in {None, _USUAL_PORTS[url.scheme]} else f":{url.port}"
    origin = f"{url.scheme}://{url.host}{port}"
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("must name a host of letters, digits, dots and hyphens")
    return origin
