"""Readable, searchable lines on the ordinary handlers; never what a person wrote."""

import logging

import pytest
from pytest_django import Settings

from accounts.models import User
from feedback.services import save_dislike, undo_dislike
from feedback.training import Retraining, get_retrainings
from tests.factories import make_item, make_items
from tests.feedback.builders import dislike, full_film

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="feedback.services")
    return caplog


def test_a_dislike_is_a_line_and_its_adjustments_another(log: pytest.LogCaptureFixture, person: User) -> None:
    item = full_film()
    saved = save_dislike(user_id=person.pk, item=item, reason="wrong_genre", feedback_text="my secret")
    first, second = log.messages
    pk = saved.dislike.pk
    assert first == (
        f"[FEEDBACK] dislike saved dislike_id={pk} user_id={person.pk} item_id={item.pk} "
        "reason=wrong_genre predicted_score=None model_version="
    )
    assert second == (
        f"[FEEDBACK] Feature adjustments dislike_id={pk} "
        "facets={'genre: Action': -0.15, 'franchise: Saga': -0.12}"
    )
    assert {record.levelname for record in log.records} == {"INFO"}
    assert "secret" not in log.text


def test_taking_it_back_is_a_line(log: pytest.LogCaptureFixture, person: User) -> None:
    row = dislike(person, make_item())
    log.clear()
    undo_dislike(user_id=person.pk, dislike_id=row.pk)
    (line,) = log.messages
    assert line == f"[FEEDBACK] dislike undone dislike_id={row.pk} user_id={person.pk} item_id={row.item_id}"


def test_the_same_again_is_no_line(log: pytest.LogCaptureFixture, person: User) -> None:
    item = make_item()
    dislike(person, item)
    log.clear()
    dislike(person, item)
    assert log.messages == []


def test_the_threshold_is_told_when_it_is_crossed_and_not_again(
    log: pytest.LogCaptureFixture, person: User, other_person: User, settings: Settings
) -> None:
    settings.DISLIKE_RETRAIN_THRESHOLD, settings.DISLIKE_CAP_PER_PERSON = 3, 2
    told = []
    # The third of one person does not count; the first of the other crosses it.
    for who, item in zip([person] * 3 + [other_person] * 3, make_items(6), strict=True):
        log.clear()
        dislike(who, item)
        told.append([line for line in log.messages if "Feedback threshold reached" in line])
    assert told == [
        [],
        [],
        [],
        ["[FEEDBACK] Feedback threshold reached use_case=movie_home untrained=3 threshold=3"],
        [],
        [],
    ]


@pytest.mark.parametrize(("threshold", "times"), [(1, 2), (10, 2), (11, 1), (20, 1)])
def test_a_no_far_from_the_threshold_is_not_counted_again(
    person: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, threshold: int, times: int
) -> None:
    """Far is where ten people who say no at the same moment do not reach it."""
    settings.DISLIKE_RETRAIN_THRESHOLD = threshold
    counted: list[str] = []

    def count(*, kind: str) -> list[Retraining]:
        counted.append(kind)
        return get_retrainings(kind=kind)

    monkeypatch.setattr("feedback.services.get_retrainings", count)
    dislike(person, make_item())
    assert counted == ["movie"] * times


def test_a_value_cannot_make_a_line_of_its_own(log: pytest.LogCaptureFixture, person: User) -> None:
    item = full_film()
    facet = item.facets.get(kind="genre")
    facet.name = "A\n2026-01-01 [FEEDBACK] forged"
    facet.save()
    dislike(person, item)
    assert all("\n" not in line for line in log.messages)
