"""Lists for tests: as another system would send them, and as rows."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.utils import timezone

from accounts.models import User
from catalog.models import Item
from ranking.features import FEATURE_SET, FEATURES
from recommendations.models import RecommendationSession
from recommendations.services import RecordedSession, ShownSlot, record_session


def list_body(items: list[Item], **fields: object) -> dict[str, Any]:
    """The body of `POST /api/recommendations/session`, best item first."""
    return {
        "recommendation_session_id": str(uuid4()),
        "use_case": "movie_home",
        "method": "elsewhere",
        "model_version": "e-1",
        "recommendations": [
            {"item_id": item.pk, "rank": rank, "score": 1 / rank, "method": "als"}
            for rank, item in enumerate(items, start=1)
        ],
        **fields,
    }


def make_session(
    user: User, items: list[Item], *, age: timedelta = timedelta(0), use_case: str = "movie_home"
) -> RecommendationSession:
    """A list that this server made and showed to `user` that long ago; scores fall from 0.9."""
    session_id: UUID = uuid4()
    moment: datetime = timezone.now() - age
    session = RecordedSession(
        session_id=session_id,
        user_id=user.pk,
        use_case=use_case,
        method="als",
        model_version="als-1",
        slots=[
            ShownSlot(item.pk, rank, 1 - rank / 10, 0.5, "als", "als", rank, 0.5, 1.0)
            for rank, item in enumerate(items, start=1)
        ],
        features=np.zeros((len(items), len(FEATURES)), dtype="<f4").tobytes(),
        feature_set=FEATURE_SET,
        now=moment,
    )
    record_session(session)
    return RecommendationSession.objects.get(pk=session_id)
