"""What everybody wants, mixed into what a model says: most for newcomers, and first where no model is."""

from dataclasses import replace

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from interactions.models import ItemPopularity
from interactions.services import record_interaction
from ranking.blending import (
    ALS_HALFWAY,
    HALF_BELIEVED,
    ON_ITS_OWN,
    RANKER_ON_ITS_OWN,
    blend,
    joint_scores,
    popularity_share,
    put_behind,
)
from ranking.live import Live
from ranking.recommenders.ranker.file import load_ranker
from ranking.registry.loading import Loaded
from ranking.sources import UserState
from serving.pipeline import ServedList, recommend
from tests.factories import active_ranker, make_active_als, make_interaction, make_items, ranker_bytes
from tests.feedback.builders import make_film
from tests.ranking.builders import bare_live, stranger

MOVIES = USE_CASES["movie_home"]


def known(weights: list[float]) -> UserState:
    return replace(
        stranger(),
        item_ids=np.arange(len(weights)),
        weights=np.array(weights, dtype=np.float32),
    )


def charts_by(verdicts: int) -> Live:
    """Items of which one has so many verdicts."""
    live = bare_live([1, 2])
    demand = replace(live.catalogue.demand, verdicts=np.array([float(verdicts), 0.0]))
    return replace(live, catalogue=replace(live.catalogue, demand=demand))


class TestShare:
    @pytest.mark.parametrize(("with_ranker", "enough"), [(False, ON_ITS_OWN), (True, RANKER_ON_ITS_OWN)])
    def test_it_fades_with_what_is_approved_and_dislikes_do_not_count(
        self, settings: Settings, with_ranker: bool, enough: int
    ) -> None:
        settings.POPULARITY_SHARE = 0.6
        live = charts_by(10**9)
        if with_ranker:
            ranker = load_ranker(ranker_bytes())
            live = replace(live, models=replace(live.models, ranker=Loaded(1, "ranker", ranker)))
        assert popularity_share(stranger(), live) == pytest.approx(0.6)
        assert popularity_share(known([2.0] * (enough // 2)), live) == pytest.approx(0.3)
        assert popularity_share(known([-1.0] * 100), live) == pytest.approx(0.6)
        assert popularity_share(known([2.0] * enough), live) == 0.0
        assert popularity_share(known([2.0] * 1000), live) == 0.0

    def test_charts_made_by_a_few_count_little(self, settings: Settings) -> None:
        settings.POPULARITY_SHARE = 1.0
        assert popularity_share(stranger(), charts_by(0)) == 0.0
        assert popularity_share(stranger(), charts_by(int(HALF_BELIEVED))) == pytest.approx(0.5)
        assert popularity_share(stranger(), charts_by(5)) == pytest.approx(0.2)
        assert popularity_share(stranger(), bare_live([])) == 0.0

    @given(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20),
        st.floats(0, 1),
    )
    def test_a_blend_lies_between_the_two(self, pairs: list[tuple[float, float]], share: float) -> None:
        scores, popularity = (np.array(column) for column in zip(*pairs, strict=True))
        blended = blend(scores, popularity, share)
        assert (blended >= np.minimum(scores, popularity) - 1e-12).all()
        assert (blended <= np.maximum(scores, popularity) + 1e-12).all()


class TestJointScores:
    def test_als_weighs_more_the_more_is_known_and_either_stands_alone(self) -> None:
        als, tower = np.array([0.8, np.nan, 0.4, np.nan]), np.array([0.2, 0.3, np.nan, np.nan])
        stranger_to_als, halfway = known([]), known([1.0] * int(ALS_HALFWAY))
        np.testing.assert_allclose(joint_scores(als, tower, stranger_to_als), [0.2, 0.3, 0.4, np.nan])
        np.testing.assert_allclose(joint_scores(als, tower, halfway), [0.5, 0.3, 0.4, np.nan])

    def test_what_no_model_knows_lies_below_in_its_own_order(self) -> None:
        scores, others = np.array([0.6, np.nan, 0.2, np.nan]), np.array([0.9, 0.5, 0.9, 1.0])
        np.testing.assert_allclose(put_behind(scores, others), [0.6, 0.1, 0.2, 0.2])
        np.testing.assert_array_equal(put_behind(np.full(4, np.nan), others), others)


def serve(person: User, limit: int = 10) -> ServedList:
    return recommend(user_id=person.pk, use_case=MOVIES, limit=limit)


def wanted(item: Item, score: float) -> Item:
    ItemPopularity.objects.create(item=item, use_case="movie_home", score=score, refreshed_at=timezone.now())
    return item


def like_medical(person: User) -> None:
    """Three statements, after which the taste source has something to say."""
    for _ in range(3):
        film = make_film(genre=["Medical"], theme=["hospital life"])
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")


@pytest.mark.django_db
class TestServing:
    def test_without_a_model_what_everybody_wants_leads_and_what_is_alike_follows(self, person: User) -> None:
        hit = wanted(make_film("Hit", genre=["Comedy"]), 1.0)
        alike = make_film("Ward Six", genre=["Medical"], theme=["hospital life"])
        like_medical(person)
        served = serve(person)
        assert [slot.item.id for slot in served.slots] == [hit.pk, alike.pk]
        assert [slot.source for slot in served.slots] == ["popular", "taste"]
        assert served.method_used == "popularity"

    def test_where_nothing_is_in_demand_the_taste_leads(self, person: User) -> None:
        make_film("Dust", genre=["Western"])
        alike = make_film("Ward Six", genre=["Medical"], theme=["hospital life"])
        like_medical(person)
        assert serve(person).slots[0].item.id == alike.pk

    @pytest.mark.parametrize("with_ranker", [False, True])
    def test_a_newcomers_base_scores_are_mixed_and_the_mix_fades(
        self, person: User, settings: Settings, with_ranker: bool
    ) -> None:
        settings.BOOST_STRENGTH = settings.BOOST_STRENGTH_WITH_RANKER = 0.0
        items = make_items(40)
        ItemPopularity.objects.create(
            item=items[39],
            use_case="movie_home",
            score=1.0,
            approvals=60,
            refreshed_at=timezone.now(),
        )
        make_active_als([[item.pk for item in items]])
        if with_ranker:
            active_ranker()

        def base(share: float) -> dict[int, float]:
            settings.POPULARITY_SHARE = share
            return {slot.item.id: slot.base_score for slot in serve(person, 100).slots}

        make_interaction(person, items[0])
        model, mixed = base(0.0), base(0.5)
        fading = 1 - 1 / (RANKER_ON_ITS_OWN if with_ranker else ON_ITS_OWN)
        share = 0.5 * fading * 60 / (60 + HALF_BELIEVED)
        for item_id, score in model.items():
            demand = 1.0 if item_id == items[39].pk else 0.0
            assert mixed[item_id] == pytest.approx((1 - share) * score + share * demand)
        for item in items[1:30]:
            make_interaction(person, item)
        model, mixed = base(0.0), base(0.5)
        assert (model == mixed) is with_ranker
