from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "serving"

    def ready(self) -> None:
        """Tells the app of dislikes whom to ask whether they hold anything back."""
        from feedback import effect
        from serving.live import dislikes_hold_back

        effect.ask(dislikes_hold_back)
