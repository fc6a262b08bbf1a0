"""The decision to train new models or not, with its reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from core.domain import UseCase
from feedback.training import get_retraining
from ranking.datasets.shortage import why_nothing_to_learn
from ranking.kinds import LEARNING
from ranking.models import ModelVersion
from ranking.policy import lead_of
from ranking.registry.lineage import EVALUATED_UNTIL

Status = ModelVersion.Status


@dataclass(frozen=True, slots=True)
class RetrainDecision:
    """True where it is time to train, and the reason in words."""

    due: bool
    why: str


# The machines of a site are no further apart than this.
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The last run that came to its end: its first version, and if it changed anything."""

    version: ModelVersion
    activated: bool


def decide(use_case: UseCase, now: datetime) -> RetrainDecision:
    """Enough feedback since the last model, no model at all, or one that is too old.

    Not again within RETRAIN_RETRY_HOURS of an attempt that the gate turned down, since cron would train the
    same thing every time, nor of somebody's putting an older version back, since it would be undone.
    """
    last = _last_attempt(use_case)
    active = _active_lead(use_case)
    if (waits := _waits(last, use_case, now)) is not None:
        return waits
    if active is None:
        return _first(use_case, now)
    # Dislikes that the last new model was evaluated on do not count: the next would be evaluated on fewer.
    feedback = get_retraining(use_case, until=now)
    waiting, threshold = feedback.untrained, feedback.threshold
    if feedback.due:
        return RetrainDecision(True, f"{waiting} dislikes wait for a model; {threshold} ask for one.")
    limit = settings.RETRAIN_MAX_AGE_DAYS
    if active.created_at < now - timedelta(days=limit):
        return RetrainDecision(True, f"{active.label} is older than {limit:g} days.")
    if active.created_at > now + CLOCKS_DIFFER:
        return RetrainDecision(True, f"{active.label} is dated in the future: its age is not known.")
    return RetrainDecision(False, f"{waiting} of {threshold} dislikes wait, and {active.label} is not old.")


def _first(use_case: UseCase, now: datetime) -> RetrainDecision:
    why_not = why_nothing_to_learn(use_case, now)
    return RetrainDecision(False, why_not) if why_not else RetrainDecision(True, "No model serves yet.")


def _waits(last: _Attempt | None, use_case: UseCase, now: datetime) -> RetrainDecision | None:
    """The reason to wait whatever there is to learn, if there is one."""
    # What a wrong clock dated in the future has nobody wait until then.
    earliest, latest = now - timedelta(hours=settings.RETRAIN_RETRY_HOURS), now + CLOCKS_DIFFER
    if last is not None and not last.activated and earliest < last.version.created_at <= latest:
        version = last.version
        when = f"{version.created_at:%Y-%m-%d %H:%M} UTC"
        return RetrainDecision(False, f"{version.label} was rejected at {when}; it is not tried again yet.")
    for version in ModelVersion.objects.filter(
        use_case=use_case.name, status=Status.ACTIVE, activated_at__gt=earliest, activated_at__lte=latest
    ):
        later = ModelVersion.objects.filter(
            kind=version.kind, use_case=use_case.name, version__gt=version.version
        )
        if later.exclude(activated_at=None).exists():
            when = f"{version.activated_at:%Y-%m-%d %H:%M} UTC"
            return RetrainDecision(
                False, f"Somebody put {version.label} back at {when}; it is left in service for now."
            )
    return None


def _active_lead(use_case: UseCase) -> ModelVersion | None:
    versions = ModelVersion.objects.filter(
        use_case=use_case.name, kind=lead_of(use_case) or "", status=Status.ACTIVE
    )
    return versions.first()


def _last_attempt(use_case: UseCase) -> _Attempt | None:
    """The versions of one run say the same of how far they were evaluated."""
    evaluated = ModelVersion.objects.filter(
        use_case=use_case.name, dataset_manifest__has_key=EVALUATED_UNTIL
    ).order_by("-created_at", "-pk")
    newest = evaluated.first()
    if newest is None:
        return None
    until = newest.dataset_manifest[EVALUATED_UNTIL]
    latest = evaluated[: len(LEARNING)]
    run = [version for version in latest if version.dataset_manifest[EVALUATED_UNTIL] == until]
    activated = any(version.activated_at is not None for version in run)
    return _Attempt(run[-1], activated)
