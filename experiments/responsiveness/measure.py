"""A run over some people of a use case, stored for the admin."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import structlog
from django.utils import timezone

from core.commands import errors_only
from core.domain import UseCase
from core.errors import InvalidInput
from core.progress import Progress
from experiments.models import ResponsivenessReport
from experiments.responsiveness.logged import measure_logged
from experiments.responsiveness.report import Responsiveness, as_json, from_json
from experiments.responsiveness.scrubbing import scrub_topics
from experiments.responsiveness.simulated import try_forms
from experiments.responsiveness.world import LENGTH, World
from interactions.models import UserInteraction

logger = structlog.stdlib.get_logger(__name__)


def measure_responsiveness(
    *,
    use_case: UseCase,
    people: int,
    days: Sequence[int],
    seed: int,
    progress: Progress,
    now: datetime | None = None,
) -> Responsiveness:
    """Measures what a no is worth on the lists that are served now, and stores the report.

    `people` are drawn by `seed` among who did anything with items of the kind. All that is tried on them is
    in short transactions that are taken back. Raises InvalidInput where there is nobody to try it on.
    """
    now = now or timezone.now()
    user_ids = _draw_people(use_case, people, seed)
    if not user_ids:
        raise InvalidInput(
            f"Nobody has done anything with {use_case.kind} items yet, so there is nothing to measure."
        )
    world = World.of(use_case)
    # A no that is tried must not stand in the log as if it had been said.
    with errors_only(is_on=True):
        effects = try_forms(world, user_ids, sorted(set(days) - {0}), now, progress)
        scrubbing = scrub_topics(world, user_ids, now, progress)
    report = Responsiveness(
        use_case=use_case.name,
        made_at=now,
        seed=seed,
        people=len(user_ids),
        models=world.context.models.label(world.context.models.by_kind),
        length=LENGTH,
        effects=effects,
        scrubbing=scrubbing,
        logged=measure_logged(world, now),
    )
    ResponsivenessReport.objects.create(use_case=use_case.name, made_at=now, report=as_json(report))
    logger.info("responsiveness measured", use_case=use_case.name, people=len(user_ids))
    return report


def last_reports() -> dict[str, tuple[int, Responsiveness]]:
    """The newest report of each use case with its id, in two queries."""
    rows = ResponsivenessReport.objects.order_by("made_at", "pk").values_list("use_case", "pk")
    newest = dict(rows)
    reports = ResponsivenessReport.objects.in_bulk(list(newest.values()))
    found = {name: (pk, from_json(reports[pk].report)) for name, pk in newest.items() if pk in reports}
    return {name: (pk, report) for name, (pk, report) in found.items() if report is not None}


def _draw_people(use_case: UseCase, people: int, seed: int) -> list[int]:
    known = (
        UserInteraction.objects.filter(withdrawn_at=None, item__kind=use_case.kind, user__is_active=True)
        .order_by("user_id")
        .values_list("user_id", flat=True)
        .distinct()
    )
    user_ids = np.fromiter(known.iterator(), dtype=np.int64)
    drawn = np.random.default_rng(seed).permutation(user_ids)[:people]
    return [int(user_id) for user_id in np.sort(drawn)]
