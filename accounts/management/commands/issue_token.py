"""`manage.py issue_token USER`: a token for a program, printed once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.services import issue_service_token


class Command(BaseCommand):
    help = "Issue an API token for USER and print it. It cannot be read again: only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the username")
        parser.add_argument(
            "--may-act-for-others", action="store_true", help="its bearer may name a person in X-User-ID"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user named {options['user']!r}.")
        token = issue_service_token(user=user, may_act_for_others=options["may_act_for_others"])
        self.stdout.write(json.dumps({"user": user.username, "token": token}) if options["json"] else token)
