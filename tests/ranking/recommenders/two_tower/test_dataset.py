"""The two-tower dataset: what people did, and of each moment only what was known before it."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from catalog.models import Facet, Item
from core.domain import USE_CASES
from core.progress import Progress
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from profiles.log import current_rules, read_log
from profiles.models import TasteProfile
from profiles.services import reset_profile
from ranking.datasets.manifest import DatasetError, newest_dataset, read_manifest
from ranking.recommenders.two_tower.data import HARD_NEGATIVE, OBSERVED, RANDOM_NEGATIVE
from ranking.recommenders.two_tower.dataset import arrays
from ranking.recommenders.two_tower.dataset import log as two_tower_log
from ranking.recommenders.two_tower.dataset.arrays import TwoTowerData, load_two_tower_data
from ranking.recommenders.two_tower.dataset.examples import label_of, rank_weight
from ranking.recommenders.two_tower.dataset.generate import generate_two_tower_dataset
from ranking.recommenders.two_tower.dataset.items import ITEMS, word_counts
from ranking.recommenders.two_tower.input import MOST_FACETS, MOST_ITEMS, TowerInput, tower_input
from ranking.statistics.events import summed_history
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_interaction, make_item, make_items, make_user
from tests.ranking.recommenders.two_tower.builders import states_of

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)

pytestmark = pytest.mark.django_db


def generate(**options: Any) -> Path:
    wanted = {"use_case": MOVIES, "seed": 0, "progress": QUIET, **options}
    return Path(generate_two_tower_dataset(**wanted).folder)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "data.parquet").to_pylist()
    return rows


def told(folder: Path) -> list[dict[str, Any]]:
    """The examples by acts of people, without the sampled ones."""
    return [row for row in rows_of(folder) if row["kind"] != "random_negative"]


def load(folder: Path) -> TwoTowerData:
    return load_two_tower_data(folder, MOVIES)


def show(
    person: User, items: list[Item], *, day: float, seen: int, score: float = 0.9
) -> RecommendationSession:
    shown = [
        {"item_id": item.pk, "rank": rank, "score": score, "base_score": score, "method": "als",
         "source": "als", "source_rank": rank, "source_score": score, "propensity": 1.0}
        for rank, item in enumerate(items, 1)
    ]  # fmt: skip
    return RecommendationSession.objects.create(
        user=person,
        use_case="movie_home",
        method="als",
        recommendations_shown=shown,
        seen_rank=seen,
        created_at=EPOCH + timedelta(days=day),
    )


@pytest.fixture
def busy_log() -> None:
    """Six people who did all sorts of things with films and a drama, some of it at one moment."""
    rng = np.random.default_rng(4)
    genres = [["Crime"], ["Comedy", "Drama"], ["Western", "Crime"]]
    films = [make_item(genres=genres[number % 3]) for number in range(14)]
    drama = make_item(kind="drama", genres=["Crime", "Medical"])
    for _ in range(6):
        person = make_user()
        make_interaction(person, drama, "like", day=3.0)
        for place, film in enumerate(rng.permutation(np.array(films, dtype=object))[:10]):
            day = float(place // 2)
            match place % 5:
                case 0:
                    make_interaction(person, film, "watched", rating=float(rng.integers(0, 11)), day=day)
                    make_interaction(person, film, "like", day=day)
                case 1:
                    make_interaction(person, film, "view", day=day)
                    make_interaction(person, film, "favorite", day=day + 4)
                case 2:
                    moment = EPOCH + timedelta(days=day)
                    save_dislike(user_id=person.pk, item=film, reason="wrong_genre", occurred_at=moment)
                case 3:
                    make_interaction(person, film, "watchlist_remove", day=day)
                case _:
                    make_interaction(person, film, "click", day=day)


def state_in(row: dict[str, Any]) -> tuple[dict[int, float], dict[int, float]]:
    history = dict(zip(row["history_item_ids"], row["history_weights"], strict=True))
    return history, dict(zip(row["facet_ids"], row["facet_scores"], strict=True))


def known_before(user_id: int, moment: Any) -> TowerInput:
    """The input in serving, had the log ended right before the moment."""
    UserInteraction.objects.filter(user_id=user_id, occurred_at__gte=moment).update(withdrawn_at=moment)
    rows = (
        active_interactions().filter(user_id=user_id, item__kind="movie").order_by("occurred_at", "item_id")
    )
    done = list(rows.values_list("item_id", "weight"))
    taste = read_log(user_id, current_rules()).catch_up(current_rules()).taste
    item_ids, weights = summed_history(
        np.array([item_id for item_id, _ in done], dtype=np.int64),
        np.array([weight for _, weight in done], dtype=np.float64),
    )
    return tower_input(item_ids, weights.astype(np.float32), taste.facet_ids, taste.scores)


def test_every_state_is_that_of_the_log_cut_right_before_it(busy_log: None) -> None:
    rows = rows_of(generate())
    assert len(rows) > 60
    # From the last to the first, so that the log can be cut again and again.
    for row in sorted(rows, key=lambda row: row["occurred_at"], reverse=True):
        known = known_before(row["user_id"], row["occurred_at"])
        assert row["history_item_ids"] == known.item_ids.tolist()
        assert row["history_weights"] == known.weights.tolist()
        assert row["facet_ids"] == known.facet_ids.tolist()
        assert row["facet_scores"] == known.facet_scores.tolist()
    assert any(row["facet_ids"] for row in rows)
    assert any(len(row["history_item_ids"]) > 4 for row in rows)


def test_what_comes_later_changes_nothing_before(busy_log: None) -> None:
    cut = EPOCH + timedelta(days=2.5)
    before = told(generate(now=cut))
    assert 0 < len(before) < len(told(generate()))
    assert [row for row in told(generate()) if row["occurred_at"] <= cut] == before


@pytest.mark.parametrize(
    ("type_name", "rating", "label"),
    [
        ("view", None, 0.25),
        ("click", None, 0.25),
        ("like", None, 1.0),
        ("apply", None, 1.0),
        ("watched", 10.0, 1.0),
        ("watched", 7.0, 0.4),
        ("watched", None, 0.5),
    ],
)
def test_a_label_says_how_much_the_person_liked_it(
    person: User, type_name: str, rating: float | None, label: float
) -> None:
    made = make_interaction(person, make_item(), type_name, rating=rating)
    (row,) = told(generate())
    assert row["label"] == pytest.approx(label)
    assert (row["kind"], row["rank_weight"], row["weight"]) == ("observed", 1.0, pytest.approx(made.weight))
    # Whatever speaks for an item is a success where the history has nothing else.
    assert row["relevant"]
    assert label_of("dislike", -1.0) == 0.0


def test_a_rating_below_the_middle_is_a_no_and_one_at_the_middle_says_nothing(person: User) -> None:
    low, lower, middle = make_items(3)
    for film, rating in ((low, 4.0), (lower, 0.0), (middle, 5.0)):
        make_interaction(person, film, "watched", rating=rating)
    rows = {row["item_id"]: row for row in told(generate())}
    assert rows.keys() == {low.pk, lower.pk}
    assert {(row["kind"], row["label"], row["relevant"]) for row in rows.values()} == {
        ("hard_negative", 0.0, False)
    }
    weights = [rows[film.pk]["rank_weight"] for film in (low, lower)]
    assert weights == pytest.approx([0.8 * 0.2, 0.8])


def test_a_dislike_is_a_hard_negative_by_its_reason_and_outweighs_what_came_with_it(person: User) -> None:
    film, other, known = make_items(3)
    make_interaction(person, film, "watched", rating=6, day=2)
    make_interaction(person, film, "dislike", day=2)
    save_dislike(user_id=person.pk, item=other, reason="irrelevant")
    save_dislike(user_id=person.pk, item=known, reason="already_watched")
    rows = {(row["item_id"], row["kind"]): row for row in told(generate())}
    assert set(rows) == {(film.pk, "observed"), (film.pk, "hard_negative"), (other.pk, "hard_negative")}
    assert {row["label"] for row in rows.values()} == {0.0}
    assert rows[film.pk, "hard_negative"]["rank_weight"] == pytest.approx(0.8)
    assert rows[other.pk, "hard_negative"]["rank_weight"] == pytest.approx(0.4)
    assert rows[other.pk, "hard_negative"]["weight"] == pytest.approx(-0.5)


def test_a_like_before_the_dislike_keeps_its_label(person: User) -> None:
    film = make_item()
    make_interaction(person, film, "watched", rating=9, day=1)
    make_interaction(person, film, "dislike", day=5)
    make_interaction(person, film, "view", day=6)
    assert [row["label"] for row in told(generate())] == pytest.approx([0.8, 0.0, 0.0])


def test_what_was_withdrawn_or_excluded_by_staff_is_nowhere(person: User) -> None:
    abused, taken_back, kept = make_items(3)
    save_dislike(user_id=person.pk, item=abused, reason="not_interested", occurred_at=EPOCH)
    Dislike.objects.update(review_state=Dislike.ReviewState.EXCLUDED)
    gone = make_interaction(person, taken_back, day=1)
    UserInteraction.objects.filter(pk=gone.pk).update(withdrawn_at=timezone.now())
    make_interaction(person, kept, day=2)
    (row,) = told(generate())
    assert (row["item_id"], row["history_item_ids"]) == (kept.pk, [])


def test_hard_negatives_are_slots_seen_scored_high_and_passed_over(person: User) -> None:
    first = make_item()
    make_interaction(person, first, day=1)
    passed, liked, deeper = make_items(3)
    session = show(person, [passed, liked, deeper], day=2, seen=2)
    like = make_interaction(person, liked, day=2.5)
    UserInteraction.objects.filter(pk=like.pk).update(recommendation_session=session, recommendation_rank=2)
    show(person, [make_item()], day=3, seen=1, score=0.6)
    hard = [row for row in told(generate()) if row["kind"] == "hard_negative"]
    assert [(row["item_id"], row["label"], row["weight"]) for row in hard] == [(passed.pk, 0.0, 0.0)]
    assert hard[0]["rank_weight"] == pytest.approx(1.0)
    assert (hard[0]["recommendation_rank"], hard[0]["recommendation_score"]) == (1, 0.9)
    assert hard[0]["occurred_at"] == session.created_at
    assert hard[0]["history_item_ids"] == [first.pk]
    (liked_row,) = [row for row in told(generate()) if row["item_id"] == liked.pk]
    assert liked_row["rank_weight"] == pytest.approx(np.log2(3))
    assert liked_row["recommendation_rank"] == 2
    (first_row,) = [row for row in told(generate()) if row["item_id"] == first.pk]
    assert (first_row["recommendation_rank"], first_row["recommendation_score"]) == (None, None)


def test_what_the_person_likes_from_elsewhere_is_no_hard_negative(person: User) -> None:
    before, after, never, only_viewed = make_items(4)
    make_interaction(person, before, "favorite", day=1)
    show(person, [before, after, never, only_viewed], day=2, seen=4)
    make_interaction(person, after, "like", day=9)
    make_interaction(person, only_viewed, "view", day=9)
    make_interaction(make_user(), never, "like", day=9)
    hard = [row["item_id"] for row in told(generate()) if row["kind"] == "hard_negative"]
    assert hard == [never.pk, only_viewed.pk]


def test_what_is_found_far_down_counts_more_but_not_without_end() -> None:
    weights = [rank_weight(rank) for rank in (0, 1, 2, 7, 100)]
    assert weights == pytest.approx([1.0, 1.0, np.log2(3), 3.0, 3.0])


def test_random_negatives_are_drawn_by_demand_among_what_was_met_before(person: User) -> None:
    wanted, rare, later, mine = make_items(4)
    for _ in range(9):
        make_interaction(make_user(), wanted, day=0)
    make_interaction(make_user(), rare, day=0)
    for _ in range(30):
        make_interaction(make_user(), later, day=500)
    for day in range(1, 300):
        make_interaction(person, mine, "view", day=float(day))
    drawn = [
        row for row in rows_of(generate()) if row["kind"] == "random_negative" and row["user_id"] == person.pk
    ]
    assert {row["label"] for row in drawn} == {0.0}
    counts = Counter(row["item_id"] for row in drawn)
    assert set(counts) == {wanted.pk, rare.pk}
    assert counts[wanted.pk] / counts[rare.pk] == pytest.approx(9, rel=0.5)


def test_random_negatives_follow_the_seed(busy_log: None) -> None:
    now = timezone.now()
    hashes = [generate_two_tower_dataset(use_case=MOVIES, seed=seed, progress=QUIET, now=now).manifest.sha256
              for seed in (1, 1, 2)]  # fmt: skip
    assert hashes[0] == hashes[1] != hashes[2]


def test_no_random_negative_is_what_the_person_ever_met(busy_log: None) -> None:
    person = User.objects.get(pk=UserInteraction.objects.earliest("pk").user_id)
    unmet = Item.objects.filter(kind="movie").exclude(interactions__user=person)
    shown = unmet.first()
    assert shown is not None
    show(person, [shown], day=60, seen=0)
    met = set(UserInteraction.objects.values_list("user_id", "item_id")) | {(person.pk, shown.pk)}
    drawn = [row for row in rows_of(generate()) if row["kind"] == "random_negative"]
    assert person.pk in {row["user_id"] for row in drawn}
    assert met.isdisjoint((row["user_id"], row["item_id"]) for row in drawn)


def test_taste_is_that_of_all_kinds_and_the_history_that_of_one(person: User) -> None:
    drama, film = make_item(kind="drama", genres=["Crime"]), make_item(genres=["Crime"])
    make_interaction(person, drama, "favorite", day=1)
    make_interaction(person, film, "like", day=2)
    (row,) = told(generate())
    crime = Facet.objects.get(name="Crime").pk
    assert row["history_item_ids"] == []
    assert state_in(row)[1] == pytest.approx({crime: 0.2 * 0.6})


def test_a_reset_taste_is_forgotten_from_then_on_and_not_before(person: User) -> None:
    crime, western = make_item(genres=["Crime"]), make_item(genres=["Western"])
    make_interaction(person, crime, "like", day=1)
    make_interaction(person, make_item(), "view", day=2)
    reset_profile(user_id=person.pk)
    TasteProfile.objects.update(reset_at=EPOCH + timedelta(days=3))
    make_interaction(person, western, "like", day=4)
    make_interaction(person, make_item(), "view", day=5)
    ids = dict(Facet.objects.values_list("name", "pk"))
    known = [row["facet_ids"] for row in told(generate())]
    assert known == [[], [ids["Crime"]], [], [ids["Western"]]]
    assert [row["facet_ids"] for row in told(generate(now=EPOCH + timedelta(days=2.5)))] == known[:2]


def test_only_so_much_of_a_person_is_kept(person: User) -> None:
    films = [make_item(genres=[f"Genre {place}"]) for place in range(MOST_ITEMS + 3)]
    for place, film in enumerate(films):
        make_interaction(person, film, day=float(place))
    last = told(generate())[-1]
    assert last["history_item_ids"] == [film.pk for film in films[2:-1]]
    assert len(last["facet_ids"]) == MOST_FACETS


def test_batches_of_people_change_nothing(busy_log: None, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(generate())
    monkeypatch.setattr(two_tower_log, "BATCH", 5)
    folder = generate()
    assert pq.ParquetFile(folder / "data.parquet").num_row_groups == 6
    assert told(folder) == whole


def test_queries_do_not_grow_with_the_log(busy_log: None, django_assert_max_num_queries: Any) -> None:
    people = list(User.objects.all())
    for film in make_items(30):
        make_interaction(people[0], film, "view", day=9)
    with django_assert_max_num_queries(13):
        generate()


def test_the_counts_add_up(busy_log: None) -> None:
    folder = generate()
    counts = read_manifest(folder, kind="two_tower", use_case="movie_home").counts
    rows = rows_of(folder)
    kinds = Counter(row["kind"] for row in rows)
    assert counts["rows"] == len(rows) == sum(kinds.values())
    assert {name: counts[name] for name in kinds} == kinds
    assert counts["positive"] == sum(row["label"] > 0 for row in rows)
    assert (counts["people"], counts["catalog"]) == (6, 14)


def test_the_items_are_there_whether_anybody_met_them_or_not() -> None:
    old = make_item("The Green Mile", genres=["Drama", "Crime"], year=1999, description="A mile, a mile.")
    hidden = make_item("", is_active=False)
    make_item(kind="drama")
    rows = pq.read_table(generate() / ITEMS).to_pylist()
    assert [(row["item_id"], row["year"]) for row in rows] == [(old.pk, 1999), (hidden.pk, None)]
    assert rows[0]["facet_ids"] == sorted(Facet.objects.values_list("pk", flat=True))
    counts = dict(zip(rows[0]["word_buckets"], rows[0]["word_counts"], strict=True))
    assert counts == word_counts("the green mile a mile a mile")
    assert max(counts.values()) == 3


class TestArrays:
    def test_an_examples_own_item_is_not_in_its_history(self, person: User) -> None:
        first, second = make_items(2)
        make_interaction(person, first, "view", day=1)
        make_interaction(person, second, "view", day=2)
        make_interaction(person, first, "like", day=3)
        data = load(generate())
        examples = data.examples
        (last,) = np.flatnonzero((examples.times == EPOCH.timestamp() + 3 * 86400) & examples.positive)
        history = states_of(examples.take(np.array([last]))).history_rows
        assert data.items.item_ids[history].tolist() == [second.pk]

    def test_arrays_say_what_the_files_say(self, busy_log: None) -> None:
        folder = generate()
        rows, data = rows_of(folder), load(folder)
        examples = data.examples
        assert data.items.item_ids[examples.item_rows].tolist() == [row["item_id"] for row in rows]
        assert examples.labels.tolist() == pytest.approx([row["label"] for row in rows])
        codes = {"observed": OBSERVED, "hard_negative": HARD_NEGATIVE, "random_negative": RANDOM_NEGATIVE}
        assert examples.kinds.tolist() == [codes[row["kind"]] for row in rows]
        assert examples.times.tolist() == [row["occurred_at"].timestamp() for row in rows]
        known = set(data.items.facet_ids.tolist())
        for place, row in enumerate(rows):
            state = states_of(examples.take(np.array([place])))
            taste = data.items.facet_ids[state.facet_columns].tolist()
            said = [facet_id for facet_id in row["facet_ids"] if facet_id in known]
            assert taste == (said if row["kind"] == "observed" else [])
            history = data.items.item_ids[state.history_rows].tolist()
            said = [item_id for item_id in row["history_item_ids"] if item_id != row["item_id"]]
            assert history == (said if row["kind"] == "observed" else [])
        kinds = [row["kind"] for row in rows if row["history_item_ids"]]
        assert set(kinds) == set(codes)
        assert len(data.events) == sum(row["weight"] != 0 for row in rows)
        assert data.events.item_ids.tolist() == data.items.item_ids[examples.item_rows[data.rows]].tolist()

    def test_what_was_done_with_an_item_at_one_moment_has_one_state(self, person: User) -> None:
        first, second = make_items(2)
        for item in (first, second):
            for kind in ("view", "like"):
                make_interaction(person, item, kind, day=1)
        make_interaction(person, first, "favorite", day=2)
        examples = load(generate()).examples
        observed = examples.take(examples.kinds == OBSERVED)
        by_item = {row: observed.state_of[observed.item_rows == row].tolist() for row in (0, 1)}
        assert [len(set(states)) for states in by_item.values()] == [2, 1]
        assert len(by_item[0]) == 3
        assert len(examples.states) == 4

    def test_of_very_many_examples_the_last_are_read(
        self, busy_log: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = generate()
        everything = load(folder)
        count = len(everything.examples) // 2
        monkeypatch.setattr(arrays, "MOST_ROWS", count)
        last = load(folder)
        since = np.sort(everything.examples.times)[-count]
        later = np.flatnonzero(everything.examples.times >= since)
        assert count <= len(later) < len(everything.examples)
        kept = everything.examples.take(later)
        assert last.examples.item_rows.tolist() == kept.item_rows.tolist()
        for name in ("history_indptr", "history_rows", "facet_scores"):
            mine, theirs = (getattr(states_of(one), name) for one in (last.examples, kept))
            np.testing.assert_array_equal(mine, theirs)
        assert len(states_of(kept).history_rows)
        assert (
            last.events.item_ids.tolist() == last.items.item_ids[last.examples.item_rows[last.rows]].tolist()
        )

    def test_words_are_weighed_by_how_informative_they_are(self) -> None:
        for title in ("Heat", "Heat and rain", "?!"):
            make_item(title)
        dense = load(generate()).items.words.toarray()
        assert np.linalg.norm(dense, axis=1) == pytest.approx([1.0, 1.0, 0.0])
        (heat,) = word_counts("heat")
        assert 0 < dense[1, heat] < dense[0, heat]

    def test_an_empty_log_is_an_empty_dataset(self) -> None:
        data = load(generate())
        assert (len(data.items), len(data.examples), len(data.events)) == (0, 0, 0)

    @pytest.mark.parametrize("name", ["data.parquet", ITEMS])
    @pytest.mark.parametrize("damage", ["other", "gone"])
    def test_a_dataset_that_is_not_whole_is_refused(self, person: User, name: str, damage: str) -> None:
        make_interaction(person, make_item())
        folder = generate()
        if damage == "gone":
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(b"PAR1")
        with pytest.raises(DatasetError):
            load(folder)


def test_each_role_has_its_own_examples(person: User) -> None:
    firms = make_items(3, kind="startup")
    for firm, type_name in zip(firms, ("like", "favorite", "view"), strict=True):
        make_interaction(person, firm, type_name)
    for name, own in (("developer_startup", firms[0]), ("investor_startup", firms[1])):
        rows = told(generate(use_case=USE_CASES[name]))
        assert {row["item_id"] for row in rows} == {own.pk, firms[2].pk}


def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str], person: User) -> None:
    save_dislike(user_id=person.pk, item=make_item(), reason="not_interested")
    call_command("generate_two_tower_dataset", json=True, quiet=True, seed=3)
    summary = json.loads(capsys.readouterr().out)
    assert Path(summary["folder"]) == newest_dataset("two_tower", "movie_home")
    assert len(summary["manifest"]["negative_examples"]) == 1
    assert Path(summary["folder"]).parent == Path(settings.DATASET_DIR) / "two_tower" / "movie_home"
