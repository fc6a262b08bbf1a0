"""Our part of making the OpenAPI document."""

from collections.abc import Callable
from typing import Any

# (path, its regular expression, method, view), as drf-spectacular finds them
Endpoint = tuple[str, str, str, Callable[..., Any]]


def each_view_once(endpoints: list[Endpoint], **_: object) -> list[Endpoint]:
    """The endpoints without those at the root whose views are under /api/ too."""
    of_the_api = {_view(one) for one in endpoints if one[0].startswith("/api/")}
    return [one for one in endpoints if one[0].startswith("/api/") or _view(one) not in of_the_api]


def _view(endpoint: Endpoint) -> object:
    return getattr(endpoint[3], "cls", None)
