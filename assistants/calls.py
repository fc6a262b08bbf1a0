"""The API, called within this process: the same views, the same rights, the same sentences."""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.urls import Resolver404, resolve

from core.errors import HeedError


class Refused(HeedError):
    """An answer of the API that is no success, with its sentence."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The bearer of a token. Each call is checked anew, so a token that was taken back ends at once."""

    token: str

    def get(self, path: str, **query: object) -> Any:
        """The answer to a GET; parameters that are None are left out. Raises Refused."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, query=urlencode(given))

    def post(self, path: str, body: dict[str, object]) -> Any:
        """The answer to a POST; fields that are None are left out. Raises Refused."""
        given = {name: value for name, value in body.items() if value is not None}
        return self._ask("POST", path, body=json.dumps(given).encode())

    def delete(self, path: str) -> None:
        """Takes something back. Raises Refused."""
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, *, query: str = "", body: bytes = b"") -> Any:
        request = WSGIRequest(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_AUTHORIZATION": f"Token {self.token}",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "wsgi.input": BytesIO(body),
                "wsgi.url_scheme": "http",
            }
        )
        try:
            view = resolve(path)
        except Resolver404 as error:
            raise Refused("There is nothing at this address.") from error
        close_old_connections()
        try:
            answer = view.func(request, *view.args, **view.kwargs)
            answer.render()
        finally:
            close_old_connections()
        if answer.status_code == 204:
            return None
        content = json.loads(answer.content)
        if answer.status_code >= 400:
            raise Refused(content["error"])
        return content
