"""Nearness by facets: the rule that it learns from choices, and its scores against the formula."""

from collections.abc import Callable

import numpy as np
import pytest

from core.arrays import Doubles
from ranking.item_content import GROUPS, ItemContent
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.by_nearness import ByNearness
from ranking.recommenders.content.model import unit_facets
from ranking.recommenders.nearness import NearnessParameters, NearnessWeights, fit_nearness, shares_of
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import event_trainer_of
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import Events
from tests.ranking.builders import person_with
from tests.ranking.statistics.builders import dislike, like, make_content, make_events, two_tastes

GENRE, PEOPLE = GROUPS.index("genre"), GROUPS.index("people")
# 40 items: one of four genres (facets 0 to 3) and one of ten people (facets 4 to 13).
CONTENT = make_content(
    [(item % 4, 4 + item // 4) for item in range(40)], groups=["genre"] * 4 + ["people"] * 10
)
UNITS = unit_facets(CONTENT)
UNLEARNED = NearnessWeights.unlearned(len(GROUPS))
PARAMETERS = NearnessParameters(others=10)


def catalog_of(content: ItemContent) -> CatalogSnapshot:
    nothing = np.zeros(len(content.item_ids))
    demand = ItemDemand.from_counts(nothing, nothing, nothing)
    return CatalogSnapshot.build(content, demand, np.arange(content.facets.shape[1]))


def weights_of(genre: float = 0.0, people: float = 0.0, refused: float = 0.0) -> NearnessWeights:
    approved, against = np.zeros(len(GROUPS)), np.zeros(len(GROUPS))
    approved[GENRE], approved[PEOPLE], against[GENRE] = genre, people, refused
    return NearnessWeights(approved, against, 1.0)


def raw_scores(person: PersonState, weights: NearnessWeights) -> Doubles:
    seen = ByNearness.build(weights, catalog_of(CONTENT), UNITS).represent(person)
    assert seen is not None
    return seen.scores


def chains(follows: Callable[[int, np.random.Generator], int]) -> Events:
    """Sixty people with eight likes, each by the one before."""
    rng = np.random.default_rng(3)
    rows = []
    for person in range(60):
        item = int(rng.integers(40))
        for time in range(8):
            rows.append(like(person, item, float(time)))
            item = follows(item, rng)
    return make_events(rows)


def same_genre(item: int, rng: np.random.Generator) -> int:
    return int(item % 4 + 4 * rng.integers(10))


def same_people(item: int, rng: np.random.Generator) -> int:
    return int(item // 4 * 4 + rng.integers(4))


def test_the_group_by_which_people_choose_weighs_most() -> None:
    genre = fit_nearness(chains(same_genre), UNITS, PARAMETERS, seed=1)
    people = fit_nearness(chains(same_people), UNITS, PARAMETERS, seed=1)
    assert genre.approved[GENRE] > 1.0 > 0.5 > genre.approved[PEOPLE]
    assert people.approved[PEOPLE] > 1.0 > people.approved[GENRE]


def test_who_goes_by_the_last_item_alone_gets_a_fast_decay() -> None:
    def walk(item: int, rng: np.random.Generator) -> int:
        """The genre of the item before three times in four, else another."""
        return same_genre(item + int(rng.random() < 0.25), rng)

    def settled(item: int, rng: np.random.Generator) -> int:
        """The same genre for good, but one odd item in three."""
        return same_genre(item, rng)

    assert fit_nearness(chains(walk), UNITS, PARAMETERS, seed=1).decay >= 0.75
    noisy = make_events(
        [
            like(person, (person % 4 if time % 3 else (time + person) % 4) + 4 * ((time + person) % 10), time)
            for person in range(60)
            for time in range(9)
        ]
    )
    assert fit_nearness(noisy, UNITS, PARAMETERS, seed=1).decay <= 0.5


def test_what_a_no_says_of_its_genre_is_learned() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for person in range(60):
        refused = int(rng.integers(4))
        rows.append(dislike(person, refused, 0.0))
        others = [item for item in range(4, 40) if item % 4 != refused]
        liked = rng.choice(others, 6, replace=False).tolist()
        rows += [like(person, item, 1.0 + place) for place, item in enumerate(liked)]
    found = fit_nearness(make_events(rows), UNITS, PARAMETERS, seed=1)
    assert found.refused[GENRE] > 0.1
    assert found.refused[PEOPLE] < found.refused[GENRE]


def test_scores_are_those_of_the_formula() -> None:
    person = person_with([(0, 3.0), (5, 3.0), (2, -1.0)])
    scores = raw_scores(person, weights_of(genre=2.0, people=3.0, refused=0.5))
    # The last approved item counts whole, the one before half; their shares sum to 1.5.
    assert scores[1] == pytest.approx((2.0 * 1.0 + 3.0 * 0.5) / 1.5)  # genre of 5, people of 0
    assert scores[4] == pytest.approx((2.0 * 0.5 + 3.0 * 1.0) / 1.5)
    assert scores[22] == pytest.approx(-0.5 / 1.5)  # the genre of what was turned down


def test_shares_count_approved_and_refused_places_apart() -> None:
    shares = shares_of(np.array([3.0, -1.0, 1.5, -1.0]), 1.0)
    np.testing.assert_allclose(shares, np.array([0.5, -0.5, 0.5, -1.0]) / 1.0)


def test_facets_of_each_group_have_length_one() -> None:
    units = unit_facets(make_content([(0, 1, 2), (2,), ()], groups=["genre", "genre", "people"]))
    lengths = np.sqrt(np.square(units.values.toarray())[:, :2].sum(axis=1))
    np.testing.assert_allclose(lengths, [1.0, 0.0, 0.0])


def test_an_item_that_nobody_met_is_scored() -> None:
    content = make_content([(0,), (0,), (1,), (0,), (1,)], groups=["genre", "genre"])
    trainer = event_trainer_of("content", content)
    assert trainer is not None
    events = make_events([like(person, item) for person in range(9) for item in (0, 1)] + [like(9, 2)])
    model = trainer.fit_events(events, trainer.parameters({}), seed=0, progress=None)
    one = TRAINED["content"].build(model, catalog_of(content))
    seen = one.represent(person_with([(0, 2.0)]))
    assert one.retrieve(seen, 3, Barred(np.array([0]))).item_ids.tolist() == [1, 3]
    assert np.isnan(one.score(seen, np.array([4]))).all()
    assert one.explain(seen, np.array([3]))[0].item_id == 0


def test_without_facets_or_a_second_choice_nothing_is_learned() -> None:
    bare = make_content([()] * 12, groups=[])
    once = make_events([like(1, 2), like(2, 3)])
    for found in (
        fit_nearness(two_tastes(), unit_facets(bare), PARAMETERS, seed=1),
        fit_nearness(once, UNITS, PARAMETERS, seed=1),
    ):
        assert found.decay == UNLEARNED.decay
        np.testing.assert_array_equal(found.approved, UNLEARNED.approved)
        np.testing.assert_array_equal(found.refused, UNLEARNED.refused)


def test_dislikes_alone_are_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="no positive interactions"):
        fit_nearness(make_events([dislike(1, 2), dislike(1, 3)]), UNITS, PARAMETERS, seed=1)


@pytest.mark.parametrize("values", [{"questions": 0}, {"others": 0}])
def test_hyper_parameters_that_cannot_be_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        NearnessParameters(**values)


def test_a_person_of_refusals_alone_is_not_known_to_it() -> None:
    assert ByNearness.build(UNLEARNED, catalog_of(CONTENT), UNITS).represent(person_with([(0, -1.0)])) is None


def test_a_catalog_of_other_facets_takes_the_same_model() -> None:
    """The file holds weights of groups alone, so facets that came later count as well."""
    later = make_content([(0,), (0,), (1,)], groups=["people", "people"], item_ids=[70, 71, 72])
    seen = ByNearness.build(weights_of(people=1.0), catalog_of(later), unit_facets(later)).represent(
        person_with([(70, 2.0)])
    )
    assert seen is not None
    assert (seen.scores[:2] > 0).all()
    assert seen.scores[2] == 0
