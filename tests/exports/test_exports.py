"""Exports: what they write is read back to the same, in every format and at every sort of address."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Facet, Item, ItemFacet
from core.domain import USE_CASES
from exports import writing
from feedback.models import Dislike, FeatureAdjustment
from feedback.services import save_dislike, undo_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction, withdraw_state
from recommendations.models import RecommendationSession
from serving.pipeline import recommend
from tests.factories import allow, make_active_als, make_interaction, make_item, make_items, make_user
from tests.imports.helpers import refusal, run

pytestmark = pytest.mark.django_db

_OF_A_DISLIKE = "reason, feedback_text, about, title_only belong to a dislike, not to like"


def catalog() -> list[Any]:
    """The catalog by everything that an app can say of it."""
    columns = [
        field.name for field in Item._meta.fields if field.name not in ("id", "created_at", "changed_at")
    ]
    facets = ItemFacet.objects.order_by("item__external_id", "facet__kind", "billing").values_list(
        "item__external_id", "facet__kind", "facet__name", "billing"
    )
    return [*Item.objects.order_by("external_id").values_list(*columns), *facets]


def log() -> list[Any]:
    columns = (
        "user__username",
        "item__external_id",
        "type",
        "rating",
        "weight",
        "occurred_at",
        "withdrawn_at",
    )
    return list(
        UserInteraction.objects.order_by("user__username", "occurred_at", "type").values_list(*columns)
    )


@pytest.fixture
def odd_items() -> list[Item]:
    return [
        make_item("plain", genres=["Drama", "War, cold"]),
        make_item(
            'A "quoted", title',
            genres=["a|b"],
            original_title="미생",
            year=1999,
            description="Two\r\nlines, and\ra third with ; and |",
            published_at=datetime(1999, 5, 6, 7, 8, 9, 123456, tzinfo=UTC),
            url="https://example.org/?a=1,2",
            attributes={"runtime": 120, "rated": True, "languages": ["de", "fr|ch"], "score": 7.5},
            is_active=False,
        ),
        make_item("[bracket]", kind="drama", is_synthetic=True),
    ]


@pytest.mark.parametrize("name", ["items.csv", "items.jsonl", "items.csv.gz", "items.parquet"])
def test_items_are_read_back_to_the_same(tmp_path: Path, odd_items: list[Item], name: str) -> None:
    before = catalog()
    written = run("export_items", tmp_path / name)
    assert (written["rows"], written["format"]) == (3, name.split(".")[1])
    assert written["bytes"] == (tmp_path / name).stat().st_size > 0
    assert run("import_items", tmp_path / name)["unchanged"] == 3
    Item.objects.all().delete()
    Facet.objects.all().delete()
    assert run("import_items", tmp_path / name)["created"] == 3
    assert catalog() == before


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_interactions_are_read_back_to_the_same(tmp_path: Path, person: User, name: str) -> None:
    first, second, third = make_items(3)
    make_interaction(person, first, "watched", day=1, rating=8.5)
    make_interaction(person, first, "view", day=2)
    make_interaction(person, third, "like", day=3)
    for item in (first, second):
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    withdraw_state(user_id=person.pk, item_id=second.pk, type_name="like")
    record_interaction(user_id=person.pk, item_id=second.pk, type_name="like")
    record_interaction(user_id=person.pk, item_id=second.pk, type_name="watchlist_add")
    record_interaction(user_id=person.pk, item_id=second.pk, type_name="watchlist_remove")
    record_interaction(user_id=make_user("bob").pk, item_id=first.pk, type_name="dislike")
    run("export_interactions", tmp_path / name)
    assert run("import_interactions", tmp_path / name)["created"] == 0
    before = log()
    assert sum(row[-1] is not None for row in before) == 2
    UserInteraction.objects.all().delete()
    # Weights of ratings are weighed anew by an import; everything else is in the file.
    assert run("import_interactions", tmp_path / name)["created"] == len(before) == 9
    assert [row[:4] + row[5:] for row in log()] == [row[:4] + row[5:] for row in before]


def said() -> list[Any]:
    columns = ("reason", "feedback_text", "title_only", "about__kind", "about__name", "review_state")
    rows = Dislike.objects.order_by("user__username", "item__external_id", "created_at")
    return list(
        rows.values_list(
            "user__username", "item__external_id", "created_at", "interaction__withdrawn_at", *columns
        )
    )


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_what_was_said_with_a_no_comes_to_another_installation(
    tmp_path: Path, person: User, ending: str
) -> None:
    items = [make_item(f"Film {number}", genres=["Crime", "War"]) for number in range(5)]
    other = make_user("bob")
    crime = Facet.objects.get(kind="genre", name="Crime")
    save_dislike(user_id=person.pk, item=items[0], reason="wrong_genre", feedback_text='Two\nlines, "so"')
    save_dislike(user_id=person.pk, item=items[1], reason="other", about=crime)
    save_dislike(user_id=person.pk, item=items[2], reason="poor_quality", title_only=True)
    taken_back = save_dislike(user_id=person.pk, item=items[3], reason="already_watched")
    undo_dislike(user_id=person.pk, dislike_id=taken_back.dislike.pk)
    save_dislike(user_id=other.pk, item=items[3])
    record_interaction(user_id=other.pk, item_id=items[4].pk, type_name="like")
    Dislike.objects.update(review_state="imported")
    before = (catalog(), log(), said())
    for table in ("items", "interactions"):
        run(f"export_{table}", tmp_path / f"{table}.{ending}")
    UserInteraction.objects.all().delete()
    Item.objects.all().delete()
    Facet.objects.all().delete()
    User.objects.all().delete()
    assert not Dislike.objects.exists()
    run("import_items", tmp_path / f"items.{ending}")
    assert run("import_interactions", tmp_path / f"interactions.{ending}")["created"] == 6
    assert (catalog(), log(), said()) == before
    assert {row.context_source for row in Dislike.objects.all()} == {"import"}
    held_back = FeatureAdjustment.objects.filter(dislike__about__name="Crime")
    assert [(row.facet.name, row.delta < 0) for row in held_back] == [("Crime", True)]
    assert not FeatureAdjustment.objects.filter(dislike__title_only=True).exists()
    genre = FeatureAdjustment.objects.filter(dislike__reason="wrong_genre")
    assert {row.facet.name for row in genre} == {"Crime", "War"}
    # Again is harmless, and what a person says later does not undo what they said before.
    assert run("import_interactions", tmp_path / f"interactions.{ending}")["unchanged"] == 6
    ann = User.objects.get(username=person.username)
    again = save_dislike(user_id=ann.pk, item=Item.objects.get(title="Film 1"), reason="irrelevant")
    assert (again.created, again.dislike.reason) == (False, "other")


@pytest.mark.parametrize(
    ("said_of", "why"),
    [
        ({"reason": "boredom"}, "reason must be one of"),
        ({"reason": 7}, "reason must be one of"),
        ({"feedback_text": "x" * 2001}, "feedback_text has 2,001 characters"),
        ({"about": "Crime"}, "about must be a kind of facet and a name"),
        ({"about": "boat:Crime"}, "about must be a kind of facet and a name"),
        ({"about": "genre:Unheard"}, "about: there is no facet 'genre:Unheard'"),
        ({"about": ["genre:Crime"]}, "about must be text"),
        ({"title_only": "perhaps"}, "title_only must be true or false"),
        ({"type": "like", "reason": "other"}, _OF_A_DISLIKE),
        ({"type": "like", "title_only": False}, _OF_A_DISLIKE),
    ],
)
def test_a_bad_word_beside_a_no_is_one_bad_row(tmp_path: Path, said_of: dict[str, Any], why: str) -> None:
    item = make_item(genres=["Crime"])
    good = {"user": "ann", "item": item.external_id, "type": "dislike", "occurred_at": "2020-01-02T00:00:00Z"}
    path = tmp_path / "log.jsonl"
    bad = {**good, "user": "bob", **said_of}
    path.write_text(f"{json.dumps({**good, 'about': 'genre:Crime'})}\n{json.dumps(bad)}\n")
    assert f"log.jsonl:2: {why}" in refusal("import_interactions", path)
    assert not UserInteraction.objects.exists()
    summary = run("import_interactions", path, "--max-errors", "1")
    assert (summary["created"], summary["bad_rows"], summary["new_users"]) == (1, 1, 1)
    assert Dislike.objects.get().about == Facet.objects.get(name="Crime")


def test_an_end_before_the_beginning_or_of_taking_back_is_a_bad_row(tmp_path: Path) -> None:
    item = make_item()
    begin = "2020-01-02T00:00:00Z"
    rows = [
        ("like", "2020-01-01T00:00:00Z", "is before"),
        ("watchlist_remove", "2020-01-03T00:00:00Z", "not to watchlist_remove"),
    ]
    for type_name, end, reason in rows:
        path = tmp_path / "bad.csv"
        path.write_text(
            f"user,item,type,occurred_at,withdrawn_at\nann,{item.external_id},{type_name},{begin},{end}\n"
        )
        assert reason in refusal("import_interactions", path)


def test_a_file_of_parquet_has_the_types_of_the_columns(odd_items: list[Item]) -> None:
    address = "memory://exports/items.parquet"
    assert run("export_items", address, "--kind", "movie")["rows"] == 2
    with fsspec.open(address, "rb") as file:
        rows = pq.read_table(file).to_pylist()
    assert rows[1]["published_at"] == odd_items[1].published_at
    assert rows[1]["genres"] == ["a|b"]
    assert json.loads(rows[1]["attributes"]) == odd_items[1].attributes
    assert rows[0]["year"] is None


def test_a_file_address_takes_the_name_when_it_is_whole(
    tmp_path: Path, odd_items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "items.jsonl"
    run("export_items", f"file://{path}")
    whole = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0

    def fails(*_: object) -> None:
        raise RuntimeError("midway")

    monkeypatch.setattr(writing, "as_json", fails)
    for address in (f"file://{path}", "memory://exports/never.jsonl"):
        with pytest.raises(RuntimeError):
            run("export_items", address)
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]
    assert not fsspec.filesystem("memory").exists("/exports/never.jsonl")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("nowhere/items.csv", "No such file"),
        ("items.txt", "name the format"),
        ("items.parquet.gz", "packed already"),
        ("ftps+never://host/items.csv", "cannot be written"),
        ("https://127.0.0.1:1/items.csv", "cannot be written"),
    ],
)
def test_an_address_that_takes_nothing_is_named(address: str, says: str) -> None:
    assert says in refusal("export_items", address)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_lists_are_read_back_and_a_file_of_parquet_says_more(
    tmp_path: Path, person: User, ending: str
) -> None:
    items = make_items(4)
    make_active_als([[item.pk for item in items]])
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=3)
    shown = served.slots[1].item.id
    record_interaction(user_id=person.pk, item_id=shown, type_name="like", session_id=served.session_id)
    assert run("export_sessions", tmp_path / f"lists.{ending}")["rows"] == 3
    run("export_sessions", tmp_path / "lists.parquet")
    more = pq.read_table(tmp_path / "lists.parquet").to_pylist()
    assert [row["rank"] for row in more] == [1, 2, 3]
    assert more[0]["model_version"] == served.model_version
    assert [row["action"] for row in more] == [None, "like", None]
    UserInteraction.objects.all().delete()
    RecommendationSession.objects.all().delete()
    summary = run("import_sessions", tmp_path / f"lists.{ending}")
    assert (summary["created"], summary["interactions"]) == (1, 1)
    session = RecommendationSession.objects.get(pk=served.session_id)
    assert [slot["item_id"] for slot in session.recommendations_shown] == [s.item.id for s in served.slots]
    assert UserInteraction.objects.get().recommendation_rank == 2


def test_dislikes_come_with_their_reason(tmp_path: Path, person: User) -> None:
    item = make_item("Never again")
    save_dislike(user_id=person.pk, item=item, reason="poor_quality", feedback_text="=1+1")
    run("export_dislikes", tmp_path / "d.csv.gz")
    with gzip.open(tmp_path / "d.csv.gz", "rt", newline="") as file:
        (row,) = csv.DictReader(io.StringIO(file.read()))
    assert (row["user"], row["item"], row["reason"]) == (person.username, item.external_id, "poor_quality")
    assert row["withdrawn_at"] == ""


@pytest.mark.parametrize("name", ["d.csv", "d.csv.gz"])
def test_an_inert_file_holds_no_formula_whichever_separator_a_spreadsheet_chooses(
    tmp_path: Path, person: User, name: str
) -> None:
    said = ["=1+1", "x;=cmd|'/C calc'!A0", "＝1", "\t@SUM(A1)", 'a\n"-2+3', "fine"]
    for text in said:
        save_dislike(user_id=person.pk, item=make_item("=Title"), reason="other", feedback_text=text)
    path = tmp_path / name
    run("export_dislikes", path, "--inert")
    data = path.read_bytes()
    written = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    for separator in ";\t|":
        pieces = [piece.strip(' "') for line in written.splitlines() for piece in line.split(separator)]
        assert not [piece for piece in pieces if piece.startswith(tuple("=+-@＝"))]
    assert '"fine"' in written
    assert "--inert is for CSV" in refusal("export_dislikes", tmp_path / "d.jsonl", "--inert")


def test_everybodys_list_is_the_one_that_would_be_served(tmp_path: Path, person: User) -> None:
    items = make_items(6)
    make_active_als([[item.pk for item in items]])
    other = make_user("bob")
    make_user("gone", is_active=False)
    make_user("boss", is_staff=True)
    make_interaction(person, items[0], "like")
    make_interaction(other, items[3], "dislike")
    path = tmp_path / "all.parquet"
    assert run("export_recommendations", path, "--limit", 3)["rows"] == 6
    assert not RecommendationSession.objects.exists()
    rows = pq.read_table(path).to_pylist()
    for someone in (person, other):
        served = recommend(user_id=someone.pk, use_case=USE_CASES["movie_home"], limit=3)
        mine = [row for row in rows if row["user"] == someone.username]
        assert [row["item"] for row in mine] == [slot.item.external_id for slot in served.slots]
        assert [row["score"] for row in mine] == pytest.approx([slot.score for slot in served.slots])
        assert {row["model_version"] for row in mine} == {served.model_version}


def test_lists_of_a_role_are_only_of_who_has_it(tmp_path: Path, person: User) -> None:
    make_items(2, kind="startup")
    make_user("dev", roles=["developer"])
    path = tmp_path / "dev.jsonl"
    run("export_recommendations", path, "--use-case", "developer_startup")
    assert {json.loads(line)["user"] for line in path.read_text().splitlines()} == {"dev"}


class TestPages:
    """The same by HTTP, for an app that runs no command."""

    @pytest.fixture
    def app(self, person: User) -> APIClient:
        client = APIClient()
        token = issue_service_token(user=make_user("the-app"), may_act_for_others=True)
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return client

    def test_pages_end_and_hold_each_row_once(self, app: APIClient, odd_items: list[Item]) -> None:
        rows, cursor = [], 0
        while cursor is not None:
            answer = app.get(f"/api/export/items?limit=2&cursor={cursor}").json()
            rows += answer["rows"]
            cursor = answer["next"]
        assert [row["title"] for row in rows] == [item.title for item in odd_items]
        assert rows[1]["attributes"] == odd_items[1].attributes

    def test_interactions_and_dislikes_are_there_too(self, app: APIClient, person: User) -> None:
        item = make_item(kind="drama")
        save_dislike(user_id=person.pk, item=item, reason="wrong_genre")
        (done,) = app.get("/api/export/interactions").json()["rows"]
        assert (done["user"], done["type"], done["withdrawn_at"]) == (person.username, "dislike", None)
        assert done["reason"] == "wrong_genre"
        (dislike,) = app.get("/api/export/dislikes?kind=drama").json()["rows"]
        assert dislike["reason"] == "wrong_genre"
        assert app.get("/api/export/dislikes?kind=movie").json() == {"rows": [], "next": None}

    @pytest.mark.parametrize(
        "query", ["cursor=-1", "cursor=x", "limit=0", "kind=boat", "cursor=9" + "9" * 30, "a=1"]
    )
    def test_what_cannot_be_meant_is_a_400(self, app: APIClient, query: str) -> None:
        assert app.get(f"/api/export/items?{query}").status_code == 400

    def test_nobody_else_reads_them(self, app: APIClient, api: APIClient, person: User, staff: User) -> None:
        for name in ("items", "interactions", "dislikes"):
            assert api.get(f"/api/export/{name}").status_code == 403
            assert APIClient().get(f"/api/export/{name}").status_code in (401, 403)
            assert app.get(f"/api/export/{name}", HTTP_X_USER_ID=str(person.pk)).status_code == 403
        allow(staff, "view_item")
        page = APIClient()
        page.force_login(staff)
        assert page.get("/api/export/items").status_code == 200
        assert page.get("/api/export/dislikes").status_code == 403

    def test_what_was_said_with_a_no_is_for_who_may_see_dislikes(self, person: User, staff: User) -> None:
        save_dislike(user_id=person.pk, item=make_item(), reason="other", feedback_text="private words")
        allow(staff, "view_userinteraction")
        page = APIClient()
        page.force_login(staff)
        (row,) = page.get("/api/export/interactions").json()["rows"]
        assert row["type"] == "dislike"
        assert not {"reason", "feedback_text", "about", "title_only"} & set(row)
        allow(staff, "view_dislike")
        page.force_login(User.objects.get(pk=staff.pk))
        (row,) = page.get("/api/export/interactions").json()["rows"]
        assert (row["feedback_text"], row["about"], row["title_only"]) == ("private words", None, False)
