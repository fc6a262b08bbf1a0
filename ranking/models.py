"""The model registry's table."""

from django.db import models


class ModelVersion(models.Model):
    """One trained model: its file and its hash, what it learned from, how it did, and its state."""

    class Status(models.TextChoices):
        CANDIDATE = "candidate"
        ACTIVE = "active"
        ARCHIVED = "archived"
        REJECTED = "rejected"

    class Kind(models.TextChoices):
        ALS = "als"
        RANKER = "ranker"

    kind = models.CharField(max_length=32, choices=Kind.choices)
    use_case = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    file = models.CharField(max_length=300, help_text="relative to MODEL_DIR")
    sha256 = models.CharField(max_length=64)
    dataset_manifest = models.JSONField(default=dict)
    hyper_parameters = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
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
        """How sessions, logs and people name this version, such as `als-movie_home-7`."""
        return f"{self.kind}-{self.use_case}-{self.version}"


class ExampleUse(models.Model):
    """That a model version learned from a negative training example."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="example_uses")
    example = models.ForeignKey(
        "feedback.NegativeTrainingExample", on_delete=models.CASCADE, related_name="uses"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "example"], name="one_use_per_version_and_example")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} used example {self.example_id}"
