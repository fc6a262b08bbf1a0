"""The experiment that ships as the example: films with and without what dislikes hold back."""

from datetime import datetime

from core.domain import DEFAULT_USE_CASE
from experiments.services import ArmPlan, create_experiment, start_experiment, stop_experiment
from ranking.models import Experiment

NAME = "with-and-without-feedback"
FEEDBACK, NO_FEEDBACK = "feedback", "no-feedback"
# So few that those who come on the first evenings of the demo's week count.
OUTCOME_DAYS = 3


def start_example(*, now: datetime, seed: int) -> Experiment:
    """Draws everybody who opens the films from `now` on to one of two arms; a killed run's is forgotten."""
    Experiment.objects.filter(name=NAME).delete()
    experiment = create_experiment(
        name=NAME,
        use_case=DEFAULT_USE_CASE,
        description="Are lists better when what a person dislikes also holds back what is like it?",
        arms=[ArmPlan(FEEDBACK), ArmPlan(NO_FEEDBACK, feedback=False)],
        outcome_days=OUTCOME_DAYS,
    )
    # With one seed the demo comes out the same every time, so nothing here is secret.
    experiment.salt = f"demo-{seed}"
    experiment.save(update_fields=["salt"])
    return start_experiment(experiment=experiment, now=now)


def stop_example(experiment: Experiment, *, now: datetime) -> None:
    """Ends it after the last simulated evening: whoever comes to the demo gets the usual lists."""
    stop_experiment(experiment=experiment, now=now)
