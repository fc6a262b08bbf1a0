"""Labels and weights of slots, from the acts of people on the lists that they were shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow.compute as pc
from django.conf import settings

from core.arrays import Bools, Doubles, Ints, Rows, positions
from core.arrow import pa
from core.batches import read_batches
from core.domain import APPROVAL_WEIGHT, MOST_TRAINING_WEIGHT, REASONS, TYPES, UseCase
from core.domain.roles import types_of_other_roles
from feedback.models import Dislike
from interactions.selectors import active_interactions
from ranking.datasets.ranker_rows import DISLIKED, ENGAGED, PASSED_OVER
from ranking.datasets.session_log import SessionChunk, as_text
from ranking.recommenders.registry import TRAINED

# A slot passed over may just not have been noticed, so it says less than any verdict. Where the score was
# high the list was wrong about more, and there is more to learn.
PASSED_OVER_WEIGHT = 0.5
HARD_NEGATIVE_WEIGHT = 0.75
# A rating of 0 weighs nothing as a confidence, but a ranker takes no row without a weight.
LEAST_WEIGHT = 0.05

# The columns of what was done, as they are asked for, and of who did what with success.
_LIST = "recommendation_session_id"
_DONE = pa.schema(
    {
        _LIST: pa.string(),
        "item_id": pa.int64(),
        "type": pa.string(),
        "weight": pa.float64(),
        "dislike__review_state": pa.string(),
        "dislike__reason": pa.string(),
        "dislike__example__pk": pa.int64(),
        "dislike__example__weight": pa.float64(),
    }
)
_PAIRS = pa.schema({"user_id": pa.int64(), "item_id": pa.int64()})
# Of these a dislike says nothing of taste.
_SILENT = [name for name, reason in REASONS.items() if reason.weight == 0.0]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """The outcomes of n slots.

    acted      (n,) something was done with it that counts
    relevance  (n,) 0 to 4: DISLIKED whatever else was done, else the best of what was done, else PASSED_OVER
    strongest  (n,) the largest of what was done, as `_taught_by`; 0 for nothing
    negative   (n,) what the strongest no weighs as an example; 0 where there is none
    example_ids  (n,) the example of its dislike; 0 where there is none
    liked      (n,) a success with the item, from this list or from anywhere, before it or since
    left_out   (n,) its dislike must not teach: staff took it for abuse, or its reason says nothing of taste
    """

    acted: Bools
    relevance: Ints
    strongest: Doubles
    negative: Doubles
    example_ids: Ints
    liked: Bools
    left_out: Bools


def read_outcomes(chunk: SessionChunk, use_case: UseCase, until: datetime) -> Outcomes:
    """The active interactions with the slots of a chunk up to `until`: two queries.

    What somebody did in another role with an item of the list is no success of the list.
    """
    rows = active_interactions().filter(
        recommendation_session__in=chunk.rows().values("pk"), occurred_at__lte=until
    )
    if others := types_of_other_roles(use_case):
        rows = rows.exclude(type__in=others)
    batches = read_batches(rows.order_by("pk").values_list(as_text(_LIST), *_DONE.names[1:]), _DONE)
    n = len(chunk.item_ids)
    outcomes = Outcomes(
        acted=np.zeros(n, dtype=np.bool_),
        relevance=np.full(n, PASSED_OVER),
        strongest=np.zeros(n),
        negative=np.zeros(n),
        example_ids=np.zeros(n, dtype=np.int64),
        liked=_liked(chunk, use_case, until),
        left_out=np.zeros(n, dtype=np.bool_),
    )
    for done in batches:
        _note(outcomes, slots_of(chunk, done[_LIST], done["item_id"].to_numpy()), done)
    return outcomes


def deepest_ranks(chunk: SessionChunk, outcomes: Outcomes) -> Ints:
    """(g,) how deep each list was examined: as reported, or to where anything was done; 0 is none."""
    deepest = chunk.seen_ranks.copy()
    np.maximum.at(deepest, chunk.list_of_slot[outcomes.acted], chunk.ranks[outcomes.acted])
    return deepest


def hard_negatives(chunk: SessionChunk, outcomes: Outcomes) -> Bools:
    """(n,) what was passed over though it scored above HARD_NEGATIVE_SCORE, and what the person never liked.

    The score is that in the list, or of the model that brought it, whatever became of that in the list. What
    staff pinned is none.
    """
    by_model = np.isin(chunk.texts("source").to_numpy(zero_copy_only=False), list(TRAINED))
    model_scores = np.where(by_model, chunk.numbers("source_score"), np.nan)
    highest = np.fmax(chunk.numbers("score"), model_scores)
    hard: Bools = (highest > settings.HARD_NEGATIVE_SCORE) & (outcomes.relevance == PASSED_OVER)
    hard &= ~outcomes.liked & ~chunk.pinned
    return hard


def sample_weights(outcomes: Outcomes, hard: Bools) -> Doubles:
    """(n,) how much each slot teaches, at least LEAST_WEIGHT: see the constants above."""
    weights = np.where(hard, HARD_NEGATIVE_WEIGHT, PASSED_OVER_WEIGHT)
    engaged, disliked = outcomes.relevance >= ENGAGED, outcomes.relevance == DISLIKED
    # A slot engaged with weighs its training weight, so that a plain yes is 1 (`_taught_by`).
    strongest = np.minimum(outcomes.strongest, MOST_TRAINING_WEIGHT) / APPROVAL_WEIGHT
    weights[engaged], weights[disliked] = strongest[engaged], outcomes.negative[disliked]
    return np.maximum(weights, LEAST_WEIGHT)


def _liked(chunk: SessionChunk, use_case: UseCase, until: datetime) -> Bools:
    """(n,) True where the person of the slot has a success with its item on record."""
    successes = active_interactions().filter(
        user__in=chunk.rows().values("user"),
        type__in=use_case.positive_interactions,
        weight__gt=0.0,
        occurred_at__lte=until,
    )
    read = list(read_batches(successes.order_by().values_list(*_PAIRS.names), _PAIRS))
    if not read:
        return np.zeros(len(chunk.item_ids), dtype=np.bool_)
    pairs = np.concatenate([np.column_stack([one.to_numpy() for one in batch]) for batch in read])
    # A person and an item as one number: each by its place among those of the chunk.
    people, items = np.unique(chunk.user_ids), np.unique(chunk.item_ids)
    rows, columns = positions(pairs[:, 0], people), positions(pairs[:, 1], items)
    codes = (rows * len(items) + columns)[(rows >= 0) & (columns >= 0)]
    slots = np.searchsorted(people, chunk.user_ids)[chunk.list_of_slot] * len(items)
    return np.isin(slots + np.searchsorted(items, chunk.item_ids), codes)


def _note(outcomes: Outcomes, slots: Rows, done: pa.RecordBatch) -> None:
    """Writes what was done into place; a slot of -1 is none of this chunk."""
    found = slots >= 0
    types, weights = done["type"].dictionary_encode(), done["weight"].to_numpy()
    relevance, taught = relevance_of(types, weights), _taught_by(types, weights)
    excluded = found & _is_among(done["dislike__review_state"], [Dislike.ReviewState.EXCLUDED.value])
    silent = found & _is_among(done["dislike__reason"], _SILENT)
    counts = found & ~excluded
    outcomes.left_out[slots[excluded | silent]] = True
    outcomes.acted[slots[counts]] = True
    np.maximum.at(outcomes.relevance, slots[counts], relevance[counts])
    np.maximum.at(outcomes.strongest, slots[counts], taught[counts])
    refused = np.flatnonzero(counts & (relevance == DISLIKED))
    outcomes.relevance[slots[refused]] = DISLIKED
    for row in refused.tolist():
        # A no that came without a reason has no example: a dislike is a full no, a rating as much as it says.
        weight = done["dislike__example__weight"][row].as_py()
        if weight is None:
            weight = settings.DISLIKE_EXAMPLE_WEIGHT * no_of(types[row].as_py(), float(weights[row]))
        slot = slots[row]
        outcomes.negative[slot] = max(outcomes.negative[slot], weight)
        example_id = done["dislike__example__pk"][row].as_py()
        outcomes.example_ids[slot] = example_id or outcomes.example_ids[slot]


def _is_among(column: pa.StringArray, names: Sequence[str]) -> Bools:
    """(n,) True where the text is one of the names."""
    found: Bools = pc.is_in(column, pa.array(names, pa.string())).to_numpy(zero_copy_only=False)
    return found


def _taught_by(types: pa.DictionaryArray, weights: Doubles) -> Doubles:
    """(n,) the training weights of interactions; what is not rated teaches at least what passing over does.

    Where people only click, a slot clicked would else count for half of one passed over.
    """
    is_rated = np.array([TYPES[name].is_rated for name in types.dictionary.to_pylist()], dtype=np.bool_)
    least = PASSED_OVER_WEIGHT * APPROVAL_WEIGHT
    raised: Doubles = np.where(
        is_rated[types.indices.to_numpy()] | (weights <= 0.0), weights, np.maximum(weights, least)
    )
    return raised


def relevance_of(types: pa.DictionaryArray, weights: Doubles) -> Ints:
    """(n,) the graded relevance of interactions with these types and training weights."""
    rows = [TYPES[name] for name in types.dictionary.to_pylist()]
    codes = types.indices.to_numpy()
    graded: Ints = np.array([row.relevance for row in rows], dtype=np.int64)[codes]
    for code, row in enumerate(rows):
        if row.is_rated:
            places = np.flatnonzero(codes == code)
            graded[places] = [row.relevance_of(weight) for weight in weights[places].tolist()]
    return graded


def no_of(type_name: str, weight: float) -> float:
    """The share of a full no that an interaction with this training weight is, 0 to 1."""
    row = TYPES[type_name]
    return -min(0.0, row.strength_of(weight)) if row.is_rated else 1.0


def slots_of(chunk: SessionChunk, keys: pa.StringArray, item_ids: Ints) -> Rows:
    """The slot in which each item stood in its session; -1 where it did not, or the session is another's."""
    if not len(chunk.item_ids):
        return np.full(len(keys), -1)
    found = pc.index_in(keys, pa.array(chunk.keys, pa.string())).fill_null(-1).to_numpy(zero_copy_only=False)
    lists = found.astype(np.int64)
    # A list and an item as one number: the item by its place among all items of the chunk.
    known, codes = np.unique(chunk.item_ids, return_inverse=True)
    places = positions(item_ids, known)
    pairs, wanted = chunk.list_of_slot * len(known) + codes, lists * len(known) + places
    order = np.argsort(pairs, kind="stable")
    slots = order[np.minimum(np.searchsorted(pairs[order], wanted), len(pairs) - 1)]
    return np.where((pairs[slots] == wanted) & (lists >= 0) & (places >= 0), slots, -1)
