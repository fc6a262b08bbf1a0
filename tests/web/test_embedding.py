"""The script for other sites' pages as it is served: small, loadable from anywhere, true to its tables."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.test import Client
from django.utils.module_loading import import_string

from core.domain import KINDS, REASONS

SCRIPT = settings.BASE_DIR / "static" / "heed.js"


def test_it_is_small() -> None:
    assert len(gzip.compress(SCRIPT.read_bytes(), 9)) < 4_800
    assert SCRIPT.stat().st_size < 12_800


def test_any_site_may_load_it() -> None:
    response = Client().get("/static/heed.js")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Cross-Origin-Resource-Policy" not in response.headers


def test_its_address_stays_the_same_in_production(tmp_path: Path) -> None:
    compressed = import_string("whitenoise.storage.CompressedManifestStaticFilesStorage")
    storage = compressed(location=tmp_path, base_url="/static/")
    source = StaticFilesStorage(location=SCRIPT.parent)
    with source.open("heed.js") as file:
        storage.save("heed.js", file)
    list(storage.post_process({"heed.js": (source, "heed.js")}))
    assert (tmp_path / "heed.js").read_bytes() == SCRIPT.read_bytes()
    assert (tmp_path / "heed.js.gz").exists()


def test_it_has_a_word_for_every_reason_and_action() -> None:
    source = SCRIPT.read_text()
    reasons = source[source.index("reasons: {") : source.index("},", source.index("reasons: {"))]
    assert dict(re.findall(r'(\w+): "([^"]+)"', reasons)) == {
        name: reason.label for name, reason in REASONS.items()
    }
    words = dict(re.findall(r'(\w+): "([^"]+)"', source[: source.index("reasons: {")]))
    assert {action for kind in KINDS.values() for action in kind.actions} <= words.keys()


@pytest.mark.parametrize(
    "parser", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
)
def test_nothing_in_it_parses_html(parser: str) -> None:
    assert parser not in SCRIPT.read_text()


def test_every_class_attribute_and_function_is_documented() -> None:
    source, page = SCRIPT.read_text(), (settings.BASE_DIR / "docs" / "how-to" / "embedding.md").read_text()
    classes = re.findall(r'make\((?:"\w+"|[^"]*"a" : "strong"), "(\w+)"', source)
    attributes = re.findall(r"\bheed([A-Z]\w+)", source)
    start = source.index("const Heed = {")
    functions = re.findall(
        r"^    (?:async )?(\w+)[(:,]", source[start : source.index("\n  };", start)], re.MULTILINE
    )
    assert (len({*classes}), len({*attributes}), len({*functions})) == (13, 6, 9)
    names = {f"heed-{name}" for name in classes} | {f"Heed.{name}" for name in functions}
    names |= {"data-heed" + re.sub("[A-Z]", lambda one: "-" + one[0].lower(), name) for name in attributes}
    assert {name for name in names if name not in page} == set()
