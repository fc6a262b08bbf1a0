"""`manage.py issue_token USER`: a token for a program, printed once."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from accounts.models import User
from accounts.services import create_program, issue_service_token
from core.commands import HeedCommand
from core.errors import NotFound


class Command(HeedCommand):
    is_for_its_output = True
    help = "Issue an API token for USER and print it. It cannot be read again: only its hash is stored."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the username")
        parser.add_argument(
            "--create",
            action="store_true",
            help="make an account without a password where there is none",
        )
        parser.add_argument(
            "--may-act-for-others",
            action="store_true",
            help="its bearer may name a person in X-User-ID or X-User-Name",
        )

    def run(self, options: dict[str, Any]) -> dict[str, str]:
        name = options["user"]
        if options["create"] and not User.objects.filter(username=name).exists():
            create_program(username=name)
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise NotFound(f"There is no active user named {name!r}. --create makes one where there is none.")
        token = issue_service_token(user=user, may_act_for_others=options["may_act_for_others"])
        return {"user": user.username, "token": token}

    def describe(self, summary: Mapping[str, Any]) -> str:
        token: str = summary["token"]
        return token
