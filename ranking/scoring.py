"""The one way from a person and items to base scores: for serving, replay, datasets, evaluation and the gate.

A base score belongs to a person, an item and a moment alone. It does not depend on which other items are
scored with it or who brought the item, so what is evaluated is ordered as what is served.

    with a ranker        its probability for the features of the item
    without              the joint score of the trained recommenders that know the person; items that none of
                         them knows stand below, by the untrained recommenders in order of trust
    no model knows them  the untrained recommenders alone, popularity first

On top, popularity is mixed into what models say of somebody new. Popularity is bent to what they like.
"""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from core.arrays import Doubles, Floats, Ints
from ranking.candidates import Brought, Candidates
from ranking.feature_rows import features_of, moment_features_of
from ranking.features import FEATURES, OF_MOMENT
from ranking.recommenders.barred import Barred
from ranking.recommenders.fusion import joint_score, shares_of
from ranking.recommenders.registry import RECOMMENDERS
from ranking.request import RankingRequest

# After so many approved items a model is on its own. A ranker reads demand and the size of the history, so it
# is trusted sooner.
ON_ITS_OWN = 60
RANKER_ON_ITS_OWN = 10
# A taste is half believed after so many approved items, and beside charts with so many verdicts on their top.
TASTE_HALF_BELIEVED = 3.0
CHARTS_HALF_KNOWN = 120.0
# Popularity is half believed where so many verdicts were given on the item with the most of them, and half
# of it is needed where the item examined most was examined so often.
HALF_BELIEVED = 20.0
_OF_MOMENT = [FEATURES.index(name) for name in OF_MOMENT]


@dataclass(frozen=True, slots=True, eq=False)
class BaseScores:
    """The base scores of n items for a person.

    base           (n,) in [0, 1], which lists are ordered by; NaN for an item that the catalog does not have
    probabilities  (n,) what the models say, before popularity is mixed in; NaN where none has anything to say
    features       (n, f) what the ranker read; None without a ranker
    """

    base: Doubles
    probabilities: Doubles
    features: Floats | None


def retrieve(request: RankingRequest, only: Collection[str] = ()) -> list[Brought]:
    """The items that each source of the policy brings, in order of trust; of further sources fewer.

    With `only` just these sources are asked, and all where none of them brings anything.
    """
    kept = request.remembered
    if only or request.barred is not None:
        retrieved = _ask_sources(request, only)
        return retrieve(request) if only and not any(map(len, retrieved)) else retrieved
    if kept.brought is None:
        retrieved = _ask_sources(request, ())
        kept.brought = (retrieved, Candidates.join(retrieved))
    return kept.brought[0]


def _ask_sources(request: RankingRequest, only: Collection[str]) -> list[Brought]:
    policy = request.context.policy
    limit = policy.candidates_per_source
    retrieved = []
    for name in (name for name in policy.sources if not only or name in only):
        brought = request.retrieve(name, limit)
        retrieved.append(Brought(name, brought.item_ids, brought.scores))
        if len(brought.item_ids):
            limit = min(policy.candidates_per_source, policy.candidates_per_further_source)
    return retrieved


def rank(request: RankingRequest, retrieved: list[Brought]) -> Candidates:
    """The pool of all sources under base scores, best first."""
    kept = request.remembered
    is_usual = kept.brought is not None and kept.brought[0] is retrieved
    pool = kept.brought[1] if kept.brought is not None and is_usual else Candidates.join(retrieved)
    if is_usual and (before := _as_before(request, pool)) is not None:
        return before
    scores = score_items(request, pool.item_ids)
    ranked = pool.with_base(scores.base)
    if is_usual:
        of_moment = None if scores.features is None else scores.features[:, _OF_MOMENT]
        kept.ranked = (_told_apart(request, of_moment), ranked)
    return ranked


def _as_before(request: RankingRequest, pool: Candidates) -> Candidates | None:
    """The usual pool as it was ranked last; None where time has changed a score."""
    kept = request.remembered.ranked
    if kept is None:
        return None
    of_moment = None if request.context.ranker is None else moment_features_of(request, pool.item_ids)
    return kept[1] if kept[0] == _told_apart(request, of_moment) else None


def _told_apart(request: RankingRequest, of_moment: Floats | None) -> bytes:
    """A digest of all that a ranker tells apart of the moment's features (n, k); empty where none serves."""
    ranker = request.context.ranker
    if ranker is None or of_moment is None:
        return b""
    return blake2b(ranker.cells(of_moment, _OF_MOMENT).tobytes(), digest_size=16).digest()


