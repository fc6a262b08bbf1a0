"""Reads of one person for staff: their lists, their taste and what they turned down."""

from collections.abc import Iterable
from uuid import UUID

import numpy as np
from django.db.models import QuerySet

from catalog.models import Item
from catalog.selectors import search_by_title
from feedback.models import Dislike
from feedback.selectors import active_dislikes
from profiles.log import name_facets
from profiles.reduction import Taste
from recommendations.models import RecommendationSession

MOST = 20
# More letters than any title has.
LONGEST = 500


def last_lists(user_id: int) -> QuerySet[RecommendationSession]:
    """The last MOST lists of a person, newest first, without their slots."""
    mine = RecommendationSession.objects.filter(user_id=user_id).order_by("-created_at")
    return mine.only("id", "created_at", "use_case", "method", "model_version", "seen_rank")[:MOST]


def list_of(user_id: int, session_id: UUID) -> RecommendationSession | None:
    """One list of a person; None where they have none of this id."""
    mine = RecommendationSession.objects.filter(user_id=user_id, pk=session_id)
    return mine.defer("features").first()


def last_dislikes(user_id: int) -> QuerySet[Dislike]:
    """The last MOST dislikes of a person that stand."""
    return active_dislikes(user_id).order_by("-created_at")[:MOST]


def top_facets(taste: Taste) -> list[tuple[str, str, float]]:
    """Kind, name and score (-1 to 1) of the MOST facets of which most is believed: one query."""
    rows = np.argsort(-np.abs(taste.scores), kind="stable")[:MOST]
    scores = dict(zip(taste.facet_ids[rows].tolist(), taste.scores[rows].tolist(), strict=True))
    names = name_facets(scores)
    return [(*names[facet_id], score) for facet_id, score in scores.items() if facet_id in names and score]


def titles_of(item_ids: Iterable[int]) -> dict[int, str]:
    """The titles of items by id, hidden ones too: one query."""
    return dict(Item.objects.filter(pk__in=list(item_ids)).values_list("pk", "title"))


def items_meant(text: str) -> list[Item]:
    """The items of any kind that an id or a part of a title may mean, at most MOST; the id comes first."""
    if not text or len(text) > LONGEST or "\x00" in text:
        return []
    is_id = text.isascii() and text.isdecimal() and len(text) <= 18
    by_id = list(Item.objects.filter(pk=int(text))) if is_id else []
    by_title = [one for one in search_by_title(text)[:MOST] if one not in by_id]
    return [*by_id, *by_title][:MOST]
