"""The app of the request path, as Django knows it."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "serving"

    def ready(self) -> None:
        """Tells the app of dislikes whom to ask how much they hold back."""
        from feedback import effect

        effect.ask(_strength_of_dislikes)


def _strength_of_dislikes(user_id: int, kind: str) -> float:
    # Loaded when it is asked: what serves takes half a second that most commands need not pay.
    from serving.live import strength_of_dislikes

    return strength_of_dislikes(user_id, kind)
