"""Sentences that tell a person what their dislike changed; the API and the pages say the same ones."""

from collections.abc import Iterable, Sequence

from core.domain import SERIES
from core.text import percent_change
from feedback.adjustments import FacetDelta

NAMES_SHOWN = 2
_RECORDED = "✓ Dislike recorded. We'll improve recommendations!"
_SAME_SERIES = "of the same series"


def recorded_sentence(deltas: Iterable[FacetDelta]) -> str:
    """Sentence that confirms a dislike, with the facets that it holds back, where there are any."""
    changes = changes_in_words(deltas)
    return f"{_RECORDED} From now on: {changes}." if changes else _RECORDED


def changes_in_words(deltas: Iterable[FacetDelta]) -> str:
    """Facets that are held back: `less Action and Crime, −15 %; less of the same series, −12 %`.

    The strongest come first. A name is said once per share, though it be an actor's and a director's.
    """
    names: dict[float, list[str]] = {}
    for delta in deltas:
        name = _SAME_SERIES if delta.kind in SERIES else delta.name
        same_share = names.setdefault(delta.delta, [])
        if name not in same_share:
            same_share.append(name)
    return "; ".join(
        f"less {_listed(some)}, {percent_change(share)}" for share, some in sorted(names.items())
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    if more > 0:
        return f"{', '.join(names[:NAMES_SHOWN])} and {more} more"
    return " and ".join(names)
