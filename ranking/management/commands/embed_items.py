"""`manage.py embed_items`: vectors of what items say of themselves, for models of the kind `text`."""

from argparse import ArgumentParser
from typing import Any

from core.commands import HeedCommand
from ranking.recommenders.text.embed import Embedded, embed_items, encoder
from ranking.registry.locks import training_lock


class Command(HeedCommand):
    help = "Embed the descriptions of items that are new or have changed, by the model at TEXT_MODEL."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="embed all anew, and turn them to axes anew")

    def run(self, options: dict[str, Any]) -> Embedded:
        with training_lock("embed-items"), self.progress(options, "embed_items", unit="items") as progress:
            name, encode = encoder()
            return embed_items(name, encode, everything=options["all"], progress=progress)
