"""`manage.py issue_token USER`: a token for a program, printed once."""

from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import MAX_TOKEN_NAME, User
from accounts.services import create_program, issue_service_token
from core.commands import HeedCommand, non_negative
from core.errors import InvalidInput, NotFound

MAX_TOKEN_DAYS = 36500


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
        parser.add_argument("--reads-only", action="store_true", help="its bearer may change nothing")
        parser.add_argument("--name", default="", help="what it is for, as the admin shows it")
        parser.add_argument(
            "--days", type=non_negative, metavar="N", help="it ends after so many (default: never)"
        )

    def run(self, options: dict[str, Any]) -> dict[str, str]:
        name = options["user"]
        days = options["days"]
        if len(options["name"]) > MAX_TOKEN_NAME:
            raise InvalidInput(f"--name takes at most {MAX_TOKEN_NAME} characters.")
        if days is not None and not 1 <= days <= MAX_TOKEN_DAYS:
            raise InvalidInput(f"--days is between 1 and {MAX_TOKEN_DAYS}.")
        if options["create"] and not User.objects.filter(username=name).exists():
            create_program(username=name)
        user = User.objects.filter(username=name, is_active=True, owner=None).first()
        if user is None:
            raise NotFound(f"There is no active user named {name!r}. --create makes one where there is none.")
        token = issue_service_token(
            user=user,
            may_act_for_others=options["may_act_for_others"],
            name=options["name"],
            reads_only=options["reads_only"],
            ends_at=None if days is None else timezone.now() + timedelta(days=days),
        )
        return {"user": user.username, "token": token}

    def describe(self, summary: Mapping[str, Any]) -> str:
        token: str = summary["token"]
        return token
