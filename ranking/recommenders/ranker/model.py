"""LambdaRank over logged slots: the order within a list is learned from what was done with the list.

Burges, "From RankNet to LambdaRank to LambdaMART" (2010), as implemented by LightGBM (Ke et al. 2017). Each
list is a group; the gain of a relevance r is 2^r - 1. What was examined by chance of its rank is corrected
for by `debias`, and the retrieval score is built upon by `base_margin`;
docs/research/position-bias.md shows what the choices do where the truth is known.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows
from ranking.features import FEATURES
from ranking.kinds import MODELS
from ranking.recommenders.ranker.library import load_lightgbm
from ranking.statistics.calibration import probabilities
from ranking.statistics.exposure import draw_seen, examination_of_slots
from ranking.statistics.lists import engagement_grades

if TYPE_CHECKING:
    import lightgbm as lgb

Debias = Literal["exposure", "ips", "position", "none"]
BaseMargin = Literal["residual", "feature", "none"]
DEBIASES: tuple[str, ...] = get_args(Debias)
BASE_MARGINS: tuple[str, ...] = get_args(BaseMargin)
Progress = Callable[[int, int], None]

MODEL_SCORE = FEATURES.index("model_score")
# The columns of the models that retrieve: unknown where the trees shall not see them.
OF_RETRIEVAL = ("model_score", "model_place", *(f"{kind}_score" for kind in MODELS))
# A retrieval score of exactly 0 or 1 would have an infinite logit.
SMALLEST = 1e-4
LABEL_GAIN = [0, 1, 3, 7, 15]
MAX_RELEVANCE = len(LABEL_GAIN) - 1
# One person's slots together weigh no more than so many times what a person's weigh on average.
PERSON_CAP = 5.0
# What lies nearer to 0 is 0 to LightGBM.
ZERO = 1e-35
_SPLIT_FEATURES = re.compile(r"^split_feature=(.*)$", re.MULTILINE)
_THRESHOLDS = re.compile(r"^threshold=(.*)$", re.MULTILINE)
LISTS_PER_LEAF, FEWEST_LEAVES, MOST_LEAVES = 200, 4, 15


@dataclass(frozen=True, slots=True)
class RankerParameters:
    """Hyper-parameters of `fit_ranker`; docs/research/ranker-on-movielens.md measures the defaults.

    num_leaves       of each tree; None takes `default_leaves` of the data
    learning_rate, min_data_in_leaf, lambda_l2, feature_fraction   as in LightGBM
    rounds           trees at the most
    early_stopping   rounds without a better validation NDCG@10 after which training ends; 0 for never
    debias           how the falling chance of being examined is corrected for
    ips_clip         the largest weight that `ips` gives
    base_margin      residual: trees correct the retrieval score; feature: they see it; none: they do not

    Raises ValueError for a value out of range.
    """

    num_leaves: int | None = None
    learning_rate: float = 0.05
    rounds: int = 400
    min_data_in_leaf: int = 50
    lambda_l2: float = 5.0
    feature_fraction: float = 0.8
    early_stopping: int = 40
    debias: Debias = "position"
    ips_clip: float = 10.0
    base_margin: BaseMargin = "feature"

    def __post_init__(self) -> None:
        if self.num_leaves is not None and self.num_leaves < 2:
            raise ValueError("Leaves must be at least 2.")
        if self.rounds < 1 or self.min_data_in_leaf < 1 or self.early_stopping < 0:
            raise ValueError("Rounds and data in a leaf must be at least 1, early stopping 0.")
        if not 0 < self.learning_rate <= 1 or not 0 < self.feature_fraction <= 1:
            raise ValueError("Learning rate and feature fraction must be above 0 and at most 1.")
        if not 0 <= self.lambda_l2 < np.inf or not 1 <= self.ips_clip < np.inf:
            raise ValueError("lambda_l2 must be 0 or more, ips_clip 1 or more.")
        if self.debias not in DEBIASES or self.base_margin not in BASE_MARGINS:
            raise ValueError(f"Debias is one of {DEBIASES}, base_margin one of {BASE_MARGINS}.")


@dataclass(frozen=True, slots=True, eq=False)
class RankerData:
    """g lists with n slots in all, list after list, lists in the order of time.

    features    (n, f) float32, columns as in FEATURES; NaN for what is not known
    relevance   (n,) 0 to 4
    weights     (n,) sample weight before any debiasing, above 0
    ranks       (n,) from 1: where the slot stood
    exposure    (n,) P(the slot was examined), in (0, 1]
    sizes       (g,) slots of each list
    user_ids    (g,) whose list it was
    times       (g,) when it was served, seconds since 1970

    Raises ValueError for arrays that do not fit together or hold what is not a number.
    """

    features: Floats
    relevance: Ints
    weights: Doubles
    ranks: Ints
    exposure: Doubles
    sizes: Ints
    user_ids: Ints
    times: Doubles

    def __post_init__(self) -> None:
        slots, lists = len(self.features), len(self.sizes)
        per_slot = (self.relevance, self.weights, self.ranks, self.exposure)
        if any(len(array) != slots for array in per_slot) or int(self.sizes.sum()) != slots:
            raise ValueError("Slots and list sizes do not fit together.")
        if len(self.user_ids) != lists or len(self.times) != lists:
            raise ValueError("Each list needs one person and one time.")
        if np.isinf(self.features).any() or not (self.weights > 0).all():
            raise ValueError("Features must be finite or unknown, and weights above 0.")
        if not ((self.exposure > 0) & (self.exposure <= 1)).all():
            raise ValueError("Exposure must be above 0 and at most 1.")
        if slots and not 0 <= self.relevance.min() <= self.relevance.max() <= MAX_RELEVANCE:
            raise ValueError(f"Relevance must lie between 0 and {MAX_RELEVANCE}.")

    def __len__(self) -> int:
        return len(self.sizes)

    @classmethod
    def join(cls, parts: Sequence["RankerData"]) -> "RankerData":
        """The lists of all parts, one part after another. Raises ValueError for no parts."""
        columns = {one.name: [getattr(part, one.name) for part in parts] for one in fields(cls)}
        return cls(**{name: np.concatenate(arrays) for name, arrays in columns.items()})

    @property
    def list_of_slot(self) -> Rows:
        """(n,): the list each slot belongs to."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def take_lists(self, which: Bools) -> "RankerData":
        """The lists of a mask (g,)."""
        slots = which[self.list_of_slot]
        return RankerData(
            features=self.features[slots],
            relevance=self.relevance[slots],
            weights=self.weights[slots],
            ranks=self.ranks[slots],
            exposure=self.exposure[slots],
            sizes=self.sizes[which],
            user_ids=self.user_ids[which],
            times=self.times[which],
        )

    def with_scores_of(self, kinds: Collection[str]) -> "RankerData":
        """The same, with the scores of these kinds of model alone; those of others are unknown."""
        hidden = [FEATURES.index(f"{kind}_score") for kind in MODELS if kind not in kinds]
        features = self.features.copy()
        features[:, hidden] = np.nan
        return replace(self, features=features)

    @property
    def lists_with_preference(self) -> int:
        """The number of lists with two different relevances; in others there is no order to learn."""
        if not len(self.relevance):
            return 0
        starts = (np.cumsum(self.sizes) - self.sizes)[self.sizes > 0]
        highest = np.maximum.reduceat(self.relevance, starts)
        return int((highest > np.minimum.reduceat(self.relevance, starts)).sum())

    @property
    def can_teach_order(self) -> bool:
        """True where there is any order to learn."""
        return self.lists_with_preference > 0