def exclude(candidates: Candidates, not_to_show: Barred) -> Candidates:
    """The final guarantee: whatever came before, nothing excluded gets past this line."""
    is_barred = not_to_show.holds(candidates.item_ids)
    return candidates.take(~is_barred) if is_barred.any() else candidates


def ranked_pool(request: RankingRequest) -> Candidates:
    """All that would be retrieved for the person, ranked, before boosts and dislikes are applied."""
    return exclude(rank(request, retrieve(request)), request.not_to_show)


def score_items(request: RankingRequest, item_ids: Ints) -> BaseScores:
    """The base scores of given items (n,), whoever names them."""
    catalog = request.context.catalog
    rows = catalog.rows_of(item_ids)
    has = rows >= 0
    features = None
    if request.context.ranker is None:
        probabilities = joint_scores(request, item_ids)
    else:
        features = features_of(request, item_ids)
        probabilities = np.full(len(item_ids), np.nan)
        if has.any():
            probabilities[has] = request.context.ranker.probabilities(features[has])
    probabilities[~has] = np.nan
    if not request.is_by_models:
        base = bent_to_taste(request, item_ids, fallback_scores(request, item_ids))
    else:
        base = _put_below(probabilities, request, item_ids)
        # Nobody but the new pays for what popularity says of the whole catalog.
        if share := popularity_share(request):
            popularity = np.zeros(len(item_ids))
            popularity[has] = catalog.demand.popularity[rows[has]]
            base = (1.0 - share) * base + share * bent_to_taste(request, item_ids, popularity)
    base[~has] = np.nan
    return BaseScores(base * kept_after_refusal(request, item_ids), probabilities, features)


def kept_after_refusal(request: RankingRequest, item_ids: Ints) -> Doubles:
    """The share of each base score (n,) that is kept: 1 − refusal share × P(no).

    P(no) is the chance that the person turns the item down once they look at it; 1 where no model of verdicts
    serves or knows them.
    """
    share = request.context.refusal_share
    if share == 0.0:
        return np.ones(len(item_ids))
    kept: Doubles = 1.0 - share * np.nan_to_num(refusal_chances(request, item_ids))
    return kept


def refusal_chances(request: RankingRequest, item_ids: Ints) -> Doubles:
    """P(no) of each item (n,); NaN where no model of verdicts serves, knows the person, or has the item."""
    judge, seen = request.context.judge, request.seen_by_judge
    if judge is None or seen is None:
        return np.full(len(item_ids), np.nan)
    return judge.refusal(seen, item_ids)


def joint_scores(request: RankingRequest, item_ids: Ints) -> Doubles:
    """(n,) the joint score of the trained recommenders by `_weights`; NaN where none has a score.

    An item that a recommender cannot score stands at its floor: what nobody chose after anything the person
    chose is no better for it. A mean of those alone that have a score would put it above what all know.
    """
    names = request.knowing
    if not names:
        return np.full(len(item_ids), np.nan)
    scores = np.stack([request.score(name, item_ids) for name in names])
    if len(names) == 1:
        only: Doubles = scores[0]
        return only
    unknown = np.isnan(scores)
    floors = [request.context.recommenders[name].floor(request.representations[name]) for name in names]
    filled = np.where(unknown, np.array(floors)[:, None], scores)
    return np.where(unknown.all(axis=0), np.nan, joint_score(filled, _weights(request, names)))


def _weights(request: RankingRequest, names: tuple[str, ...]) -> Doubles:
    """(k,) the weights of trained recommenders in the joint score; their sum is 1.

    Each is the trust in the kind, which follows from how many items the person approved (`Kind.trust`), times
    the weight that was fitted for it beside the others (`fit_weights`). Where one of them has none, the
    quality of each at its own validation counts (`shares_of`); where that of one was never measured, trust
    alone.
    """
    trust = np.array([RECOMMENDERS[name].trust(request.person.approved) for name in names])
    by_kind = request.context.models.by_kind
    loaded = [by_kind[name] for name in names if name in by_kind]
    fitted = [one.weight for one in loaded if one.weight is not None]
    qualities = [one.quality for one in loaded if one.quality is not None]
    shares = np.ones(len(names))
    if len(fitted) == len(names):
        shares = np.array(fitted)
    elif len(qualities) == len(names):
        shares = shares_of(np.array(qualities))
    weights = next(one for one in (trust * shares, trust, np.ones(len(names))) if one.any())
    normalized: Doubles = weights / weights.sum()
    return normalized


