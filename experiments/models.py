"""The table of what was measured on lists by trying something on copies of people."""

from django.db import models


class ResponsivenessReport(models.Model):
    """One run of `measure_responsiveness`: figures over people, and no person, title or list."""

    use_case = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    report = models.JSONField(help_text="as in experiments/responsiveness/report.py")

    class Meta:
        db_table = "responsiveness_reports"
        ordering = ["-made_at", "-pk"]
        indexes = [models.Index(fields=["use_case", "-made_at"], name="responsiveness_by_use_case")]

    def __str__(self) -> str:
        return f"{self.use_case} {self.made_at:%Y-%m-%d %H:%M}"
