"""Every address is documented: those of the API with their methods, and those of pages."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver
from rest_framework.views import APIView

from config import urls
from profiles.api import FeedbackView
from tests.docs.pages import ROOT, expect_none, read

METHODS = ("get", "post", "put", "patch", "delete")
# `GET /api/profile/<user_id>`, or `GET` and `DELETE /api/profile/<user_id>`.
HEADING = re.compile(r"^### (.*?)(/[^`\s]*)`$", re.MULTILINE)


def without_names(address: str) -> str:
    """`/api/<kinds:kind>/<id:item_id>` and `/api/<kind>s/<id>` are the same: `/api/<>s/<>`."""
    return re.sub(r"<[^>]*>", "<>", address.replace("<kinds:kind>", "<kind>s"))


def of_the_api() -> set[str]:
    found = set()
    for pattern in [*urls.api, *_outside_the_api()]:
        view = getattr(pattern.callback, "cls", None)
        if view is None or not issubclass(view, APIView):
            continue
        before = "/api/" if pattern in urls.api else "/"
        address = without_names(before + str(pattern.pattern))
        found |= {f"{method.upper()} {address}" for method in METHODS if hasattr(view, method)}
    return found - {"GET /docs", "GET /redoc"}


def _outside_the_api() -> list[URLPattern]:
    return [one for one in urls.urlpatterns if isinstance(one, URLPattern) and one not in urls.at_the_root]


def documented_in_api() -> Iterator[str]:
    for words, address in HEADING.findall(read(ROOT / "docs" / "reference" / "api.md")):
        for method in re.findall(r"[A-Z]+", words):
            yield f"{method} {without_names(address)}"


def test_every_address_of_the_api_has_its_heading() -> None:
    documented = list(documented_in_api())
    expect_none(of_the_api() - set(documented), "no heading in docs/reference/api.md")
    expect_none(set(documented) - of_the_api(), "a heading in docs/reference/api.md for what is not there")
    assert len(documented) == len(set(documented)), "two headings in docs/reference/api.md for the same"


def _outside_the_root() -> list[Any]:
    return [one for one in get_resolver().url_patterns if one not in urls.at_the_root]


def test_the_addresses_without_api_are_listed_with_what_they_are() -> None:
    views = {without_names(f"/api/{one.pattern}"): getattr(one.callback, "cls", None) for one in urls.api}
    page = read(ROOT / "docs" / "reference" / "api.md")
    table = page.partition("## Without `/api`")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([^`?]*)[^|]* \| [^|]*?(/api/[^`]*)` *[|;]", table, re.MULTILINE))
    at_the_root = {f"/{one.pattern}": getattr(one.callback, "cls", None) for one in urls.at_the_root}
    listed = {without_names(address): views[without_names(of)] for address, of in rows.items()}
    assert listed.pop("/feedback") is FeedbackView
    assert listed == {without_names(address): view for address, view in at_the_root.items()}


def of_pages() -> set[str]:
    patterns = [*_outside_the_root(), *get_resolver("web.urls").url_patterns]
    return {without_names(f"/{one.pattern}") for one in patterns} - {"/api/"}


def test_every_page_is_described() -> None:
    addresses = of_pages()
    named = re.findall(r"^\| (.*?) \|", read(ROOT / "docs" / "reference" / "pages.md"), re.MULTILINE)
    documented = {without_names(address) for cell in named for address in re.findall(r"`(/[^`]*)`", cell)}
    expect_none(addresses - documented, "missing in docs/reference/pages.md")
    expect_none(documented - addresses, "in docs/reference/pages.md, but not there")
