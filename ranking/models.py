"""The tables of the model registry, and of the experiments that compare what makes the lists."""

import secrets
from enum import StrEnum

from django.db import models
from django.db.models import Q

from ranking.evaluation_codec import from_json
from ranking.evaluation_report import EvaluationReport, EvaluationResult


class StoredReport(StrEnum):
    """The evaluation reports of a version, by their keys in `ModelVersion.metrics`.

    LATEST    the last evaluation, by `evaluate_models` or by `retrain`
    DECIDING  what the gate decided by, where a later evaluation took its place
    IN_PLACE  the evaluation among all that serves, beside one of the version alone
    TRAINING  what the training command measured on the last part of its dataset
    """

    LATEST = "evaluation"
    DECIDING = "evaluation_by_gate"
    IN_PLACE = "evaluation_in_place"
    TRAINING = "test"


class ModelVersion(models.Model):
    """One trained model: its file and its hash, what it learned from, how it did, and its state."""

    class Status(models.TextChoices):
        CANDIDATE = "candidate"
        ACTIVE = "active"
        ARCHIVED = "archived"
        REJECTED = "rejected"

    kind = models.CharField(max_length=32, help_text="as in ranking/recommenders/registry.py")
    use_case = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    file = models.CharField(max_length=300, help_text="relative to MODEL_DIR")
    sha256 = models.CharField(max_length=64)
    dataset_manifest = models.JSONField(default=dict)
    hyper_parameters = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    quality = models.FloatField(
        null=True, blank=True, help_text="NDCG@10 alone over that of popularity at validation"
    )
    weight = models.FloatField(
        null=True,
        blank=True,
        help_text="its share in the joint score of several models, as retrain fitted it",
    )
    refusal_share = models.FloatField(
        null=True,
        blank=True,
        help_text="how much of a base score its chance of a no takes away, as retrain measured it",
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.CANDIDATE)
    why = models.TextField(blank=True, help_text="why it has this status, in words")
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "use_case", "version"], name="one_row_per_version"),
            models.UniqueConstraint(
                fields=["kind", "use_case"], condition=models.Q(status="active"), name="one_active_version"
            ),
        ]
        permissions = [
            ("activate_modelversion", "Can activate a model version"),
            ("rollback_modelversion", "Can roll back to the previous model version"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in sessions, logs and commands, such as `als-movie_home-7`."""
        return f"{self.kind}-{self.use_case}-{self.version}"

    def evaluation(self, stored: StoredReport = StoredReport.LATEST) -> EvaluationReport | None:
        """One of the stored reports, its own result first; None where there is none that can be read."""
        report = from_json(self.metrics.get(stored))
        return report.starting_with(self.kind) if report and stored == StoredReport.TRAINING else report

    def measured(self) -> EvaluationReport | None:
        """The report that the version's figures are taken from: the last one that has any of them."""
        for stored in StoredReport:
            report = self.evaluation(stored)
            if report and report.own and report.own.figures:
                return report
        return None

    def result(self) -> EvaluationResult | None:
        """The version's own figures, wherever they are shown; None where it was never measured."""
        report = self.measured()
        return report.own if report else None


class ExampleUse(models.Model):
    """A negative training example that a model version learned from."""

    # Its index is the beginning of `one_use_per_version_and_example`.
    version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="example_uses", db_index=False
    )
    example = models.ForeignKey(
        "feedback.NegativeTrainingExample", on_delete=models.CASCADE, related_name="uses"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "example"], name="one_use_per_version_and_example")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} used example {self.example_id}"


def new_salt() -> str:
    """A random secret, so that nobody can work out who is in which arm."""
    return secrets.token_hex(16)


class Experiment(models.Model):
    """Two or more ways of making the lists of one use case, tried on people who are drawn to one each.

    A draft can be changed. Once it runs it can only be stopped, and its arms switched off: what was shown
    before a change and after it would be compared as if it were one thing.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"

    name = models.SlugField(max_length=48, unique=True)
    description = models.TextField(blank=True, max_length=2000, help_text="what it shall find out")
    use_case = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.DRAFT)
    share = models.FloatField(
        "share of people", default=1.0, help_text="of all people, how many take part: above 0, at most 1"
    )
    outcome_days = models.PositiveSmallIntegerField(
        "days that count", default=7, help_text="from a person's first list in the experiment on, 1 to 90"
    )
    salt = models.CharField(max_length=64, default=new_salt, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["use_case"], condition=Q(status="running"), name="one_running_experiment"
            ),
            models.CheckConstraint(
                condition=Q(share__gt=0.0, share__lte=1.0),
                name="share_of_people",
                violation_error_message="The share of people must be above 0 and at most 1.",
            ),
            models.CheckConstraint(
                condition=Q(outcome_days__gte=1, outcome_days__lte=90),
                name="days_that_count",
                violation_error_message="The days that count must be 1 to 90.",
            ),
        ]
        permissions = [("run_experiment", "Can start and stop experiments, and switch arms off")]

    def __str__(self) -> str:
        return self.name


class Arm(models.Model):
    """One way of making lists: as always, except for what is said here. The first of them is the control."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms")
    name = models.SlugField(max_length=48)
    weight = models.FloatField(default=1.0, help_text="its share of the people, beside the other weights")
    feedback = models.BooleanField("dislikes act", default=True, help_text="hold back what is like them")
    boosts = models.BooleanField("taste boosts", default=True, help_text="what fits a person's taste")
    policy = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text='fields of ranking/policy.py in place of the usual ones, such as {"popularity_share": 0.2}',
    )
    exploration_share = models.FloatField(
        "exploration", null=True, blank=True, help_text="0 to 0.5; empty for EXPLORATION_SHARE"
    )
    versions = models.ManyToManyField(
        ModelVersion,
        blank=True,
        related_name="arms",
        help_text="models in place of the active ones, at most one of each kind",
    )
    switched_off_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "name"], name="one_arm_per_name"),
            models.CheckConstraint(
                condition=Q(weight__gt=0.0, weight__lte=1000.0),
                name="weight_of_an_arm",
                violation_error_message="A weight must be above 0 and at most 1000.",
            ),
            models.CheckConstraint(
                condition=Q(exploration_share=None)
                | Q(exploration_share__gte=0.0, exploration_share__lte=0.5),
                name="exploration_of_an_arm",
                violation_error_message="An exploration share must be 0 to 0.5.",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in sessions, such as `with-and-without-feedback/feedback`."""
        return f"{self.experiment.name}/{self.name}"
