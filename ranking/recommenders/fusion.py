"""The joint score of several models, and the weights that it is made with.

A logarithmic opinion pool (Genest and Zidek, "Combining Probability Distributions", Statistical Science,
1986): the log-odds of the joint score are the weighted mean of those of each model. The weights are fitted on
what came after all that the models know: they are those that order best what people chose next.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from core.arrays import Bools, Doubles, Ints
from ranking.person import person_before
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Recommender
from ranking.recommenders.registry import RECOMMENDERS
from ranking.statistics.events import Events
from ranking.statistics.metrics import is_clearly_better
from ranking.statistics.split import Holdout, Person

# How much more a better model says than a worse one where only the quality of each alone is known.
SHARPNESS = 4.0
# Scores count as no surer than this, so that one model alone decides nothing.
_SUREST = 1e-6
# The people that weights are fitted on, and the next items of each beside all that they chose.
_PEOPLE, _NEXT_ITEMS = 400, 3
# Of each model its best items stand in a pool; the order is judged down to place K.
_POOL, _K = 60, 10
# Weights are searched on so many resamples of the people, in steps down to the smallest.
_RESAMPLES, _FIRST_STEP, _LAST_STEP = 12, 0.3, 0.04


def joint_score(scores: Doubles, weights: Doubles) -> Doubles:
    """The joint score (n,) in (0, 1) of scores (k, n) in [0, 1] by weights (k,), of which the sum is 1."""
    # Summed and not multiplied as matrices: that would round by how many items are asked about.
    joint: Doubles = expit((weights[:, None] * log_odds(scores)).sum(axis=0))
    return joint


def shares_of(qualities: Doubles) -> Doubles:
    """The weights (k,) that follow from the quality of each model alone, at least 0; their sum is 1.

    Each is its quality over that of the best to the power of SHARPNESS; all are equal where none is any good.
    """
    best = qualities.max()
    shares = (qualities / best) ** SHARPNESS if best > 0.0 else np.ones(len(qualities))
    normalized: Doubles = shares / shares.sum()
    return normalized


def log_odds(scores: Doubles) -> Doubles:
    """The log-odds of scores in [0, 1], of any shape."""
    odds: Doubles = logit(np.clip(scores, _SUREST, 1.0 - _SUREST))
    return odds


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One question: which items of the pool did the person choose?

    odds    (p, k) the log-odds of each item of the pool by each model
    chosen  (p,)
    trust   (k,) the trust in each model by how much is known of the person; 0 where it knows nothing
    person  whose question it is; `share` of their voice is its weight
    """

    odds: Doubles
    chosen: Bools
    trust: Doubles
    person: int
    share: float


def fit_weights(
    recommenders: Mapping[str, Recommender[Any]],
    later: Holdout,
    events: Events,
    *,
    prior: Mapping[str, float],
    seed: int,
) -> dict[str, float]:
    """The weights of recommenders in a joint score, at least 0, their sum 1.

    recommenders  by kind, of models that know nothing from `later.start` on
    later         the people whom they are judged on, at most _PEOPLE by chance
    events        the log; what people did within the window is part of their history before their next item
    prior         weights by kind, which stand where nobody can be asked or nothing is clearly better

    A person speaks twice, with equal weight: by all that they chose in the window after their history, and by
    single items after all that came before each of these. The first is what a list for an evening needs, the
    second a list that follows every act. The weights are those with the highest NDCG@10, as the mean over
    resamples of the people. They are taken where they are clearly better than `prior` for the people whom the
    resample left out (`is_clearly_better`): a few dozen people cannot tell weights apart.
    """
    names = tuple(recommenders)
    known = np.array([prior[name] for name in names])
    rng = np.random.default_rng(seed)
    cases = list(_cases(recommenders, later.sample(_PEOPLE, rng), events, rng))
    if not cases or len(names) == 1:
        return dict(zip(names, known.tolist(), strict=True))
    table = _Table.of(cases)
    people, person_of_case = np.unique(table.people, return_inverse=True)
    found, gains = [], np.full((_RESAMPLES, len(people)), np.nan)
    before = table.per_person(known, person_of_case)
    for round_ in range(_RESAMPLES):
        times = np.bincount(rng.integers(len(people), size=len(people)), minlength=len(people))
        found.append(table.best_weights(times[person_of_case] * table.shares, known))
        left_out = times == 0
        gains[round_, left_out] = (table.per_person(found[-1], person_of_case) - before)[left_out]
    judged = ~np.isnan(gains).all(axis=0)
    gain = np.nanmean(gains[:, judged], axis=0)
    weights = np.mean(found, axis=0) if is_clearly_better(gain, np.zeros(len(gain))) else known
    return dict(zip(names, weights.tolist(), strict=True))


def _cases(
    recommenders: Mapping[str, Recommender[Any]], people: Holdout, events: Events, rng: np.random.Generator
) -> Iterator[_Case]:
    window = events.select(np.isin(events.user_ids, people.user_ids) & (events.times < people.end))
    window = window.select(np.lexsort((window.item_ids, window.times, window.user_ids)))
    chosen = people.targets.select(people.targets.relevant)
    for person in people.people():
        case = _case(recommenders, person.history, person.relevant_items, person.user_id, 1.0)
        if case is not None:
            yield case
        yield from _next_items(recommenders, person, _of(window, person), _of(chosen, person), rng)