@dataclass(frozen=True, eq=False)
class Ranker:
    """A trained ranker: its trees as LightGBM text, and how to read what they say.

    base_margin       as trained; "residual" adds the logit of the retrieval score to what the trees say
    slope, intercept  of `probabilities`; slope > 0
    """

    booster: "lgb.Booster"
    base_margin: BaseMargin
    slope: float = 1.0
    intercept: float = 0.0

    def scores(self, features: Floats) -> Doubles:
        """The scores that order a list, (n,): unbounded, higher is better."""
        raw: Doubles = np.asarray(self.booster.predict(features, num_threads=1), dtype=np.float64)
        return raw + _retrieval_logits(features) if self.base_margin == "residual" else raw

    def probabilities(self, features: Floats) -> Doubles:
        """P(engaged | examined) for each row, (n,) in [0, 1], in the order of `scores` (Platt 1999)."""
        return probabilities(self.scores(features), self.slope, self.intercept)

    def cells(self, values: Floats, columns: Sequence[int]) -> Ints:
        """(n, k) where each value (n, k) lies among the thresholds of its column, -1 for unknown ones.

        Rows whose values lie in the same cells, all others being equal, have the same scores: a tree asks
        of a value alone on which side of a threshold it is.
        """
        cells = np.empty(values.shape, dtype=np.int64)
        for place, column in enumerate(columns):
            of_column = values[:, place].astype(np.float64)
            cells[:, place] = np.searchsorted(self.thresholds[column], of_column)
            cells[np.isnan(of_column), place] = -1
        return cells

    @cached_property
    def thresholds(self) -> list[Doubles]:
        """The values at which splits part the rows, rising, for each feature; 0 may count as unknown."""
        found: list[list[float]] = [[-ZERO, ZERO] for _ in FEATURES]
        text = self.booster.model_to_string()
        for used, values in zip(_SPLIT_FEATURES.findall(text), _THRESHOLDS.findall(text), strict=True):
            for feature, value in zip(used.split(), values.split(), strict=True):
                found[int(feature)].append(float(value))
        return [np.unique(values) for values in found]

    def calibrated(self, slope: float, intercept: float) -> "Ranker":
        """The same trees under another calibration."""
        return replace(self, slope=slope, intercept=intercept)

    def importances(self) -> dict[str, float]:
        """Total gain of each feature, by name, largest first."""
        gains = self.booster.feature_importance("gain")
        named = zip(self.booster.feature_name(), (float(gain) for gain in gains), strict=True)
        return dict(sorted(named, key=lambda pair: -pair[1]))


