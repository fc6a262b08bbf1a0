"""The app of the Model Context Protocol, as Django knows it."""

from django.apps import AppConfig


class AssistantsConfig(AppConfig):
    name = "assistants"
