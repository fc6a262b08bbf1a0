"""Sums that fade with time, over a log that is walked through once."""

from collections.abc import Sequence

import numpy as np

from core.arrays import Doubles, Rows

SECONDS_PER_DAY = 86_400.0


class DecayedSums:
    """Sums of n things that halve after each of k half-lives, oldest event first.

    They are kept as if everything had happened at one moment, the origin: an event adds
    weight × 2^(its distance from the origin / half-life), and nothing has to be decayed again.
    """

    # The doublings after which the sums are scaled down, long before they could overflow.
    _MOST_DOUBLINGS = 400.0

    def __init__(self, size: int, half_lives_days: Sequence[float]) -> None:
        """Raises ValueError for a half-life that is no positive number of days."""
        half_lives = np.array(half_lives_days, dtype=np.float64)
        if not ((half_lives > 0) & (half_lives < np.inf)).all():
            raise ValueError("The half-life must be a positive number of days.")
        self._half_lives = half_lives * SECONDS_PER_DAY
        self._origin = -np.inf
        self._sums = np.zeros((size, len(half_lives)))

    def add(self, rows: Rows, weights: Doubles, times: Doubles) -> None:
        """Takes in events (e,) that are not older than those before."""
        if not len(rows):
            return
        latest = float(times.max())
        if latest - self._origin > self._MOST_DOUBLINGS * self._half_lives.min():
            # The sums are small beside what is to come, and zero before the first event.
            self._sums *= np.exp2(-(latest - self._origin) / self._half_lives)
            self._origin = latest
        # An event so far back that it underflows weighs nothing beside what came since.
        doublings = (times[:, None] - self._origin) / self._half_lives
        np.add.at(self._sums, rows, weights[:, None] * np.exp2(doublings))

    @property
    def relative(self) -> Doubles:
        """(n, k): the sums to one scale each, which does for ratios."""
        return self._sums

    def at(self, moment: float) -> Doubles:
        """(n, k): the sums as they are at a moment, not before the last event; seconds since 1970."""
        if not np.isfinite(self._origin):
            return self._sums.copy()
        faded: Doubles = self._sums * np.exp2((self._origin - moment) / self._half_lives)
        return faded
