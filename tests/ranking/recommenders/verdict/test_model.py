"""The model of verdicts: its parts against their formulas, and verdicts with a known rule."""

from dataclasses import replace

import numpy as np
import pytest

from core.arrays import Doubles
from core.domain import NUMBERS
from ranking.item_content import GROUPS, ItemContent
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import event_trainer_of
from ranking.recommenders.verdict.file import dump_verdicts, load_verdicts
from ranking.recommenders.verdict.fit import VerdictParameters, fit_verdicts
from ranking.recommenders.verdict.model import (
    FACET_PRIOR,
    ITEM_PRIOR,
    LIKING_PRIOR,
    PARTS,
    PERSON_PRIOR,
    Verdicts,
    VerdictTable,
    judge_of,
    log_odds_of_yes,
    neutral,
    speaking,
)
from ranking.recommenders.verdict.numbers import KNOTS
from ranking.recommenders.verdict.recommender import ByVerdict
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import Events
from tests.ranking.builders import person_with
from tests.ranking.statistics.builders import dislike, like, make_content, make_events

PARAMETERS = VerdictParameters(factors=4)
# Sixty items of three genres (facets 0 to 2).
CONTENT = make_content([(item % 3,) for item in range(60)], groups=["genre"] * 3)


def catalog_of(content: ItemContent) -> CatalogSnapshot:
    nothing = np.zeros(len(content.item_ids))
    demand = ItemDemand.from_counts(nothing, nothing, nothing)
    return CatalogSnapshot.build(content, demand, np.arange(content.facets.shape[1]))


def genre_haters() -> Events:
    """90 people, each of whom turns one genre down and likes the other two; item 0 is turned down by all."""
    rng = np.random.default_rng(2)
    rows = []
    for person in range(90):
        for time, item in enumerate(rng.choice(60, 20, replace=False).tolist()):
            verdict = dislike if item % 3 == person % 3 or item == 0 else like
            rows.append(verdict(person, item, float(time)))
    return make_events(rows)


def plain(sums: list[float], counts: list[float], weights: Doubles | None = None) -> Verdicts:
    """A model of items 0, 1, … without factors that say anything."""
    return Verdicts(
        item_ids=np.arange(len(sums)),
        sums=np.array(sums),
        counts=np.array(counts),
        factors=np.zeros((len(sums), 2), dtype=np.float32),
        weights=np.ones(PARTS) if weights is None else weights,
        numbers=(),
        knots=np.empty((0, KNOTS)),
        effects=np.empty(0),
        mean=0.2,
        offset=0.5,
        regularization=1.0,
    )


def test_the_bias_of_an_item_is_drawn_to_that_of_its_facets() -> None:
    content = make_content([(0,), (0,), (0,), (1,)], groups=["genre", "genre"])
    table = VerdictTable.of(plain([10.0, 2.0], [20.0, 5.0]), content)
    of_facet = 12.0 / (25.0 + FACET_PRIOR)
    expected = [
        of_facet + (10.0 - 20.0 * of_facet) / (20.0 + ITEM_PRIOR),
        of_facet + (2.0 - 5.0 * of_facet) / (5.0 + ITEM_PRIOR),
        of_facet,
        0.0,
    ]
    np.testing.assert_allclose(table.bias, expected)


def test_the_parts_of_a_person_are_those_of_the_formula() -> None:
    content = make_content([(0,), (0, 1), (1,)], groups=["genre", "people"])
    table = VerdictTable.of(plain([0.0, 0.0], [0.0, 0.0]), content)
    judge = judge_of(table, np.array([0, 1]), np.array([-1.0, 1.0]))
    level = (-1.2 + 0.8) / (2.0 + PERSON_PRIOR)
    assert judge.level == pytest.approx(level)
    np.testing.assert_allclose(judge.deviations, [-1.2 - level, 0.8 - level])
    genre = (-0.4 - 2.0 * level) / (2.0 + LIKING_PRIOR)
    people = (0.8 - level) / (1.0 + LIKING_PRIOR)
    np.testing.assert_allclose(judge.likings, [genre, people])
    odds = log_odds_of_yes(table, judge)
    np.testing.assert_allclose(odds, 0.5 + level + np.array([genre, genre + people, people]))


