"""A profile that caught up bit by bit is the profile made from nothing, whatever happened in between."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from catalog.models import Item
from core.domain import REASONS
from core.errors import NotFound
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.services import record_interaction, withdraw_state
from profiles.background import THREAD, catch_up_later
from profiles.catching_up import catch_up, rebuild_profile
from profiles.log import CaughtUp, Reading
from profiles.models import Preference, TasteProfile
from profiles.reduction import Rules, no_taste
from profiles.selectors import get_profile, get_taste
from profiles.services import reset_profile
from tests.factories import make_interaction, make_item, make_user
from tests.feedback.builders import dislike, make_film
from tests.profiles.builders import assert_rows_match, figures, score_of, top_genres
from tests.threads import together

pytestmark = pytest.mark.django_db
Step = tuple[str, int, int, str]
DOINGS = ["view", "like", "favorite", "watched", "watchlist_add", "watchlist_remove"]
STEPS: st.SearchStrategy[Step] = st.tuples(
    st.sampled_from([*DOINGS, "dislike", "bare dislike", "undo", "late view", "delete", "catch up", "reset"]),
    st.integers(0, 3),
    st.integers(-3000, 250),
    st.sampled_from(sorted(REASONS)),
)


def films() -> list[Item]:
    return [
        make_film(genre=["Drama", "Crime"], actor=["Ann Lee"], theme=["heist"], franchise=["Saga"]),
        make_film(genre=["Drama"], director=["Bo Ray"], publisher=["North"]),
        make_film(genre=["Comedy"], actor=["Ann Lee", "Cy Fox"]),
        make_film(),
    ]


def take(step: Step, person: User, items: list[Item], start: datetime) -> None:
    """One thing that happens to the log or the profile."""
    name, place, seconds, reason = step
    moment = start + timedelta(seconds=seconds)
    item = items[place]
    match name:
        case "dislike":
            save_dislike(user_id=person.pk, item=item, reason=reason, occurred_at=moment)
        case "bare dislike":
            record_interaction(user_id=person.pk, item_id=item.pk, type_name="dislike", occurred_at=moment)
        case "undo":
            for state in ("like", "dislike", "watched"):
                try:
                    withdraw_state(user_id=person.pk, item_id=item.pk, type_name=state)
                except NotFound:
                    continue
        case "late view":
            make_interaction(person, item, "click", day=seconds / 1000)
        case "delete":
            UserInteraction.objects.filter(user=person, item=item, type="view").delete()
        case "catch up":
            catch_up(user_id=person.pk)
        case "reset":
            reset_profile(user_id=person.pk)
        case _:
            rating = seconds % 11 if name == "watched" else None
            record_interaction(
                user_id=person.pk, item_id=item.pk, type_name=name, rating=rating, occurred_at=moment
            )


@pytest.mark.slow
@given(steps=st.lists(STEPS, max_size=25, unique_by=lambda step: (step[0], step[1], step[2])))
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_catching_up_is_making_anew(db: None, steps: list[Step]) -> None:
    person, items, start = make_user(), films(), timezone.now()
    for step in steps:
        take(step, person, items, start)
        in_memory = get_taste(person.pk).taste
    in_memory = get_taste(person.pk).taste
    stored = catch_up(user_id=person.pk)
    assert figures(in_memory) == figures(stored)
    assert top_genres(in_memory) == top_genres(stored)
    assert_rows_match(person.pk, stored)
    anew, is_changed = rebuild_profile(user_id=person.pk)
    assert not is_changed
    assert figures(anew.taste) == figures(stored)
    assert_rows_match(person.pk, stored)


def test_what_was_taken_back_was_never_there(person: User) -> None:
    items = films()
    record_interaction(user_id=person.pk, item_id=items[0].pk, type_name="like")
    before = catch_up(user_id=person.pk)
    record_interaction(user_id=person.pk, item_id=items[1].pk, type_name="like")
    catch_up(user_id=person.pk)
    withdraw_state(user_id=person.pk, item_id=items[1].pk, type_name="like")
    assert figures(catch_up(user_id=person.pk)) == figures(before)


def test_one_taken_back_and_one_new_are_both_noticed(person: User) -> None:
    first, second, *_ = films()
    record_interaction(user_id=person.pk, item_id=first.pk, type_name="like")
    catch_up(user_id=person.pk)
    withdraw_state(user_id=person.pk, item_id=first.pk, type_name="like")
    record_interaction(user_id=person.pk, item_id=second.pk, type_name="like")
    names = top_genres(catch_up(user_id=person.pk))
    assert names == ["Drama"]


def test_history_that_arrives_late_counts_as_history(person: User) -> None:
    drama, comedy = make_film(genre=["Drama"]), make_film(genre=["Drama"])
    make_interaction(person, drama, "watched", day=10, rating=10.0)
    catch_up(user_id=person.pk)
    make_interaction(person, comedy, "watched", day=5, rating=0.0)
    taste = catch_up(user_id=person.pk)
    assert taste.scores.tolist() == pytest.approx([0.8 * -0.2 + 0.2])


def test_a_reason_that_comes_later_counts(person: User) -> None:
    film = make_film(genre=["Drama"])
    bare = make_interaction(person, film, "dislike")
    assert len(catch_up(user_id=person.pk).facet_ids) == 0
    saved = save_dislike(user_id=person.pk, item=film, reason="wrong_genre", occurred_at=bare.occurred_at)
    assert saved.dislike.interaction_id == bare.pk
    assert catch_up(user_id=person.pk).scores.tolist() == pytest.approx([-0.12])


@pytest.mark.parametrize(
    ("reason", "scores"),
    [
        ("wrong_genre", {"Action": -0.12}),
        ("poor_quality", {"Ann Lee": -0.08, "Bo Ray": -0.08}),
        ("not_interested", {"Action": -0.06, "Ann Lee": -0.06, "Bo Ray": -0.06}),
        ("irrelevant", {"Action": -0.024}),
        ("already_watched", {}),
        ("other", {}),
    ],
)
def test_each_reason_weighs_what_it_holds_back(person: User, reason: str, scores: dict[str, float]) -> None:
    film = make_film(genre=["Action"], actor=["Ann Lee"], director=["Bo Ray"], theme=["Heist"])
    dislike(person, film, reason)
    catch_up(user_id=person.pk)
    rows = Preference.objects.filter(profile__user=person).values_list("facet__name", "score")
    assert dict(rows) == pytest.approx(scores)


def test_a_reset_forgets_for_good(person: User) -> None:
    items = films()
    for item in items[:3]:
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    assert catch_up(user_id=person.pk).feedback == 3
    reset_profile(user_id=person.pk)
    assert not Preference.objects.filter(profile__user=person).exists()
    for _ in range(2):
        assert figures(catch_up(user_id=person.pk)) == figures(no_taste())
        rebuild_profile(user_id=person.pk)
    make_interaction(person, items[0], "view")  # imported now, but from before the reset
    assert figures(catch_up(user_id=person.pk)) == figures(no_taste())
    record_interaction(user_id=person.pk, item_id=items[1].pk, type_name="favorite")
    after = catch_up(user_id=person.pk)
    assert top_genres(after) == ["Drama"]
    assert after.feedback == 1
    rebuild_profile(user_id=person.pk)
    assert figures(catch_up(user_id=person.pk)) == figures(after)


def test_what_never_counts_is_not_read_again_either(
    person: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    items, soon = films(), timezone.now() + timedelta(minutes=4)
    # A clock that goes ahead: on record before the reset, though dated after it.
    record_interaction(user_id=person.pk, item_id=items[0].pk, type_name="like", occurred_at=soon)
    reset_profile(user_id=person.pk)
    make_interaction(person, items[1], "view")  # arrives after the reset, from long before it
    with django_assert_num_queries(1):
        assert figures(get_taste(person.pk).taste) == figures(no_taste())
    assert get_profile(person.pk).statistics.interactions == {}


def test_a_reset_is_possible_before_anything_was_read(person: User) -> None:
    record_interaction(user_id=person.pk, item_id=make_item(genres=["Drama"]).pk, type_name="like")
    reset_profile(user_id=person.pk)
    assert figures(get_taste(person.pk).taste) == figures(no_taste())


def test_other_rules_make_the_profile_anew(person: User, settings: Settings) -> None:
    item = make_item(genres=["Drama"])
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    assert catch_up(user_id=person.pk).values.tolist() == [0.5]
    settings.TASTE_UPDATE_EVERY = 1
    assert catch_up(user_id=person.pk).values.tolist() == [0.65]


def test_one_persons_taste_is_not_anothers(person: User, other_person: User) -> None:
    item = make_item(genres=["Drama"])
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    assert figures(catch_up(user_id=other_person.pk)) == figures(no_taste())
    assert score_of(catch_up(user_id=person.pk), item.facets.get().pk) == pytest.approx(0.12)


@pytest.mark.parametrize("history", [1, 30])
def test_serving_reads_a_profile_that_is_up_to_date_in_one_query(
    person: User, history: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(history):
        make_interaction(person, make_item(genres=["Drama", "Crime"]), "like")
    catch_up(user_id=person.pk)
    with django_assert_num_queries(1):
        known = get_taste(person.pk)
    assert known.personas[0] == "True Crime Detective"
    assert list(known.top_categories) == ["Drama", "Crime"]
    assert known.alpha < known.original_alpha
    with django_assert_num_queries(1):
        assert figures(catch_up(user_id=person.pk)) == figures(known.taste)
    record_interaction(user_id=person.pk, item_id=make_item(genres=["Medical"]).pk, type_name="like")
    with django_assert_num_queries(1):
        assert top_genres(get_taste(person.pk).taste)[-1] == "Medical"


@pytest.mark.parametrize("state", ["nothing stored", "far behind", "one taken back", "one arrived late"])
def test_serving_reads_any_profile_in_one_query(
    person: User, state: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    items = [make_item(genres=["Drama", "Crime"]) for _ in range(45)]
    for day, item in enumerate(items[:5], start=10):
        make_interaction(person, item, "like", day=day)
    if state != "nothing stored":
        catch_up(user_id=person.pk)
    match state:
        case "far behind":
            for day, item in enumerate(items[5:], start=20):
                make_interaction(person, item, "view", day=day)
        case "one taken back":
            withdraw_state(user_id=person.pk, item_id=items[0].pk, type_name="like")
        case "one arrived late":
            make_interaction(person, items[5], "watched", day=1, rating=7.5)
    with django_assert_num_queries(1):
        known = get_taste(person.pk)
    assert figures(known.taste) == figures(catch_up(user_id=person.pk))


def await_background() -> None:
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join()


@pytest.mark.parametrize(("news", "stored"), [(30, False), (31, True)])
def test_serving_has_a_profile_stored_only_where_much_is_new(
    threads_db: None, news: int, stored: bool
) -> None:
    person = make_user()
    for number in range(news):
        make_interaction(person, make_item(genres=["Drama"]), "view", day=number)
    known = get_taste(person.pk)
    await_background()
    assert TasteProfile.objects.filter(rows=news).exists() == stored
    assert figures(known.taste) == figures(catch_up(user_id=person.pk))


def test_what_is_not_committed_is_stored_by_nobody(person: User) -> None:
    for number in range(31):
        make_interaction(person, make_item(genres=["Drama"]), "view", day=number)
    get_taste(person.pk)
    assert THREAD not in {thread.name for thread in threading.enumerate()}
    assert not TasteProfile.objects.exists()


def test_somebody_erased_meanwhile_stops_no_others(
    threads_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    person = make_user()
    make_interaction(person, make_item(genres=["Drama"]), "view")
    catch_up_later(10**12)
    catch_up_later(person.pk)
    await_background()
    assert TasteProfile.objects.get().user_id == person.pk
    assert "could not be stored" in caplog.text


@pytest.fixture
def beside_reduction(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Acts that come while a log is reduced, one each time."""
    acts: list[Callable[[], object]] = []
    reduce = Reading.catch_up

    def reduced(reading: Reading, rules: Rules) -> CaughtUp:
        if acts:
            acts.pop(0)()
        return reduce(reading, rules)

    monkeypatch.setattr(Reading, "catch_up", reduced)
    return acts


