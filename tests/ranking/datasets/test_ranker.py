"""The ranker dataset: a row per slot that was examined, with what was done and what was known then."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES, USE_CASES
from core.progress import Progress
from feedback.models import Dislike, NegativeTrainingExample
from feedback.services import save_dislike, undo_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction, withdraw_state
from ranking.datasets import session_log
from ranking.datasets.labels import LEAST_WEIGHT
from ranking.datasets.manifest import DatasetError, Manifest, read_manifest
from ranking.datasets.ranker import (
    RANKER_SCHEMA,
    RankerRows,
    RankerWriter,
    generate_ranker_dataset,
    load_ranker_data,
    load_touched,
)
from ranking.features import FEATURE_SET, FEATURES
from recommendations.models import RecommendationSession
from recommendations.services import report_seen
from serving.pipeline import recommend
from tests.factories import EPOCH, make_active_als, make_interaction, make_item, make_items

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)

pytestmark = pytest.mark.django_db


def show(
    person: User,
    items: Sequence[Item],
    *,
    seen: int = 0,
    day: float = 10.0,
    scores: Sequence[float] = (),
    features: bytes | None = b"",
    use_case: str = "movie_home",
    **of_all_slots: object,
) -> RecommendationSession:
    """A list of `items` on record. Its features are 0, 1, 2, … unless given."""
    if features == b"":
        features = np.arange(len(items) * len(FEATURES), dtype="<f4").tobytes()
    shown = [
        {
            "item_id": item.pk,
            "rank": rank,
            "score": scores[rank - 1] if scores else 0.5,
            "base_score": 0.6,
            "method": "als",
            "source": "als",
            "source_rank": rank,
            "source_score": 0.4,
            "propensity": 0.95,
            **of_all_slots,
        }
        for rank, item in enumerate(items, 1)
    ]
    return RecommendationSession.objects.create(
        user=person,
        use_case=use_case,
        method="als",
        recommendations_shown=shown,
        features=features,
        feature_set=FEATURE_SET if features else "",
        seen_rank=seen,
        created_at=EPOCH + timedelta(days=day),
    )


def act(
    session: RecommendationSession, item: Item, type_name: str, *, rating: float | None = None
) -> UserInteraction:
    return UserInteraction.objects.create(
        user=session.user,
        item=item,
        type=type_name,
        rating=rating,
        weight=TYPES[type_name].training_weight(rating),
        occurred_at=session.created_at + timedelta(minutes=1),
        recommendation_session=session,
    )


def generate(**options: Any) -> tuple[list[dict[str, Any]], Manifest, Path]:
    dataset = generate_ranker_dataset(use_case=MOVIES, progress=QUIET, **options)
    folder = Path(dataset.folder)
    return pq.read_table(folder / "data.parquet").to_pylist(), dataset.manifest, folder


def test_the_columns_are_those_of_the_contract(person: User) -> None:
    session = show(person, make_items(2), seen=1)
    rows, manifest, folder = generate()
    assert list(manifest.columns) == [
        "session_id", "user_id", "item_id", "recommendation_rank", "recommendation_score", "original_score",
        "exposure_weight", "recommendation_method", "label", "relevance", "sample_weight",
        "is_hard_negative", *FEATURES, "propensity", "occurred_at", "touched", "negative_example_id",
    ]  # fmt: skip
    assert pq.read_schema(folder / "data.parquet").names == RANKER_SCHEMA.names
    (row,) = rows
    features = [row.pop(name) for name in FEATURES]
    assert features == list(range(len(FEATURES)))
    assert row == {
        "session_id": str(session.pk), "user_id": person.pk,
        "item_id": session.recommendations_shown[0]["item_id"],
        "recommendation_rank": 1, "recommendation_score": 0.5, "original_score": 0.6, "exposure_weight": 1.0,
        "recommendation_method": "als", "label": 0, "relevance": 1, "sample_weight": 0.5,
        "is_hard_negative": False, "propensity": 0.95, "occurred_at": session.created_at, "touched": False,
        "negative_example_id": None,
    }  # fmt: skip


def test_a_slot_deeper_than_the_deepest_seen_is_no_row(person: User) -> None:
    items = make_items(5)
    session = show(person, items, seen=2)
    assert len(generate()[0]) == 2
    act(session, items[3], "view")
    rows = generate()[0]
    assert [row["relevance"] for row in rows] == [1, 1, 1, 2]
    assert [row["exposure_weight"] for row in rows] == pytest.approx([1, 0.6309, 0.5, 0.4307], abs=1e-4)
    assert all(row["touched"] for row in rows)


def test_what_staff_pinned_teaches_nothing_and_is_counted(person: User) -> None:
    items = make_items(4)
    session = show(person, items, seen=3, scores=[0.9] * 4)
    pinned, boosted = session.recommendations_shown[:2]
    pinned |= {"method": "pin", "source": "pin", "propensity": 1.0, "rules": [7]}
    boosted["rules"] = [8]
    session.save()
    act(session, items[0], "like")
    rows, manifest, _ = generate()
    assert [row["item_id"] for row in rows] == [items[1].pk, items[2].pk]
    assert manifest.counts["rows_pinned"] == 1
    assert manifest.counts["hard_negatives"] == 2


def test_a_session_of_which_nothing_was_seen_is_counted_and_has_no_rows(person: User) -> None:
    show(person, make_items(3))
    rows, manifest, _ = generate()
    assert rows == []
    assert (manifest.counts["sessions_unseen"], manifest.counts["sessions"]) == (1, 0)


def test_relevance_is_the_best_of_what_was_done_and_a_dislike_outweighs_it(person: User) -> None:
    items = make_items(7)
    session = show(person, items, seen=7)
    for item, types in zip(
        items,
        (["view"], ["view", "like"], ["apply"], ["watchlist_remove"], ["view", "dislike"], ["watched"], []),
        strict=True,
    ):
        for type_name in types:
            act(session, item, type_name, rating=10 if type_name == "watched" else None)
    rows = generate()[0]
    assert [row["relevance"] for row in rows] == [2, 3, 4, 1, 0, 3, 1]
    assert [row["label"] for row in rows] == [1, 1, 1, 0, 0, 1, 0]
    assert [row["sample_weight"] for row in rows] == pytest.approx([0.5, 1.0, 1.5, 0.5, 0.8, 1.5, 0.5])
    # The dislike came without a reason, so there is no example of it.
    assert [row["negative_example_id"] for row in rows] == [None] * 7


def test_what_is_worth_little_still_weighs_a_little_and_nothing_more_than_interest(person: User) -> None:
    little, much = make_items(2)
    session = show(person, [little, much], seen=2)
    act(session, little, "watched", rating=5.1)
    act(session, much, "like")
    UserInteraction.objects.filter(item=much).update(weight=99.0)
    assert [row["sample_weight"] for row in generate()[0]] == pytest.approx([LEAST_WEIGHT, 3.5 / 2.0])


def test_a_slot_is_worth_more_the_higher_it_was_rated_and_a_low_rating_is_a_no(person: User) -> None:
    items = make_items(11)
    session = show(person, items, seen=11)
    for rating, item in enumerate(items):
        act(session, item, "watched", rating=float(rating))
    rows = generate()[0]
    assert [row["relevance"] for row in rows] == [0] * 5 + [1] + [2] * 2 + [3] * 3
    assert [row["label"] for row in rows] == [0] * 6 + [1] * 5
    weights = [row["sample_weight"] for row in rows]
    assert weights[:5] == pytest.approx([0.8, 0.64, 0.48, 0.32, 0.16])
    assert weights[6:] == pytest.approx([0.3, 0.6, 0.9, 1.2, 1.5])


def test_a_low_rating_outweighs_a_look_and_a_like(person: User) -> None:
    (item,) = make_items(1)
    session = show(person, [item], seen=1)
    for type_name in ("view", "like"):
        act(session, item, type_name)
    act(session, item, "watched", rating=2.0)
    (row,) = generate()[0]
    assert (row["relevance"], row["label"]) == (0, 0)
    assert row["sample_weight"] == pytest.approx(0.8 * 0.6)


def test_of_several_weights_the_largest_counts(person: User) -> None:
    (item,) = make_items(1)
    session = show(person, [item], seen=1)
    for type_name in ("view", "favorite", "like"):
        act(session, item, type_name)
    assert [row["sample_weight"] for row in generate()[0]] == pytest.approx([1.25])


def test_what_is_done_in_another_role_is_no_label(person: User) -> None:
    """A developer likes and applies; interest is an investor's."""
    wanted, other = make_items(2, kind="startup")
    session = show(person, [wanted, other], seen=2, use_case="developer_startup")
    act(session, wanted, "apply")
    act(session, other, "interest")
    dataset = generate_ranker_dataset(use_case=USE_CASES["developer_startup"], progress=QUIET)
    rows = pq.read_table(Path(dataset.folder) / "data.parquet").to_pylist()
    assert [row["relevance"] for row in rows] == [4, 1]


