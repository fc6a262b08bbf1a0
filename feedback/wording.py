"""Sentences that tell a person what their dislike changed; the API and the pages say the same ones."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone

from core.domain import SERIES
from core.text import percent_change
from feedback.adjustments import FacetDelta
from feedback.models import OwnRule
from feedback.rules import Strength

NAMES_SHOWN = 2
_RECORDED = "✓ Dislike recorded. We'll improve recommendations!"
_SAME_SERIES = "of the same series"
_SAME_SERIES_AS = "of the series {}"
_HOW_MUCH: dict[str, str] = {
    Strength.LESS: "Less",
    Strength.MUCH_LESS: "Much less",
    Strength.NEVER: "Never",
    Strength.ALLOW: "Again",
}


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


def rule_sentence(rule: OwnRule) -> str:
    """Sentence that says what a rule does: `Less Crime until 6 December; Heat is left out until then.`"""
    until = "" if rule.ends_at is None else f" until {_moment(rule.ends_at)}"
    title = "" if rule.item is None else rule.item.title
    if rule.facet is None:
        return (
            f"{title} is let through." if rule.strength == Strength.ALLOW else f"{title} is left out{until}."
        )
    name = _SAME_SERIES_AS.format(rule.facet.name) if rule.facet.kind in SERIES else rule.facet.name
    also = f"; {title} is left out" + (" until then" if until else "") if title else ""
    return f"{_HOW_MUCH[rule.strength]} {name}{until}{also}."


def _moment(moment: datetime) -> str:
    local = timezone.localtime(moment)
    days = (local.date() - timezone.localdate()).days
    if days <= 1:
        return f"{'tomorrow' if days else 'today'}, {local:%H:%M}"
    return f"{local.day} {local:%B}"
