"""Assignment of people to arms: by the person and the experiment's salt alone, so that it never changes.

Nothing is stored, so nothing has to be read, and nobody can be moved. The salt is secret: without it nobody
can work out which account would get which arm.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allocation:
    """The rule by which an experiment draws people.

    salt     what makes its draw independent of any other's
    share    how many of all people take part, in (0, 1]
    weights  of the arms, in their order, each above 0; an arm that was switched off keeps its own
    """

    salt: str
    share: float
    weights: tuple[float, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Of those who take part, how many fall into each arm; they sum to 1."""
        total = sum(self.weights)
        return tuple(weight / total for weight in self.weights)


def assign(user_id: int, allocation: Allocation) -> int | None:
    """The arm of a person, from 0, or None for who does not take part."""
    taking_part, drawn = _two_numbers(f"{allocation.salt}:{user_id}")
    return _arm_at(drawn, allocation.shares) if taking_part < allocation.share else None


def _two_numbers(text: str) -> tuple[float, float]:
    """Two independent numbers in [0, 1) that follow from `text`, from halves of its SHA-256."""
    digest = hashlib.sha256(text.encode()).digest()
    # 53 bits are what a float holds, so that the largest is below 1.
    first, second = (int.from_bytes(half[:8]) >> 11 for half in (digest[:16], digest[16:]))
    return first / 2**53, second / 2**53


def _arm_at(drawn: float, shares: Sequence[float]) -> int:
    """The arm whose stretch of [0, 1) holds `drawn`; the last one also holds what rounding left over."""
    end = 0.0
    for arm, share in enumerate(shares[:-1]):
        end += share
        if drawn < end:
            return arm
    return len(shares) - 1
