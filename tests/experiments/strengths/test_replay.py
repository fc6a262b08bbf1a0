"""Logged lists as strengths are tried on them: without what rules of staff put where it stood."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from core.domain import USE_CASES
from experiments.strengths.replay import replay
from ranking.snapshot import read_snapshot
from recommendations.models import RecommendationSession
from tests.factories import make_items

pytestmark = pytest.mark.django_db


def test_what_rules_moved_is_left_out_and_chance_had_the_other_places(person: User) -> None:
    items = make_items(6)
    now = timezone.now()
    slots = [
        {"item_id": item.pk, "rank": rank, "score": 0.5, "base_score": 0.5, "method": "als", "source": "als"}
        | {"source_rank": rank, "source_score": 0.5, "propensity": 0.9}
        for rank, item in enumerate(items, 1)
    ]
    slots[1] |= {"method": "pin", "score": 0.01, "propensity": 1.0, "rules": [1]}
    slots[2] |= {"rules": [2], "score": 1.0}
    slots[5] |= {"method": "exploration", "propensity": 0.01}
    RecommendationSession.objects.create(
        user=person,
        use_case="movie_home",
        method="als",
        recommendations_shown=slots,
        seen_rank=6,
        created_at=now - timedelta(days=1),
    )
    (one,) = replay(USE_CASES["movie_home"], read_snapshot("movie_home"), now)
    assert one.scores.tolist() == [0.5] * 4
    assert one.explored.tolist() == [False, False, False, True]
    # Five places behind the first, one of them pinned.
    assert one.propensities.tolist() == pytest.approx([0.9, 0.9, 0.9, 0.04])
