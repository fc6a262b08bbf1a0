"""`import_interactions`, through the command, on whichever database the suite runs."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES
from core.values import TAKEN
from imports import interaction_merge, staging
from imports import interactions as importers
from interactions.models import ItemPopularity, UserInteraction
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction, withdraw_state
from tests.imports.helpers import json_lines, refusal, run, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def items() -> list[Item]:
    return Item.objects.bulk_create(
        [Item(kind="movie", external_id=str(number), title=f"Film {number}") for number in range(1, 6)]
        + [Item(kind="startup", external_id="1", title="Start-up 1")]
    )


def row(
    type_name: str, day: int, *, user: str = "ann", item: object = 1, **more: object
) -> dict[str, object]:
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return {"user": user, "item": item, "type": type_name, "occurred_at": moment.isoformat(), **more}


def history(type_name: str) -> list[tuple[int, float | None, int | None]]:
    """(day, rating, day of withdrawal) of every row of a type, oldest first."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = UserInteraction.objects.filter(type=type_name).order_by("occurred_at")
    return [
        (
            (each.occurred_at - start).days,
            each.rating,
            (each.withdrawn_at - start).days if each.withdrawn_at else None,
        )
        for each in rows
    ]


def everything() -> list[tuple[Any, ...]]:
    return list(UserInteraction.objects.order_by("pk").values_list())


def test_every_column_is_stored_and_people_are_created_without_a_password(tmp_path: Path) -> None:
    path = write(
        tmp_path / "i.csv",
        "user,item,kind,type,occurred_at,rating\n"
        "ann,1,,watched,2020-01-01T12:00:00+02:00,8\n"
        "ann,1,startup,apply,1577836800,\n"
        "bob,2,movie,view,1577836800.5,\n",
    )
    summary = run("import_interactions", path)
    assert summary == {
        "rows": 3, "created": 3, "replaced": 0, "unchanged": 0, "new_users": 2, "bad_rows": 0, "reports": [],
    }  # fmt: skip
    rows = UserInteraction.objects.values_list(
        "user__username", "item__kind", "type", "rating", "occurred_at", "withdrawn_at", "weight"
    )
    new_year = datetime(2020, 1, 1, tzinfo=UTC)
    assert {(*values, round(weight, 6)) for *values, weight in rows} == {
        ("ann", "movie", "watched", 8.0, new_year + timedelta(hours=10), None, 1.8),
        ("ann", "startup", "apply", None, new_year, None, 3.0),
        ("bob", "movie", "view", None, new_year + timedelta(milliseconds=500), None, 0.5),
    }
    assert not User.objects.get(username="ann").has_usable_password()
    assert ItemPopularity.objects.filter(use_case="movie_home").count() == 2


