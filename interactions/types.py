"""The interaction types: one table for what each means to training, taste and evaluation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InteractionType:
    """What one kind of interaction means.

    training   weight as ALS confidence and ranker label; for `watched` it is scaled by rating / 10
    profile    weight in the taste profile; None where something else decides (a dislike's reason)
    polarity   +1 speaks for the item, -1 against it, 0 neither
    relevance  graded relevance for the ranker (dislike 0, passed over 1, view 2, like 3, apply 4)
    is_state   at most one live row per person and item (a like), against an event that recurs (a view)
    excludes   the item is known to the person and is not recommended again
    """

    name: str
    training: float
    profile: float | None
    polarity: int
    relevance: int
    is_state: bool
    excludes: bool


TYPES: dict[str, InteractionType] = {
    row.name: row
    for row in (
        #                name                training profile polarity relevance state  excludes
        InteractionType("view",              0.5,     0.3,    +1,      2,        False, False),
        InteractionType("click",             0.5,     0.3,    +1,      2,        False, False),
        InteractionType("like",              2.0,     0.6,    +1,      3,        True,  True),
        InteractionType("favorite",          2.5,     0.6,    +1,      3,        True,  True),
        InteractionType("apply",             3.0,     1.0,    +1,      4,        True,  True),
        InteractionType("interest",          3.5,     0.6,    +1,      4,        True,  True),
        InteractionType("watched",           3.0,     1.0,    +1,      3,        True,  True),
        InteractionType("watchlist_add",     2.0,     0.6,    +1,      3,        True,  True),
        InteractionType("watchlist_remove",  0.0,    -0.3,     0,      1,        False, False),
        InteractionType("dislike",          -1.0,     None,   -1,      0,        True,  True),
    )
}  # fmt: skip

MAX_RATING = 10.0
EXCLUDING = tuple(row.name for row in TYPES.values() if row.excludes)


def training_weight(type_name: str, rating: float | None) -> float:
    """The training weight of one interaction: `watched` counts 3.0 × rating / 10, unrated as if 7.

    Raises KeyError for a type that is not in the table.
    """
    row = TYPES[type_name]
    if type_name != "watched":
        return row.training
    return row.training * (7.0 if rating is None else rating) / MAX_RATING
