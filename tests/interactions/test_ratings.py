"""A rating is a yes or a no against the person's own ratings, whichever way it reaches the log."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import User
from core.domain import MIDDLE_PRIOR, MIDDLE_RATING, MIDDLE_REACH, TYPES, USE_CASES
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.models import ItemPopularity, UserInteraction
from interactions.popularity import refresh_popularity
from interactions.ratings import weigh_ratings
from interactions.selectors import active_interactions
from interactions.services import Wanted, record_interaction, record_interactions, withdraw_state
from tests.factories import EPOCH, make_interaction, make_item, make_items, make_user

WATCHED = TYPES["watched"]


def rate(person: User, *ratings: float) -> list[float]:
    """Rates as many new items one after another; the weight of each rating afterwards."""
    for item, rating in zip(make_items(len(ratings)), ratings, strict=True):
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="watched", rating=rating)
    return weights_of(person)


def weights_of(person: User) -> list[float]:
    rated = active_interactions().filter(user=person, rating__isnull=False)
    return list(rated.order_by("occurred_at", "item_id").values_list("weight", flat=True))


def expected(ratings: list[float]) -> list[float]:
    """The weight of each rating by the definition, in words of one number after another."""
    weights = []
    for place, rating in enumerate(ratings):
        mean = (MIDDLE_RATING * MIDDLE_PRIOR + sum(ratings[:place])) / (MIDDLE_PRIOR + place)
        middle = min(max(mean, MIDDLE_RATING - MIDDLE_REACH), MIDDLE_RATING + MIDDLE_REACH)
        weights.append(WATCHED.training_weight(rating, middle))
    return weights


def test_strength_rises_with_the_rating_through_0_at_the_middle() -> None:
    for middle in (3.5, 5.0, 6.5):
        strengths = [WATCHED.strength(rating / 4, middle) for rating in range(41)]
        assert strengths == sorted(strengths)
        assert (strengths[0], strengths[-1], WATCHED.strength(middle, middle)) == (-1.0, 1.0, 0.0)
    assert WATCHED.strength(None) == 0.5
    assert TYPES["like"].strength(None) == 1.0


@pytest.mark.django_db
class TestOwnMiddle:
    def test_of_a_generous_person_a_six_is_a_no(self, person: User) -> None:
        *_, last = rate(person, *[9.0] * 12, 6.0)
        assert last < 0.0

    def test_of_a_strict_person_a_four_and_a_half_is_a_yes(self, person: User) -> None:
        *_, last = rate(person, *[2.0] * 12, 4.5)
        assert last > 0.0

    @pytest.mark.parametrize("rating", [0.0, 1.0, 4.0])
    def test_whoever_gives_nothing_but_noes_has_given_noes(self, person: User, rating: float) -> None:
        assert max(rate(person, *[rating] * 40)) < 0.0

    @pytest.mark.parametrize("rating", [6.0, 7.0, 10.0])
    def test_whoever_gives_nothing_but_yeses_has_given_yeses(self, person: User, rating: float) -> None:
        assert min(rate(person, *[rating] * 40)) > 0.0

    def test_a_rating_given_later_changes_none_before_it(self, person: User) -> None:
        before = rate(person, 3.0, 8.0)
        assert rate(person, 10.0)[:2] == before

    def test_rating_and_taking_it_back_leaves_what_was_before(self, person: User) -> None:
        before = rate(person, 3.0, 8.0)
        first, *_ = active_interactions().order_by("occurred_at")
        item = make_item()
        moment = first.occurred_at - timedelta(days=1)
        record_interaction(
            user_id=person.pk, item_id=item.pk, type_name="watched", rating=1.0, occurred_at=moment
        )
        assert weights_of(person)[1:] != before
        withdraw_state(user_id=person.pk, item_id=item.pk, type_name="watched")
        assert weights_of(person) == pytest.approx(before)

    def test_the_interaction_that_is_returned_has_the_weight_on_record(self, person: User) -> None:
        rate(person, 9.0, 9.0)
        wanted = [Wanted(item.pk, "watched", rating=6.0) for item in make_items(2)]
        for one in record_interactions(user_id=person.pk, wanted=wanted):
            assert one.interaction.weight == UserInteraction.objects.get(pk=one.interaction.pk).weight

    def test_others_ratings_and_what_is_not_rated_stay_as_they_are(
        self, person: User, other_person: User
    ) -> None:
        other = make_interaction(other_person, make_item(), "watched", rating=9.0)
        like = make_interaction(person, make_item())
        unrated = make_interaction(person, make_item(), "watched")
        rate(person, 2.0)
        for row, weight in ((other, 2.4), (like, 2.0), (unrated, 1.5)):
            row.refresh_from_db()
            assert row.weight == pytest.approx(weight)


class TestDefinition(TestCase):
    @pytest.mark.slow
    @given(ratings=st.lists(st.integers(0, 20).map(lambda half: half / 2), max_size=12), order=st.randoms())
    def test_it_is_the_same_in_whatever_order_they_come(self, ratings: list[float], order: object) -> None:
        person = make_user()
        rows = [
            UserInteraction(
                user=person,
                item=make_item(),
                type="watched",
                rating=rating,
                weight=0.0,
                occurred_at=EPOCH + timedelta(days=day),
            )
            for day, rating in enumerate(ratings)
        ]
        order.shuffle(rows)  # type: ignore[attr-defined]
        UserInteraction.objects.bulk_create(rows)
        changed = weigh_ratings([person.pk])
        assert weights_of(person) == pytest.approx(expected(ratings))
        assert set(changed) == {row.pk for row in UserInteraction.objects.exclude(weight=0.0)}
        assert weigh_ratings([person.pk]) == {}


@pytest.mark.django_db
class TestPopularity:
    def score_of(self, *acts: tuple[str, float | None]) -> float:
        """The popularity of a film with these acts of different people, beside one with ten likes."""
        UserInteraction.objects.all().delete()
        film, beside = make_items(2)
        for _ in range(10):
            make_interaction(make_user(), beside)
        for type_name, rating in acts:
            make_interaction(make_user(), film, type_name, rating=rating)
        refresh_popularity(use_case="movie_home", now=EPOCH)
        scores = ItemPopularity.objects.filter(use_case="movie_home")
        return dict(scores.values_list("item_id", "score")).get(film.pk, 0.0)

    def test_it_rises_with_the_ratings(self) -> None:
        scores = [self.score_of(*[("watched", float(rating))] * 4) for rating in range(11)]
        assert scores == sorted(scores)
        assert scores[:5] == [0.0] * 5
        assert scores[6] > 0.0

    def test_low_ratings_take_from_it_and_lower_ones_not_less(self) -> None:
        liked = [("like", None)] * 3
        scores = [self.score_of(*liked, *[("watched", float(rating))] * 4) for rating in range(11)]
        assert scores == sorted(scores)
        assert scores[1] < self.score_of(*liked) < scores[9]

    def test_three_likes_and_sixty_dislikes_stand_below_two_likes(self) -> None:
        hated, liked = make_items(2)
        for item, type_name, people in ((hated, "like", 3), (hated, "dislike", 60), (liked, "like", 2)):
            for _ in range(people):
                make_interaction(make_user(), item, type_name)
        refresh_popularity(use_case="movie_home", now=EPOCH)
        scores = ItemPopularity.objects.filter(use_case="movie_home").order_by("-score")
        assert list(scores.values_list("item_id", flat=True)) == [liked.pk, hated.pk]

    def test_dislikes_that_staff_took_for_abuse_take_nothing_until_they_count_again(self) -> None:
        film = make_item()
        for person in make_user(), make_user():
            make_interaction(person, film, "like")
        for _ in range(9):
            save_dislike(user_id=make_user().pk, item=film, reason="not_interested", occurred_at=EPOCH)
        counts = {}
        for state in Dislike.ReviewState.EXCLUDED, Dislike.ReviewState.REVIEWED:
            Dislike.objects.update(review_state=state)
            refresh_popularity(use_case="movie_home", now=EPOCH)
            counts[state] = ItemPopularity.objects.get(use_case="movie_home", item=film).dislikes
        assert counts == {Dislike.ReviewState.EXCLUDED: 0, Dislike.ReviewState.REVIEWED: 9}

    def test_one_dislike_hardly_counts_against_many_likes(self) -> None:
        few = self.score_of(*[("like", None)] * 9)
        many = self.score_of(*[("like", None)] * 9, ("dislike", None))
        assert 0.85 * few < many < few

    def test_what_says_nothing_of_the_item_takes_nothing(self) -> None:
        assert USE_CASES["movie_home"].kind == "movie"
        assert self.score_of(("like", None), ("watched", 5.0)) == pytest.approx(self.score_of(("like", None)))