def _next_items(
    recommenders: Mapping[str, Recommender[Any]],
    person: Person,
    own: Events,
    chosen: Events,
    rng: np.random.Generator,
) -> Iterator[_Case]:
    some = rng.choice(len(chosen), size=min(_NEXT_ITEMS, len(chosen)), replace=False)
    for place in some.tolist():
        item = chosen.item_ids[place : place + 1]
        history = own.before(float(chosen.times[place]))
        if len(history) and item[0] not in history.item_ids:
            case = _case(recommenders, history, item, person.user_id, 1.0 / len(some))
            if case is not None:
                yield case


def _of(events: Events, person: Person) -> Events:
    """The events of one person, of events sorted by person."""
    first, last = np.searchsorted(events.user_ids, [person.user_id, person.user_id + 1])
    return events.slice(int(first), int(last))


def _case(
    recommenders: Mapping[str, Recommender[Any]], history: Events, chosen: Ints, person: int, share: float
) -> _Case | None:
    """The question, with the pool of all that the models bring; None where none finds what was chosen."""
    state = person_before(history)
    barred = Barred(history.item_ids)
    known = {name: one.represent(state) for name, one in recommenders.items()}
    brought = [
        recommenders[name].retrieve(known[name], _POOL, barred).item_ids
        for name in recommenders
        if known[name] is not None
    ]
    if not brought:
        return None
    pool = np.unique(np.concatenate(brought))
    is_chosen = np.isin(pool, chosen)
    if not is_chosen.any():
        return None
    odds, trust = np.zeros((len(pool), len(recommenders))), np.zeros(len(recommenders))
    for column, (name, one) in enumerate(recommenders.items()):
        if known[name] is not None:
            scores = one.score(known[name], pool)
            odds[:, column] = log_odds(np.where(np.isnan(scores), one.floor(known[name]), scores))
            trust[column] = RECOMMENDERS[name].trust(state.approved)
    return _Case(odds, is_chosen, trust, person, share) if trust.any() else None


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Cases side by side: c of them, with p places of a pool each (the last may be empty), by k models.

    odds    (c, p, k) the same as in `_Case`, far below all others in empty places
    chosen  (c, p); `trust` (c, k); `people`, `shares`, `ideal` (c,), the last the DCG of a perfect order
    """

    odds: Doubles
    chosen: Bools
    trust: Doubles
    people: Ints
    shares: Doubles
    ideal: Doubles

    @classmethod
    def of(cls, cases: list[_Case]) -> "_Table":
        places = max(_K, *(len(case.chosen) for case in cases))
        odds = np.full((len(cases), places, len(cases[0].trust)), -1e9)
        chosen = np.zeros((len(cases), places), dtype=np.bool_)
        for row, case in enumerate(cases):
            odds[row, : len(case.chosen)], chosen[row, : len(case.chosen)] = case.odds, case.chosen
        found = np.minimum(chosen.sum(axis=1), _K)
        return cls(
            odds,
            chosen,
            np.stack([case.trust for case in cases]),
            np.array([case.person for case in cases], dtype=np.int64),
            np.array([case.share for case in cases]),
            np.cumsum(_DISCOUNTS)[found - 1],
        )

    def per_person(self, weights: Doubles, person_of_case: Ints) -> Doubles:
        """The mean NDCG@10 of each person (p,) over their cases, by their shares."""
        ndcg = self._ndcg(weights, np.ones(len(self.people), dtype=np.bool_))
        sums = np.bincount(person_of_case, self.shares * ndcg)
        means: Doubles = sums / np.bincount(person_of_case, self.shares)
        return means

    def best_weights(self, voices: Doubles, start: Doubles) -> Doubles:
        """The weights (k,) with the highest mean NDCG@10, cases counted by `voices` (c,)."""
        models = self.odds.shape[2]
        heard = voices > 0.0
        known: dict[bytes, float] = {}

        def quality(weights: Doubles) -> float:
            key = np.round(weights, 3).tobytes()
            if key not in known:
                known[key] = float(voices[heard] @ self._ndcg(weights, heard))
            return known[key]

        best: Doubles = max([start, np.full(models, 1.0 / models), *np.eye(models)], key=quality)
        step = _FIRST_STEP
        while step > _LAST_STEP:
            neighbors = [
                moved / moved.sum()
                for model in range(models)
                for change in (step, -step)
                if (moved := np.maximum(best + change * np.eye(models)[model], 0.0)).any()
            ]
            better = max(neighbors, key=quality)
            if quality(better) > quality(best):
                best = better
            else:
                step /= 2.0
        return best

    def _ndcg(self, weights: Doubles, heard: Bools) -> Doubles:
        """NDCG@10 of the cases that are heard."""
        trusted = weights * self.trust[heard]
        # Nothing of any weight knows the person: whatever knows them decides.
        silent = ~trusted.any(axis=1)
        trusted[silent] = self.trust[heard][silent]
        falling = -np.einsum("cpk,ck->cp", self.odds[heard], trusted)
        top = np.argpartition(falling, _K - 1, axis=1)[:, :_K]
        order = np.argsort(np.take_along_axis(falling, top, axis=1), axis=1, kind="stable")
        top = np.take_along_axis(top, order, axis=1)
        gains = np.take_along_axis(self.chosen[heard], top, axis=1) @ _DISCOUNTS
        ndcg: Doubles = gains / self.ideal[heard]
        return ndcg


_DISCOUNTS = 1.0 / np.log2(np.arange(_K) + 2.0)
