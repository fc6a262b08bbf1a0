"""The page of one's history from another service: a file, what was found, and the record."""

import re
from io import BytesIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from interactions.services import record_interaction
from search.state import forget_search
from tests.factories import make_user
from tests.web.conftest import MakeItem

PAGE = "/history/import/"
HEAD = "Date,Name,Year,Letterboxd URI,Rating"
FILE = (
    f"{HEAD}\n2021-05-03,Heat,1995,x,4.5\n2020-01-01,Ran,1985,x,1\n2020-01-01,Chaos,1985,x,3\n"
    "2020-01-01,Pinocchio,1980,x,3\n"
)


@pytest.fixture
def ada(client: Client, person: User, make_item: MakeItem) -> Client:
    forget_search()
    for title, year in (("Heat", 1995), ("Ran", 1985), ("Pinocchio", 1940), ("Dune", 2021)):
        make_item(title, year=year)
    client.force_login(person)
    return client


def send(client: Client, text: str | bytes = FILE, name: str = "ratings.csv") -> Any:
    data = text.encode() if isinstance(text, str) else text
    return client.post(PAGE, {"file": SimpleUploadedFile(name, data)})


def confirm(client: Client, page: Any, **more: object) -> Any:
    """Sends the form of the page as it stands, or as `more` changes it."""
    html = page.content.decode()
    fields: dict[str, object] = {"found": re.findall(r'name="found" value="([^"]*)"', html)[0]}
    fields["take"] = re.findall(r'name="take" value="(\d+)" checked', html)
    return client.post(PAGE, {**fields, **more})


def recorded() -> list[tuple[str, float | None]]:
    return list(UserInteraction.objects.order_by("item__title").values_list("item__title", "rating"))


class TestThePage:
    def test_it_is_linked_from_what_one_did_and_asks_for_a_file(self, ada: Client) -> None:
        for page in ("/history/", "/welcome/"):
            assertContains(ada.get(page), f'href="{PAGE}"')
        assertContains(ada.get(PAGE), 'type="file"')

    def test_visitors_log_in_first(self, client: Client, db: None) -> None:
        assertRedirects(client.get(PAGE), f"/accounts/login/?next={PAGE}")

    def test_it_shows_what_is_sure_what_is_in_doubt_and_what_is_not_here(self, ada: Client) -> None:
        page = send(ada)
        groups = {
            name: [line.found.entry.title for line in page.context[name]]
            for name in ("sure", "doubtful", "known", "unknown")
        }
        assert groups == {
            "sure": ["Heat", "Ran"],
            "doubtful": ["Pinocchio"],
            "known": [],
            "unknown": ["Chaos"],
        }
        assertContains(page, "another year")
        assertContains(page, "9 of 10")
        assertContains(page, '" checked> <span>', count=2)
        assert recorded() == []

    def test_what_is_ticked_is_recorded(self, ada: Client) -> None:
        page = send(ada)
        answer = confirm(ada, page)
        assertRedirects(answer, "/history/", fetch_redirect_response=False)
        assertContains(ada.get(answer["Location"]), "2 titles added to what you did.")
        assert recorded() == [("Heat", 9.0), ("Ran", 2.0)]

    def test_what_is_unticked_is_not(self, ada: Client) -> None:
        confirm(ada, send(ada), take=["1", "3", "99", "x", "-1", "9" * 5_000])
        assert recorded() == [("Pinocchio", 6.0), ("Ran", 2.0)]

    def test_a_typed_title_is_looked_up_and_shown_before_anything_is_recorded(self, ada: Client) -> None:
        page = confirm(ada, send(ada), **{"is-0": "Dune (2021)", "is-2": "Ram", "is-1": "Pinocchio"})
        assert page.status_code == 200
        assert recorded() == []
        assertContains(page, "Nothing here is called “Ram”.")
        assert {line.item.title for line in page.context["sure"]} == {"Dune", "Pinocchio"}
        confirm(ada, page)
        assert recorded() == [("Dune", 9.0), ("Pinocchio", 2.0)]

    def test_the_same_file_twice_changes_nothing(self, ada: Client) -> None:
        confirm(ada, send(ada))
        before = list(UserInteraction.objects.values())
        page = send(ada)
        assertContains(page, "2 already in what you did")
        confirm(ada, page)
        confirm(ada, page, take=["0", "1"])
        assert list(UserInteraction.objects.values()) == before

    def test_titles_are_shown_as_text(self, ada: Client) -> None:
        page = send(ada, f"{HEAD}\n2021-05-03,<script>alert(1)</script>,1995,x,4.5\n")
        assertNotContains(page, "<script>alert")
        assertContains(page, "&lt;script&gt;alert(1)&lt;/script&gt;")

    def test_looking_and_recording_take_as_many_queries_for_many_titles(
        self, ada: Client, make_item: MakeItem
    ) -> None:
        for number in range(40):
            make_item(f"Film number {number}", year=2000)
        forget_search()
        # Somebody's first act is noted by a query of its own.
        confirm(ada, send(ada, f"{HEAD}\n2021-05-03,Film number 39,2000,x,4\n"))
        counts = []
        for titles in (range(2), range(2, 39)):
            rows = "".join(f"2021-05-03,Film number {number},2000,x,4\n" for number in titles)
            with CaptureQueriesContext(connection) as queries:
                confirm(ada, send(ada, f"{HEAD}\n{rows}"))
            counts.append(len(queries))
        assert counts[0] == counts[1]
        assert len(recorded()) == 40


