"""The features of items for a person as of a request: computed once, and brought to the moment where kept."""

import numpy as np

from core.arrays import Doubles, Floats, Ints, positions
from ranking.features import (
    FEATURES,
    OF_MOMENT,
    RECENT,
    History,
    ModelScores,
    Seen,
    compute_features,
    from_lasting,
    lasting,
    moment_features,
)
from ranking.kinds import MODELS
from ranking.recommenders.registry import RECOMMENDERS
from ranking.request import DEEPEST_PLACE, RankingRequest
from ranking.statistics.exposure import examination


def features_of(request: RankingRequest, item_ids: Ints) -> Floats:
    """The features of given items, (n, f) as in `ranking.features`; NaN for one that the catalog lacks."""
    catalog = request.context.catalog
    rows = catalog.rows_of(item_ids)
    has = rows >= 0
    features = np.full((len(item_ids), len(FEATURES)), np.nan, dtype=np.float32)
    if (kept := _kept_features(request, item_ids)) is not None:
        of_moment = moment_features_of(request, item_ids)
        features[has] = from_lasting(kept[has], catalog.item_features[rows[has]], of_moment[has])
        return features
    features[has] = compute_features(
        rows[has],
        model_scores(request, item_ids[has]),
        history=_history(request),
        seen=seen_slots(request),
        content=catalog.content,
        demand=catalog.demand,
        of_items=catalog.item_features,
        now=request.now,
    )
    request.remembered.features = (item_ids, lasting(features))
    return features


def moment_features_of(request: RankingRequest, item_ids: Ints) -> Floats:
    """(n, len(OF_MOMENT)) the part of the features of given items that changes with time alone."""
    catalog = request.context.catalog
    rows = catalog.rows_of(item_ids)
    has = rows >= 0
    features = np.full((len(item_ids), len(OF_MOMENT)), np.nan, dtype=np.float32)
    features[has] = moment_features(
        rows[has], _history(request), seen_slots(request), catalog.content, request.now
    )
    return features


def _history(request: RankingRequest) -> History:
    """The history of the person, as far as the catalog has its items."""
    person = request.person
    rows = request.context.catalog.rows_of(person.item_ids)
    known = rows >= 0
    return History(rows[known], person.weights[known].astype(np.float64))


def _kept_features(request: RankingRequest, item_ids: Ints) -> Floats | None:
    """The lasting part of the features of these items (n, ·), as it was kept; None where one lacks."""
    kept = request.remembered.features
    if kept is None:
        return None
    if np.array_equal(kept[0], item_ids):
        return kept[1]
    in_order = np.argsort(kept[0])
    places = positions(item_ids, kept[0][in_order])
    return None if (places < 0).any() else kept[1][in_order[places]]


def seen_slots(request: RankingRequest) -> Seen:
    """The slots that the person saw lately, as far as the catalog has their items."""
    shown = request.person.seen
    rows = request.context.catalog.rows_of(shown.item_ids)
    known = rows >= 0
    return Seen(rows[known], examination(shown.ranks[known]), shown.times[known])


def model_scores(request: RankingRequest, item_ids: Ints) -> ModelScores:
    """The scores of items (n,) of the catalog by every model that serves."""
    lead, places = lead_scores(request, item_ids)
    of_kinds = [
        lead if kind == request.context.lead else _score_by(kind, request, item_ids) for kind in MODELS
    ]
    return ModelScores(lead, places, lead_neighbors(request, item_ids), np.stack(of_kinds, axis=1))


def _score_by(kind: str, request: RankingRequest, item_ids: Ints) -> Doubles:
    """The score of each item by a trained kind, also by the model of verdicts that brings no items."""
    judge, seen = request.context.judge, request.seen_by_judge
    if RECOMMENDERS[kind].judges and judge is not None and seen is not None:
        return judge.score(seen, item_ids)
    return request.score(kind, item_ids)


def features_of_shown(request: RankingRequest, item_ids: Ints) -> Floats:
    """The features (n, f) of items of a list that are of its pool.

    Chance shows others in each list, so who comes back is asked about once for the whole pool.
    """
    remembered = request.remembered
    if remembered.features is not None and remembered.brought is not None:
        pool = remembered.brought[1].item_ids
        if _kept_features(request, item_ids) is None and np.isin(item_ids, pool).all():
            features_of(request, pool)
    return features_of(request, item_ids)


def lead_scores(request: RankingRequest, item_ids: Ints) -> tuple[Doubles, Doubles]:
    """The lead's score of each item, and its place from 1 by that score; both NaN where it has none.

    The place is that among everything the lead could retrieve, whichever items are asked about; beyond
    DEEPEST_PLACE all stand there.
    """
    if request.context.lead is None:
        nothing = np.full(len(item_ids), np.nan)
        return nothing, nothing
    scores = request.score(request.context.lead, item_ids)
    rising = request.lead_top.scores[::-1]
    higher = len(rising) - np.searchsorted(rising, scores, side="right")
    places = np.where(np.isnan(scores), np.nan, np.minimum(higher + 1, DEEPEST_PLACE))
    return scores, places


def lead_neighbors(request: RankingRequest, item_ids: Ints) -> Doubles:
    """(n,) the lead's greatest similarity of each item to the last RECENT approved; 0 where it has none."""
    catalog, person = request.context.catalog, request.person
    lead = request.context.recommenders.get(request.context.lead or "")
    approved = person.item_ids[person.weights > 0]
    recent = approved[catalog.rows_of(approved) >= 0][-RECENT:]
    if lead is None or not len(recent) or not len(item_ids):
        return np.zeros(len(item_ids))
    alike = lead.similarities(item_ids, recent)
    nearest: Doubles = np.where(np.isnan(alike), -np.inf, alike).max(axis=1)
    return np.where(np.isfinite(nearest), nearest, 0.0)
