"""Removes lists that nothing can learn from, and lists that all models have learned from.

A list of an experiment stays: its report is computed from it.
"""

from datetime import datetime
from typing import TypedDict

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from console.pruning.chunks import before, chunks_of, delete_rows
from core.domain import USE_CASES
from feedback.models import Dislike
from interactions.models import UserInteraction
from ranking.models import ModelVersion
from ranking.registry.lineage import known_until
from recommendations.models import RecommendationSession
from recommendations.selectors import PRUNED_METHOD

Lists = QuerySet[RecommendationSession]


class PrunedLists(TypedDict):
    """So many lists of each sort."""

    unseen_lists: int
    lists: int
    emptied_lists: int


def prune_lists(now: datetime, *, dry_run: bool) -> PrunedLists:
    """Removes lists that nobody saw or acted on, and those older than all that learns from lists knows.

    Of a list that somebody acted on the row stays without its slots: the act belongs to its use case.
    """
    unseen = lists = emptied = 0
    # As long as a list may be named as the context of an act, it may still be acted on.
    days = settings.PRUNE_UNSEEN_SESSION_DAYS
    oldest = before(now, max(days, settings.RECOMMENDATION_SESSION_DAYS) if days > 0 else 0)
    if oldest is not None:
        useless = _unacted(_outside_experiments(oldest).filter(seen_rank=0))
        unseen = delete_rows(useless, dry_run=dry_run)
    days = settings.PRUNE_SESSION_DAYS
    oldest = before(now, max(days, settings.RECOMMENDATION_SESSION_DAYS) if days > 0 else 0)
    if oldest is not None:
        learned = learned_by_all()
        for use_case, moment in learned.items():
            old = _outside_experiments(min(oldest, moment)).filter(use_case=use_case)
            # A dry run has not removed the unseen ones, which are counted already.
            lists += delete_rows(_unacted(old.exclude(seen_rank=0) if dry_run else old), dry_run=dry_run)
            emptied += _empty(old.exclude(method=PRUNED_METHOD), dry_run=dry_run)
    return PrunedLists(unseen_lists=unseen, lists=lists, emptied_lists=emptied)


def learned_by_all() -> dict[str, datetime]:
    """For each use case the moment up to which every active version has seen the log.

    A use case without an active version that says so is not in it: its first models want all there is.
    """
    moments: dict[str, list[datetime]] = {}
    for version in ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE, use_case__in=USE_CASES):
        moment = known_until(version)
        if moment is not None:
            moments.setdefault(version.use_case, []).append(moment)
    return {use_case: min(found) for use_case, found in moments.items()}


def _outside_experiments(oldest: datetime) -> Lists:
    return RecommendationSession.objects.filter(created_at__lt=oldest, experiment_arm="")


def _unacted(lists: Lists) -> Lists:
    return lists.exclude(_acts()).exclude(_noes())


def _acts() -> Exists:
    return Exists(UserInteraction.objects.filter(recommendation_session=OuterRef("pk")))


def _noes() -> Exists:
    return Exists(Dislike.objects.filter(session=OuterRef("pk")))


def _empty(lists: Lists, *, dry_run: bool) -> int:
    acted = lists.filter(_acts()) | lists.filter(_noes())
    if dry_run:
        return acted.count()
    emptied = 0
    for keys in chunks_of(acted):
        with transaction.atomic():
            emptied += RecommendationSession.objects.filter(pk__in=keys).update(
                method=PRUNED_METHOD,
                recommendations_shown=[],
                pushed_out=[],
                asked_for=None,
                rules=[],
                features=None,
                feature_set="",
                seen_rank=0,
            )
    return emptied
