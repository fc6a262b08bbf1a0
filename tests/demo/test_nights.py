"""The evenings of simulated people."""

import pytest

from core.domain import REASONS
from demo.nights import REASON_SHARES


def test_every_reason_has_its_share() -> None:
    assert REASON_SHARES.keys() == REASONS.keys()
    assert sum(REASON_SHARES.values()) == pytest.approx(1.0)
