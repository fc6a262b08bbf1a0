"""The figures of a run as they are stored and shown, and their way to JSON and back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from core.arrays import Doubles
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import ratio_bootstrap_interval

FEED, ITEM_PAGE, SEARCH = "feed", "item page", "search"
SURFACES = (FEED, ITEM_PAGE, SEARCH)
# What a topic may have left to count as scrubbed: the audits of arXiv 2307.14551 removed 88 % of it.
SCRUBBED = 0.12
# Mozilla 2022 (Does This Button Work?), shares prevented by the controls of YouTube.
MARKS: dict[str, float] = {
    "best control of YouTube": 0.43,
    "dislike on YouTube": 0.12,
    "“not interested” on YouTube": 0.11,
}


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one no in one form.

    surface         where the list stands: SURFACES
    form            the name of the form, such as a reason; `label` says it in words
    days            so long after the no
    people          those whose list would have held anything like the refused item without the no
    before, after   like items in a list, on average, without the no and with it
    prevented       1 − after ÷ before, by the likeness of the facets
    prevented_alike the same by the likeness that the leading model sees; None where there is none
    rebounded       1 − prevented ÷ that of day 0, both among who has the list of both days; None for day 0
    """

    surface: str
    form: str
    label: str
    days: int
    people: int
    before: float | None
    after: float | None
    prevented: Interval | None
    prevented_alike: Interval | None = None
    rebounded: Interval | None = None


@dataclass(frozen=True, slots=True)
class Scrubbing:
    """The number of noes that clear a list of a topic, said to the first title of it again and again.

    people     asked, each about the category that most of their list has
    noes       median number until SCRUBBED of it is left; None where it is above `most`
    scrubbed   share of people whose list got so far with `most` noes
    remaining  share of the topic that is left after so many noes
    """

    form: str
    label: str
    people: int
    most: int
    noes: float | None
    scrubbed: Interval | None
    remaining: Mapping[int, Interval | None]


@dataclass(frozen=True, slots=True)
class Logged:
    """The lists that people really got before and after a no, against those of others without one.

    pairs, people          of a list with a no in it and the person's next one
    controls               pairs of others whose first list held the same item, with no no in between
    before, after          share of like items in both lists
    control_before, …      the same of the controls
    prevented              (before − after − (control_before − control_after)) ÷ before
    """

    pairs: int = 0
    people: int = 0
    controls: int = 0
    before: float | None = None
    after: float | None = None
    control_before: float | None = None
    control_after: float | None = None
    prevented: Interval | None = None


@dataclass(frozen=True, slots=True)
class Responsiveness:
    """All figures of one run, of a use case with the models that served it then."""

    use_case: str
    made_at: datetime
    seed: int
    people: int
    models: str
    length: int
    effects: Sequence[Effect]
    scrubbing: Sequence[Scrubbing]
    logged: Logged


def share_prevented(before: Doubles, after: Doubles, rng: np.random.Generator) -> Interval | None:
    """1 − Σ after ÷ Σ before with its interval over people, (p,) each; None where Σ before is 0."""
    if not before.sum() > 0.0:
        return None
    return ratio_bootstrap_interval(before - after, before, rng=rng)


def mean_of(values: Doubles) -> float | None:
    """The mean; None of nothing."""
    return float(values.mean()) if len(values) else None


def as_json(report: Responsiveness) -> dict[str, Any]:
    """The report as a JSON column holds it."""
    return {**asdict(report), "made_at": report.made_at.isoformat()}


def from_json(data: Mapping[str, Any]) -> Responsiveness | None:
    """The report of a JSON column; None where it is of another form."""
    try:
        return Responsiveness(
            **{
                **data,
                "made_at": datetime.fromisoformat(data["made_at"]),
                "effects": [Effect(**_with_intervals(one)) for one in data["effects"]],
                "scrubbing": [
                    Scrubbing(**{**_with_intervals(one), "remaining": _by_number(one["remaining"])})
                    for one in data["scrubbing"]
                ],
                "logged": Logged(**_with_intervals(data["logged"])),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


_INTERVALS = ("prevented", "prevented_alike", "rebounded", "scrubbed")


def _with_intervals(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _interval(value) if name in _INTERVALS else value for name, value in data.items()}


def _by_number(data: Mapping[str, Any]) -> dict[int, Interval | None]:
    return {int(number): _interval(value) for number, value in data.items()}


def _interval(value: Mapping[str, float] | None) -> Interval | None:
    return None if value is None else Interval(**value)
