"""The app of taste, as Django knows it."""

from collections.abc import Mapping

from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    name = "profiles"
    verbose_name = "Taste profiles"

    def ready(self) -> None:
        """Tells the app of dislikes whom to ask what a person likes."""
        from feedback import likings

        likings.ask(_likings_of)


def _likings_of(user_id: int) -> Mapping[int, float]:
    # Loaded when it is asked, as in serving.apps.
    from profiles.selectors import get_taste

    taste = get_taste(user_id).taste
    return dict(zip(taste.facet_ids.tolist(), taste.scores.tolist(), strict=True))
