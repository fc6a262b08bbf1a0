"""From feedback to a better model without a person: dataset, training, comparison, and live only if no worse.

    decision → datasets → models from what came before a cut → evaluated on what came after it → gate

Cron asks every quarter of an hour and mostly there is nothing to do: what learns is loaded once it is due.
"""

from contextlib import ExitStack
from datetime import datetime

from django.utils import timezone

from core.domain import UseCase
from core.progress import Progress
from ranking.kinds import LEARNING
from ranking.registry.locks import training_lock, training_lock_of
from ranking.registry.versions import check_models_can_be_kept
from ranking.retraining.cleanup import remove_unfinished
from ranking.retraining.decision import RetrainDecision, decide
from ranking.retraining.publishing import RetrainSummary


def retrain(
    *,
    use_case: UseCase,
    if_needed: bool,
    seed: int,
    progress: Progress,
    now: datetime | None = None,
    tune_seconds: float = 0.0,
) -> RetrainSummary:
    """Trains and evaluates new models of a use case, and puts into service what passes the gate.

    With `if_needed` only where that is due. Hyper-parameters are searched for `tune_seconds` in all, around
    those of the active versions, on windows before the cut. Nothing of a run is on record before its end,
    where all of it is written in one transaction. Raises LockHeld at once while another run is on any
    machine, and TrainingError where there is nothing to learn from.
    """
    now = now or timezone.now()
    with ExitStack() as locks:
        locks.enter_context(training_lock("retrain"))
        decision = decide(use_case, now) if if_needed else RetrainDecision(True, "Asked for.")
        if not decision.due:
            return RetrainSummary(use_case.name, due=False, why=decision.why)
        for kind in LEARNING:
            locks.enter_context(training_lock_of(kind, use_case.name))
        check_models_can_be_kept()
        remove_unfinished(use_case)
        from ranking.retraining.new_models import train_and_publish

        return train_and_publish(use_case, decision, seed, progress, now, tune_seconds)