def test_what_names_another_session_another_item_or_none_is_no_label(
    person: User, other_person: User
) -> None:
    first, second, third = make_items(3)
    session = show(person, [first, second], seen=2)
    other = show(other_person, [first], seen=1, day=11)
    act(session, third, "like")
    # Shown in the other list, and the last item of all.
    act(other, second, "like")
    make_interaction(person, second, "like", day=10)
    act(other, first, "like")
    rows = generate()[0]
    assert [(row["user_id"], row["item_id"], row["label"]) for row in rows] == [
        (person.pk, first.pk, 0), (person.pk, second.pk, 0), (other_person.pk, first.pk, 1),
    ]  # fmt: skip


def test_what_was_withdrawn_does_not_count(person: User) -> None:
    liked, disliked = make_items(2)
    session = RecommendationSession.objects.get(pk=recommend(user_id=person.pk, use_case=MOVIES).session_id)
    record_interaction(user_id=person.pk, item_id=liked.pk, type_name="like", session_id=session.pk)
    saved = save_dislike(user_id=person.pk, item=disliked, reason="other", session_id=session.pk)
    withdraw_state(user_id=person.pk, item_id=liked.pk, type_name="like")
    undo_dislike(user_id=person.pk, dislike_id=saved.dislike.pk)
    assert generate()[0] == []
    report_seen(user_id=person.pk, session_id=session.pk, rank=2)
    rows, manifest, _ = generate()
    assert [(row["relevance"], row["touched"], row["negative_example_id"]) for row in rows] == [
        (1, False, None), (1, False, None),
    ]  # fmt: skip
    assert manifest.negative_examples == []


