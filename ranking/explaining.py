"""Why a slot is there: from the numbers that put it there, not from a guess afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from catalog.selectors import ItemCard
from ranking.candidates import Candidates
from ranking.live import Live
from ranking.ml.explain import contributions
from ranking.sources import UserState

_BECAUSE = {
    "view": "you looked at {title}",
    "click": "you looked at {title}",
    "like": "you liked {title}",
    "favorite": "{title} is one of your favourites",
    "apply": "you applied to {title}",
    "interest": "{title} interests you",
    "watched": "you watched {title}",
    "watchlist_add": "{title} is on your watchlist",
}
_OF_SOURCE = {
    "als": "People with a taste like yours chose it.",
    "popular": "Popular here at the moment.",
    "fresh": "New in the catalogue.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks most for a slot: its source, and the item of the history that weighed most, if any."""

    source: str
    item_id: int | None = None
    type_name: str = ""

    def sentence(self, cards: Mapping[int, ItemCard]) -> str:
        """The reason in words, for the person it is about."""
        card = cards.get(self.item_id) if self.item_id is not None else None
        if card is None or self.type_name not in _BECAUSE:
            return _OF_SOURCE[self.source]
        because = f"Because {_BECAUSE[self.type_name].format(title=card.title)}"
        # Many a title brings its own full stop, such as "Moulin Rouge!".
        return because if because.endswith((".", "!", "?", "…")) else f"{because}."


def find_reasons(candidates: Candidates, state: UserState, live: Live) -> list[Reason]:
    """A reason for each candidate. For ALS: the history item that added most to the predicted preference."""
    reasons = [Reason(source) for source in candidates.sources.tolist()]
    from_als = np.flatnonzero(candidates.sources == "als")
    if live.als is None or not len(from_als):
        return reasons
    model = live.als.model
    history_rows = model.rows_of(state.item_ids)
    known = np.flatnonzero(history_rows >= 0)
    added = contributions(
        model,
        model.rows_of(candidates.item_ids[from_als]),
        history_rows[known],
        state.weights[known],
    )
    most = added.argmax(axis=1)
    for row, column, value in zip(from_als, most, added.max(axis=1), strict=True):
        if value > 0.0:
            place = int(known[column])
            reasons[row] = Reason("als", int(state.item_ids[place]), state.last_types[place])
    return reasons