def test_what_each_verdict_adds_sums_to_what_its_deviations_say() -> None:
    model = fit_verdicts(genre_haters(), CONTENT, PARAMETERS, seed=1)
    table = VerdictTable.of(model, CONTENT)
    judge = judge_of(table, np.array([1, 2, 3]), np.array([-1.0, 1.0, 1.0]))
    asked = np.array([4, 5, 6, 0])
    told = speaking(table, judge, asked).sum(axis=0) + model.weights[1] * table.bias[asked]
    expected = log_odds_of_yes(table, judge)[asked] - neutral(table, judge)
    np.testing.assert_allclose(told, expected, atol=1e-8)


def test_the_odds_of_some_are_to_the_bit_those_among_all() -> None:
    table = VerdictTable.of(fit_verdicts(genre_haters(), CONTENT, PARAMETERS, seed=1), CONTENT)
    judge = judge_of(table, np.array([1, 2, 3]), np.array([-1.0, 1.0, 1.0]))
    for rows in (np.array([5]), np.array([4, 0, 7]), np.array([], dtype=np.intp)):
        assert log_odds_of_yes(table, judge, rows).tobytes() == log_odds_of_yes(table, judge)[rows].tobytes()


def test_it_learns_who_turns_what_down() -> None:
    model = fit_verdicts(genre_haters(), CONTENT, PARAMETERS, seed=1)
    table = VerdictTable.of(model, CONTENT)
    assert model.weights[3 + GROUPS.index("genre")] > 1.0
    judge = judge_of(table, np.array([1, 4, 2, 3]), np.array([-1.0, -1.0, 1.0, 1.0]))
    odds = log_odds_of_yes(table, judge)
    others = np.arange(6, 60)
    assert odds[others[others % 3 != 1]].min() > odds[others[others % 3 == 1]].max()
    # Everybody turns item 0 down, whatever they think of its genre.
    assert odds[0] < odds[np.arange(3, 60, 3)].min()


def test_a_chance_is_high_where_nearly_all_is_turned_down_and_low_where_hardly_any_is() -> None:
    one = ByVerdict.build(fit_verdicts(genre_haters(), CONTENT, PARAMETERS, seed=1), catalog_of(CONTENT))
    seen = one.represent(
        person_with([*((item, -1.0) for item in (1, 4, 7)), *((item, 2.0) for item in (2, 3, 5, 6))])
    )
    assert seen is not None
    chances = one.refusal(seen, np.array([10, 13, 8, 9, 999]))
    assert chances[:2].min() > 0.5 > chances[2:4].max()
    assert np.isnan(chances[4])


def test_a_new_item_is_judged_by_its_facets() -> None:
    content = make_content([(item % 3,) for item in range(62)], groups=["genre"] * 3)
    trainer = event_trainer_of("verdict", content)
    assert trainer is not None
    model = trainer.fit_events(genre_haters(), trainer.parameters({}), seed=0, progress=None)
    one = TRAINED["verdict"].build(model, catalog_of(content))
    seen = one.represent(person_with([(1, -1.0), (4, -1.0), (2, 2.0), (5, 2.0)]))
    hated, liked = one.refusal(seen, np.array([61, 60]))
    assert hated > liked
    assert one.score(seen, np.array([60]))[0] > one.score(seen, np.array([61]))[0]


def with_runtimes(minutes: Doubles) -> ItemContent:
    """Items without facets, of which the runtime alone is known."""
    content = make_content([()] * len(minutes), groups=["genre"])
    numbers = np.full((len(minutes), len(NUMBERS)), np.nan)
    numbers[:, NUMBERS.index("runtime")] = minutes
    return replace(content, known_numbers=numbers)


