"""Runs of commands, jobs of the schedule and alerts, kept for staff."""

from django.conf import settings
from django.db import models


class Run(models.Model):
    """One run of a command: who or what started it, how far it is or what came of it, and its last lines.

    A run is on record from its start on, so that one that is killed does not vanish. `place` and `process`
    name the process, for whoever asks whether it lives. What names a person or opens a door is not kept.
    """

    class Kind(models.TextChoices):
        DATASET = "dataset"
        TRAINING = "training"
        EVALUATION = "evaluation"
        RETRAINING = "retraining"
        IMPORT = "import"
        UPKEEP = "upkeep"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits to start"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        IDLE = "idle", "Nothing to do"
        REJECTED = "rejected", "Done, all rejected"
        FAILED = "failed", "Failed"
        LOCKED = "locked", "Another run was on"
        CANCELED = "canceled", "Canceled"
        LOST = "lost", "Ended without a word"

    class Source(models.TextChoices):
        TERMINAL = "terminal", "at a terminal"
        CRON = "cron", "by cron"
        SYSTEMD = "systemd", "by systemd"
        SCHEDULE = "schedule", "by the schedule"
        ADMIN = "admin", "in the admin"
        SCRIPT = "script", "by a script"

    command = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    use_case = models.CharField(max_length=64, blank=True)
    arguments = models.JSONField(default=dict, help_text="those that are not at their defaults")
    source = models.CharField("started by", max_length=16, choices=Source.choices)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="staff member",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    started_as = models.CharField("as", max_length=200, blank=True, help_text="user and machine")
    place = models.CharField(max_length=200, blank=True)
    process = models.CharField(max_length=64, blank=True, help_text="its id, and when it began")
    status = models.CharField(max_length=16, choices=Status.choices)
    why = models.TextField(blank=True, help_text="what came of it, in a sentence")
    done = models.CharField("progress", max_length=200, blank=True)
    share = models.FloatField(null=True, blank=True, help_text="of its present part, 0 to 1")
    log = models.TextField(blank=True, help_text="its last lines")
    figures = models.JSONField(null=True, blank=True, help_text="the summary that --json prints")
    asked_at = models.DateTimeField(db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(help_text="when it last gave a sign of life")
    ended_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)
    canceled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-asked_at", "-pk"]
        indexes = [
            models.Index(
                fields=["status"], name="run_not_ended", condition=models.Q(status__in=["waiting", "running"])
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["command", "use_case"],
                condition=models.Q(status="waiting"),
                name="one_waiting_run_of_a_command",
            ),
        ]
        permissions = [("start_run", "Can start a run"), ("cancel_run", "Can cancel a run")]

    def __str__(self) -> str:
        return f"{self.command} {self.use_case}".strip()

    @property
    def is_over(self) -> bool:
        """True where nothing more comes of it."""
        return self.status not in (self.Status.WAITING, self.Status.RUNNING)

    @property
    def can_be_canceled(self) -> bool:
        """True where it is not over and nobody canceled it yet."""
        return not self.is_over and self.canceled_at is None


class Alert(models.Model):
    """Something that was wrong for a time (`console.alerts`). Of one thing one alert is on at a time."""

    class Kind(models.TextChoices):
        DISLIKE_RATE = "dislike_rate", "Dislike rate"
        SAMENESS = "sameness", "Lists are alike"
        COVERAGE = "coverage", "Little of the catalog is shown"
        MODEL_AGE = "model_age", "Age of a model"
        DRIFT = "drift", "Drift of scores"
        FAILED_RUN = "failed_run", "Failed run"
        SLOW_LISTS = "slow_lists", "Slow lists"
        LATE_JOB = "late_job", "Late job"
        WEBHOOKS_OVERDUE = "webhooks_overdue", "Overdue webhooks"

    kind = models.CharField(max_length=32, choices=Kind.choices)
    subject = models.CharField("about", max_length=140, blank=True, help_text="a use case, run or job")
    text = models.TextField("what is wrong")
    value = models.FloatField(null=True, blank=True, help_text="the figure that left its band")
    began_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-began_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=models.Q(ended_at=None), name="one_alert_on_of_a_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.text


class ScheduledJob(models.Model):
    """A job of the schedule as its process notes it: when it is due, and what came of it last."""

    name = models.CharField("job", max_length=64, unique=True)
    at = models.CharField("when", max_length=100, help_text="as in a crontab, UTC")
    runs = models.JSONField(default=list, help_text="its commands, one after the other")
    next_at = models.DateTimeField("due next")
    started_at = models.DateTimeField("last began", null=True, blank=True)
    ended_at = models.DateTimeField("last ended", null=True, blank=True)
    outcome = models.TextField("what came of it", blank=True)

    class Meta:
        ordering = ["next_at", "name"]

    def __str__(self) -> str:
        return self.name
