"""The app of experiments and their reports, as Django knows it."""

from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "experiments"
