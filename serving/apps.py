"""The app of the request path, as Django knows it."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "serving"

    def ready(self) -> None:
        """Tells the app of dislikes whom to ask whether they hold anything back."""
        from feedback import effect

        effect.ask(_dislikes_hold_back)


def _dislikes_hold_back(user_id: int, kind: str) -> bool:
    # Loaded when it is asked: what serves takes half a second that most commands need not pay.
    from serving.live import dislikes_hold_back

    return dislikes_hold_back(user_id, kind)
