"""The final order: chance takes the places that it says it takes, and nothing gets in through it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from catalog.models import Item
from catalog.selectors import ItemCard, get_cards
from ranking.candidates import Candidates
from ranking.request import RankingRequest
from serving import arranging
from serving.arranging import RESERVE, Arrangement, arrange, draw_exploration
from serving.explaining import Reason, find_reasons
from tests.factories import make_items
from tests.ranking.builders import bare_context, request_of, stranger


def candidates_of(items: list[Item]) -> Candidates:
    ids = np.array([item.pk for item in items], dtype=np.int64)
    return Candidates.from_source("popular", ids, np.linspace(1.0, 0.1, len(ids)))


def arranged(candidates: Candidates, limit: int, rng: np.random.Generator) -> Arrangement:
    context = bare_context(sorted(candidates.item_ids.tolist()))
    return arrange(candidates, request_of(stranger(), context), limit, rng)


class TestChance:
    LIMIT, BEHIND, SHARE, DRAWS = 5, 12, 0.3, 20_000

    @pytest.mark.slow
    def test_each_place_and_item_come_up_as_often_as_their_propensity_says(self) -> None:
        rng = np.random.default_rng(3)
        seen = np.zeros((self.LIMIT, self.BEHIND))
        for _ in range(self.DRAWS):
            places, drawn, chance = draw_exploration(self.LIMIT, self.BEHIND, rng, self.SHARE)
            seen[places, drawn] += 1
        assert chance.of_exploring == self.SHARE
        assert chance.of_each == pytest.approx(self.SHARE / self.BEHIND)
        assert (seen[0] == 0).all()
        # Four standard errors of a share, for each of the 48 places and items.
        error = 4.5 * np.sqrt(chance.of_each * (1 - chance.of_each) / self.DRAWS)
        assert seen[1:] / self.DRAWS == pytest.approx(
            np.full((self.LIMIT - 1, self.BEHIND), chance.of_each), abs=error
        )

    @pytest.mark.parametrize(("behind", "explored"), [(4, 0), (5, 4)])
    def test_as_many_behind_the_list_as_are_asked_for_are_enough(self, behind: int, explored: int) -> None:
        places, _, chance = draw_exploration(5, behind, np.random.default_rng(0), 1.0)
        assert (len(places), chance.of_exploring) == (explored, float(explored > 0))

    def test_the_chances_of_a_place_add_up_to_one(self) -> None:
        _, _, chance = draw_exploration(self.LIMIT, self.BEHIND, np.random.default_rng(0), self.SHARE)
        assert (1 - chance.of_exploring) + self.BEHIND * chance.of_each == pytest.approx(1.0)

    @given(
        st.integers(1, 60), st.integers(0, 400), st.sampled_from([0.0, 0.05, 0.5, 1.0]), st.integers(0, 1000)
    )
    def test_draws_are_in_their_bounds_without_repeating(
        self, limit: int, behind: int, share: float, seed: int
    ) -> None:
        places, drawn, chance = draw_exploration(limit, behind, np.random.default_rng(seed), share)
        assert len(places) == len(drawn)
        assert len(set(drawn.tolist())) == len(drawn)
        assert len(set(places.tolist())) == len(places)
        assert all(0 < place < limit for place in places)
        assert all(0 <= row < min(behind, RESERVE) for row in drawn)
        if share == 0.0 or behind < limit:
            assert (len(places), chance.of_exploring, chance.of_each) == (0, 0.0, 0.0)
        elif share == 1.0:
            assert len(places) == limit - 1


@pytest.fixture
def known_cards(monkeypatch: pytest.MonkeyPatch, db: None) -> list[Item]:
    """Sixteen films whose cards are read once, so that a thousand lists need no thousand queries."""
    items = make_items(16)
    cards = get_cards([item.pk for item in items])

    def known(item_ids: Iterable[int]) -> dict[int, ItemCard]:
        return {item_id: cards[item_id] for item_id in item_ids}

    monkeypatch.setattr(arranging, "current_cards", known)
    return items


@pytest.mark.slow
def test_logged_propensities_are_the_frequencies_of_whole_lists(
    known_cards: list[Item], settings: Settings
) -> None:
    settings.EXPLORATION_SHARE = 0.4
    candidates, rng, draws = candidates_of(known_cards), np.random.default_rng(11), 6000
    logged: dict[tuple[int, int], float] = {}
    times: Counter[tuple[int, int]] = Counter()
    for _ in range(draws):
        shown = arranged(candidates, 4, rng).shown
        assert len(set(shown.item_ids.tolist())) == 4
        for place, (item_id, propensity) in enumerate(
            zip(shown.item_ids.tolist(), shown.propensities.tolist(), strict=True)
        ):
            assert logged.setdefault((place, item_id), propensity) == propensity
            times[place, item_id] += 1
    # The first place, then three places with the one ranked there and each of seven behind the spares.
    assert len(logged) == 1 + 3 * (1 + 7)
    for key, propensity in logged.items():
        error = 4.5 * np.sqrt(propensity * (1 - propensity) / draws)
        assert times[key] / draws == pytest.approx(propensity, abs=error + 1e-12), key
    for place in range(4):
        assert sum(logged[key] for key in logged if key[0] == place) == pytest.approx(1.0)


def test_what_is_explored_says_so_and_the_first_place_never_is(
    known_cards: list[Item], settings: Settings
) -> None:
    settings.EXPLORATION_SHARE = 1.0
    ids = [item.pk for item in known_cards]
    for seed in range(30):
        result = arranged(candidates_of(known_cards), 5, np.random.default_rng(seed))
        assert result.explored == (False, True, True, True, True)
        assert result.shown.item_ids[0] == ids[0]
        assert set(result.shown.item_ids[1:].tolist()) <= set(ids[10:])
        assert [reason.source for reason in result.reasons] == ["popular", *["exploration"] * 4]


def test_whatever_chance_draws_the_reasons_of_the_others_are_asked_for_once(
    known_cards: list[Item], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXPLORATION_SHARE = 0.5
    asked: list[int] = []

    def counted(candidates: Candidates, request: RankingRequest) -> list[Reason]:
        asked.append(len(candidates))
        return find_reasons(candidates, request)

    monkeypatch.setattr("serving.telling.find_reasons", counted)
    candidates = candidates_of(known_cards)
    request = request_of(stranger(), bare_context(sorted(candidates.item_ids.tolist())))
    drawn = {
        tuple(arrange(candidates, request, 5, np.random.default_rng(seed)).shown.item_ids.tolist())
        for seed in range(9)
    }
    assert len(drawn) > 1
    assert asked == [10]


def test_without_a_share_the_list_is_the_ranking(known_cards: list[Item]) -> None:
    candidates = candidates_of(known_cards)
    for seed in range(5):
        result = arranged(candidates, 6, np.random.default_rng(seed))
        assert result.shown.item_ids.tolist() == candidates.item_ids[:6].tolist()
        assert result.shown.propensities.tolist() == [1.0] * 6
        assert result.explored == (False,) * 6


@pytest.mark.parametrize(("limit", "explores"), [(5, True), (6, False), (16, False)])
def test_where_too_few_stand_behind_nothing_is_left_to_chance(
    known_cards: list[Item], settings: Settings, limit: int, explores: bool
) -> None:
    """Of sixteen, a list of five and its five spares leave six; a list of six leaves five."""
    settings.EXPLORATION_SHARE = 1.0
    result = arranged(candidates_of(known_cards), limit, np.random.default_rng(0))
    assert any(result.explored) is explores
    if not explores:
        assert result.shown.item_ids.tolist() == [item.pk for item in known_cards[:limit]]
        assert result.shown.propensities.tolist() == [1.0] * limit


@pytest.mark.parametrize(("setting", "own", "explores"), [(0.0, 1.0, True), (1.0, 0.0, False)])
def test_the_share_of_the_policy_stands_in_place_of_the_setting(
    known_cards: list[Item], settings: Settings, setting: float, own: float, explores: bool
) -> None:
    settings.EXPLORATION_SHARE = setting
    candidates = candidates_of(known_cards)
    context = bare_context(candidates.item_ids.tolist())
    context = replace(context, policy=replace(context.policy, exploration_share=own))
    result = arrange(candidates, request_of(stranger(), context), 5, np.random.default_rng(0))
    assert result.explored == (False, *[explores] * 4)
    assert result.shown.propensities.tolist() == pytest.approx([1.0, *[1 / 6 if explores else 1.0] * 4])


def test_chance_fills_no_place_of_a_list_that_hidden_items_made_short(db: None, settings: Settings) -> None:
    """Of the nine at the front only two are left, so there are two places, the second left to chance."""
    settings.EXPLORATION_SHARE = 1.0
    items = make_items(20)
    Item.objects.filter(pk__in=[item.pk for item in items[2:9]]).update(is_active=False)
    result = arranged(candidates_of(items), 4, np.random.default_rng(0))
    assert result.explored == (False, True)
    assert result.shown.propensities.tolist() == pytest.approx([1.0, 1 / 11])
    assert len(result.reasons) == 2


def test_a_list_of_one_is_never_explored(known_cards: list[Item], settings: Settings) -> None:
    settings.EXPLORATION_SHARE = 1.0
    result = arranged(candidates_of(known_cards), 1, np.random.default_rng(0))
    assert (result.explored, result.shown.propensities.tolist()) == ((False,), [1.0])


def test_nothing_to_arrange_is_an_empty_list(db: None) -> None:
    result = arranged(candidates_of([]), 5, np.random.default_rng(0))
    assert (len(result.shown), result.explored, result.reasons, result.cards) == (0, (), [], {})


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_what_was_hidden_since_is_not_shown_by_chance_either(
    db: None, settings: Settings, share: float
) -> None:
    settings.EXPLORATION_SHARE = share
    items = make_items(20)
    hidden = {item.pk for item in items[::2]}
    Item.objects.filter(pk__in=hidden).update(is_active=False)
    for seed in range(20):
        shown = arranged(candidates_of(items), 4, np.random.default_rng(seed)).shown.item_ids.tolist()
        assert len(shown) == len(set(shown)) == 4
        assert not set(shown) & hidden
