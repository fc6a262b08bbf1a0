"""The app of models and how they learn, as Django knows it."""

from django.apps import AppConfig


class RankingConfig(AppConfig):
    name = "ranking"
    verbose_name = "Ranking"

    def ready(self) -> None:
        """Registers the checks of this app."""
        from ranking import checks  # noqa: F401