def test_an_item_that_nobody_met_is_judged_by_its_numbers_and_by_what_the_person_says_of_their_like() -> None:
    rng = np.random.default_rng(5)
    minutes = np.append(rng.uniform(10, 200, 298), [20.0, 180.0])
    # What is long is turned down by most, what is short by every fourth person.
    rows = []
    for person in range(120):
        for time, item in enumerate(rng.choice(298, 20, replace=False).tolist()):
            long = minutes[item] > 105
            turned = long != (person % 4 == 0)
            rows.append((dislike if turned else like)(person, item, float(time)))
    content = with_runtimes(minutes)
    model = load_verdicts(dump_verdicts(fit_verdicts(make_events(rows), content, PARAMETERS, seed=1)))
    one = ByVerdict.build(model, catalog_of(content))
    unmet = np.array([298, 299])
    short, long = np.argsort(minutes[:298])[[20, 40, 60, 240, 260, 280]].reshape(2, 3).tolist()
    usual = one.represent(person_with([*((item, 2.0) for item in short), *((item, -1.0) for item in long)]))
    other = one.represent(person_with([*((item, -1.0) for item in short), *((item, 2.0) for item in long)]))
    assert usual is not None
    assert other is not None
    assert np.diff(one.refusal(usual, unmet))[0] > 0.2
    assert np.diff(one.refusal(other, unmet))[0] < -0.2
    # Of somebody else nothing is known but what most think.
    known = one.represent(person_with([(int(np.argsort(minutes)[150]), 2.0)]))
    assert known is not None
    assert np.diff(one.refusal(known, unmet))[0] > 0.2


def test_a_catalog_that_names_other_numbers_is_judged_without_them() -> None:
    content = with_runtimes(np.linspace(10, 200, 60))
    model = fit_verdicts(genre_haters(), content, PARAMETERS, seed=1)
    renamed = replace(model, numbers=tuple(f"was_{name}" for name in model.numbers))
    table = VerdictTable.of(renamed, content)
    assert table.levels.nnz == 0
    assert VerdictTable.of(model, content).levels.nnz > 0
    judge = judge_of(table, np.array([1]), np.array([1.0]))
    assert np.isfinite(log_odds_of_yes(table, judge)).all()


def test_where_nobody_turned_anything_down_it_is_silent() -> None:
    model = fit_verdicts(make_events([like(1, 2), like(2, 3)]), CONTENT, PARAMETERS, seed=1)
    assert not model.has_refusals
    assert ByVerdict.build(model, catalog_of(CONTENT)).represent(person_with([(2, 2.0)])) is None


def test_who_only_turned_down_is_known_too() -> None:
    one = ByVerdict.build(fit_verdicts(genre_haters(), CONTENT, PARAMETERS, seed=1), catalog_of(CONTENT))
    seen = one.represent(person_with([(1, -1.0), (4, -1.0)]))
    assert seen is not None
    chances = one.refusal(seen, np.array([7, 8]))
    assert chances[0] > chances[1]


def test_few_noes_leave_every_part_its_plain_weight() -> None:
    events = make_events([like(1, 2), like(2, 3), dislike(2, 4), like(3, 4)])
    model = fit_verdicts(events, CONTENT, PARAMETERS, seed=1)
    assert len(set(model.weights.tolist())) == 1
    assert model.offset == pytest.approx(np.log(3.0))


def test_dislikes_alone_are_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="no positive interactions"):
        fit_verdicts(make_events([dislike(1, 2)]), CONTENT, PARAMETERS, seed=1)


@pytest.mark.parametrize("values", [{"factors": 0}, {"iterations": 0}, {"regularization": 0.0}])
def test_hyper_parameters_that_cannot_be_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        VerdictParameters(**values)
