"""Popularity mixed into base scores: most for newcomers, and alone where no model is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.arrays import Doubles, Ints
from core.domain import USE_CASES
from interactions.models import ItemPopularity
from interactions.services import record_interaction
from ranking.candidates import Candidates
from ranking.context import ScoringContext
from ranking.feature_rows import features_of, features_of_shown, lead_neighbors, lead_scores
from ranking.features import FEATURES, are_known
from ranking.person import PersonState
from ranking.recommenders.als.model import AlsModel
from ranking.recommenders.barred import Barred
from ranking.recommenders.fusion import SHARPNESS
from ranking.recommenders.ranker.file import load_ranker
from ranking.registry.loading import NO_MODELS, LoadedModel, ModelSet
from ranking.request import RankingRequest
from ranking.scoring import (
    HALF_BELIEVED,
    ON_ITS_OWN,
    RANKER_ON_ITS_OWN,
    exclude,
    fallback_scores,
    joint_scores,
    popularity_share,
    score_items,
)
from ranking.statistics.responses import ItemResponses
from serving.pipeline import ServedList, recommend
from tests.factories import active_ranker, make_active_als, make_interaction, make_items, ranker_bytes
from tests.feedback.builders import make_film
from tests.ranking.builders import bare_context, person_with, request_of, stranger
from tests.ranking.statistics.builders import model_of

MOVIES = USE_CASES["movie_home"]


def known(weights: list[float]) -> PersonState:
    return person_with(list(enumerate(weights)))


def charts_by(verdicts: int, models: ModelSet = NO_MODELS) -> ScoringContext:
    """Items of which one has so many verdicts."""
    catalog = bare_context([1, 2]).catalog
    demand = replace(catalog.demand, verdicts=np.array([float(verdicts), 0.0]))
    return ScoringContext.of(MOVIES, replace(catalog, demand=demand), models)


def share_of(person: PersonState, context: ScoringContext) -> float:
    return popularity_share(request_of(person, context))


class TestShare:
    def test_it_falls_where_a_ranker_reads_how_people_responded(self, settings: Settings) -> None:
        settings.POPULARITY_SHARE = 0.6
        ranker = ModelSet({"ranker": LoadedModel(1, "ranker", load_ranker(ranker_bytes()))})
        examined = ItemResponses(np.array([[60.0, 0.0], [1.0, 0.0]]), np.zeros((2, 2)), np.zeros(2))
        for models, expected in ((NO_MODELS, 0.6), (ranker, 0.6 * HALF_BELIEVED / (HALF_BELIEVED + 60.0))):
            context = charts_by(10**9, models)
            demand = replace(context.catalog.demand, responses=examined)
            context = replace(context, catalog=replace(context.catalog, demand=demand))
            assert share_of(stranger(), context) == pytest.approx(expected)

    @pytest.mark.parametrize(("with_ranker", "enough"), [(False, ON_ITS_OWN), (True, RANKER_ON_ITS_OWN)])
    def test_it_fades_with_what_is_approved_and_dislikes_do_not_count(
        self, settings: Settings, with_ranker: bool, enough: int
    ) -> None:
        settings.POPULARITY_SHARE = 0.6
        ranker = LoadedModel(1, "ranker", load_ranker(ranker_bytes()))
        context = charts_by(10**9, ModelSet({"ranker": ranker} if with_ranker else {}))
        assert share_of(stranger(), context) == pytest.approx(0.6)
        assert share_of(known([2.0] * (enough // 2)), context) == pytest.approx(0.3)
        assert share_of(known([-1.0] * 100), context) == pytest.approx(0.6)
        assert share_of(known([2.0] * enough), context) == 0.0
        assert share_of(known([2.0] * 1000), context) == 0.0

    def test_charts_made_by_a_few_count_little(self, settings: Settings) -> None:
        settings.POPULARITY_SHARE = 1.0
        assert share_of(stranger(), charts_by(0)) == 0.0
        assert share_of(stranger(), charts_by(int(HALF_BELIEVED))) == pytest.approx(0.5)
        assert share_of(stranger(), charts_by(5)) == pytest.approx(0.2)
        assert share_of(stranger(), bare_context([])) == 0.0


class Fixed:
    """A recommender that has these scores for everybody, NaN where it has none."""

    def __init__(self, scores: dict[int, float]) -> None:
        self.scores = scores

    def score(self, representation: object, item_ids: Ints) -> Doubles:
        return np.array([self.scores.get(item_id, np.nan) for item_id in item_ids.tolist()])

    def floor(self, representation: float) -> float:
        return representation * min(self.scores.values())


def asked_of(**scores: dict[int, float]) -> Callable[[PersonState], RankingRequest]:
    """Requests where the kinds of these names have these scores, in this order of trust."""
    recommenders: Any = {name: Fixed(fixed) for name, fixed in scores.items()}
    context = replace(bare_context([1, 2, 3, 4]), recommenders=recommenders)
    return lambda person: RankingRequest(person, context, 0.0, dict.fromkeys(scores, 1.0))


class TestJointScores:
    def test_als_weighs_more_the_more_is_known_and_what_a_model_does_not_know_is_at_its_floor(self) -> None:
        request = asked_of(als={1: 0.8, 3: 0.4}, two_tower={1: 0.2, 2: 0.3})
        items = np.array([1, 2, 3, 4])
        np.testing.assert_allclose(joint_scores(request(known([])), items), [0.2, 0.3, 0.2, np.nan])
        halfway = known([1.0] * 20)
        # The mean log-odds of 4/5 and 1/5, of the floor 2/5 and 3/10, and of 2/5 and the floor 1/5.
        odds = np.array([1.0, np.sqrt(2 / 3 * 3 / 7), np.sqrt(2 / 3 * 1 / 4), np.nan])
        np.testing.assert_allclose(joint_scores(request(halfway), items), odds / (1 + odds))

    def test_a_better_model_has_more_of_the_say_once_all_are_measured(self) -> None:
        request = asked_of(transitions={1: 0.8, 2: 0.2}, ease={1: 0.2, 2: 0.8})(known([1.0]))
        measured = [LoadedModel(1, name, None, quality) for name, quality in (("t", 0.2), ("e", 0.1))]
        both = ModelSet(dict(zip(("transitions", "ease"), measured, strict=True)))
        better = replace(request, context=replace(request.context, models=both))
        share = 1 / (1 + 0.5**SHARPNESS)
        odds = 4.0 ** (2 * share - 1)
        np.testing.assert_allclose(
            joint_scores(better, np.array([1, 2])), [odds / (1 + odds), 1 / (1 + odds)]
        )
        one = both.with_model("ease", replace(measured[1], quality=None))
        unmeasured = replace(request, context=replace(request.context, models=one))
        for equal in (request, unmeasured):
            np.testing.assert_allclose(joint_scores(equal, np.array([1, 2])), [0.5, 0.5])

    def test_fitted_weights_go_before_the_quality_of_each_alone(self) -> None:
        request = asked_of(transitions={1: 0.8}, ease={1: 0.2})(known([1.0]))
        fitted = ModelSet(
            {
                "transitions": LoadedModel(1, "t", None, quality=1.0, weight=0.25),
                "ease": LoadedModel(2, "e", None, quality=9.0, weight=0.0),
            }
        )
        alone = replace(request, context=replace(request.context, models=fitted))
        np.testing.assert_allclose(joint_scores(alone, np.array([1])), [0.8])
        unfitted = fitted.with_model("ease", replace(fitted.by_kind["ease"], weight=None))
        by_quality = replace(request, context=replace(request.context, models=unfitted))
        assert joint_scores(by_quality, np.array([1]))[0] == pytest.approx(0.2, abs=0.01)

    def test_models_that_were_no_good_to_anybody_count_by_trust(self) -> None:
        request = asked_of(transitions={1: 0.8}, ease={1: 0.2})(known([1.0]))
        none = ModelSet({name: LoadedModel(1, name, None, 0.0) for name in ("transitions", "ease")})
        request = replace(request, context=replace(request.context, models=none))
        np.testing.assert_allclose(joint_scores(request, np.array([1])), [0.5])

    def test_what_no_model_knows_lies_below_in_its_own_order(self, settings: Settings) -> None:
        settings.POPULARITY_SHARE = 0.0
        request = asked_of(als={1: 0.6, 3: 0.2}, popular={2: 0.5, 4: 1.0})(stranger())
        scores = score_items(request, np.array([1, 2, 3, 4]))
        np.testing.assert_allclose(scores.base, [0.6, 0.1, 0.2, 0.2])
        np.testing.assert_allclose(scores.probabilities, [0.6, np.nan, 0.2, np.nan])

    def test_without_a_model_each_source_stands_below_the_one_before(self) -> None:
        request = asked_of(popular={1: 0.9, 2: 0.4}, taste={2: 0.9, 3: 0.9}, fresh={4: 1.0})(stranger())
        scores = fallback_scores(request, np.array([1, 2, 3, 4, 99]))
        np.testing.assert_allclose(scores, [0.9, 0.4, 0.36, 0.36, 0.0])

    def test_a_source_that_does_not_know_the_person_hides_none_of_those_after_it(self) -> None:
        request = asked_of(popular={1: 0.9}, taste={2: 0.9}, fresh={3: 0.5})(stranger())
        request = replace(request, representations={"popular": 1.0, "fresh": 1.0})
        np.testing.assert_allclose(fallback_scores(request, np.array([1, 2, 3])), [0.9, 0.0, 0.45])

    def test_without_a_model_there_is_no_joint_score(self) -> None:
        assert np.isnan(joint_scores(request_of(stranger(), bare_context([1, 2])), np.array([1, 2]))).all()

    @given(
        st.dictionaries(st.integers(1, 4), st.floats(0.01, 1)),
        st.dictionaries(st.integers(1, 4), st.floats(0.01, 1), min_size=1),
    )
    def test_a_score_is_the_same_whichever_items_are_asked_about(
        self, by_als: dict[int, float], by_popularity: dict[int, float]
    ) -> None:
        given_als = {"als": by_als} if by_als else {}
        request = asked_of(**given_als, popular=by_popularity)(known([1.0]))
        together = score_items(request, np.array([1, 2, 3, 4])).base
        alone = [score_items(request, np.array([item])).base[0] for item in (1, 2, 3, 4)]
        np.testing.assert_array_equal(together, alone)


def with_a_ranker(items: int, als: AlsModel | None = None) -> ScoringContext:
    """A context of items 0, 1, … in whose order a ranker has the say."""
    context = bare_context(range(items), als)
    ranker = LoadedModel(2, "ranker-movie_home-1", load_ranker(ranker_bytes()))
    return ScoringContext.of(MOVIES, context.catalog, context.models.with_model("ranker", ranker))


class TestRanker:
    def test_its_probabilities_are_the_scores(self, settings: Settings) -> None:
        settings.POPULARITY_SHARE = 0.0
        request = request_of(stranger(), with_a_ranker(3))
        ranker = request.context.ranker
        assert ranker is not None
        scores = score_items(request, np.array([0, 1, 2]))
        features = features_of(request, np.array([0, 1, 2]))
        np.testing.assert_array_equal(scores.probabilities, ranker.probabilities(features))
        np.testing.assert_array_equal(scores.base, scores.probabilities)

    def test_what_the_catalog_lacks_has_no_score_and_no_features(self) -> None:
        request, asked = request_of(stranger(), with_a_ranker(3)), np.array([0, 99])
        scores = score_items(request, asked)
        assert np.isnan(scores.base).tolist() == np.isnan(scores.probabilities).tolist() == [False, True]
        # Once computed, and once kept.
        for _ in range(2):
            assert np.isnan(features_of(request, asked)).all(axis=1).tolist() == [False, True]

    def test_in_an_empty_catalog_no_item_has_a_score(self) -> None:
        request, asked = request_of(stranger(), with_a_ranker(0)), np.array([0, 5])
        scores = score_items(request, asked)
        assert np.isnan(scores.base).tolist() == np.isnan(scores.probabilities).tolist() == [True, True]
        assert np.isnan(features_of(request, asked)).all()

    def test_features_that_a_ranker_has_read_are_not_computed_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = request_of(stranger(), with_a_ranker(3))
        score_items(request, np.array([0, 1, 2]))
        monkeypatch.delattr("ranking.feature_rows.compute_features")
        shown = features_of_shown(request, np.array([2, 0]))
        assert are_known(shown).all()
        np.testing.assert_array_equal(shown, features_of(request, np.array([0, 1, 2]))[[2, 0]])


class TestFeatures:
    def test_the_first_row_of_the_catalog_is_an_item_like_any_other(self) -> None:
        features = features_of(request_of(known([2.0]), bare_context([0, 1])), np.array([0, 1]))
        assert features.dtype == np.float32
        assert are_known(features).all()
        assert features[:, FEATURES.index("history_size")] == pytest.approx(np.log(2.0))

    def test_an_approved_item_weighs_more_than_0_however_little(self) -> None:
        model = model_of(np.eye(3, dtype=np.float32))
        context = bare_context(range(3), model)
        request = request_of(person_with([(0, 0.5), (1, 0.0)]), context)
        np.testing.assert_allclose(lead_neighbors(request, np.arange(3)), [1.0, 0.0, 0.0], atol=1e-6)

    def test_an_approved_item_that_the_model_does_not_know_hides_no_other(self) -> None:
        model = model_of(np.array([[2, 0], [1, 1]], dtype=np.float32))
        request = request_of(person_with([(0, 2.0), (2, 2.0)]), bare_context(range(3), model))
        np.testing.assert_allclose(lead_neighbors(request, np.array([1, 2])), [np.sqrt(0.5), 0.0], atol=1e-6)

    def test_where_no_source_is_trained_no_item_has_a_score_or_a_place_by_a_model(self) -> None:
        context = bare_context([1, 2])
        policy = context.policy.changed({"sources": ["popular"]})
        request = request_of(stranger(), ScoringContext.of(MOVIES, context.catalog, policy=policy))
        for values in lead_scores(request, np.array([1, 2])):
            np.testing.assert_array_equal(values, [np.nan, np.nan])
            assert values.dtype == np.float64


class TestCandidates:
    def test_the_lead_brings_no_more_than_was_asked_for(self) -> None:
        model = model_of(np.array([[3], [2], [1]], dtype=np.float32))
        request = request_of(known([2.0]), bare_context(range(3), model))
        assert len(request.retrieve("als", 2).item_ids) == 2

    def test_nothing_excluded_gets_past_whoever_brought_it(self) -> None:
        candidates = Candidates.from_source("popular", np.array([1, 2, 3]), np.array([0.9, 0.8, 0.7]))
        assert exclude(candidates, Barred(stranger(excluded=[2]).excluded)).item_ids.tolist() == [1, 3]


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
    @pytest.mark.parametrize(("verdicts", "leads"), [(1000, True), (2, False)])
    def test_without_a_model_what_everybody_wants_leads_if_many_say_so(
        self, person: User, verdicts: int, leads: bool
    ) -> None:
        hit = wanted(make_film("Hit", genre=["Comedy"]), 1.0)
        ItemPopularity.objects.update(approvals=verdicts)
        alike = make_film("Ward Six", genre=["Medical"], theme=["hospital life"])
        like_medical(person)
        served = serve(person)
        ids, sources = [hit.pk, alike.pk], ["popular", "taste"]
        order = slice(None) if leads else slice(None, None, -1)
        assert [slot.item.id for slot in served.slots] == ids[order]
        assert [slot.source for slot in served.slots] == sources[order]
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