@pytest.mark.parametrize("act", [catch_up, rebuild_profile])
def test_nobody_waits_while_a_log_is_reduced(
    threads_db: None, beside_reduction: list[Callable[[], object]], act: Callable[..., object]
) -> None:
    """On SQLite the lock of a person is that of the whole database."""
    person = make_user()
    make_interaction(person, make_item(genres=["Drama"]), "like")
    held: list[bool] = []
    beside_reduction.append(lambda: held.append(connection.in_atomic_block))
    act(user_id=person.pk)
    assert held == [False]
    assert TasteProfile.objects.get().rows == 1


@pytest.mark.parametrize("act", [catch_up, rebuild_profile])
def test_what_was_stored_meanwhile_is_not_written_over(
    person: User, beside_reduction: list[Callable[[], object]], act: Callable[..., object]
) -> None:
    make_interaction(person, make_item(genres=["Drama"]), "like")
    beside_reduction.append(lambda: reset_profile(user_id=person.pk))
    act(user_id=person.pk)
    stored = TasteProfile.objects.get()
    assert stored.reset_at is not None
    assert stored.rows == 0


def test_what_was_done_meanwhile_is_read_next(
    person: User, beside_reduction: list[Callable[[], object]]
) -> None:
    first, second, *_ = films()
    record_interaction(user_id=person.pk, item_id=first.pk, type_name="like")
    beside_reduction.append(
        lambda: record_interaction(user_id=person.pk, item_id=second.pk, type_name="like")
    )
    catch_up(user_id=person.pk)
    assert TasteProfile.objects.get().rows == 1
    assert catch_up(user_id=person.pk).feedback == 2


def test_nobody_has_no_taste(db: None) -> None:
    known = get_taste(10**12)
    assert figures(known.taste) == figures(no_taste())
    assert (known.personas, known.top_categories, known.alpha) == ((), {}, 0.7)


@pytest.mark.parametrize("act", [lambda user_id: catch_up(user_id=user_id), get_taste])
def test_readers_and_writers_at_the_same_time(threads_db: None, act: Callable[[int], object]) -> None:
    person, items = make_user(), [make_item(genres=["Drama", f"Genre {number}"]) for number in range(8)]

    def one(number: int) -> None:
        record_interaction(user_id=person.pk, item_id=items[number].pk, type_name="like")
        act(person.pk)
        if number % 2:
            withdraw_state(user_id=person.pk, item_id=items[number].pk, type_name="like")
        act(person.pk)

    together(8, one)
    stored = catch_up(user_id=person.pk)
    assert stored.feedback == 4
    assert_rows_match(person.pk, stored)
    assert not rebuild_profile(user_id=person.pk)[1]
