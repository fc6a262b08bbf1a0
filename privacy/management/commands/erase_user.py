"""`manage.py erase_user USER`: an account and every row about it, gone (docs/explanation/privacy.md)."""

import sys
from argparse import ArgumentParser
from typing import Any

from accounts.models import User
from core.commands import HeedCommand
from core.errors import InvalidInput, LockHeld
from privacy.datasets import outdated_datasets, remove_datasets
from privacy.selectors import count_kept, find_person
from privacy.services import erase_person


class Command(HeedCommand):
    help = "Delete the account USER and every row about it. Without USER, only see to the datasets."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", help="the username")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--datasets", action="store_true", help="remove datasets with rows of people who are gone"
        )

    def run(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["user"] is None and not options["datasets"]:
            raise InvalidInput("Name the person to erase, or say --datasets.")
        summary: dict[str, Any] = {}
        if options["user"] is not None:
            person = find_person(options["user"])
            if not options["yes"]:
                self._ask(person)
            erased = erase_person(user_id=person.pk)
            summary |= {"user": erased.user, "rows": erased.rows}
        outdated = outdated_datasets()
        left = remove_datasets(outdated) if options["datasets"] else outdated
        summary["datasets_removed"] = [str(folder) for folder in outdated if folder not in left]
        summary["datasets_with_rows_of_the_gone"] = [str(folder) for folder in left]
        if left and options["datasets"]:
            self.tell(summary, options)
            raise LockHeld("A run reads these datasets. Say `erase_user --datasets` again when it is over.")
        return summary

    def _ask(self, person: User) -> None:
        """Raises InvalidInput unless somebody at a terminal types the name."""
        if not sys.stdin.isatty():
            raise InvalidInput("There is nobody to ask. Say --yes to erase all the same.")
        kept = count_kept(person)
        staff = ", a staff account" if person.is_staff else ""
        self.stderr.write(
            f"{person.username}{staff}: {kept.interactions:,} interactions, {kept.lists:,} lists, "
            f"{kept.dislikes:,} dislikes. This cannot be undone."
        )
        if input("Type the username to erase it: ") != person.username:
            raise InvalidInput("That is another name. Nothing was erased.")
