"""The app of staff's pages, runs and alerts, as Django knows it."""

from django.apps import AppConfig
from django.conf import settings


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = "Operations"

    def ready(self) -> None:
        """Keeps a record of the runs of commands, and traces where that is on."""
        from console.runs.keeping import keep
        from core.runs import keep_runs

        keep_runs(keep)
        if settings.OPENTELEMETRY:
            from core.traces import begin_traces

            begin_traces()
