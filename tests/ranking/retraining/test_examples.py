"""Negative examples are noted as used for the versions that learned from them."""

import pytest

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike, NegativeTrainingExample
from feedback.services import undo_dislike
from ranking.models import ExampleUse, ModelVersion
from recommendations.models import RecommendationSession
from tests.ranking.retraining.builders import of, run, say_no, serve

Status = ModelVersion.Status

pytestmark = pytest.mark.django_db


class TestExamples:
    @pytest.mark.slow
    def test_they_are_noted_for_exactly_the_versions_that_learned_from_them(
        self, people: list[User], films: list[Item]
    ) -> None:
        serve(films)
        old = RecommendationSession.objects.filter(user=people[0]).order_by("created_at")[0]
        shown = Item.objects.get(pk=old.recommendations_shown[1]["item_id"])
        of_a_list = say_no(people[0], shown, 9, session_id=old.pk)
        of_no_list = say_no(people[1], films[12], 10)
        undone = say_no(people[2], films[3], 10)
        undo_dislike(user_id=people[2].pk, dislike_id=undone.pk)
        excluded = say_no(people[3], films[14], 10)
        Dislike.objects.filter(pk=excluded.pk).update(review_state=Dislike.ReviewState.EXCLUDED)
        late = say_no(people[4], films[5], 39)
        no_taste = say_no(people[5], films[16], 10, reason="already_watched")
        summary = run()
        assert summary.outcomes[0].status == Status.ACTIVE
        als = set(of("als").example_uses.values_list("example__dislike_id", flat=True))
        assert als == {of_a_list.pk, of_no_list.pk}
        ranker = set(of("ranker").example_uses.values_list("example__dislike_id", flat=True))
        assert ranker == ({of_a_list.pk} if of("ranker").status == Status.ACTIVE else set())
        used = NegativeTrainingExample.objects.filter(used_in_training=True)
        assert set(used.values_list("dislike_id", flat=True)) == als
        assert summary.examples_used == 2
        assert late.example.used_in_training is False
        assert not NegativeTrainingExample.objects.filter(dislike=no_taste).exists()

    @pytest.mark.slow
    def test_the_next_version_does_not_claim_them_again(self, people: list[User], films: list[Item]) -> None:
        serve(films)
        say_no(people[0], films[0], 10)
        run("als")
        assert run("als").examples_used == 0
        assert ExampleUse.objects.values("example").distinct().count() == 1

    @pytest.mark.slow
    def test_a_model_that_leaves_dislikes_out_used_none(self, people: list[User], films: list[Item]) -> None:
        version = serve(films)
        version.hyper_parameters["negatives"] = "drop"
        version.save()
        say_no(people[0], films[0], 10)
        run("als")
        assert not of("als").example_uses.exists()