def fit_ranker(
    training: RankerData,
    validation: RankerData | None,
    parameters: RankerParameters,
    *,
    seed: int,
    threads: int = 0,
    progress: Progress | None = None,
) -> Ranker:
    """Train on `training`; with `validation`, stop where NDCG@10 on it was best.

    Equal input and seed give an equal model for a given number of threads. `progress(done, total)` is called
    after each round. Raises ValueError if no list of `training` holds two different relevances.
    """
    load_lightgbm()
    import lightgbm as lgb

    settings = {
        **settings_of(training, parameters, seed),
        "metric": "ndcg",
        "eval_at": [10],
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
    }
    dataset = _dataset(training, parameters, with_positions=parameters.debias == "position")
    callbacks: list[Callable[[lgb.callback.CallbackEnv], None]] = []
    watched: list[lgb.Dataset] = []
    if parameters.early_stopping and validation is not None and validation.can_teach_order:
        # NDCG knows no weights within a list, so what says when to stop is corrected by leaving slots out.
        drawn = likely_seen(validation, np.random.default_rng(seed))
        graded = replace(drawn, relevance=engagement_grades(drawn.relevance))
        watched = [_dataset(graded, parameters, reference=dataset, with_positions=False)]
        callbacks.append(lgb.early_stopping(parameters.early_stopping, verbose=False))
    if progress is not None:
        callbacks.append(lambda env: progress(env.iteration + 1, parameters.rounds))
    booster = lgb.train(settings, dataset, parameters.rounds, valid_sets=watched, callbacks=callbacks)
    # Only what is kept in the text survives a restart, so only that is used.
    text = booster.model_to_string(num_iteration=booster.best_iteration if watched else -1)
    return Ranker(lgb.Booster(model_str=text), parameters.base_margin)


def settings_of(training: RankerData, parameters: RankerParameters, seed: int) -> dict[str, Any]:
    """The objective and its parameters, by LightGBM's names, wherever it runs.

    Raises ValueError if no list of `training` holds two different relevances.
    """
    if not training.can_teach_order:
        raise ValueError("No list holds anything better than the rest, so there is no order to learn.")
    return {
        "objective": "lambdarank",
        "label_gain": LABEL_GAIN,
        "num_leaves": parameters.num_leaves or default_leaves(training),
        "learning_rate": parameters.learning_rate,
        "min_data_in_leaf": parameters.min_data_in_leaf,
        "lambda_l2": parameters.lambda_l2,
        "feature_fraction": parameters.feature_fraction,
        "seed": seed,
        "verbosity": -1,
    }


