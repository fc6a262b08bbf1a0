"""The gate: what passes, what does not, and that it says why."""

from typing import Any

import numpy as np
import pytest

from core.arrays import Doubles, Ints
from ranking.evaluation.gate import GateRules, compare, paired_differences
from ranking.evaluation.results import ContenderEvaluation, PersonFigures
from ranking.evaluation_report import GateVerdict

RULES = GateRules(margin=-0.02, min_people=20)
PEOPLE = 60
RNG = np.random.default_rng
BASE = RNG(0).uniform(0.2, 0.6, PEOPLE)


def evaluated(
    name: str,
    figures: dict[str, Doubles],
    *,
    leaked: bool = False,
    judged: bool = False,
    by_models: dict[str, Ints] | None = None,
) -> ContenderEvaluation:
    return ContenderEvaluation(
        name=name,
        k=10,
        figures={
            figure: PersonFigures(np.arange(100, 100 + len(values)), np.asarray(values, dtype=np.float64))
            for figure, values in figures.items()
        },
        leaked=leaked,
        judged=judged,
        by_models=by_models or {},
    )


def verdict(
    candidate: dict[str, Doubles], active: dict[str, Doubles], rules: GateRules = RULES
) -> GateVerdict:
    return compare(evaluated("new", candidate), evaluated("old", active), rules, seed=0)


def test_the_better_passes() -> None:
    found = verdict({"list_ndcg": BASE + 0.05}, {"list_ndcg": BASE})
    assert found.passed
    assert found.why == (
        "NDCG@10, lists shown +0.050 [+0.050, +0.050] over 60 people against old; no dislikes to compare by."
    )


def test_the_worse_does_not() -> None:
    found = verdict({"list_ndcg": BASE - 0.05}, {"list_ndcg": BASE})
    assert not found.passed
    assert "-0.050 [-0.050, -0.050] over 60 people" in found.why
    assert "below the margin of -0.020" in found.why


def test_what_is_only_as_good_by_chance_does_not() -> None:
    noise = RNG(1).normal(0, 0.3, PEOPLE)
    found = verdict({"list_ndcg": BASE + noise - noise.mean()}, {"list_ndcg": BASE})
    assert not found.passed
    assert "the lower end lies below the margin" in found.why


def test_the_same_model_again_passes() -> None:
    assert verdict({"list_ndcg": BASE}, {"list_ndcg": BASE}).passed


@pytest.mark.parametrize("people", [0, 1, 19])
def test_too_few_people_decide_nothing(people: int) -> None:
    found = verdict({"list_ndcg": BASE[:people] + 0.3}, {"list_ndcg": BASE[:people]})
    assert not found.passed
    assert found.why == (
        f"Only {people} {'person' if people == 1 else 'people'} can be evaluated on what was held out; "
        "20 are needed. Wait for more feedback."
    )


def test_nothing_in_common_decides_nothing() -> None:
    assert "Only 0 people" in verdict({}, {"ndcg": BASE}).why
    nobody = np.full(PEOPLE, np.nan)
    assert "Only 0 people" in verdict({"ndcg": nobody}, {"ndcg": BASE}).why
    assert not verdict({}, {}, GateRules(margin=-1.0, min_people=0)).passed


def test_people_decide_where_too_few_lists_were_shown() -> None:
    few = np.where(np.arange(PEOPLE) < 5, BASE, np.nan)
    found = verdict({"list_ndcg": few - 0.2, "ndcg": BASE + 0.1}, {"list_ndcg": few, "ndcg": BASE})
    assert found.passed
    assert found.why.startswith("NDCG@10 +0.100")


def test_where_lists_were_shown_they_decide_alone() -> None:
    # People can only like what they are shown, so lists made anew favor whoever made those that were shown.
    found = verdict({"list_ndcg": BASE + 0.1, "ndcg": BASE - 0.1}, {"list_ndcg": BASE, "ndcg": BASE})
    assert found.passed
    assert "lists shown +0.100" in found.why


