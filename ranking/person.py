"""All that is known of one person at one moment: the input of every recommender, in serving and in replay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.arrays import Doubles, Floats, Ints
from core.domain import TYPES
from profiles.selectors import STRANGER, PersonalTaste
from ranking.statistics.events import Events, summed_history
from ranking.statistics.exposure import NO_IMPRESSIONS, Impressions

_TRAINING = {name: row.training for name, row in TYPES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class PersonState:
    """One person at one moment.

    item_ids    (h,) items with a history, oldest first, none twice
    weights     (h,) signed training weight: the sum of what speaks for the item, or that of its dislike
    last_types  (h,) the interaction type that says most about the item; empty where nobody needs reasons
    excluded    item ids that must not be shown: disliked, watched, or otherwise known
    penalties   factor below 1 of each facet that the person's dislikes hold back
    taste       what is believed of them; of a stranger where nobody asked
    known       item ids that they turned down for no other reason than that they know them
    passed_over how often each item was seen in their last lists, of those that they did nothing with
    seen        the slots that they saw of their last lists
    allowed     item ids that nothing of what they turned down holds back
    """

    user_id: int
    item_ids: Ints
    weights: Floats
    last_types: tuple[str, ...]
    excluded: Ints
    penalties: Mapping[int, float]
    taste: PersonalTaste = STRANGER
    known: tuple[int, ...] = ()
    passed_over: Mapping[int, int] = field(default_factory=dict)
    seen: Impressions = NO_IMPRESSIONS
    allowed: tuple[int, ...] = ()

    @property
    def approved(self) -> int:
        """The number of items that more speaks for than against."""
        return int(np.count_nonzero(self.weights > 0))


def build_person(
    *,
    user_id: int,
    item_ids: Ints,
    weights: Floats | Doubles,
    excluded: Collection[int] | Ints,
    types: Sequence[str] = (),
    penalties: Mapping[int, float] | None = None,
    taste: PersonalTaste = STRANGER,
    known: Sequence[int] = (),
    passed_over: Mapping[int, int] | None = None,
    seen: Impressions = NO_IMPRESSIONS,
    allowed: Sequence[int] = (),
) -> PersonState:
    """The state of a person from their events (n,), oldest first.

    item_ids, weights  what was acted on, and the signed training weight of the act
    types              the interaction type of each event, where reasons will be asked for
    """
    items, sums = summed_history(item_ids, weights)
    strongest = _strongest_types(item_ids, types)
    return PersonState(
        user_id=user_id,
        item_ids=items,
        weights=sums.astype(np.float32),
        last_types=tuple(strongest[item_id] for item_id in items.tolist()) if types else (),
        excluded=(
            np.unique(excluded)
            if isinstance(excluded, np.ndarray)
            else np.array(sorted(excluded), dtype=np.int64)
        ),
        penalties=penalties or {},
        taste=taste,
        known=tuple(known),
        passed_over=passed_over or {},
        seen=seen,
        allowed=tuple(allowed),
    )


def person_before(
    history: Events,
    *,
    user_id: int = 0,
    taste: PersonalTaste = STRANGER,
    not_there: Ints | None = None,
    seen: Impressions = NO_IMPRESSIONS,
) -> PersonState:
    """The state of a person whose events up to a moment of the past are `history`, oldest first.

    Everything in the history counts as known to the person, so none of it is retrieved again, and neither is
    an item that was `not_there` yet. `taste` is what was believed of them then, `seen` what they were shown
    lately.
    """
    barred = np.unique(history.item_ids)
    return build_person(
        user_id=user_id,
        item_ids=history.item_ids,
        weights=history.weights,
        excluded=barred if not_there is None else np.union1d(barred, not_there),
        taste=taste,
        seen=seen,
    )


def _strongest_types(item_ids: Ints, types: Sequence[str]) -> dict[int, str]:
    """For each item the type with the highest training weight; of equal ones the first."""
    strongest: dict[int, str] = {}
    most: dict[int, float] = {}
    for item_id, name in zip(item_ids.tolist(), types, strict=False):
        weight = _TRAINING.get(name, 0.0)
        if item_id not in strongest or weight > most[item_id]:
            strongest[item_id], most[item_id] = name, weight
    return strongest