def default_leaves(data: RankerData) -> int:
    """One leaf for every LISTS_PER_LEAF lists that teach an order, from FEWEST_LEAVES to MOST_LEAVES.

    Where the true tastes are known, four leaves served people a tenth of a standard deviation better than
    fifteen after some seven hundred lists (docs/research/closed-loop.md).
    """
    return int(np.clip(data.lists_with_preference // LISTS_PER_LEAF, FEWEST_LEAVES, MOST_LEAVES))


def debiased_weights(data: RankerData, parameters: RankerParameters) -> Doubles:
    """The weight of each slot in training, (n,), with mean 1.

    exposure   what was passed over counts as much as it was likely examined
    ips        what was chosen counts 1 / P(examined), at most `ips_clip` (Joachims et al. 2017)
    position   and none: as they come; LightGBM estimates the effect of positions itself

    The deepest slot of a list counts as examined: the list ends there because the person looked no deeper.
    """
    weights = data.weights.copy()
    seen = examination_of_slots(data.sizes, data.ranks, data.exposure)
    if parameters.debias == "exposure":
        passed_over = data.relevance == 1
        weights[passed_over] *= seen[passed_over]
    elif parameters.debias == "ips":
        chosen = data.relevance != 1
        weights[chosen] *= np.minimum(1 / seen[chosen], parameters.ips_clip)
    capped = weights * _person_factors(data, weights)
    result: Doubles = capped / capped.mean()
    return result


def likely_seen(data: RankerData, rng: np.random.Generator) -> RankerData:
    """The lists with what was done something with, and each slot passed over as likely as it was examined.

    So one passed over without being examined is not held against what stands deep
    (docs/research/position-bias.md).
    """
    kept, sizes = draw_seen(data.sizes, data.ranks, data.relevance, data.exposure, rng)
    return RankerData(
        features=data.features[kept],
        relevance=data.relevance[kept],
        weights=data.weights[kept],
        ranks=data.ranks[kept],
        exposure=data.exposure[kept],
        sizes=sizes,
        user_ids=data.user_ids,
        times=data.times,
    )


def _person_factors(data: RankerData, weights: Doubles) -> Doubles:
    """(n,): at most 1, so that nobody's slots weigh more than PERSON_CAP times the average person's.

    The average is that after capping: before, whoever is to be capped has raised it already.
    """
    people, person_of_list = np.unique(data.user_ids, return_inverse=True)
    person = person_of_list[data.list_of_slot]
    totals: Doubles = np.bincount(person, weights, minlength=len(people)).astype(np.float64)
    factors: Doubles = np.minimum(1.0, _person_limit(totals) / np.maximum(totals, 1e-12))
    return factors[person]


def _person_limit(totals: Doubles) -> float:
    """The limit L = PERSON_CAP × mean(min(totals, L)) of the weights of each person, (p,), at least one.

    With the c largest at the limit it is PERSON_CAP × rest / (p - PERSON_CAP × c); the c sought is the first
    for which all of the rest lie below.
    """
    falling = np.sort(totals)[::-1]
    capped = np.arange(np.ceil(len(totals) / PERSON_CAP))
    rest = np.cumsum(falling[::-1])[::-1][: len(capped)]
    limits = PERSON_CAP * rest / (len(totals) - PERSON_CAP * capped)
    return float(limits[np.argmax(falling[: len(capped)] <= limits)])


def _dataset(
    data: RankerData,
    parameters: RankerParameters,
    *,
    with_positions: bool,
    reference: "lgb.Dataset | None" = None,
) -> "lgb.Dataset":
    load_lightgbm()
    import lightgbm as lgb

    given = given_of(data, parameters)
    return lgb.Dataset(
        given.features,
        label=data.relevance,
        group=data.sizes,
        weight=given.weights,
        init_score=given.logits,
        position=data.ranks if with_positions else None,
        feature_name=list(FEATURES),
        reference=reference,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """The arrays that trees are given of n slots.

    features  (n, f) float32
    weights   (n,) as debiased
    logits    (n,) of the retrieval score, which trees correct; None where they do not
    """

    features: Floats
    weights: Doubles
    logits: Doubles | None


def given_of(data: RankerData, parameters: RankerParameters) -> Given:
    """The arrays of the lists, as far as the parameters let trees see them."""
    features = data.features
    if parameters.base_margin == "none":
        features = features.copy()
        features[:, [FEATURES.index(name) for name in OF_RETRIEVAL]] = np.nan
    logits = _retrieval_logits(features) if parameters.base_margin == "residual" else None
    return Given(features, debiased_weights(data, parameters), logits)


def _retrieval_logits(features: Floats) -> Doubles:
    """The logit of the retrieval score, (n,); what has none stands below all that do."""
    score = np.nan_to_num(features[:, MODEL_SCORE].astype(np.float64))
    probability = np.clip(score, SMALLEST, 1 - SMALLEST)
    logits: Doubles = np.log(probability / (1 - probability))
    return logits
