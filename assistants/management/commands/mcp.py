"""`manage.py mcp`: a person's lists for an assistant, by its protocol (docs/how-to/assistants.md)."""

import os
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from assistants.calls import Caller
from core.commands import HeedCommand
from core.errors import InvalidInput


class Command(HeedCommand):
    help = "Serve a person's lists to an assistant over standard input and output; HEED_TOKEN has the token."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--token", help="the person's API token, where HEED_TOKEN does not hold it")

    def run(self, options: dict[str, Any]) -> dict[str, Any]:
        token = options["token"] or os.environ.get("HEED_TOKEN", "")
        if not token:
            raise InvalidInput("Put the person's token into HEED_TOKEN; issue_token prints one.")
        caller = Caller(token)
        if not token.isascii() or not caller.get("/api/check-auth")["authenticated"]:
            raise InvalidInput("This token is not valid.")
        try:
            from assistants.server import make_server
        except ImportError as error:
            install = "pip install --require-hashes -r requirements-mcp.lock"
            raise InvalidInput(f"{error}. Install it: {install}") from error
        make_server(caller).run("stdio")
        return {}

    def tell(self, result: object, options: Mapping[str, Any]) -> None:
        """Prints nothing: standard output belongs to the protocol."""