@pytest.mark.parametrize(
    ("figure", "change", "title"),
    [
        ("disliked_share", +0.05, "Disliked in top 10"),
        ("order", -0.1, "AUC"),
        ("ndcg_gap", -0.1, "ΔNDCG@10"),
        ("list_order", -0.1, "AUC, lists shown"),
    ],
)
def test_more_of_what_is_disliked_does_not_pass(figure: str, change: float, title: str) -> None:
    found = verdict({"ndcg": BASE + 0.1, figure: BASE + change}, {"ndcg": BASE, figure: BASE})
    assert not found.passed
    assert found.why.startswith(title)
    assert found.why.endswith("against old: clearly worse.")
    better = verdict({"ndcg": BASE + 0.1, figure: BASE - change}, {"ndcg": BASE, figure: BASE})
    assert better.passed
    assert better.why.endswith("disliked items are not clearly worse.")


def test_worse_by_chance_alone_is_not_clearly_worse() -> None:
    noise = RNG(2).normal(0.005, 0.2, PEOPLE)
    found = verdict({"ndcg": BASE, "disliked_share": BASE + noise}, {"ndcg": BASE, "disliked_share": BASE})
    assert found.passed


def test_who_has_seen_the_answers_does_not_pass() -> None:
    candidate, active = evaluated("new", {"ndcg": BASE + 0.3}, leaked=True), evaluated("old", {"ndcg": BASE})
    found = compare(candidate, active, RULES, seed=0)
    assert found.passed is False
    assert "new may have learned from part of what it is evaluated on" in found.why
    assert paired_differences(candidate, active, seed=0)[0].interval.mean == pytest.approx(0.3)


def test_what_lies_at_the_margin_passes_it() -> None:
    """No difference at all, in quality or in what is disliked, against a margin of nothing."""
    figures = {"ndcg": BASE, "order": BASE, "disliked_share": BASE}
    assert verdict(figures, figures, GateRules(margin=0.0, min_people=20)).passed


@pytest.mark.parametrize(("people", "passes"), [(5, True), (6, False)])
def test_six_people_who_all_fare_worse_are_no_chance(people: int, passes: bool) -> None:
    few = np.where(np.arange(PEOPLE) < people, BASE, np.nan)
    found = verdict({"ndcg": BASE, "disliked_share": few + 0.1}, {"ndcg": BASE, "disliked_share": few})
    assert found.passed is passes


NOTHING = np.zeros(PEOPLE)


@pytest.mark.parametrize("margin", [-0.02, 0.0, -1.0])
@pytest.mark.parametrize("figure", ["ndcg", "list_ndcg"])
def test_where_neither_has_anything_right_for_anybody_nothing_passes(figure: str, margin: float) -> None:
    found = verdict({figure: NOTHING}, {figure: NOTHING}, GateRules(margin=margin, min_people=20))
    assert not found.passed
    assert found.why.startswith(
        "60 people can be evaluated, but for only 0 of them has a model of either side"
    )
    assert found.why.endswith("; 6 are needed.")


def test_where_no_people_are_asked_for_nothing_still_shows_nothing() -> None:
    assert not verdict({"ndcg": NOTHING}, {"ndcg": NOTHING}, GateRules(margin=-1.0, min_people=0)).passed


@pytest.mark.parametrize(("people", "passes"), [(5, False), (6, True)])
def test_a_handful_of_people_with_anything_is_little_evidence(people: int, passes: bool) -> None:
    few = np.where(np.arange(PEOPLE) < people, BASE, 0.0)
    assert verdict({"ndcg": few + few}, {"ndcg": few}).passed is passes
    assert verdict({"ndcg": few}, {"ndcg": NOTHING}).passed is passes


@pytest.mark.parametrize("figure", ["ndcg", "list_ndcg"])
@pytest.mark.parametrize("sides", [(0, 0), (0, 60), (60, 0), (5, 6)])
def test_lists_that_no_model_made_are_no_evidence(figure: str, sides: tuple[int, int]) -> None:
    """Both lists are those by popularity for whom neither side knows; one model that knows them is enough."""
    people = np.arange(100, 100 + PEOPLE)
    candidate, active = (
        evaluated(name, {figure: BASE}, by_models={figure: people[:count]})
        for name, count in zip(("new", "old"), sides, strict=True)
    )
    assert compare(candidate, active, RULES, seed=0).passed is (max(sides) >= 6)


def test_what_is_no_number_passes_nothing() -> None:
    assert not verdict({"ndcg": BASE}, {"ndcg": BASE}, GateRules(margin=np.nan, min_people=20)).passed