def test_a_dislike_weighs_what_its_example_does_and_is_named_in_the_manifest(person: User) -> None:
    light, full, elsewhere = make_items(3)
    session = recommend(user_id=person.pk, use_case=MOVIES)
    for item, reason in ((light, "irrelevant"), (full, "wrong_genre")):
        save_dislike(user_id=person.pk, item=item, reason=reason, session_id=session.session_id)
    save_dislike(user_id=person.pk, item=elsewhere, reason="other")
    save_dislike(user_id=person.pk, item=make_item(kind="drama"), reason="other")
    rows, manifest, folder = generate()
    by_item = {row["item_id"]: row for row in rows}
    assert by_item[light.pk]["sample_weight"] == pytest.approx(0.4)
    assert by_item[full.pk]["sample_weight"] == pytest.approx(0.8)
    examples = {
        example.dislike.item_id: example.pk
        for example in NegativeTrainingExample.objects.select_related("dislike")
    }
    assert by_item[full.pk]["negative_example_id"] == examples[full.pk]
    assert manifest.negative_examples == sorted(examples[item.pk] for item in (light, full, elsewhere))
    assert read_manifest(folder, kind="ranker", use_case="movie_home") == manifest


def test_a_dislike_that_staff_excluded_or_that_says_nothing_of_taste_is_left_out(person: User) -> None:
    abused, known, passed = make_items(3)
    session = recommend(user_id=person.pk, use_case=MOVIES)
    save_dislike(user_id=person.pk, item=abused, reason="poor_quality", session_id=session.session_id)
    save_dislike(user_id=person.pk, item=known, reason="already_watched", session_id=session.session_id)
    Dislike.objects.filter(item=abused).update(review_state=Dislike.ReviewState.EXCLUDED)
    report_seen(user_id=person.pk, session_id=session.session_id, rank=3)
    rows, manifest, _ = generate()
    assert [row["item_id"] for row in rows] == [passed.pk]
    assert manifest.counts["rows_left_out"] == 2
    assert manifest.negative_examples == []


def test_a_dislike_of_what_was_not_in_the_list_leaves_nothing_of_it_out(person: User) -> None:
    first, last, elsewhere, known = make_items(4)
    session = show(person, [first, last], seen=2)
    for item, reason in ((elsewhere, "poor_quality"), (known, "already_watched")):
        save_dislike(user_id=person.pk, item=item, reason=reason)
    UserInteraction.objects.update(recommendation_session=session)
    Dislike.objects.filter(item=elsewhere).update(review_state=Dislike.ReviewState.EXCLUDED)
    rows, manifest, _ = generate()
    assert [(row["item_id"], row["relevance"]) for row in rows] == [(first.pk, 1), (last.pk, 1)]
    assert manifest.counts["rows_left_out"] == 0


