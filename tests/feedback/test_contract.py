"""The documented functions, called as the documents call them."""

import subprocess
import sys

import pytest
from django.conf import settings

import feedback
from accounts.models import User
from core.errors import NotFound
from feedback import (
    apply_dislike_to_training_data,
    apply_feature_adjustments,
    calculate_dislike_weight,
    calculate_feature_adjustment_from_dislike,
    get_dislike_pattern_analysis,
    get_feedback_improvement_metrics,
    get_model_feedback_metrics,
    get_negative_training_batch,
    get_untrained_negative_feedback_count,
    get_user_dislikes,
    mark_negative_examples_as_used,
    record_feedback_impact,
    save_dislike,
    should_retrain_from_feedback,
)
from feedback.models import Dislike, NegativeTrainingExample
from tests.factories import make_item, make_items, make_user
from tests.feedback.builders import full_film, make_film

pytestmark = pytest.mark.django_db


def test_fourteen_functions_are_there_before_django_is(db: None) -> None:
    names = [name for name in feedback.__all__ if callable(getattr(feedback, name))]
    assert len(names) == 14
    code = "import feedback; feedback.__all__"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=settings.BASE_DIR, timeout=60)
    with pytest.raises(AttributeError):
        feedback.__getattr__("nothing")


def test_a_dislike_is_saved_and_turned_into_training_data(person: User) -> None:
    film = full_film("Movie Title")
    dislike_id = save_dislike(
        user_id=person.pk,
        movie_id=film.pk,
        movie_title="Movie Title",
        recommendation_set_id=789,
        predicted_score=0.75,
        reason="wrong_genre",
        feedback_text="",
    )
    assert type(dislike_id) is int
    training_data = apply_dislike_to_training_data(
        user_id=person.pk, movie_id=film.pk, movie_title="Movie Title", predicted_score=0.75
    )
    assert training_data == {
        "example_id": NegativeTrainingExample.objects.get().pk,
        "user_id": person.pk,
        "movie_id": film.pk,
        "movie_title": "Movie Title",
        "actual_rating": 0.0,
        "predicted_rating": 0.75,
        "error": 0.75,
        "weight": 0.8,
        "used_in_training": False,
    }
    row = Dislike.objects.get()
    assert (row.recommendation_set_id, row.context_source) == ("789", "client")
    assert record_feedback_impact(dislike_id=dislike_id) == {
        "genre_adjustments": {"Action": -0.15},
        "cast_adjustments": {},
        "franchise_adjustment": -0.12,
        "reason": "wrong_genre",
    }
    assert [one["dislike_id"] for one in get_user_dislikes(user_id=person.pk, limit=50)] == [dislike_id]
    with pytest.raises(NotFound):
        record_feedback_impact(dislike_id=dislike_id + 1)


def test_without_a_reason_it_is_not_interested(person: User) -> None:
    save_dislike(user_id=person.pk, movie_title=make_item("Alone").title)
    assert Dislike.objects.get().reason == "not_interested"
    assert calculate_dislike_weight(reason="not_interested") == 0.8


@pytest.mark.parametrize(
    ("reason", "genres", "cast"),
    [
        ("wrong_genre", {"Action": -0.15, "Sci-Fi": -0.15}, {}),
        ("poor_quality", {}, {"Actor 1": -0.1}),
        ("not_interested", {"Action": -0.075, "Sci-Fi": -0.075}, {"Actor 1": -0.075}),
        ("already_watched", {}, {}),
        ("other", {}, {}),
    ],
)
def test_adjustments_of_what_a_client_says(
    reason: str, genres: dict[str, float], cast: dict[str, float]
) -> None:
    metadata = {"genres": ["Action", "Sci-Fi"], "cast": ["Actor 1"]}
    assert calculate_feature_adjustment_from_dislike(movie_metadata=metadata, reason=reason) == {
        "genre_adjustments": genres,
        "cast_adjustments": cast,
        "franchise_adjustment": 0.0,
        "reason": reason,
    }


def test_patterns_and_weights_of_a_person(person: User) -> None:
    film = make_film(genre=["Sci-Fi"])
    save_dislike(user_id=person.pk, movie_id=film.pk, predicted_score=0.75, reason="wrong_genre")
    patterns = get_dislike_pattern_analysis(user_id=person.pk)
    assert patterns["reason_distribution"] == {"wrong_genre": 1}
    assert patterns["recent_trend"] == {"total_dislikes": 1, "avg_predicted_score": 0.75}
    assert patterns["total_dislikes"] == 1
    assert [(one["name"], one["dislikes"]) for one in patterns["identified"]] == [("Sci-Fi", 1)]
    weights = apply_feature_adjustments(user_id=person.pk, feature_weights={"Sci-Fi": 2.0, "Drama": 1.0})
    assert weights == {"Sci-Fi": pytest.approx(1.7), "Drama": 1.0}
    assert apply_feature_adjustments(user_id=person.pk) == {"Sci-Fi": pytest.approx(0.85)}


def test_from_threshold_to_a_used_batch() -> None:
    items = make_items(5)
    assert (should_retrain_from_feedback(), get_untrained_negative_feedback_count()) == (False, 0)
    for _ in range(4):
        person = make_user()
        for item in items:
            save_dislike(user_id=person.pk, movie_id=item.pk, predicted_score=0.5)
    assert (should_retrain_from_feedback(), get_untrained_negative_feedback_count()) == (True, 20)
    batch = get_negative_training_batch(limit=100)
    assert (len(batch), batch[0]["error"]) == (20, 0.5)
    assert mark_negative_examples_as_used([one["example_id"] for one in batch]) == 20
    assert (should_retrain_from_feedback(), get_negative_training_batch()) == (False, [])


def test_metrics_of_the_system(person: User) -> None:
    for item, score in zip(make_items(2), (0.95, 0.05), strict=True):
        save_dislike(user_id=person.pk, movie_id=item.pk, predicted_score=score)
    metrics = get_model_feedback_metrics()
    assert metrics == {
        "total_negative_examples": 2,
        "avg_prediction_error": 0.5,
        "max_error": 0.95,
        "min_error": 0.05,
        "models": [],
    }
    assert set(get_feedback_improvement_metrics()) >= {"dislike_rate", "mean_error"}
