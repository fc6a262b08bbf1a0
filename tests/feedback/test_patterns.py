"""The table of what people turn down: it is what their standing dislikes say, whatever ended them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from feedback.models import DislikePattern
from feedback.patterns import patterns_of, refresh_patterns
from feedback.services import undo_dislike
from interactions.services import record_interaction
from tests.feedback.builders import dislike, make_film

pytestmark = pytest.mark.django_db


def stored() -> list[tuple[int, str, int]]:
    rows = DislikePattern.objects.order_by("user_id", "facet__name")
    return list(rows.values_list("user_id", "facet__name", "dislikes"))


def test_one_dislike_records_a_pattern_and_the_next_counts(person: User, other_person: User) -> None:
    dislike(person, make_film(genre=["Sci-Fi"]))
    dislike(other_person, make_film(genre=["Sci-Fi"]))
    assert stored() == [(person.pk, "Sci-Fi", 1), (other_person.pk, "Sci-Fi", 1)]
    dislike(person, make_film(genre=["Sci-Fi", "Drama"]))
    assert stored() == [(person.pk, "Drama", 1), (person.pk, "Sci-Fi", 2), (other_person.pk, "Sci-Fi", 1)]


def test_what_says_nothing_about_taste_is_no_pattern(person: User) -> None:
    dislike(person, make_film(genre=["Sci-Fi"]), "already_watched")
    assert stored() == []


def test_what_was_taken_back_is_no_pattern(person: User) -> None:
    row = dislike(person, make_film(genre=["Sci-Fi"]))
    undo_dislike(user_id=person.pk, dislike_id=row.pk)
    assert stored() == []


def test_a_like_that_ends_a_dislike_is_seen_when_they_are_read(person: User) -> None:
    film = make_film(genre=["Sci-Fi"])
    dislike(person, film)
    record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    assert patterns_of(user_id=person.pk) == []
    refresh_patterns()
    assert stored() == []


def test_a_read_says_what_the_table_does_and_locks_and_writes_nothing(
    person: User, other_person: User
) -> None:
    for who in (person, other_person):
        dislike(who, make_film(genre=["Sci-Fi"], actor=["Ann Lee"]))
        dislike(who, make_film(genre=["Sci-Fi"]), "already_watched")
        dislike(who, make_film(genre=["Sci-Fi", "Drama"]))
    before = list(
        DislikePattern.objects.filter(user=person).values_list("facet", "dislikes", "since", "last_at")
    )
    with CaptureQueriesContext(connection) as asked:
        found = patterns_of(user_id=person.pk)
    assert [(one.facet_id, one.dislikes, one.since, one.last_at) for one in found] == before
    assert len(asked) == 2
    assert all(one["sql"].startswith("SELECT") and "FOR " not in one["sql"] for one in asked)


def test_counted_anew_they_are_the_same(person: User, other_person: User) -> None:
    for who in (person, other_person):
        dislike(who, make_film(genre=["Sci-Fi", "Drama"], actor=["Ann Lee"]))
    before = stored()
    DislikePattern.objects.all().delete()
    refresh_patterns()
    assert stored() == before