def test_what_scored_high_and_was_passed_over_is_a_hard_negative(person: User, settings: Settings) -> None:
    items = make_items(4)
    session = show(person, items, seen=4, scores=[0.71, 0.7, 0.9, 0.9], source_score=0.1)
    act(session, items[2], "like")
    act(session, items[3], "dislike")
    rows = generate()[0]
    assert [row["is_hard_negative"] for row in rows] == [True, False, False, False]
    assert rows[0]["sample_weight"] > rows[1]["sample_weight"]
    settings.HARD_NEGATIVE_SCORE = 0.6
    assert [row["is_hard_negative"] for row in generate()[0]] == [True, True, False, False]


def test_what_the_person_likes_from_elsewhere_is_no_hard_negative(person: User, other_person: User) -> None:
    items = make_items(3)
    show(person, items, seen=3, scores=(0.9, 0.9, 0.9))
    make_interaction(person, items[0], "like", day=30)
    make_interaction(other_person, items[1], "like", day=30)
    make_interaction(person, items[2], "view", day=30)
    assert [row["is_hard_negative"] for row in generate()[0]] == [False, True, True]


@pytest.mark.parametrize(("source", "is_hard"), [("als", True), ("two_tower", True), ("popular", False)])
def test_the_score_of_a_model_behind_a_slot_makes_it_hard_too(
    person: User, source: str, is_hard: bool
) -> None:
    show(person, make_items(1), seen=1, scores=[0.1], source=source, source_score=0.8)
    assert generate()[0][0]["is_hard_negative"] is is_hard


def test_another_use_case_and_what_came_after_the_window_are_not_in_it(person: User) -> None:
    items = make_items(1)
    show(person, items, seen=1, use_case="drama_home")
    session = show(person, items, seen=1)
    show(person, items, seen=1, day=20)
    act(session, items[0], "like")
    end = session.created_at
    rows, manifest, _ = generate(now=end)
    assert [(row["session_id"], row["label"]) for row in rows] == [(str(session.pk), 0)]
    assert manifest.window_end == end.isoformat()


def test_lists_with_little_said_of_them_are_taken_all_the_same(person: User) -> None:
    item = make_item()
    RecommendationSession.objects.create(
        user=person, use_case="movie_home", method="x", seen_rank=9, created_at=EPOCH,
        recommendations_shown=[{"item_id": item.pk, "rank": 1, "score": None}],
    )  # fmt: skip
    RecommendationSession.objects.create(
        user=person, use_case="movie_home", method="x", seen_rank=1, created_at=EPOCH,
        recommendations_shown=[],
    )  # fmt: skip
    (row,) = generate()[0]
    nulls = ("recommendation_score", "original_score", "propensity")
    assert [row[name] for name in nulls] == [None] * 3
    assert row["recommendation_method"] == ""


@pytest.mark.parametrize("shown", [{"item_id": 1}, [1, 2], [{"item_id": "one"}], "text"])
def test_a_list_that_is_none_is_refused_in_words(person: User, shown: object) -> None:
    show(person, make_items(1), seen=1)
    RecommendationSession.objects.update(recommendations_shown=shown)
    with pytest.raises(DatasetError, match="cannot be read"):
        generate()


def test_features_that_are_not_whole_are_counted_and_never_read(person: User) -> None:
    show(person, make_items(2), seen=2, features=b"\0" * 12)
    rows, manifest, _ = generate()
    assert rows == []
    assert manifest.counts["rows_without_features"] == 2