@pytest.mark.parametrize(
    "written",
    ["2024-05-31T20:15:00Z", "2024-05-31 22:15:00+02:00", "20240531T201500Z", "1717186500", 1717186500,
     1717186500.0, "1717186500000", 1717186500000, "1717186500000000", 1717186500000000],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_moment_is_the_same_in_every_notation(tmp_path: Path, written: object, ending: str) -> None:
    if ending == "csv":
        path = write(tmp_path / "i.csv", f"user,item,type,occurred_at\nann,1,view,{written}\n")
    else:
        path = json_lines(tmp_path / "i.jsonl", {**row("view", 1), "occurred_at": written})
    assert run("import_interactions", path)["created"] == 1
    assert UserInteraction.objects.get().occurred_at == datetime(2024, 5, 31, 20, 15, tzinfo=UTC)


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    rows = [row(name, day) for name in TAKEN["movie"].names for day in (1, 5)]
    path = json_lines(tmp_path / "i.jsonl", *rows, *rows)
    first = run("import_interactions", path)
    assert first["created"] + first["unchanged"] == 2 * len(rows)
    before = everything()
    again = run("import_interactions", path)
    assert (again["created"], again["replaced"], again["new_users"]) == (0, 0, 0)
    assert again["unchanged"] == 2 * len(rows)
    assert everything() == before


@pytest.mark.parametrize("days", [(1, 3, 5), (5, 3, 1), (3, 5, 1)])
@pytest.mark.parametrize("files", [1, 3], ids=["one file", "a file each"])
def test_the_newest_rating_is_active_in_whatever_order_they_come(
    tmp_path: Path, days: tuple[int, ...], files: int
) -> None:
    rows = [row("watched", day, rating=day) for day in days]
    for part in [rows] if files == 1 else [[each] for each in rows]:
        run("import_interactions", json_lines(tmp_path / "i.jsonl", *part))
    assert [(day, rating) for day, rating, _ in history("watched")] == [(1, 1.0), (3, 3.0), (5, 5.0)]
    assert [ended is None for _, _, ended in history("watched")] == [False, False, True]


def test_a_second_like_changes_nothing_and_one_taken_back_stays_so(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "i.jsonl", row("like", 1), row("like", 3))
    summary = run("import_interactions", path)
    assert (summary["created"], summary["unchanged"]) == (1, 1)
    assert history("like") == [(1, None, None)]
    user, item = User.objects.get(), Item.objects.get(kind="movie", external_id="1")
    withdraw_state(user_id=user.pk, item_id=item.pk, type_name="like")
    earlier = json_lines(tmp_path / "earlier.jsonl", row("like", 0), row("like", 2))
    assert run("import_interactions", path)["created"] == 0
    assert run("import_interactions", earlier)["created"] == 0
    assert not UserInteraction.objects.filter(type="like", withdrawn_at=None).exists()


def test_a_like_after_one_that_was_taken_back_is_a_new_one(tmp_path: Path) -> None:
    run("import_interactions", json_lines(tmp_path / "1.jsonl", row("like", 1)))
    UserInteraction.objects.update(withdrawn_at=datetime(2020, 1, 5, tzinfo=UTC))
    summary = run("import_interactions", json_lines(tmp_path / "2.jsonl", row("like", 2), row("like", 8)))
    assert (summary["created"], summary["unchanged"]) == (1, 1)
    assert history("like") == [(1, None, 4), (8, None, None)]


def test_a_look_that_was_taken_back_comes_so_and_is_no_demand(tmp_path: Path) -> None:
    ended = datetime(2020, 1, 5, tzinfo=UTC).isoformat()
    looks = [row("view", 1, withdrawn_at=ended), row("click", 2, withdrawn_at=ended), row("view", 3)]
    run("import_interactions", json_lines(tmp_path / "1.jsonl", *looks))
    assert history("view") == [(1, None, 4), (3, None, None)]
    assert history("click") == [(2, None, 4)]
    of_all = ItemPopularity.objects.get(use_case="movie_home").score
    UserInteraction.objects.exclude(withdrawn_at=None).delete()
    refresh_popularity(use_case="movie_home")
    assert of_all == pytest.approx(ItemPopularity.objects.get(use_case="movie_home").score)


def test_a_rating_given_here_stays_active_over_an_older_one_of_a_file(tmp_path: Path) -> None:
    user = User.objects.create(username="ann")
    item = Item.objects.get(kind="movie", external_id="1")
    record_interaction(user_id=user.pk, item_id=item.pk, type_name="watched", rating=9)
    run("import_interactions", json_lines(tmp_path / "i.jsonl", row("watched", 1, rating=2)))
    active = UserInteraction.objects.get(type="watched", withdrawn_at=None)
    assert active.rating == 9.0
    assert UserInteraction.objects.filter(type="watched").count() == 2


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("files", [1, 3], ids=["one file", "a file each"])
def test_leaving_the_watchlist_ends_an_earlier_place_on_it(tmp_path: Path, turned: bool, files: int) -> None:
    rows = [row("watchlist_add", 1), row("watchlist_remove", 3), row("watchlist_add", 5)]
    if turned:
        rows.reverse()
    for part in [rows] if files == 1 else [[each] for each in rows]:
        run("import_interactions", json_lines(tmp_path / "i.jsonl", *part))
    assert history("watchlist_add")[0][2] is not None
    assert history("watchlist_add")[1] == (5, None, None)
    assert history("watchlist_remove") == [(3, None, None)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user": ""}, "user is empty"),
        ({"user": "a b"}, "user may hold letters, digits and"),
        ({"user": "x" * 151}, "user has 151 characters"),
        ({"user": "\ufdfa" * 20}, "user may hold letters, digits and"),
        ({"item": "99"}, "there is no movie '99'; import the items first"),
        ({"item": "1", "kind": "drama"}, "there is no drama '1', but a movie; name its kind in the row"),
        ({"item": None}, "item is empty"),
        ({"kind": "game"}, "kind must be one of"),
        ({"type": "loved"}, "type must be one of view, click"),
        ({"type": None}, "type is empty"),
        ({"type": "apply"}, "for Films, not 'apply'"),
        ({"type": "interest"}, "for Films, not 'interest'"),
        ({"occurred_at": ""}, "occurred_at is empty"),
        ({"occurred_at": "soon"}, "occurred_at must be a date"),
        ({"occurred_at": "2999-01-01"}, "from the years 1800 to 2200"),
        ({"occurred_at": "2199-01-01"}, "occurred_at is in the future"),
        ({"occurred_at": 20240531}, "occurred_at must be a date such as"),
        ({"occurred_at": "20240531"}, "also seconds or milliseconds since 1970, not '20240531'"),
        ({"occurred_at": 2024}, "occurred_at must be a date"),
        ({"occurred_at": "2024"}, "occurred_at must be a date"),
        ({"occurred_at": 0}, "occurred_at must be a date"),
        ({"occurred_at": "99999999"}, "occurred_at must be a date"),
        ({"occurred_at": 20240531201500}, "occurred_at is in the future"),
        ({"occurred_at": 1577836800 * 10**9}, "occurred_at must be a date"),
        ({"occurred_at": 15778368000}, "occurred_at is in the future"),
        ({"occurred_at": "1969-12-31T23:59:59Z"}, "occurred_at is before 1970"),
        ({"occurred_at": -1}, "occurred_at must be a date"),
        ({"occurred_at": math.inf}, "occurred_at must be a date"),
        ({"occurred_at": True}, "occurred_at must be a date"),
        ({"rating": 10.5}, "rating must be from 0 to 10, not 10.5"),
        ({"rating": -1}, "rating must be from 0 to 10"),
        ({"rating": math.nan}, "rating must be from 0 to 10"),
        ({"rating": "good"}, "rating must be a number"),
        ({"rating": 5, "type": "like"}, "rating belongs to watched, not to like"),
    ],
)
def test_a_bad_value_is_refused_with_its_line_and_reason(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    path = json_lines(tmp_path / "i.jsonl", row("view", 1), {**row("watched", 1), **change})
    message = refusal("import_interactions", path)
    assert message.startswith("1 row is bad and --max-errors is 0, so nothing was imported.\ni.jsonl:2: ")
    assert reason in message
    assert not UserInteraction.objects.exists()
    assert not User.objects.exists()
    summary = run("import_interactions", path, "--max-errors", 1)
    assert (summary["rows"], summary["created"], summary["bad_rows"]) == (2, 1, 1)
    assert summary["reports"][0]["number"] == 2


def test_a_scale_of_ratings_and_what_means_none(tmp_path: Path) -> None:
    lines = [
        f"ann,{item},watched,{1577836800 + item},{rating}" for item, rating in enumerate([0, 1, 2, 3, 5], 1)
    ]
    path = write(tmp_path / "i.csv", "user,item,type,occurred_at,rating\n" + "\n".join(lines))
    run("import_interactions", path, "--rating-scale", "1-5", "--unrated", 0)
    ratings = UserInteraction.objects.order_by("occurred_at").values_list("rating", flat=True)
    assert list(ratings) == [None, 0.0, 2.5, 5.0, 10.0]
    assert "rating must be from 1 to 5, not 0" in refusal(
        "import_interactions", path, "--rating-scale", "1-5"
    )


@pytest.mark.parametrize("scale", ["5", "5-1", "1-1", "a-b", "1-", ""])
def test_what_is_no_scale(tmp_path: Path, scale: str) -> None:
    with pytest.raises(CommandError, match="is not a scale from low to high, such as 1-5"):
        run("import_interactions", tmp_path / "i.csv", f"--rating-scale={scale}")


def test_a_scale_may_lie_on_both_sides_of_nothing(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "i.jsonl", row("watched", 1, rating=-10), row("watched", 2, rating="0"))
    run("import_interactions", path, "--rating-scale=-10-10")
    assert [rating for _, rating, _ in history("watched")] == [0.0, 5.0]


def test_a_file_without_one_good_row_is_refused_whatever_is_allowed(tmp_path: Path) -> None:
    for rows in ([row("nap", 1)], [row("view", 1, item="no")], [row("view", 1, item="no"), row("nap", 1)]):
        path = json_lines(tmp_path / "i.jsonl", *rows)
        assert "none is good, so nothing was imported" in refusal(
            "import_interactions", path, "--max-errors", 10
        )
    assert not User.objects.exists()


def test_every_bad_row_is_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [row("view", 1, item="no"), row("nap", 1), row("view", 1, item="no"), row("view", 2)]
    message = refusal("import_interactions", json_lines(tmp_path / "i.jsonl", *rows))
    assert [line.split(" ")[0] for line in message.splitlines()[1:]] == [
        "i.jsonl:1:",
        "i.jsonl:2:",
        "i.jsonl:3:",
    ]


def test_thousands_of_unknown_items_are_counted_and_the_first_are_listed(tmp_path: Path) -> None:
    rows = [row("view", number, item=f"no-{number}") for number in range(1200)]
    message = refusal("import_interactions", json_lines(tmp_path / "i.jsonl", *rows))
    assert message.startswith("1,200 rows are bad")
    assert message.endswith("… and 1,180 more")


def test_a_broken_file_leaves_nothing(tmp_path: Path) -> None:
    good = "".join(f"ann,1,view,{number}\n" for number in range(3000))
    path = write(tmp_path / "i.csv", "user,item,type,occurred_at\n" + good + "ann,1,\x00view,1\n")
    assert "i.csv, line 3002: there is a NUL byte" in refusal("import_interactions", path)
    assert not UserInteraction.objects.exists()
    assert not User.objects.exists()


def test_a_run_that_dies_after_its_writes_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(**_: object) -> int:
        assert UserInteraction.objects.count() == 2
        raise KeyboardInterrupt

    monkeypatch.setattr(importers, "refresh_popularity", dies)
    path = json_lines(tmp_path / "i.jsonl", row("view", 1), row("view", 2))
    with pytest.raises(KeyboardInterrupt):
        run("import_interactions", path)
    assert not UserInteraction.objects.exists()
    assert not User.objects.exists()
    monkeypatch.undo()
    assert run("import_interactions", path)["created"] == 2


def test_the_queries_grow_with_batches_and_not_with_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for size in (5, 900):
        rows = [row("view", day, user=f"u{size}-{day}") for day in range(size)]
        path = json_lines(tmp_path / "i.jsonl", *rows)
        with CaptureQueriesContext(connection) as queries:
            importers.import_interactions(path=path)
        counts.append(len(queries))
    # bulk_create of the people splits by the parameters that one statement takes.
    assert counts[1] <= counts[0] + 20


@pytest.mark.parametrize("insert_rows", [1, 2, 1000])
def test_where_staging_flushes_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, insert_rows: int
) -> None:
    monkeypatch.setattr(staging, "INSERT_ROWS", insert_rows)
    monkeypatch.setattr(interaction_merge, "NEW_USERS", insert_rows)
    rows = [row("watched", day, user=f"u{day % 3}", rating=day) for day in range(7)]
    summary = run("import_interactions", json_lines(tmp_path / "i.jsonl", *rows))
    assert (summary["created"], summary["new_users"]) == (7, 3)
    assert UserInteraction.objects.filter(withdrawn_at=None).count() == 3


