"""docs/tutorials/your-own-catalog.md: a bookshop from two files to lists that heed a no."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.docs.examples import Shell, examples_of
from tests.docs.pages import ROOT, Block, blocks_of
from tests.docs.test_readme import serving

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "tutorials" / "your-own-catalog.md"
MORE_READERS = 16
STRANGE = re.compile(r"\b(?:films?|movies?|dramas?|start-ups?|genres?|actors?|directors?)\b", re.IGNORECASE)


def only(language: str) -> list[Block]:
    return [block for block in blocks_of(PAGE) if block.language == language]


@pytest.fixture
def environment(
    tmp_path: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[dict[str, str]]:
    """The files of the page in a folder, and a database of their own on the server of the tests."""
    (config,), (items, interactions) = only("toml"), only("csv")
    (tmp_path / "books.toml").write_text(config.text, encoding="utf-8")
    (tmp_path / "items.csv").write_text(items.text, encoding="utf-8")
    (tmp_path / "interactions.csv").write_text(interactions.text, encoding="utf-8")
    places = {name: str(tmp_path / name) for name in ("MODEL_DIR", "DATASET_DIR", "REPORT_DIR", "LOCK_DIR")}
    own = {**os.environ, **places, "HEED_CONFIG": str(tmp_path / "books.toml"), "DEBUG": "1"}
    if connection.vendor != "postgresql":
        yield {**own, "DATABASE_URL": f"sqlite:///{tmp_path / 'books.sqlite3'}"}
        return
    place = connection.settings_dict
    name = f"{place['NAME']}_books"
    address = f"{place['USER']}:{place['PASSWORD']}@{place['HOST']}:{place['PORT'] or 5432}"
    with django_db_blocker.unblock():
        on_the_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        try:
            yield {**own, "DATABASE_URL": f"postgres://{address}/{name}"}
        finally:
            on_the_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def on_the_server(*statements: str) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def manage(environment: dict[str, str], *arguments: str, folder: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.django_db
def test_the_page_makes_a_bookshop(environment: dict[str, str], tmp_path: Path) -> None:
    (commands,) = only("sh")
    export, *lines, server = commands.text.splitlines()
    assert export == "export HEED_CONFIG=$PWD/books.toml"
    assert server == "manage.py runserver"
    outputs = [manage(environment, *line.split()[1:], folder=tmp_path) for line in lines]
    token = outputs[-1].strip()
    with serving(f"python {server}", environment) as address:
        shell = Shell({**environment, "HOST": address, "TOKEN": token})
        examples = [one for block in only("console") for one in examples_of(block.text)]
        assert len(examples) == 9
        for example in examples:
            shell.run(example)
    see_pages(environment)
    train(environment, tmp_path)


def see_pages(environment: dict[str, str]) -> None:
    """The pages and the admin speak of books, subjects and authors, and of nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.bookshop"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    pages = json.loads(done.stdout)
    assert "Your next book" in pages["landing"]
    assert "--light-accent: #1d5c4d" in pages["landing"]
    assert "Emma is on your wishlist." in pages["wished"]
    assert "Emma is off your wishlist." in pages["unwished"]
    assert "You read Emma." in pages["read"]
    assert "You read it. Your rating:" in pages["read"]
    assert "Jane Eyre will not be shown to you again." in pages["turned_down"]
    assert "Not my subject" in pages["/"]
    assert "Wishlist" in pages["/watchlist/"]
    assert "Flatland" in pages["/watchlist/"]
    assert "Persuasion" in pages["/search/?q=books+by+jane+austen"]
    assert "The Moonstone" in pages["/search/?subject=Mystery"]
    assert "wishlist_remove" in pages["types"]
    assert "Subjects" in pages["/taste/"]
    said = "".join(text for name, text in pages.items() if name not in ("types", "schema"))
    words = re.sub(r"<(?:script|style|svg)\b.*?</(?:script|style|svg)>|<[^>]*>", " ", said, flags=re.DOTALL)
    assert not set(STRANGE.findall(words))
    assert set(json.loads(pages["schema"])["components"]["schemas"]["Boost"]["properties"]) == {
        "subject",
        "author",
        "dislikes",
        "seen",
        "asked",
        "curated",
    }


def train(environment: dict[str, str], tmp_path: Path) -> None:
    """Test that the books people read and wish for train a model that serves."""
    rows = [
        f"more-{reader},b{book},{('wishlist', 'read')[reader % 2]},{1_780_000_000 + 3_600 * (reader + book)}"
        for reader in range(MORE_READERS)
        for book in range(1, 13)
        if (book <= 6) == (reader % 2 == 0) and (book + reader) % 3
    ]
    log = tmp_path / "more.csv"
    log.write_text("\n".join(["user,item,type,occurred_at", *rows]), encoding="utf-8")
    manage(environment, "import_interactions", str(log))
    manage(environment, "generate_als_dataset")
    trained = json.loads(manage(environment, "train_als", "--factors", "4", "--seed", "0", "--json"))
    manage(environment, "activate_model", trained["version"])