def test_streams_in_chunks_with_a_query_for_each(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    items = make_items(2)
    # Equal moments, so that a chunk ends between them.
    sessions = [show(person, items, seen=2, day=day) for day in (1, 1, 1, 2, 2, 3, 4)]
    act(sessions[4], items[0], "like")
    with CaptureQueriesContext(connection) as whole:
        expected, _, _ = generate()
    monkeypatch.setattr(session_log, "CHUNK", 2)
    with CaptureQueriesContext(connection) as chunked:
        rows, _, folder = generate()
    assert rows == expected
    assert len(rows) == 14
    assert pq.ParquetFile(folder / "data.parquet").num_row_groups == 4
    # Three chunks more, each with its sessions, what was done with them and what its people like.
    # PostgreSQL hands out the last two by COPY, which Django does not count.
    assert len(chunked) - len(whole) == (9 if connection.vendor == "sqlite" else 3)


def test_the_same_log_gives_the_same_bytes(person: User) -> None:
    show(person, make_items(3), seen=3)
    assert len({generate(now=EPOCH + timedelta(days=99))[1].sha256 for _ in range(2)}) == 1


def test_loads_as_lists_in_the_order_of_time(person: User, other_person: User) -> None:
    items = make_items(3)
    show(other_person, items, seen=2, day=5)
    session = show(person, items, seen=1, day=4)
    act(session, items[2], "favorite")
    _, _, folder = generate()
    _, data = load_ranker_data(folder, MOVIES)
    assert data.sizes.tolist() == [3, 2]
    assert data.user_ids.tolist() == [person.pk, other_person.pk]
    assert data.times.tolist() == [(EPOCH + timedelta(days=day)).timestamp() for day in (4, 5)]
    assert data.ranks.tolist() == [1, 2, 3, 1, 2]
    assert data.relevance.tolist() == [1, 1, 3, 1, 1]
    assert data.weights == pytest.approx([0.5, 0.5, 1.25, 0.5, 0.5])
    assert data.exposure[:3] == pytest.approx([1.0, 0.6309, 0.5], abs=1e-4)
    assert data.features[1].tolist() == list(range(len(FEATURES), 2 * len(FEATURES)))
    assert load_touched(folder).tolist() == [True, False]
    _, touched = load_ranker_data(folder, MOVIES, touched_only=True)
    assert touched.user_ids.tolist() == [person.pk]


def test_an_empty_log_loads_as_no_lists() -> None:
    manifest, data = load_ranker_data(generate()[2], MOVIES)
    assert len(data) == 0
    assert manifest.counts["rows"] == 0


def test_a_manifest_from_before_the_examples_still_loads(person: User) -> None:
    folder = generate()[2]
    values = json.loads((folder / "manifest.json").read_text())
    del values["negative_examples"]
    (folder / "manifest.json").write_text(json.dumps(values))
    assert load_ranker_data(folder, MOVIES)[0].negative_examples == []


def test_what_was_served_comes_out_as_it_was_logged(person: User) -> None:
    items = make_items(6, genres=["Drama"])
    make_active_als([[item.pk for item in items[:3]], [item.pk for item in items[3:]]])
    make_interaction(person, items[0], "like")
    served = recommend(user_id=person.pk, use_case=MOVIES, limit=4)
    record_interaction(
        user_id=person.pk, item_id=served.slots[3].item.id, type_name="like", session_id=served.session_id
    )
    rows, manifest, _ = generate()
    assert [row["item_id"] for row in rows] == [slot.item.id for slot in served.slots]
    assert [row["recommendation_score"] for row in rows] == [slot.score for slot in served.slots]
    assert [row["original_score"] for row in rows] == [slot.base_score for slot in served.slots]
    assert [row["recommendation_method"] for row in rows] == [slot.method for slot in served.slots]
    logged = bytes(RecommendationSession.objects.get().features or b"")
    features = [[row[name] for name in FEATURES] for row in rows]
    assert np.array(features, dtype="<f4").tobytes() == logged
    assert manifest.counts["sessions_filled_in"] == 0


def rows_at(*times: float) -> RankerRows:
    n = len(times)
    return RankerRows(
        session_ids=[uuid4() for _ in times],
        sizes=np.ones(n, dtype=np.int64),
        user_ids=np.arange(n),
        times=np.array(times),
        touched=np.zeros(n, dtype=np.bool_),
        item_ids=np.arange(n),
        ranks=np.ones(n, dtype=np.int64),
        scores=np.full(n, np.nan),
        base_scores=np.full(n, np.nan),
        methods=pa.array(["x"] * n),
        relevance=np.arange(n) % 5,
        sample_weights=np.ones(n),
        hard_negatives=np.zeros(n, dtype=np.bool_),
        features=np.zeros((n, len(FEATURES)), dtype=np.float32),
        propensities=np.full(n, np.nan),
        example_ids=np.zeros(n, dtype=np.int64),
    )


def test_the_writer_takes_lists_in_the_order_of_time_only(tmp_path: Path) -> None:
    with RankerWriter(tmp_path / "data.parquet") as writer:
        assert writer.write(rows_at(1.5, 2.25)) == 2
        assert writer.write(rows_at(2.25)) == 1
        with pytest.raises(ValueError, match="order of time"):
            writer.write(rows_at(2.0))
    assert writer.counts["rows"] == 3
    moments = pq.read_table(tmp_path / "data.parquet")["occurred_at"].cast(pa.int64()).to_pylist()
    assert moments == [1_500_000, 2_250_000, 2_250_000]


def test_the_command_prints_one_json_object(person: User, capsys: pytest.CaptureFixture[str]) -> None:
    show(person, make_items(1), seen=1)
    call_command("generate_ranker_dataset", json=True, quiet=True)
    summary = json.loads(capsys.readouterr().out)
    assert summary["manifest"]["counts"]["rows"] == 1
    assert summary["manifest"]["negative_examples"] == []
    call_command("generate_ranker_dataset")
    assert "negative examples: 0" in capsys.readouterr().out
