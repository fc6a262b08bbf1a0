"""The strengths that can be estimated, with the values that are tried in their place."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from core.domain import DOMAIN
from feedback.effect import MOST_STRENGTH

# In place of the value that is set: half of it, half as much again, and twice as much.
MULTIPLES = (0.5, 1.5, 2.0)
# The policy's field of each setting that an arm of an experiment can try.
FIELDS: Mapping[str, str] = {
    "POPULARITY_SHARE": "popularity_share",
    "BOOST_STRENGTH": "boost_strength",
    "BOOST_STRENGTH_WITH_RANKER": "boost_strength_with_ranker",
    "DISLIKES_STRENGTH": "dislikes_strength",
    "PASSED_OVER_SHARE": "passed_over_share",
    "KNOWN_SHARE": "known_share",
    "EXPLORATION_SHARE": "exploration_share",
}
SETTINGS: Mapping[str, str] = {field: setting for setting, field in FIELDS.items()}
HALF_LIFE = "DISLIKE_HALF_LIFE_DAYS"
DISLIKES = "DISLIKES_STRENGTH"
PASSED_OVER = "PASSED_OVER_SHARE"
BOOSTS = ("BOOST_STRENGTH", "BOOST_STRENGTH_WITH_RANKER")
# What changes the base scores or the likeness of items leaves no trace in a slot's record. The log speaks of
# each reason's share by itself; what it says of all at once would be proposed twice.
ONLY_BY_EXPERIMENT = ("POPULARITY_SHARE", "KNOWN_SHARE", DISLIKES)


@dataclass(frozen=True, slots=True)
class Knob:
    """A strength: the setting, its value, the policy's field where there is one, and what to try."""

    setting: str
    value: float
    field: str
    tried: tuple[float, ...]

    @property
    def is_in_the_log(self) -> bool:
        """True where the log tells which slots another value would have left out or brought."""
        return self.setting not in ONLY_BY_EXPERIMENT


def knobs() -> list[Knob]:
    """Every strength, in the order of the report; the shares of reasons are those that heed.toml names."""
    of_reasons = [
        share
        for reason in DOMAIN.reasons.values()
        for share in reason.holds_back.values()
        if isinstance(share, str)
    ]
    names = dict.fromkeys([*of_reasons, HALF_LIFE, PASSED_OVER, *BOOSTS, *ONLY_BY_EXPERIMENT])
    return [_knob(name) for name in names]


def _knob(setting: str) -> Knob:
    value = float(getattr(settings, setting))
    most = {HALF_LIFE: float("inf"), DISLIKES: MOST_STRENGTH}.get(setting, 1.0)
    tried = dict.fromkeys(round(min(most, value * multiple), 4) for multiple in MULTIPLES)
    return Knob(setting, value, FIELDS.get(setting, ""), tuple(one for one in tried if one != value))