class TestHostility:
    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (b"", "is empty."),
            (b"PK\x03\x04rest", "is a zip archive, not text."),
            (b"<html><title>Log in", "is a web page."),
            (b"Title,Date\nCaf\xe9,1/1/20", "is not valid UTF-8."),
            (b"a,b\n1,2", "is none of the files that are known here."),
        ],
    )
    def test_a_file_that_is_none_is_refused_in_a_sentence(
        self, ada: Client, data: bytes, sentence: str
    ) -> None:
        assertContains(send(ada, data), sentence, status_code=400)

    def test_a_file_above_the_limit_is_read_past(self, ada: Client, settings: LazySettings) -> None:
        settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000
        assertContains(send(ada, f"{HEAD}\n" + "x" * 2_000), "That file is too large.", status_code=400)

    def test_no_file_reaches_the_disk(self, ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise AssertionError

        monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
        big = BytesIO(b"x" * 6_000_000)
        big.name = "big.csv"
        assert ada.post(PAGE, {"file": big}).status_code == 400

    def test_without_a_file_it_asks_for_one(self, ada: Client) -> None:
        assertContains(ada.post(PAGE, {"file": "text"}), "Choose a file first.", status_code=400)

    @pytest.mark.parametrize("found", ["", "x", "eJwx:1abc:def", "\0"])
    def test_what_the_page_did_not_sign_is_refused(self, ada: Client, found: str) -> None:
        assertContains(ada.post(PAGE, {"found": found}), "Choose the file once more.", status_code=400)

    def test_what_was_found_for_one_person_is_for_them(self, ada: Client) -> None:
        page = send(ada)
        other = Client()
        other.force_login(make_user("bob"))
        assertContains(confirm(other, page), "Choose the file once more.", status_code=400)
        assert recorded() == []

    def test_it_is_limited(self, ada: Client, settings: LazySettings) -> None:
        settings.RATE_LIMIT_FACTOR = 1.0
        settings.RATE_LIMITS = ["imports=2/60"]
        assert [send(ada).status_code for _ in range(3)] == [200, 200, 429]

    def test_what_one_said_here_since_is_told_apart(self, ada: Client, person: User) -> None:
        heat = Item.objects.get(title="Heat")
        record_interaction(user_id=person.pk, item_id=heat.pk, type_name="watched", rating=3.0)
        answer = confirm(ada, send(ada))
        assertContains(ada.get(answer["Location"]), "1 title added to what you did. 1 stood there already.")
