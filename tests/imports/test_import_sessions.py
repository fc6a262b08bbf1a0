"""`import_sessions`, and the features of lists that came without: as of the moment each was shown."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from core.progress import Progress
from feedback.models import Dislike
from feedback.services import save_dislike
from imports import session_merge, staging
from imports.sessions import session_uuid
from interactions.models import UserInteraction
from interactions.popularity import refresh_popularity
from ranking.datasets import backfill, session_log
from ranking.datasets.backfill import FilledIn, fill_in_features
from ranking.datasets.ranker import generate_ranker_dataset
from ranking.features import FEATURE_SET, FEATURES
from ranking.models import ModelVersion
from recommendations.models import RecommendationSession
from recommendations.services import ShownSlot, record_external_session
from serving.pipeline import recommend
from tests.factories import EPOCH, make_active_als, make_interaction, make_item, make_items, make_user
from tests.imports.helpers import json_lines, refusal, run, write

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
SHOWN = datetime(2025, 3, 1, 20, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def films() -> list[Item]:
    return Item.objects.bulk_create(
        [Item(kind="movie", external_id=str(number), title=f"Film {number}") for number in range(1, 6)]
    )


def slot(rank: int, item: object = None, *, session: object = "monday", **more: object) -> dict[str, object]:
    return {
        "session": session,
        "user": "ann",
        "shown_at": SHOWN.isoformat(),
        "item": rank if item is None else item,
        "rank": rank,
        **more,
    }


def everything() -> list[tuple[Any, ...]]:
    return [
        *UserInteraction.objects.order_by("pk").values_list(),
        *RecommendationSession.objects.order_by("pk").values_list("pk", "recommendations_shown", "seen_rank"),
        *User.objects.order_by("pk").values_list("pk", "username"),
    ]


def test_a_list_and_what_was_done_with_it_is_on_record(tmp_path: Path, films: list[Item]) -> None:
    path = write(
        tmp_path / "s.csv",
        "session,user,use_case,shown_at,item,kind,rank,score,method,propensity,seen,action,rating,acted_at\n"
        "monday,ann,movie_home,2025-03-01T20:00:00Z,2,movie,2,0.4,,0.5,2,,,\n"
        "monday,ann,,2025-03-01T20:00:00Z,1,,1,0.9,tree,1,2,like,,2025-03-01T20:05:00Z\n"
        "monday,ann,,2025-03-01T20:00:00Z,1,,1,0.9,tree,1,2,watched,8,2025-03-01T23:00:00Z\n",
    )
    assert run("import_sessions", path) == {
        "rows": 3, "created": 1, "unchanged": 0, "left_out": 0, "interactions": 2, "new_users": 1,
        "bad_rows": 0, "reports": [],
    }  # fmt: skip
    session = RecommendationSession.objects.get()
    assert session.pk == session_uuid("monday")
    assert (session.user.username, session.use_case, session.method) == ("ann", "movie_home", "tree")
    assert not session.user.has_usable_password()
    assert (session.is_external, session.seen_rank, session.created_at) == (True, 2, SHOWN)
    assert session.recommendations_shown == [
        {
            "item_id": films[0].pk, "rank": 1, "score": 0.9, "base_score": 0.9, "method": "tree",
            "source": "external", "source_rank": 1, "source_score": 0.9, "propensity": 1.0,
        },
        {
            "item_id": films[1].pk, "rank": 2, "score": 0.4, "base_score": 0.4, "method": "external",
            "source": "external", "source_rank": 2, "source_score": 0.4, "propensity": 0.5,
        },
    ]  # fmt: skip
    tied = UserInteraction.objects.order_by("occurred_at").values_list(
        "type", "rating", "recommendation_session_id", "recommendation_source", "recommendation_rank",
        "recommendation_score", "recommendation_method",
    )  # fmt: skip
    assert list(tied) == [
        ("like", None, session.pk, "recommendation", 1, 0.9, "tree"),
        ("watched", 8.0, session.pk, "recommendation", 1, 0.9, "tree"),
    ]


def test_again_changes_nothing(tmp_path: Path, films: list[Item]) -> None:
    rows = [slot(1, action="like", score=0.1), slot(2), slot(1, session=str(uuid4()), user="bob")]
    path = json_lines(tmp_path / "s.jsonl", *rows)
    run("import_sessions", path)
    before = everything()
    assert run("import_sessions", path) | {"rows": 3} == {
        "rows": 3, "created": 0, "unchanged": 2, "left_out": 0, "interactions": 0, "new_users": 0,
        "bad_rows": 0, "reports": [],
    }  # fmt: skip
    assert everything() == before


def test_more_that_was_done_and_seen_may_follow(tmp_path: Path, films: list[Item]) -> None:
    run("import_sessions", json_lines(tmp_path / "a.jsonl", slot(1), slot(2, seen=1)))
    summary = run(
        "import_sessions", json_lines(tmp_path / "b.jsonl", slot(1, seen=2, action="view"), slot(2, seen=2))
    )
    assert (summary["unchanged"], summary["interactions"]) == (1, 1)
    assert RecommendationSession.objects.get().seen_rank == 2
    run("import_sessions", json_lines(tmp_path / "c.jsonl", slot(1, seen=1), slot(2, seen=1)))
    assert RecommendationSession.objects.get().seen_rank == 2


def test_the_rows_of_a_list_may_lie_apart(
    tmp_path: Path, films: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_merge, "BATCH", 2)
    monkeypatch.setattr(staging, "INSERT_ROWS", 3)
    rows = [slot(rank, session=f"list {name}") for rank in (3, 1, 2) for name in range(5)]
    assert run("import_sessions", json_lines(tmp_path / "s.jsonl", *rows))["created"] == 5
    for session in RecommendationSession.objects.all():
        assert [entry["item_id"] for entry in session.recommendations_shown] == [
            film.pk for film in films[:3]
        ]


def test_a_slot_keeps_its_place_where_the_others_are_not_told(tmp_path: Path, films: list[Item]) -> None:
    rows = [
        slot(3, 1, seen=3),
        slot(2, session="tuesday", seen=2),
        slot(3, session="tuesday", action="like", seen=2),
    ]
    assert run("import_sessions", json_lines(tmp_path / "s.jsonl", *rows))["created"] == 2
    shown = RecommendationSession.objects.values_list("recommendations_shown", flat=True)
    assert sorted([entry["rank"] for entry in entries] for entries in shown) == [[2, 3], [3]]
    (chunk,) = session_log.read_sessions(RecommendationSession.objects.all())
    assert sorted(zip(chunk.list_of_slot.tolist(), chunk.ranks.tolist(), strict=True)) in (
        [(0, 2), (0, 3), (1, 3)],
        [(0, 3), (1, 2), (1, 3)],
    )
    dataset = generate_ranker_dataset(use_case=MOVIES, progress=QUIET)
    table = pq.read_table(Path(dataset.folder) / "data.parquet")
    assert sorted(table["recommendation_rank"].to_pylist()) == [2, 3, 3]
    assert UserInteraction.objects.get(type="like").recommendation_rank == 3


def test_a_uuid_is_taken_as_it_is_and_any_other_name_always_gives_the_same() -> None:
    known = uuid4()
    assert session_uuid(str(known)) == session_uuid(known.hex.upper()) == known
    assert session_uuid("monday") == session_uuid("monday") != session_uuid("Monday")
    assert session_uuid(f"{{{known}}}") != known
    assert session_uuid("00000000-0000-0000-0000-000000000000") == UUID(int=0)


def test_the_nil_uuid_names_a_list_like_any_other(tmp_path: Path, films: list[Item]) -> None:
    run("import_sessions", json_lines(tmp_path / "s.jsonl", slot(1, session=str(UUID(int=0)))))
    assert RecommendationSession.objects.get().pk == UUID(int=0)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([slot(1, "none")], "there is no movie 'none'"),
        ([slot(1), slot(1, 2)], "line 1 has another item"),
        ([slot(1, score=0.5), slot(1, action="view")], "line 1 has another item, score"),
        ([slot(1), slot(2, 1)], "stands in this list twice"),
        ([slot(1), slot(2, user="bob")], "another user"),
        ([slot(1), slot(2, shown_at="2025-03-02")], "another user, use_case or shown_at"),
        ([slot(1, seen=1), slot(2, seen=2)], "differ in seen"),
        ([slot(1, seen=2)], "seen is 2, and this list ends at rank 1"),
        ([slot(1, kind="drama")], "kind must be movie"),
        ([slot(1, use_case="nobody")], "use_case must be one of"),
        ([slot(0)], "rank must be from 1"),
        ([slot(501)], "rank must be from 1 to 500"),
        ([slot(1) | {"rank": ""}], "rank is empty"),
        ([slot(1, session=" ")], "session is empty"),
        ([slot(1, score=3.5)], "score must be from 0 to 3"),
        ([slot(1, score=float("nan"))], "score must be from 0 to 3"),
        ([slot(1, propensity=0)], "propensity must be from"),
        ([slot(1, action="adore")], "action must be one of"),
        ([slot(1, action="like", rating=5)], "rating belongs to watched"),
        ([slot(1, rating=5)], "belong to an action"),
        ([slot(1, acted_at="2025-03-01T21:00Z")], "belong to an action"),
        ([slot(1, action="like", acted_at="2025-03-01T19:59Z")], "before the list was shown"),
        ([slot(1, action="like", acted_at="2199-03-01T19:59Z")], "in the future"),
        ([slot(1, shown_at="2199-01-01")], "in the future"),
        ([slot(1, user="ann\x00")], "cannot be stored"),
        ([slot(1, session="x" * 201)], "200 is the most"),
        ([slot(1, user="=cmd()")], "letters, digits"),
        ([slot(1, action="apply")], "for Films, not 'apply'"),
        ([slot(1, shown_at=20240531)], "shown_at must be a date"),
        ([{"session": 1}], "missing key"),
        ([[1, 2]], "not a JSON object"),
    ],
)
def test_what_makes_no_list_is_refused_with_its_line(
    tmp_path: Path, films: list[Item], rows: list[Any], reason: str
) -> None:
    before = everything()
    message = refusal("import_sessions", json_lines(tmp_path / "s.jsonl", *rows))
    assert reason in message
    assert f"s.jsonl:{len(rows)}" in message or "s.jsonl:1" in message
    assert everything() == before


def test_a_list_with_a_bad_row_is_left_out_and_the_others_enter(tmp_path: Path, films: list[Item]) -> None:
    path = json_lines(
        tmp_path / "s.jsonl",
        slot(1, session="broken", action="like"),
        slot(2, session="broken", score=7),
        slot(1, session="torn", action="like", seen=1),
        slot(2, session="torn", seen=2),
        slot(1, session="whole", user="bob", action="like"),
    )
    refusal("import_sessions", path, "--max-errors", 1)
    assert not RecommendationSession.objects.exists()
    summary = run("import_sessions", path, "--max-errors", 2)
    assert (summary["created"], summary["left_out"], summary["bad_rows"]) == (1, 2, 2)
    assert (summary["interactions"], summary["new_users"]) == (1, 1)
    assert RecommendationSession.objects.get().user.username == "bob"


def test_a_list_of_this_server_is_never_replaced(tmp_path: Path, films: list[Item], person: User) -> None:
    served = recommend(user_id=person.pk, use_case=MOVIES)
    before = everything()
    path = json_lines(
        tmp_path / "s.jsonl", slot(1, session=str(served.session_id), action="like"), slot(1, session="new")
    )
    assert "on record with another list" in refusal("import_sessions", path)
    assert everything() == before
    assert run("import_sessions", path, "--max-errors", 1)["interactions"] == 0
    assert not UserInteraction.objects.exists()


def test_an_action_that_was_imported_before_is_tied_to_its_list(tmp_path: Path, films: list[Item]) -> None:
    ann = make_user("ann")
    known = UserInteraction.objects.create(
        user=ann, item=films[0], type="like", weight=2.0, occurred_at=SHOWN
    )
    run("import_sessions", json_lines(tmp_path / "s.jsonl", slot(1, action="like")))
    known.refresh_from_db()
    assert known.recommendation_session_id == session_uuid("monday")
    assert (known.recommendation_score, known.recommendation_method) == (None, "external")


def test_a_list_with_too_many_rows_is_one_bad_row(
    tmp_path: Path, films: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_merge, "MAX_ROWS", 3)
    rows = [slot(1, action="view") for _ in range(4)]
    path = json_lines(tmp_path / "s.jsonl", *rows, slot(1, session="short"))
    assert "more than 3 rows" in refusal("import_sessions", path)
    assert run("import_sessions", path, "--max-errors", 1)["left_out"] == 1


def test_a_dataset_of_imported_lists(tmp_path: Path, films: list[Item]) -> None:
    rows = [slot(1, seen=3, score=0.9), slot(2, seen=3, action="like"), slot(3, seen=3), slot(4, seen=3)]
    run("import_sessions", json_lines(tmp_path / "s.jsonl", *rows))
    dataset = generate_ranker_dataset(use_case=MOVIES, progress=QUIET)
    table = pq.read_table(Path(dataset.folder) / "data.parquet").to_pylist()
    assert [(row["item_id"], row["relevance"]) for row in table] == [
        (films[0].pk, 1), (films[1].pk, 3), (films[2].pk, 1),
    ]  # fmt: skip
    assert [row["recommendation_score"] for row in table] == [0.9, None, None]
    assert [row["is_hard_negative"] for row in table] == [True, False, False]
    assert dataset.manifest.counts["sessions_filled_in"] == 1
    again = generate_ranker_dataset(use_case=MOVIES, progress=QUIET)
    assert again.manifest.counts["sessions_filled_in"] == 0


# --- Features as of the moment --------------------------------------------------------------


def list_shown(person: User, items: list[Item], *, day: float) -> RecommendationSession:
    session_id = uuid4()
    record_external_session(
        session_id=session_id,
        user_id=person.pk,
        use_case="movie_home",
        method="elsewhere",
        model_version="",
        slots=[
            ShownSlot(item.pk, rank, 0.5, 0.5, "elsewhere", "external", rank, 0.5, None)
            for rank, item in enumerate(items, 1)
        ],
        now=EPOCH + timedelta(days=day),
    )
    return RecommendationSession.objects.get(pk=session_id)


def features_of(session: RecommendationSession) -> NDArray[np.float32]:
    session.refresh_from_db()
    assert session.feature_set == FEATURE_SET
    return np.frombuffer(bytes(session.features or b""), dtype="<f4").reshape(-1, len(FEATURES))


def fill() -> FilledIn:
    return fill_in_features(use_case=MOVIES, progress=QUIET)


def again(session: RecommendationSession) -> NDArray[np.float32]:
    """The features of a list, computed anew."""
    RecommendationSession.objects.filter(pk=session.pk).update(features=None)
    assert fill().sessions == 1
    return features_of(session)


def test_they_are_those_that_serving_would_have_logged() -> None:
    items = make_items(6, genres=["Drama"], published_at=EPOCH - timedelta(days=300))
    ann, bob = make_user(), make_user()
    version = make_active_als([[item.pk for item in items[:3]], [item.pk for item in items[3:]]])
    ModelVersion.objects.update(dataset_manifest={"window_end": (EPOCH + timedelta(days=2)).isoformat()})
    make_interaction(bob, items[1], "favorite", day=1)
    make_interaction(bob, items[4], "dislike", day=2)
    make_interaction(ann, items[0], "like", day=3)
    make_interaction(ann, items[3], "dislike", day=4)
    # Midnight, because serving counts the age of demand in whole days.
    refresh_popularity(now=EPOCH + timedelta(days=5))
    served = recommend(user_id=ann.pk, use_case=MOVIES, now=EPOCH + timedelta(days=5))
    logged = features_of(session := RecommendationSession.objects.get(pk=served.session_id))
    assert version.label in session.model_version
    assert (logged[:, FEATURES.index("model_score")] > 0).any()
    columns = [place for place, name in enumerate(FEATURES) if name != "model_place"]
    assert again(session)[:, columns] == pytest.approx(logged[:, columns], abs=2e-3, nan_ok=True)


def test_only_lists_that_lack_them_get_them(person: User) -> None:
    items = make_items(3)
    recommend(user_id=person.pk, use_case=MOVIES)
    assert fill() == FilledIn(0, 0, 0)
    old = list_shown(person, items, day=1)
    RecommendationSession.objects.filter(pk=old.pk).update(features=b"1234", feature_set="heed-0")
    list_shown(person, items, day=1)
    assert fill() == FilledIn(2, 6, 0)
    assert fill() == FilledIn(0, 0, 0)


def test_an_item_that_the_catalog_does_not_know_has_none(person: User) -> None:
    items = make_items(2)
    session = list_shown(person, items, day=1)
    Item.objects.filter(pk=items[0].pk).update(is_active=False)
    assert fill() == FilledIn(1, 2, 1)
    assert np.isnan(features_of(session)).all(axis=1).tolist() == [True, False]
    RecommendationSession.objects.update(seen_rank=2)
    counts = generate_ranker_dataset(use_case=MOVIES, progress=QUIET).manifest.counts
    assert (counts["rows"], counts["rows_without_features"]) == (1, 1)


@pytest.mark.parametrize("day", [10.0, 10.5])
def test_nothing_of_the_moment_or_later_changes_them(day: float) -> None:
    """The moment itself and later: events of anyone, withdrawals, models that saw the moment."""
    items = make_items(4, genres=["Drama"])
    ann, bob = make_user(), make_user()
    liked = make_interaction(ann, items[0], "like", day=1)
    make_interaction(bob, items[1], "watched", rating=9, day=2)
    session = list_shown(ann, items[1:], day=10)
    fill()
    before = features_of(session)
    for person in (ann, bob, make_user()):
        make_interaction(person, items[1], "like", day=day)
        make_interaction(person, items[2], "dislike", day=day)
    liked.withdrawn_at = EPOCH + timedelta(days=day)
    liked.save()
    make_active_als([[item.pk for item in items[:2]], [item.pk for item in items[2:]]])
    end = (EPOCH + timedelta(days=day)).isoformat()
    ModelVersion.objects.update(dataset_manifest={"window_end": end})
    assert np.array_equal(again(session), before, equal_nan=True)


def test_what_is_said_to_come_from_the_list_is_not_known_when_it_is_shown(person: User) -> None:
    items = make_items(3, genres=["Drama"])
    session = list_shown(person, items, day=10)
    fill()
    before = features_of(session)
    early = make_interaction(person, items[0], "like", day=9)
    assert not np.array_equal(again(session), before, equal_nan=True)
    early.recommendation_session = session
    early.save()
    assert np.array_equal(again(session), before, equal_nan=True)


def test_a_dislike_that_staff_excluded_changes_nothing(person: User) -> None:
    items = make_items(3, genres=["Drama"])
    session = list_shown(person, items, day=10)
    fill()
    before = features_of(session)
    disliked = save_dislike(
        user_id=person.pk, item=items[0], reason="other", occurred_at=EPOCH + timedelta(days=9)
    )
    assert not np.array_equal(again(session), before, equal_nan=True)
    Dislike.objects.filter(pk=disliked.dislike.pk).update(review_state=Dislike.ReviewState.EXCLUDED)
    assert np.array_equal(again(session), before, equal_nan=True)


def test_the_model_is_the_newest_whole_one_that_had_seen_nothing_of_the_moment(person: User) -> None:
    items = make_items(4)
    groups = [[item.pk for item in items[:2]], [item.pk for item in items[2:]]]
    make_interaction(person, items[0], "like", day=1)
    session = list_shown(person, items, day=10)
    column = FEATURES.index("model_score")
    fill()
    assert np.isnan(features_of(session)[:, column]).all()
    older, newer = (make_active_als(groups, seed=seed) for seed in (1, 2))
    for version, day in ((older, 3), (newer, 5)):
        version.dataset_manifest = {"window_end": (EPOCH + timedelta(days=day)).isoformat()}
        version.save(update_fields=["dataset_manifest"])
    with_newer = again(session)[:, column]
    ModelVersion.objects.filter(pk=newer.pk).update(status=ModelVersion.Status.REJECTED)
    assert np.array_equal(again(session)[:, column], with_newer, equal_nan=True)
    ModelVersion.objects.filter(pk=newer.pk).update(sha256="0" * 64)
    with_older = again(session)[:, column]
    assert (with_older > 0).all()
    assert not np.array_equal(with_older, with_newer, equal_nan=True)


def test_a_model_that_tells_no_window_is_not_used(person: User) -> None:
    items = make_items(2)
    make_active_als([[item.pk for item in items]])
    for manifest in ({}, {"window_end": None}, {"window_end": 5}, {"window_end": "soon"}):
        ModelVersion.objects.update(dataset_manifest=manifest)
        session = list_shown(person, items, day=10)
        fill()
        assert np.isnan(features_of(session)[:, 0]).all()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_log, "CHUNK", 3)
    monkeypatch.setattr(backfill, "_EVENTS", 2)
    monkeypatch.setattr(backfill, "_WRITTEN", 2)


ACTIONS = st.tuples(
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from(["like", "view", "dislike", "watched", "watchlist_remove"]),
    st.integers(0, 8),
)


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    actions=st.lists(ACTIONS, max_size=12, unique_by=lambda action: action[:3]),
    moments=st.lists(st.integers(0, 8), min_size=1, max_size=4),
)
def test_one_sweep_gives_what_each_moment_alone_gives(
    actions: list[tuple[int, int, str, int]], moments: list[int]
) -> None:
    """Each list's features are those of a log that ends before it: the future is as if it did not exist."""
    RecommendationSession.objects.all().delete()
    UserInteraction.objects.all().delete()
    items = [make_item(genres=[f"Genre {number % 2}"]) for number in range(4)]
    people = [make_user() for _ in range(3)]
    sessions = [list_shown(people[number % 3], items, day=day) for number, day in enumerate(moments)]
    done = [make_interaction(people[who], items[what], name, day=day) for who, what, name, day in actions]
    fill()
    together = [features_of(session) for session in sessions]
    for session, features in zip(sessions, together, strict=True):
        later = [each.pk for each in done if each.occurred_at >= session.created_at]
        UserInteraction.objects.filter(pk__in=later).delete()
        assert np.array_equal(again(session), features, equal_nan=True)
        UserInteraction.objects.bulk_create(each for each in done if each.pk in later)


def test_the_command_is_one_line_of_json_with_reports(tmp_path: Path, films: list[Item]) -> None:
    path = json_lines(tmp_path / "s.jsonl", slot(1), slot(1, "none", session="other"))
    reports = run("import_sessions", path, "--max-errors", 1)["reports"]
    assert json.dumps(reports)
    assert [report["number"] for report in reports] == [2]
