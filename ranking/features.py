"""The features of the ranker: one function for serving, datasets and evaluation, so that they cannot differ.

A feature vector describes one item as one person could be shown it at one moment. It is made from what was
known at that moment alone: the person's history, the catalog, the demand so far, and the leading model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from core.arrays import Bools, Doubles, Floats, Rows
from core.domain import NUMBERS
from core.sparse import Entries, weighted_sum
from ranking.item_content import GROUPS, ItemContent
from ranking.kinds import MODELS
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import SECONDS_PER_DAY, verdicts_of
from ranking.statistics.responses import RESPONSE_PRIOR, ItemResponses

FEATURES: tuple[str, ...] = (
    "model_score",  # calibrated probability of the leading model; NaN where it does not know item or person
    "model_place",  # 1 / log2(place + 1) among all that the model could retrieve; NaN where it has no score
    "popularity_score",  # time-decayed demand, 1 for the most popular item
    "approval_score",  # share of approvals among approvals and dislikes, smoothed
    "evidence",  # log(1 + approvals and dislikes of the item)
    "recency_score",  # 2^(-age / RECENCY_HALF_LIFE_DAYS) since publication; 0 where the date is not known
    "date_gap",  # years between its publication and the mean of what the person approved; 0 where not known
    "diversity_score",  # 1 - content similarity to the nearest of the last RECENT approved items
    "neighbour_score",  # the leading model's similarity to the nearest of the last RECENT approved items
    "content_affinity",  # cosine between the item's facets and those of the approved history
    "genre_affinity",
    "theme_affinity",
    "people_affinity",
    "genre_liking",  # mean over the facets of how the person's verdicts on them deviate from their average
    "theme_liking",
    "people_liking",
    "history_size",  # log(1 + items in the person's history)
    "dislike_share",  # share of these that the person disliked
    "trend_1",  # demand with a half-life of so many days, 1 for the item with the most
    "trend_7",
    "trend_30",
    "response_rate",  # engaged per expected examination of the item, over 90 days; NaN: nothing was shown yet
    "response_lately",  # the same over 7 days
    "refusal_rate",  # turned down per expected examination, over 90 days; NaN: nothing was shown yet
    "examined",  # log(1 + expected examinations of the item), over 90 days
    "genre_response",  # mean response rate of the item's facets with everybody; NaN: nothing was shown yet
    "theme_response",
    "people_response",
    "genre_interest",  # mean over the facets of how the person responded to slots with them, beyond average
    "theme_interest",
    "people_interest",
    "person_response",  # their engagements per one expected of what they were shown lately, smoothed
    "slots_seen",  # log(1 + slots that they were shown lately)
    "passed_over",  # expected examinations of this very item by the person, without effect, lately
    "passed_over_age",  # log(1 + days since the last of these); NaN: there was none
    *(f"{kind}_score" for kind in MODELS),  # each model's score; NaN: no such model, or it has none
    # The item's attributes that heed.toml names, as they are now and not as of then; NaN where it has none.
    *(f"number_{name}" for name in NUMBERS),
)
# Named by what there is: another kind of model makes another set.
FEATURE_SET = f"heed-2-{crc32(' '.join(FEATURES).encode()):08x}"
# Known of every item that the catalog has.
_ALWAYS_KNOWN = FEATURES.index("popularity_score")

RECENT = 10
RECENCY_HALF_LIFE_DAYS = 1500.0
# Verdicts and responses on a facet are averaged with so many of average kind: one item proves little.
LIKING_PRIOR = 3.0
_YEAR = 365.25 * SECONDS_PER_DAY
_LIKINGS = tuple(GROUPS.index(group) for group in ("genre", "theme", "people"))
# Of an item, the same for everybody.
OF_ITEMS = (
    *("popularity_score", "approval_score", "evidence", "trend_1", "trend_7", "trend_30"),
    *("response_rate", "response_lately", "refusal_rate", "examined"),
    *("genre_response", "theme_response", "people_response"),
    *(f"number_{name}" for name in NUMBERS),
)
# These change with time alone.
OF_MOMENT = ("recency_score", "passed_over", "passed_over_age")
_PLACES = {name: place for place, name in enumerate(FEATURES)}
_OF_ITEMS = [_PLACES[name] for name in OF_ITEMS]
_OF_MOMENT = [_PLACES[name] for name in OF_MOMENT]
# All others: of the person and the item, whenever it is.
_OF_PERSON = [_PLACES[name] for name in FEATURES if name not in {*OF_ITEMS, *OF_MOMENT}]
_OF_MODELS = [_PLACES[f"{kind}_score"] for kind in MODELS]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The history of one person before the moment, with items of the catalog alone.

    rows     (h,) rows of the catalog, oldest first, none twice
    weights  (h,) signed training weights: the sum of what speaks for the item, or that of its dislike
    """

    rows: Rows
    weights: Doubles

    @property
    def approved(self) -> "History":
        """The part of it of which more speaks for the item than against."""
        liked = self.weights > 0
        return History(self.rows[liked], self.weights[liked])

    @property
    def verdicts(self) -> Doubles:
        """(h,) in [-1, 1]: -1 for a dislike, up to 1 for what weighs FULL_WEIGHT."""
        return verdicts_of(self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The slots that a person saw lately, before the moment, with items of the catalog alone.

    rows     (s,) rows of the catalog, oldest first
    chances  (s,) P(examined), in (0, 1]
    times    (s,) when each was shown, seconds since 1970
    """

    rows: Rows
    chances: Doubles
    times: Doubles


NOTHING_SEEN = Seen(np.empty(0, dtype=np.intp), np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True, eq=False)
class ModelScores:
    """The models' scores of n items for a person.

    lead       (n,) calibrated scores of the leading model; NaN where it has none
    places     (n,) place of each by that score, from 1; NaN where it has none
    neighbors  (n,) its greatest similarity to what was approved last; 0 where it has none
    of_kinds   (n, k) the score of each of MODELS; NaN where there is no such model, or it has none
    """

    lead: Doubles
    places: Doubles
    neighbors: Doubles
    of_kinds: Doubles

    @classmethod
    def none(cls, size: int) -> "ModelScores":
        """The scores where there is no model."""
        unknown = np.full(size, np.nan)
        return cls(unknown, unknown, np.zeros(size), np.full((size, len(MODELS)), np.nan))


def are_known(features: Floats) -> Bools:
    """(n,) True for the rows of features (n, f) whose item the catalog has; of the others all is NaN."""
    known: Bools = np.isfinite(features[:, _ALWAYS_KNOWN])
    return known


def facet_responses(content: ItemContent, responses: ItemResponses) -> Doubles:
    """(n, 3) the mean response rate of each item's genres, themes and people with everybody.

    That of all where the item has none of the sort; NaN where nothing was examined.
    """
    examined, engaged = responses.examined[:, 0], responses.engaged[:, 0]
    if not examined.any():
        return np.full((len(content.item_ids), len(_LIKINGS)), np.nan)
    average = float(engaged.sum() / examined.sum())
    facets = content.facets.T
    beyond: Doubles = np.asarray(facets @ (engaged - average * examined))
    met: Doubles = np.asarray(facets @ examined)
    everything = np.arange(len(content.item_ids))
    entries = Entries.of(content.facets, everything)
    return average + _facet_means(everything, entries, beyond / (met + RESPONSE_PRIOR), content)


def item_features(content: ItemContent, demand: ItemDemand) -> Floats:
    """(n, len(OF_ITEMS)): the part of the features of every item that is the same for everybody."""
    responses = demand.responses
    columns = [
        demand.popularity,
        demand.approval,
        np.log1p(demand.verdicts),
        *demand.trends.T,
        *responses.rates.T,
        responses.refusal_rates,
        np.log1p(responses.examined[:, 0]),
        *facet_responses(content, responses).T,
        *content.numbers.T,
    ]
    return np.column_stack(columns).astype(np.float32)


def compute_features(
    rows: Rows,
    scores: ModelScores,
    *,
    history: History,
    seen: Seen,
    content: ItemContent,
    demand: ItemDemand,
    of_items: Floats,
    now: float,
) -> Floats:
    """The features of the items at `rows` of the catalog, (len(rows), len(FEATURES)).

    scores    of these items
    of_items  of the whole catalog, as of `item_features`
    now       the moment, seconds since 1970
    """
    approved = history.approved
    entries = Entries.of(content.facets, rows)
    columns: dict[str, Doubles | float] = {
        "model_score": scores.lead,
        "model_place": 1 / np.log2(scores.places + 1),
        "date_gap": _date_gap(rows, approved, content),
        "diversity_score": 1.0 - _nearest_content(rows, approved.rows[-RECENT:], content),
        "neighbour_score": scores.neighbors,
        "history_size": np.log1p(len(history.rows)),
        "dislike_share": float(np.mean(history.weights < 0)) if len(history.weights) else 0.0,
        **_affinities(rows, entries, approved, content),
        **_likings(rows, entries, history, content),
        **_interests(rows, entries, approved, seen, content, demand.responses.rates[:, 0]),
        **_of_moment(rows, approved, seen, content, now),
    }
    features = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    features[:, _OF_ITEMS] = of_items[rows]
    features[:, _OF_MODELS] = scores.of_kinds
    return _put(columns, features)


def lasting(features: Floats) -> Floats:
    """(n, ·) the part of features (n, f) that neither moment nor catalog gives, for `from_lasting`."""
    return features[:, _OF_PERSON]


def from_lasting(lasting: Floats, of_items: Floats, of_moment: Floats) -> Floats:
    """The features (n, f) of items that were computed at another moment, at that of `of_moment`.

    of_items   (n, ·) of these items, as of `item_features`
    of_moment  (n, ·) of these items, as of `moment_features`
    """
    features = np.empty((len(lasting), len(FEATURES)), dtype=np.float32)
    features[:, _OF_PERSON] = lasting
    features[:, _OF_ITEMS] = of_items
    features[:, _OF_MOMENT] = of_moment
    return features


def moment_features(rows: Rows, history: History, seen: Seen, content: ItemContent, now: float) -> Floats:
    """(len(rows), len(OF_MOMENT)): the part of the features that changes with time alone."""
    columns = _of_moment(rows, history.approved, seen, content, now)
    features = np.empty((len(rows), len(OF_MOMENT)), dtype=np.float32)
    for place, name in enumerate(OF_MOMENT):
        features[:, place] = columns[name]
    return features


def _of_moment(
    rows: Rows, approved: History, seen: Seen, content: ItemContent, now: float
) -> dict[str, Doubles | float]:
    """The features that change with time alone: the age of the item, and that of what was passed over."""
    return {
        "recency_score": _recency(content.published[rows], now),
        **_passed_over(rows, approved, seen, now),
    }


def _put(columns: Mapping[str, Doubles | float], features: Floats) -> Floats:
    """The features (n, f) with these columns, in place."""
    for name, column in columns.items():
        features[:, _PLACES[name]] = column
    return features


def _recency(published: Doubles, now: float) -> Doubles:
    # An item announced for later is as new as can be.
    age_days = np.maximum(now - published, 0.0) / SECONDS_PER_DAY
    fresh: Doubles = np.exp2(-age_days / RECENCY_HALF_LIFE_DAYS)
    return fresh


def _date_gap(rows: Rows, approved: History, content: ItemContent) -> Doubles:
    dates = content.published[approved.rows]
    dated = np.isfinite(dates)
    if not dated.any():
        return np.zeros(len(rows))
    center = np.average(dates[dated], weights=approved.weights[dated])
    gaps: Doubles = np.abs(content.published[rows] - float(center)) / _YEAR
    gaps[~np.isfinite(gaps)] = 0.0
    return gaps


def _nearest_content(rows: Rows, others: Rows, content: ItemContent) -> Doubles:
    """The largest cosine of each item's facets with those of `others`; 0 where there are none."""
    if not len(others):
        return np.zeros(len(rows))
    nearest: Doubles = content.cosines(others, rows).max(axis=0)
    return nearest


def _affinities(rows: Rows, entries: Entries, approved: History, content: ItemContent) -> dict[str, Doubles]:
    """Cosines between each item's facets and the weighted sum of the history's: all, then by group."""
    names = ("content_affinity", *(f"{GROUPS[group]}_affinity" for group in _LIKINGS))
    if not len(approved.rows):
        return dict.fromkeys(names, np.zeros(len(rows)))
    weighted = content.weighted
    profile = weighted_sum(weighted, approved.rows, approved.weights)
    shared = entries.sums_by(
        content.groups[entries.columns],
        weighted.data[entries.places] * profile[entries.columns],
        len(GROUPS),
    )
    shared = np.column_stack([shared, shared.sum(axis=1)])
    squares = np.bincount(content.groups, weights=np.square(profile), minlength=len(GROUPS))
    lengths = np.sqrt(np.append(squares, squares.sum()))
    cosines = _ratio(shared, content.norms[rows] * lengths)
    return dict(zip(names, cosines[:, (len(GROUPS), *_LIKINGS)].T, strict=True))


def _likings(rows: Rows, entries: Entries, history: History, content: ItemContent) -> dict[str, Doubles]:
    """For genre, theme and people: how far the person's verdicts on the item's facets lie above average."""
    means = np.zeros((len(rows), len(_LIKINGS)))
    if len(history.rows):
        verdicts = history.verdicts
        sums = weighted_sum(content.facets, history.rows, verdicts - verdicts.mean())
        met = weighted_sum(content.facets, history.rows, np.ones(len(history.rows)))
        means = _facet_means(rows, entries, sums / (met + LIKING_PRIOR), content)
    return {f"{GROUPS[group]}_liking": mean for group, mean in zip(_LIKINGS, means.T, strict=True)}


def _facet_means(rows: Rows, entries: Entries, of_facets: Doubles, content: ItemContent) -> Doubles:
    """(len(rows), 3) the mean of `of_facets` (m,) over the genres, themes and people of each item; else 0."""
    values = content.facets.data[entries.places] * of_facets[entries.columns]
    sums = entries.sums_by(content.groups[entries.columns], values, len(GROUPS))
    return _ratio(sums, content.counts[rows])[:, _LIKINGS]


def _interests(
    rows: Rows, entries: Entries, approved: History, seen: Seen, content: ItemContent, rates: Doubles
) -> dict[str, Doubles | float]:
    """For genre, theme and people the person's interest, their response, and how much they were shown.

    The interest in a facet is how often they engaged with slots that have it, beyond what is expected of
    these: the chance that the slot was examined × the item's response rate with everybody × the person's own
    response to all that they saw. So neither popular items nor eager people look like a taste.
    """
    means, own = np.zeros((len(rows), len(_LIKINGS))), 1.0
    if len(seen.rows):
        engaged: Doubles = np.isin(seen.rows, approved.rows).astype(np.float64)
        expected = seen.chances * np.nan_to_num(rates[seen.rows], nan=1.0)
        own = float((engaged.sum() + 1.0) / (expected.sum() + 1.0))
        sums = weighted_sum(content.facets, seen.rows, engaged - own * expected)
        met = weighted_sum(content.facets, seen.rows, seen.chances)
        means = _facet_means(rows, entries, sums / (met + LIKING_PRIOR), content)
    interests = {f"{GROUPS[group]}_interest": mean for group, mean in zip(_LIKINGS, means.T, strict=True)}
    return {**interests, "person_response": own, "slots_seen": np.log1p(len(seen.rows))}


def _passed_over(rows: Rows, approved: History, seen: Seen, now: float) -> dict[str, Doubles | float]:
    """Expected examinations of each item by the person without effect; log(1 + days since the last)."""
    if not len(seen.rows):
        return {"passed_over": 0.0, "passed_over_age": np.nan}
    passed = ~np.isin(seen.rows, approved.rows)
    items, first = np.unique(seen.rows[passed][::-1], return_index=True)
    if not len(items):
        return {"passed_over": 0.0, "passed_over_age": np.nan}
    examined = np.bincount(
        np.searchsorted(items, seen.rows[passed]), seen.chances[passed], minlength=len(items)
    )
    ages = np.maximum(now - seen.times[passed][::-1][first], 0.0) / SECONDS_PER_DAY
    place = np.minimum(np.searchsorted(items, rows), len(items) - 1)
    has = items[place] == rows
    return {
        "passed_over": np.where(has, examined[place], 0.0),
        "passed_over_age": np.where(has, np.log1p(ages)[place], np.nan),
    }


def _ratio(numerator: Doubles, denominator: Doubles) -> Doubles:
    """Element by element, 0 where the denominator is 0."""
    result = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