def test_the_staging_tables_are_gone_afterwards(tmp_path: Path) -> None:
    run("import_interactions", json_lines(tmp_path / "i.jsonl", row("view", 1)))
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        assert not [name for name in tables if name.startswith("heed")]
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT COUNT(*) FROM sqlite_temp_master WHERE type = 'table' AND name LIKE 'heed%'"
            )
            assert cursor.fetchone() == (0,)


several = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
valid_rows = st.lists(
    st.builds(
        lambda name, day, user, item, rating: row(
            name, day, user=user, item=item, rating=rating if name == "watched" else None
        ),
        st.sampled_from(sorted(TAKEN["movie"].names)),
        st.integers(0, 4),
        st.sampled_from(["ann", "bob"]),
        st.integers(1, 2),
        st.none() | st.floats(0, 10),
    ),
    min_size=1,
    max_size=25,
)


def active_states() -> set[tuple[str, str, str, str]]:
    rows = UserInteraction.objects.filter(withdrawn_at=None, type__in=["watched", "watchlist_add"])
    columns = rows.values_list("user__username", "item__external_id", "type", "occurred_at")
    return {(user, item, name, moment.isoformat()) for user, item, name, moment in columns}


# Four imports each.
@pytest.mark.slow
@settings(several, max_examples=25)
@given(rows=valid_rows, cut=st.integers(0, 25))
def test_any_valid_rows_import_once_and_in_parts_alike(
    tmp_path: Path, rows: list[dict[str, object]], cut: int
) -> None:
    """In one file or two, run once or twice: the same ratings and watchlist are active, the newest ones."""
    UserInteraction.objects.all().delete()
    path = json_lines(tmp_path / "i.jsonl", *rows)
    assert run("import_interactions", path)["bad_rows"] == 0
    before, active = everything(), active_states()
    assert run("import_interactions", path)["unchanged"] == len(rows)
    assert everything() == before
    newest: dict[tuple[str, str], str] = {}
    for each in rows:
        if each["type"] == "watched":
            key = (str(each["user"]), str(each["item"]))
            newest[key] = max(newest.get(key, ""), str(each["occurred_at"]))
    assert {(user, item): moment for user, item, name, moment in active if name == "watched"} == newest

    UserInteraction.objects.all().delete()
    for part in (rows[cut:], rows[:cut]):
        if part:
            run("import_interactions", json_lines(tmp_path / "part.jsonl", *part))
    assert active_states() == active


any_json = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.lists(st.text())
)


@pytest.mark.slow
@several
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "user": st.just("ann") | any_json,
                "item": st.just("1") | any_json,
                "type": st.sampled_from(sorted(TYPES)) | any_json,
                "occurred_at": st.integers(0, 10**9) | any_json,
            },
            optional={"rating": any_json, "kind": any_json},
        ),
        min_size=1,
        max_size=5,
    )
)
def test_no_value_whatever_crashes_the_import(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    given = [row("view", 1), *rows]
    path = write(tmp_path / "i.jsonl", "".join(json.dumps(each) + "\n" for each in given))
    assert run("import_interactions", path, "--max-errors", 5)["rows"] == len(given)
    assert not UserInteraction.objects.filter(occurred_at__gt=timezone.now()).exists()
