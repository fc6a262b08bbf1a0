"""The share of what people liked that lists held and sources brought, by the kind of item and by source."""

from collections.abc import Sequence

import numpy as np

from core.arrays import Bools, Doubles, Ints
from ranking.evaluation.contenders import ContenderScores
from ranking.evaluation.evaluation_set import EvaluationSet
from ranking.evaluation.results import PersonFigures, SourceFigures
from ranking.evaluation.segments import segments_of_items
from ranking.evaluation_report import ITEM_SEGMENTS


class FoundAgain:
    """The figures of the people of an evaluation set, who are added in their order."""

    def __init__(self, data: EvaluationSet, sources: Sequence[str], k: int) -> None:
        self._catalog, self._k, self._sources = data.catalog, k, sources
        self._user_ids = np.empty(0, dtype=np.int64) if data.people is None else data.people.user_ids
        # The last, row -1, stands for what the catalog does not have.
        self._segments = np.append(segments_of_items(data), -1)
        self._recalls: list[float] = []
        self._of_items: list[Doubles] = []
        self._brought: list[Doubles] = []

    def add(self, liked: Ints, answer: ContenderScores) -> None:
        """The next person, who liked these items (n,) afterwards, at least one, and their list."""
        retrieved, listed = (np.isin(liked, ids) for ids in (answer.retrieved, answer.retrieved[: self._k]))
        self._recalls.append(float(retrieved.mean()))
        self._of_items.append(self._by_segment(np.stack([listed, retrieved]), liked))
        by_source = [np.isin(liked, item_ids) for item_ids in answer.brought.values()]
        found = np.array(by_source, dtype=np.bool_).reshape(len(self._sources), len(liked))
        alone = found & (found.sum(axis=0) == 1)
        self._brought.append(np.stack([found.mean(axis=1), alone.mean(axis=1)]))

    def _by_segment(self, found: Bools, liked: Ints) -> Doubles:
        """(f, s) the share of what was liked of each segment that is `found` (f, n); NaN for nothing."""
        among = self._segments[self._catalog.rows_of(liked)][:, None] == np.arange(len(ITEM_SEGMENTS))
        counts = among.sum(axis=0)
        shares: Doubles = np.where(counts > 0, found.astype(np.int64) @ among / np.maximum(counts, 1), np.nan)
        return shares

    @property
    def candidate_recall(self) -> PersonFigures:
        """The share that was retrieved at all."""
        return self._figure(np.array(self._recalls))

    @property
    def of_items(self) -> dict[str, dict[str, PersonFigures]]:
        """By one of ITEM_SEGMENTS, recall and candidate_recall of what people liked of its items."""
        found = np.array(self._of_items)
        return {
            segment: {
                figure: self._figure(found[:, row, column])
                for row, figure in enumerate(("recall", "candidate_recall"))
            }
            for column, segment in enumerate(ITEM_SEGMENTS)
        }

    @property
    def by_source(self) -> dict[str, SourceFigures]:
        """The shares that each source brought, and that it alone brought."""
        found = np.array(self._brought)
        return {
            name: SourceFigures(*(self._figure(found[:, row, column]) for row in range(2)))
            for column, name in enumerate(self._sources)
        }

    def _figure(self, values: Doubles) -> PersonFigures:
        return PersonFigures(self._user_ids, values)
