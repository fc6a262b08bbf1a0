"""The app of webhooks, as Django knows it."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        """Listens to what is announced."""
        from core.announcements import listen
        from webhooks.services import hear

        listen(hear)
