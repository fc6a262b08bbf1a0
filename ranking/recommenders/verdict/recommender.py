"""The model of verdicts in service: brings what the person is least likely to turn down."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.arrays import Doubles, Ints, Rows
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Kind, Retrieved
from ranking.recommenders.rows import LARGE, full_evidence, no_similarities, retrieve_rows
from ranking.recommenders.verdict.file import load_verdicts
from ranking.recommenders.verdict.model import (
    Judge,
    Verdicts,
    VerdictTable,
    judge_of,
    log_odds_of_yes,
    neutral,
    speaking,
)
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.calibration import probabilities
from ranking.statistics.events import verdicts_of


@dataclass(frozen=True, eq=False)
class Expected:
    """A person before the items of a catalog."""

    table: VerdictTable
    judge: Judge

    @cached_property
    def odds(self) -> Doubles:
        """logit P(yes) of every item, (n,)."""
        return log_odds_of_yes(self.table, self.judge)

    def odds_at(self, rows: Rows) -> Doubles:
        """logit P(yes) of the items at these rows. Of a small catalog all are as cheap as some."""
        if len(self.table.bias) < LARGE:
            return self.odds[rows]
        return log_odds_of_yes(self.table, self.judge, rows)


@dataclass(frozen=True, slots=True, eq=False)
class ByVerdict:
    """The items that the person is least likely to turn down, with a score for everything in the catalog."""

    table: VerdictTable
    catalog: CatalogSnapshot

    @classmethod
    def build(cls, model: Verdicts, catalog: CatalogSnapshot) -> "ByVerdict":
        """The recommender of a model over a catalog."""
        return cls(VerdictTable.of(model, catalog.content), catalog)

    def represent(self, person: PersonState) -> Expected | None:
        """Their verdict on everything as expected; None where they said nothing of an item of the catalog."""
        rows = self.catalog.rows_of(person.item_ids)
        said = (rows >= 0) & (person.weights != 0)
        if not said.any() or not self.table.model.has_refusals:
            return None
        return Expected(self.table, judge_of(self.table, rows[said], verdicts_of(person.weights[said])))

    def retrieve(self, representation: Expected, limit: int, barred: Barred) -> Retrieved:
        """The likeliest yeses, of those likelier than of an item of which nothing is known."""
        odds = representation.odds
        rows = retrieve_rows(odds, self.catalog.item_ids, limit, barred)
        rows = rows[odds[rows] > neutral(self.table, representation.judge)]
        return Retrieved(self.catalog.item_ids[rows], self._calibrated(odds[rows]))

    def score(self, representation: Expected, item_ids: Ints) -> Doubles:
        rows = self.catalog.rows_of(item_ids)
        scores = np.full(len(item_ids), np.nan)
        known = np.flatnonzero(rows >= 0)
        scores[known] = self._calibrated(representation.odds_at(rows[known]))
        return scores

    def refusal(self, representation: Expected, item_ids: Ints) -> Doubles:
        """P(no) of each item (n,): the probability that they turn it down once they look; NaN for none."""
        rows = self.catalog.rows_of(item_ids)
        chances = np.full(len(item_ids), np.nan)
        known = np.flatnonzero(rows >= 0)
        chances[known] = probabilities(-representation.odds_at(rows[known]), 1.0, 0.0)
        return chances

    def floor(self, representation: Expected) -> float:
        lowest = self._calibrated(np.array([representation.odds.min(initial=0.0)]))
        return max(float(lowest[0]), 1e-12)

    def explain(self, representation: Expected, item_ids: Ints) -> list[Evidence | None]:
        """The approved item of the history that speaks most for each."""
        rows = self.catalog.rows_of(item_ids)
        if not len(self.catalog.item_ids) or not len(rows):
            return [None] * len(item_ids)
        judge = representation.judge
        parts = speaking(self.table, judge, np.maximum(rows, 0))
        # A verdict worse than expected speaks for what is unlike it; that is no reason to tell.
        parts = np.where((judge.deviations > 0)[:, None] & (rows >= 0)[None, :], parts, 0.0)
        parts[judge.rows[:, None] == rows[None, :]] = 0.0
        return [
            Evidence(item_id=int(self.catalog.item_ids[judge.rows[best]]), strength=float(value))
            if value > 0.0
            else None
            for best, value in zip(parts.argmax(axis=0), parts.max(axis=0), strict=True)
        ]

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        return no_similarities(item_ids, others)

    def _calibrated(self, odds: Doubles) -> Doubles:
        return probabilities(odds, self.table.model.slope, self.table.model.intercept)


KIND = Kind(
    name="verdict",
    label="verdict",
    method="verdict",
    why="People with your taste do not turn it down.",
    build=ByVerdict.build,
    load=load_verdicts,
    sizes=lambda model: {"factors": model.factors.shape[1]},
    judges=True,
    without="the other sources go on",
)
