"""One no and all that it causes, in one transaction; and taking it back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from core.domain import REASONS
from core.errors import InvalidInput, NotFound
from core.values import COMMENT
from feedback.models import Dislike, FeatureAdjustment, NegativeTrainingExample
from feedback.selectors import get_held_back
from feedback.services import ClientContext, save_dislike, undo_dislike
from feedback.training import get_negative_training_batch
from interactions.models import UserInteraction
from interactions.selectors import get_states
from interactions.services import record_interaction
from tests.factories import make_interaction, make_item, make_items, make_user
from tests.feedback.builders import dislike, full_film, make_film
from tests.recommendations.builders import make_session
from tests.threads import together

pytestmark = pytest.mark.django_db


def kept() -> dict[str, int]:
    tables = (Dislike, NegativeTrainingExample, FeatureAdjustment, UserInteraction)
    return {table.__name__: table.objects.count() for table in tables}


NOTHING = {"Dislike": 0, "NegativeTrainingExample": 0, "FeatureAdjustment": 0, "UserInteraction": 0}


class TestOneNo:
    def test_leaves_a_row_an_example_and_adjustments(self, person: User) -> None:
        item = full_film("The Long Chase")
        saved = save_dislike(user_id=person.pk, item=item, reason="wrong_genre", feedback_text="Not again.")
        row = Dislike.objects.get()
        assert saved.created is True
        assert saved.dislike == row
        assert (row.user, row.item, row.title, row.reason) == (person, item, "The Long Chase", "wrong_genre")
        assert (row.feedback_text, row.review_state) == ("Not again.", "new")
        assert (row.interaction.type, row.interaction.weight) == ("dislike", -1.0)
        example = NegativeTrainingExample.objects.get()
        assert (example.dislike, example.actual, example.weight) == (row, 0.0, 0.8)
        assert example.used_in_training is False
        deltas = {one.facet.name: one.delta for one in FeatureAdjustment.objects.select_related("facet")}
        assert deltas == {"Action": -0.15, "Saga": -0.12}
        assert {delta.name: delta.delta for delta in saved.deltas} == deltas

    def test_said_again_changes_nothing(self, person: User) -> None:
        item = full_film()
        first = save_dislike(user_id=person.pk, item=item, reason="wrong_genre", feedback_text="a")
        before = kept()
        second = save_dislike(user_id=person.pk, item=item, reason="poor_quality", feedback_text="b")
        assert (second.created, second.dislike.pk) == (False, first.dislike.pk)
        assert (second.dislike.reason, second.dislike.feedback_text) == ("wrong_genre", "a")
        assert second.example == first.example
        assert sorted(delta.name for delta in second.deltas) == ["Action", "Saga"]
        assert kept() == before

    @pytest.mark.parametrize("step", ["apply_dislike_to_training_data", "record_feedback_impact"])
    def test_an_error_half_way_leaves_nothing(
        self, person: User, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = full_film()
        make_interaction(person, item, "like")

        def fail(*_: object) -> None:
            raise OSError("the disk is full")

        monkeypatch.setattr(f"feedback.services.{step}", fail)
        with pytest.raises(OSError, match="full"):
            save_dislike(user_id=person.pk, item=item, reason="wrong_genre")
        assert kept() == NOTHING | {"UserInteraction": 1}
        assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {"like"}}

    def test_ends_a_like(self, person: User) -> None:
        item = make_item()
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
        dislike(person, item)
        assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {"dislike"}}

    @pytest.mark.parametrize("reason", ["", "boring", "WRONG_GENRE", "wrong_genre "])
    def test_an_unknown_reason_is_refused(self, person: User, reason: str) -> None:
        with pytest.raises(InvalidInput, match="must be one of wrong_genre"):
            save_dislike(user_id=person.pk, item=make_item(), reason=reason)
        assert kept() == NOTHING

    def test_a_text_has_an_end(self, person: User) -> None:
        item = make_item()
        with pytest.raises(InvalidInput, match="2,000"):
            save_dislike(
                user_id=person.pk, item=item, reason="other", feedback_text="x" * (COMMENT.max_length + 1)
            )
        assert kept() == NOTHING
        save_dislike(user_id=person.pk, item=item, reason="other", feedback_text="x" * COMMENT.max_length)
        assert len(Dislike.objects.get().feedback_text) == COMMENT.max_length

    def test_takes_the_place_of_one_that_came_by_import(self, person: User) -> None:
        item = make_item()
        imported = make_interaction(person, item, "dislike")
        session = make_session(person, [item])
        saved = save_dislike(user_id=person.pk, item=item, reason="already_watched", session_id=session.pk)
        imported.refresh_from_db()
        assert imported.withdrawn_at is not None
        assert saved.dislike.interaction.weight == 0
        assert saved.dislike.rank == 1
        assert saved.dislike.predicted_score == pytest.approx(0.9)


class TestEachReason:
    @pytest.mark.parametrize(
        ("reason", "weight", "signal"),
        [
            ("wrong_genre", 0.8, -1.0),
            ("poor_quality", 0.8, -1.0),
            ("not_interested", 0.8, -1.0),
            ("irrelevant", 0.4, -0.5),
            ("other", 0.8, -1.0),
        ],
    )
    def test_weighs_as_an_example_and_in_als(
        self, person: User, reason: str, weight: float, signal: float
    ) -> None:
        row = dislike(person, full_film(), reason)
        assert row.example.weight == pytest.approx(weight)
        assert row.interaction.weight == signal

    def test_already_watched_filters_and_teaches_nothing(self, person: User) -> None:
        item = full_film()
        row = dislike(person, item, "already_watched")
        assert row.interaction.weight == 0
        assert kept() == NOTHING | {"Dislike": 1, "UserInteraction": 1}
        assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {"dislike"}}

    def test_other_holds_nothing_back(self, person: User) -> None:
        dislike(person, full_film(), "other")
        assert get_held_back(user_id=person.pk) == []

    @pytest.mark.parametrize("reason", REASONS)
    def test_can_be_given_for_an_item_without_facets(self, person: User, reason: str) -> None:
        dislike(person, make_item(), reason)
        assert kept() | {"NegativeTrainingExample": 0} == NOTHING | {"Dislike": 1, "UserInteraction": 1}


class TestWhereItWasMet:
    FORGED = ClientContext(predicted_score=0.01, categories=["Comedy"], people=["Cy Poe"])

    def test_the_session_is_believed_and_the_client_is_not(self, person: User) -> None:
        make_film(genre=["Comedy"], actor=["Cy Poe"])
        items = [make_item(), full_film()]
        session = make_session(person, items)
        saved = save_dislike(
            user_id=person.pk,
            item=items[1],
            reason="not_interested",
            session_id=session.pk,
            client=self.FORGED,
        )
        row = saved.dislike
        assert (row.session, row.rank) == (session, 2)
        assert row.predicted_score == pytest.approx(0.8)
        assert (row.context_source, row.use_case, row.model_version) == ("session", "movie_home", "als-1")
        assert saved.example is not None
        assert saved.example.predicted == saved.example.error == pytest.approx(0.8)
        assert {delta.name for delta in saved.deltas} == {"Action", "Ann Lee", "Bo Ray", "Saga"}

    def test_without_a_session_the_client_is_quoted(self, person: User) -> None:
        saved = save_dislike(
            user_id=person.pk,
            item=make_item(),
            reason="wrong_genre",
            client=ClientContext(predicted_score=0.7),
        )
        row = saved.dislike
        assert (row.context_source, row.predicted_score, row.rank, row.session) == ("client", 0.7, None, None)
        assert saved.example is not None
        assert saved.example.error == 0.7

    def test_without_either_nothing_is_known(self, person: User) -> None:
        row = dislike(person, make_item())
        assert (row.context_source, row.predicted_score, row.model_version) == ("none", None, "")
        assert row.example.error is None

    def test_genres_and_cast_of_the_client_count_where_the_catalog_has_none(self, person: User) -> None:
        make_film(genre=["Comedy"], actor=["Cy Poe"])
        bare, with_genre = make_item(), make_film(genre=["Action"])
        client = ClientContext(categories=["Comedy", "Nonsense"], people=["Cy Poe", "Nobody"])
        of_bare = save_dislike(user_id=person.pk, item=bare, reason="not_interested", client=client)
        assert {delta.name for delta in of_bare.deltas} == {"Comedy", "Cy Poe"}
        of_other = save_dislike(user_id=person.pk, item=with_genre, reason="not_interested", client=client)
        assert {delta.name for delta in of_other.deltas} == {"Action", "Cy Poe"}
        assert not bare.facets.exists()

    def test_no_session_but_ones_own_with_the_item_in_it(self, person: User, other_person: User) -> None:
        item, elsewhere = make_items(2)
        sessions = [
            uuid4(),
            make_session(other_person, [item]).pk,
            make_session(person, [elsewhere]).pk,
            make_session(person, [item], age=timedelta(days=31)).pk,
        ]
        said = set()
        for session_id in sessions:
            with pytest.raises(NotFound) as refused:
                save_dislike(user_id=person.pk, item=item, reason="other", session_id=session_id)
            said.add(str(refused.value))
        assert len(said) == 1
        assert kept() == NOTHING


class TestTakingItBack:
    def test_withdraws_the_adjustments_and_the_example(self, person: User) -> None:
        item = full_film()
        row = dislike(person, item)
        assert get_held_back(user_id=person.pk)
        undo_dislike(user_id=person.pk, dislike_id=row.pk)
        assert get_held_back(user_id=person.pk) == []
        assert get_negative_training_batch() == []
        assert get_states(user_id=person.pk, item_ids=[item.pk]) == {}

    def test_works_once_and_only_for_whose_it_is(self, person: User, other_person: User) -> None:
        row = dislike(person, make_item())
        with pytest.raises(NotFound):
            undo_dislike(user_id=other_person.pk, dislike_id=row.pk)
        undo_dislike(user_id=person.pk, dislike_id=row.pk)
        for dislike_id in (row.pk, 999_999):
            with pytest.raises(NotFound):
                undo_dislike(user_id=person.pk, dislike_id=dislike_id)

    def test_afterwards_a_new_no_is_a_new_one(self, person: User) -> None:
        item = full_film()
        first = dislike(person, item)
        undo_dislike(user_id=person.pk, dislike_id=first.pk)
        second = save_dislike(user_id=person.pk, item=item, reason="poor_quality")
        assert second.created is True
        assert second.dislike.pk != first.pk
        assert {one.name for one in get_held_back(user_id=person.pk)} == {"Ann Lee", "Bo Ray"}

    @pytest.mark.parametrize("wanted", ["like", "favorite", "watchlist_add"])
    def test_wanting_the_item_after_all_does_it_too(self, person: User, wanted: str) -> None:
        item = full_film()
        row = dislike(person, item)
        record_interaction(user_id=person.pk, item_id=item.pk, type_name=wanted)
        assert get_held_back(user_id=person.pk) == []
        assert get_negative_training_batch() == []
        with pytest.raises(NotFound):
            undo_dislike(user_id=person.pk, dislike_id=row.pk)

    def test_leaves_what_other_dislikes_hold_back(self, person: User) -> None:
        first = dislike(person, full_film())
        dislike(person, make_film(genre=["Action"]))
        undo_dislike(user_id=person.pk, dislike_id=first.pk)
        (held,) = get_held_back(user_id=person.pk)
        assert (held.name, held.percent) == ("Action", -15)


def test_twenty_at_once_leave_one_row(threads_db: None) -> None:
    person, item = make_user(), full_film()
    saved = together(20, lambda _: save_dislike(user_id=person.pk, item=item, reason="wrong_genre"))
    assert sorted(one.created for one in saved) == [False] * 19 + [True]
    assert len({one.dislike.pk for one in saved}) == 1
    assert all(len(one.deltas) == 2 for one in saved)
    assert kept() == {
        "Dislike": 1,
        "NegativeTrainingExample": 1,
        "FeatureAdjustment": 2,
        "UserInteraction": 1,
    }


def test_liking_and_disliking_at_once_leaves_one_of_both(threads_db: None) -> None:
    person, item = make_user(), full_film()

    def act(index: int) -> None:
        if index % 2:
            save_dislike(user_id=person.pk, item=item, reason="wrong_genre")
        else:
            record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")

    together(12, act)
    (states,) = get_states(user_id=person.pk, item_ids=[item.pk]).values()
    assert states in ({"like"}, {"dislike"})
    assert Dislike.objects.filter(interaction__withdrawn_at=None).count() == int(states == {"dislike"})


def test_the_same_moment_is_the_same_no(person: User) -> None:
    item, moment = make_item(), timezone.now() - timedelta(hours=1)
    first = save_dislike(user_id=person.pk, item=item, reason="other", occurred_at=moment)
    undo_dislike(user_id=person.pk, dislike_id=first.dislike.pk)
    again = save_dislike(user_id=person.pk, item=item, reason="other", occurred_at=moment)
    assert (again.created, again.dislike.pk) == (False, first.dislike.pk)