def test_too_few_dislikes_are_said_to_be_too_few() -> None:
    few = np.where(np.arange(PEOPLE) < 5, BASE, np.nan)
    found = verdict({"ndcg": BASE, "disliked_share": few + 0.1}, {"ndcg": BASE, "disliked_share": few})
    assert found.passed
    assert found.why.endswith("; 5 people turned anything down, too few to compare by.")


def test_one_person_is_no_people() -> None:
    found = verdict({"ndcg": BASE[:1]}, {"ndcg": BASE[:1]}, GateRules(margin=-0.02, min_people=1))
    assert "over 1 person against old" in found.why


def test_people_are_paired_by_who_they_are() -> None:
    one = ContenderEvaluation(
        "a", 10, {"ndcg": PersonFigures(np.array([1, 2, 3]), np.array([0.1, np.nan, 0.3]))}
    )
    other = ContenderEvaluation(
        "b", 10, {"ndcg": PersonFigures(np.array([2, 3, 4]), np.array([0.5, 0.2, 0.9]))}
    )
    (difference,) = paired_differences(one, other, seed=0)
    assert (difference.figure, difference.baseline, difference.people) == ("ndcg", "b", 1)
    assert difference.interval.mean == pytest.approx(0.1)


def test_one_seed_gives_one_verdict() -> None:
    noise = RNG(3).normal(0, 0.1, PEOPLE)
    one, again = (verdict({"ndcg": BASE + noise}, {"ndcg": BASE}) for _ in range(2))
    assert one == again


class TestModelOfVerdicts:
    """A candidate that turns down less passes for it, where it costs little of what people like."""

    def verdict(
        self,
        *,
        quality: float,
        order: float,
        spread: float = 0.3,
        people: int = PEOPLE,
        judged: tuple[bool, bool] = (True, False),
    ) -> GateVerdict:
        noise = RNG(1).normal(0, spread, PEOPLE)
        new = {"ndcg": BASE + noise - noise.mean() + quality, "order": BASE[:people] + order}
        return compare(
            evaluated("new", new, judged=judged[0]),
            evaluated("old", {"ndcg": BASE, "order": BASE[:people]}, judged=judged[1]),
            RULES,
            seed=0,
        )

    def test_it_passes_for_a_clearly_better_order(self) -> None:
        found = self.verdict(quality=-0.01, order=0.05)
        assert found.passed
        assert found.why.startswith("NDCG@10 -0.010 [-0.07")
        assert found.why.endswith(" AUC +0.050 [+0.050, +0.050] over 60 people: clearly better.")

    @pytest.mark.parametrize(
        "but",
        [
            {"order": 0.0},
            {"quality": -0.03},
            # Clearly worse, though the mean lies above the margin.
            {"quality": -0.015, "spread": 0.03},
            {"people": RULES.min_people - 1},
            # Neither has one, or both have.
            {"judged": (False, False)},
            {"judged": (True, True)},
            {"judged": (False, True)},
        ],
    )
    def test_else_it_does_not(self, but: dict[str, Any]) -> None:
        found = self.verdict(**{"quality": -0.01, "order": 0.05, **but})
        assert not found.passed
        assert "the lower end lies below the margin" in found.why


class TestBaselines:
    """A simple way that anybody could take stands beside what serves."""

    def verdict(self, candidate: float, active: float, simple: float) -> GateVerdict:
        one, other, plain = (
            evaluated(name, {"ndcg": BASE + change})
            for name, change in (("new", candidate), ("old", active), ("plain ALS", simple))
        )
        return compare(one, other, RULES, seed=0, baselines=[plain])

    def test_the_verdict_says_how_it_compares(self) -> None:
        found = self.verdict(0.0, 0.0, -0.05)
        assert found.passed
        assert found.why.endswith("NDCG@10 +0.050 [+0.050, +0.050] over 60 people against plain ALS.")

    def test_what_a_simple_way_beats_does_not_pass_for_being_as_good_as_what_serves(self) -> None:
        found = self.verdict(0.0, 0.0, 0.05)
        assert not found.passed
        assert found.why.endswith("It is clearly worse than plain ALS, a simple way.")

    def test_but_for_being_better(self) -> None:
        assert self.verdict(0.03, 0.0, 0.05).passed

    def test_nothing_is_added_to_a_no(self) -> None:
        assert "plain" not in self.verdict(-0.1, 0.0, 0.05).why
