"""The sources that look at what items are: near to the taste vector, and like the last approved items."""

from dataclasses import replace

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from interactions.services import record_interaction
from profiles.reduction import CODES, Taste
from profiles.taste import vector_for
from ranking.context import ScoringContext
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from serving.live import get_context
from serving.opening import open_request
from serving.pipeline import recommend
from tests.factories import active_ranker, make_active_als, make_interaction, make_user
from tests.feedback.builders import make_film
from tests.profiles.builders import manhattan_distances
from tests.ranking.builders import request_of, stranger
from tests.ranking.statistics.builders import make_content

MOVIES = USE_CASES["movie_home"]

pytestmark = pytest.mark.django_db


def brought(person: User, source: str, limit: int = 100) -> list[int]:
    request = open_request(person.pk, get_context("movie_home"), timezone.now())
    found: list[int] = request.retrieve(source, limit).item_ids.tolist()
    return found


@pytest.fixture
def films(db: None) -> list[Item]:
    """Three medical dramas to like, one more, a medical comedy, and two that share nothing with them."""
    return [
        *[make_film(f"Ward {n}", genre=["Drama", "Medical"], theme=["hospital life"]) for n in range(4)],
        make_film("Nurse!", genre=["Comedy", "Medical"]),
        make_film("Dust", genre=["Western"]),
        make_film("Blank"),
    ]


class TestTaste:
    def test_it_brings_the_nearest_first_and_nothing_that_shares_nothing(
        self, person: User, films: list[Item]
    ) -> None:
        for film in films[:3]:
            record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
        assert brought(person, "taste") == [films[3].pk, films[4].pk]
        assert brought(person, "taste", limit=1) == [films[3].pk]

    @pytest.mark.parametrize("likes", [0, 1, 2])
    def test_it_brings_nothing_before_the_vector_moves(
        self, person: User, films: list[Item], likes: int
    ) -> None:
        for film in films[:likes]:
            record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
        assert brought(person, "taste") == []

    def test_who_only_dislikes_gets_nothing_from_it(self, person: User, films: list[Item]) -> None:
        for film in films[:3]:
            save_dislike(user_id=person.pk, item=film, reason="wrong_genre")
        assert brought(person, "taste") == []

    @given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.integers(0, 1000))
    def test_its_order_is_that_of_the_distances(self, values: list[float], seed: int) -> None:
        rng = np.random.default_rng(seed)
        facets = [tuple(np.flatnonzero(rng.random(3) < 0.5).tolist()) for _ in range(12)]
        content = make_content(facets, groups=["genre"] * 3, item_ids=range(1, 13))
        nothing = np.zeros(12)
        demand = ItemDemand.from_counts(nothing, nothing, nothing)
        context = ScoringContext.of(MOVIES, CatalogSnapshot.build(content, demand, np.arange(1, 4)))
        taste = Taste(
            facet_ids=np.arange(1, 4),
            kinds=np.full(3, CODES["genre"], dtype=np.uint8),
            scores=np.zeros(3),
            values=np.array(values),
            running=np.array(values),
        )
        person = replace(stranger(), taste=replace(stranger().taste, taste=taste))
        found = request_of(person, context).retrieve("taste", 12)
        distances = manhattan_distances(content.facets, vector_for(taste, np.arange(1, 4)))
        of_found = distances[found.item_ids - 1]
        assert (np.diff(of_found) >= -1e-9).all()
        neutral = sum(values)
        assert (of_found < neutral).all()
        left_out = np.setdiff1d(np.arange(12), found.item_ids - 1)
        assert (distances[left_out] >= neutral - 2e-6).all()
        assert ((found.scores > 0) & (found.scores < 1)).all()


class TestSimilar:
    def test_it_brings_what_is_like_the_last_approved_items(self, person: User, films: list[Item]) -> None:
        make_interaction(person, films[0])
        assert brought(person, "similar")[:3] == [films[1].pk, films[2].pk, films[3].pk]
        assert films[5].pk not in brought(person, "similar")

    @pytest.mark.parametrize("type_name", ["view", "dislike"])
    def test_what_was_not_approved_is_no_ground(
        self, person: User, films: list[Item], type_name: str
    ) -> None:
        make_interaction(person, films[0], type_name)
        assert brought(person, "similar") == []

    def test_only_the_last_few_count(self, person: User, films: list[Item]) -> None:
        make_interaction(person, films[5], day=0)
        other = make_film(genre=["Western"])
        for day, film in enumerate(films[:3], start=1):
            make_interaction(person, film, day=day)
        assert other.pk not in brought(person, "similar")

    def test_an_item_that_the_catalog_lost_is_passed_over(self, person: User, films: list[Item]) -> None:
        make_interaction(person, films[0])
        Item.objects.filter(pk=films[0].pk).update(is_active=False)
        assert brought(person, "similar") == []


def test_a_newcomer_that_als_knows_nothing_of_gets_a_list_led_by_taste(
    person: User, films: list[Item]
) -> None:
    known = [make_film(f"Known {n}", genre=["Western"]) for n in range(6)]
    make_active_als([[film.pk for film in known]])
    for film in known:
        make_interaction(make_user(), film)
    for film in films[:3]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    served = recommend(user_id=person.pk, use_case=MOVIES, limit=10)
    assert served.method_used == "taste"
    assert served.model_version == ""
    assert served.personalization.applied
    first = served.slots[0]
    assert (first.item.id, first.source, first.method) == (films[3].pk, "taste", "taste")
    assert first.why == "Because you like drama and medical films and hospital life."


def test_a_new_item_gets_into_the_list_of_a_person_whom_als_knows(person: User) -> None:
    old = [make_film(f"Old {n}", genre=["Medical"], actor=["Ann Lee"]) for n in range(6)]
    make_active_als([[film.pk for film in old]])
    active_ranker("content_affinity")
    make_interaction(person, old[0])
    new = make_film("New", genre=["Medical"], actor=["Ann Lee"])
    for _ in range(6):
        make_film(genre=["Western"])
    served = recommend(user_id=person.pk, use_case=MOVIES, limit=10)
    slot = next(slot for slot in served.slots if slot.item.id == new.pk)
    assert slot.source == "similar"