def fallback_scores(request: RankingRequest, item_ids: Ints) -> Doubles:
    """(n,) in [0, 1]: the scores of the untrained recommenders, those of each below all of the one before.

    An item takes the score of the first that has one for it; 0 where none has.
    """
    scores = np.zeros(len(item_ids))
    ceiling = 1.0
    for name in request.context.untrained:
        if name not in request.representations:
            continue
        own = request.score(name, item_ids)
        open_yet = (scores == 0.0) & ~np.isnan(own)
        scores[open_yet] = ceiling * own[open_yet]
        ceiling *= request.context.recommenders[name].floor(request.representations[name])
    return scores


def bent_to_taste(request: RankingRequest, item_ids: Ints, scores: Doubles) -> Doubles:
    """(n,) in [0, 1]: the scores of charts, bent to what the person likes.

    (1 − t) × scores + t × nearness to their taste over that of the nearest item, where
    t = h / (h + 3) × 120 / (v + 120) after h approved items, with v verdicts on the item that has the most.
    Charts that many made tell better what somebody wants than what the items are; those of a few dozen people
    do not, and whoever likes six of a kind gets that kind.
    """
    share, near = taste_share(request, item_ids)
    mixed: Doubles = (1.0 - share) * scores + share * near
    return mixed


def taste_share(request: RankingRequest, item_ids: Ints) -> tuple[float, Doubles]:
    """The share t of `bent_to_taste`, and how near each item is (n,), 0 to 1; zeros for nothing known."""
    approved = request.person.approved
    tastes = (name for name in request.context.untrained if RECOMMENDERS[name].is_taste)
    name = next((name for name in tastes if name in request.representations), None)
    if name is None or not approved:
        return 0.0, np.zeros(len(item_ids))
    # Of the whole catalog, also what is barred: a no to the nearest brings nothing else nearer.
    nearest = float(np.nan_to_num(request.score(name, request.context.catalog.item_ids)).max(initial=0.0))
    if nearest <= 0.0:
        return 0.0, np.zeros(len(item_ids))
    share = approved / (approved + TASTE_HALF_BELIEVED) * (1.0 - charts_believed(request, CHARTS_HALF_KNOWN))
    return share, np.minimum(np.nan_to_num(request.score(name, item_ids)) / nearest, 1.0)


def _put_below(probabilities: Doubles, request: RankingRequest, item_ids: Ints) -> Doubles:
    """The models' scores (n,); items of which they say nothing below all that they give this person."""
    unknown = np.isnan(probabilities)
    if not unknown.any():
        return probabilities
    recommenders, known = request.context.recommenders, request.representations
    floor = min((recommenders[name].floor(known[name]) for name in request.knowing), default=1.0)
    scores = probabilities.copy()
    scores[unknown] = floor * fallback_scores(request, item_ids[unknown])
    return scores


def popularity_share(request: RankingRequest) -> float:
    """The share of popularity in a base score: policy share × (1 − h / 60) × v / (v + 20), at least 0.

    h approved items of the person, v verdicts on the item that has the most. A model folded in from one film
    knows less than the charts, and one folded in from a hundred knows more (docs/explanation/taste.md);
    charts made by a handful of people are mostly chance. With a ranker 10 stands for 60, and it is × 20 /
    (20 + e), e expected examinations of the item that was examined most: a ranker reads how people responded
    to what they were shown, which tells more than how often an item was chosen at all.
    """
    share = request.context.policy.popularity_share * charts_believed(request, HALF_BELIEVED)
    if request.context.ranker is None:
        return share * max(0.0, 1.0 - request.person.approved / ON_ITS_OWN)
    examined = float(request.context.catalog.demand.responses.examined[:, 0].max(initial=0.0))
    known = HALF_BELIEVED / (HALF_BELIEVED + examined)
    return share * known * max(0.0, 1.0 - request.person.approved / RANKER_ON_ITS_OWN)


def charts_believed(request: RankingRequest, half: float) -> float:
    """The belief in popularity, in [0, 1): v / (v + half), v verdicts on the item that has the most."""
    verdicts = float(request.context.catalog.demand.verdicts.max(initial=0.0))
    return verdicts / (verdicts + half)
